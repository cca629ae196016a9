/* Which distribution it is: the files that tell, in the order in which Ansible looks at them, and what each means. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "run/facts_inside.h"

/* ---- reading ---- */

static bool contains(const char *text, const char *word) { return strstr(text, word) != NULL; }

static bool contains_blind(const char *text, const char *word) { return strcasestr(text, word) != NULL; }

/* The value of NAME=value, without quotes; NULL where there is none. */
static const char *value_of(struct facts *facts, const char *data, const char *name)
{
	const char *value = facts_value(&facts->reply, data, name, '=');
	return value ? facts_strip(&facts->reply, value, "\"'") : NULL;
}

/* Only where the value stands in double quotes. */
static const char *quoted_of(struct facts *facts, const char *data, const char *name)
{
	const char *value = facts_value(&facts->reply, data, name, '=');
	size_t length = value ? strlen(value) : 0;
	if (length < 2 || value[0] != '"' || value[length - 1] != '"')
		return NULL;
	return arena_copy(&facts->reply.arena, value + 1, length - 2);
}

static const char *until(struct facts *facts, const char *text, const char *stop)
{
	return arena_copy(&facts->reply.arena, text, strcspn(text, stop));
}

static const char *first_word(struct facts *facts, const char *text)
{
	const char *words[1];
	return facts_words(&facts->reply, text, words, 1) ? words[0] : "";
}

/* The first number in a text, with its dots: "9.3" of "Rocky Linux release 9.3 (Blue Onyx)". NULL if there is none. */
static const char *number_in(struct facts *facts, const char *text)
{
	text += strcspn(text, "0123456789");
	size_t length = strspn(text, "0123456789.");
	while (length && text[length - 1] == '.')
		length--;
	return length ? arena_copy(&facts->reply.arena, text, length) : NULL;
}

static const char *or_na(const char *text) { return text && *text ? text : "NA"; }

static void set_version(struct facts *facts, const char *version)
{
	facts_set_text(facts, "distribution_version", version);
	facts_set_text(facts, "distribution_major_version", until(facts, version, "."));
}

/* ---- what os-release says by itself ---- */

static const char *os_release(struct facts *facts)
{
	const char *data = facts_file(&facts->reply, "/etc/os-release");
	if (!data)
		data = facts_file(&facts->reply, "/usr/lib/os-release");
	return data ? data : "";
}

/* Of systems from before os-release. */
static const char *release_line(struct facts *facts)
{
	static const char *const paths[] = { "/etc/centos-release", "/etc/oracle-release", "/etc/redhat-release",
	                                     "/etc/system-release", "/etc/SuSE-release", "/etc/slackware-version" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const char *text = facts_file(&facts->reply, "%s", paths[i]);
		if (text)
			return text;
	}
	return "";
}

/* "Ootpa" of "8.5 (Ootpa)", "Bionic Beaver" of "18.04, Bionic Beaver". */
static const char *name_in_version(struct facts *facts, const char *version)
{
	const char *open = strchr(version, '('), *close = open ? strchr(open, ')') : NULL;
	if (close && strcspn(open, "0123456789") > (size_t)(close - open))
		return facts_strip(&facts->reply, arena_copy(&facts->reply.arena, open + 1, (size_t)(close - open - 1)), "");
	const char *comma = strchr(version, ',');
	return comma ? facts_strip(&facts->reply, comma + 1, "") : NULL;
}

static const char *guess_id(struct facts *facts, const char *data)
{
	const char *id = value_of(facts, data, "ID");
	if (!id || !*id)
		return "OtherLinux";
	if (strcmp(id, "amzn") == 0)
		return "Amazon";
	if (strcmp(id, "rhel") == 0)
		return "Redhat";
	char *name = arena_str(&facts->reply.arena, id);
	for (char *p = name; *p; p++)
		*p = (char)(p == name ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
	return name;
}

static const char *guess_version(struct facts *facts, const char *data)
{
	const char *id = value_of(facts, data, "ID"), *version = value_of(facts, data, "VERSION_ID");
	const char *debian = facts_file(&facts->reply, "/etc/debian_version");
	if (id && strcmp(id, "debian") == 0 && debian && isdigit((unsigned char)*debian))
		return until(facts, debian, " \n");
	if (!version || !*version || (id && strcmp(id, "centos") == 0)) {
		const char *number = number_in(facts, release_line(facts));
		if (number) {
			const char *dot = strchr(number, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
			version = second ? arena_copy(&facts->reply.arena, number, (size_t)(second - number)) : number;
		}
	}
	return version;
}

static void guess(struct facts *facts)
{
	const char *data = os_release(facts), *version = or_na(guess_version(facts, data));
	const char *release = value_of(facts, data, "VERSION_CODENAME");
	if (!release)
		release = value_of(facts, data, "UBUNTU_CODENAME");
	if (!release) {
		const char *written = value_of(facts, data, "VERSION");
		release = name_in_version(facts, written ? written : release_line(facts));
		release = or_na(release);
	}
	facts_set_text(facts, "distribution", guess_id(facts, data));
	facts_set_text(facts, "distribution_release", release);
	set_version(facts, version);
}

/* ---- one reader for each kind of file: false, it is not of this kind ---- */

static bool read_slackware(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	const char *version = number_in(facts, data);
	if (!contains(data, "Slackware"))
		return false;
	if (version)
		facts_set_text(facts, "distribution_version", version);
	return true;
}

static bool read_centos(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	if (contains(data, "CentOS Stream")) {
		facts_set_text(facts, "distribution_release", "Stream");
		return true;
	}
	if (!contains(data, "TencentOS Server"))
		return false;
	facts_set_text(facts, "distribution", "TencentOS");
	return true;
}

static bool read_amazon(struct facts *facts, const char *data, const char *path)
{
	if (!contains(data, "Amazon"))
		return false;
	if (strcmp(path, "/etc/os-release") == 0) {
		const char *version = quoted_of(facts, data, "VERSION_ID");
		if (!version)
			return true;
		const char *dot = strchr(version, '.');
		set_version(facts, version);
		facts_set_text(facts, "distribution_minor_version", dot ? dot + 1 : "NA");
		return true;
	}
	const char *words[64], *version = "NA";
	size_t count = facts_words(&facts->reply, data, words, 64);
	for (size_t i = count; i-- > 0;) {
		if (strspn(words[i], "0123456789") == strlen(words[i]))
			version = words[i];
	}
	facts_set_text(facts, "distribution_version", version);
	return true;
}

/* DISTRIB_RELEASE and DISTRIB_CODENAME in quotes. */
static bool read_distrib(struct facts *facts, const char *data, const char *word)
{
	if (!contains(data, word))
		return false;
	const char *version = quoted_of(facts, data, "DISTRIB_RELEASE"), *release = quoted_of(facts, data, "DISTRIB_CODENAME");
	facts_set_text(facts, "distribution_version", version);
	facts_set_text(facts, "distribution_release", release);
	return true;
}

static bool read_openwrt(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	return read_distrib(facts, data, "OpenWrt");
}

static bool read_mandriva(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	return read_distrib(facts, data, "Mandriva");
}

static bool read_alpine(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	facts_set_text(facts, "distribution_version", data);
	return true;
}

static bool read_arch(struct facts *facts, const char *data, const char *path)
{
	(void)facts, (void)path;
	return contains(data, "Arch Linux");
}

static void read_suse_os_release(struct facts *facts, const char *data)
{
	const char *version = value_of(facts, data, "VERSION_ID");
	facts_set_text(facts, "distribution", value_of(facts, data, "NAME"));
	version = version ? number_in(facts, version) : NULL;
	if (!version)
		return;
	const char *dot = strchr(version, '.');
	set_version(facts, version);
	if (contains_blind(data, "open"))
		facts_set_text(facts, "distribution_release", dot ? dot + 1 : "");
	else if (contains_blind(data, "enterprise"))
		facts_set_text(facts, "distribution_release", dot && dot[1] ? dot + 1 : "0");
}

static bool read_suse(struct facts *facts, const char *data, const char *path)
{
	if (!contains_blind(data, "suse"))
		return false;
	if (strcmp(path, "/etc/os-release") == 0) {
		read_suse_os_release(facts, data);
	} else if (contains_blind(data, "open")) {
		facts_set_text(facts, "distribution", first_word(facts, data));
		facts_set_text(facts, "distribution_release", value_of(facts, data, "CODENAME"));
	} else if (contains_blind(data, "enterprise")) {
		const char *patch = value_of(facts, data, "PATCHLEVEL"), *version = facts_text_of(facts, "distribution_version");
		facts_set_text(facts, "distribution", contains(data, "Desktop") && !contains(data, "Server") ? "SLED" : "SLES");
		facts_set_text(facts, "distribution_release", patch);
		if (patch)
			facts_set_text(facts, "distribution_version", arena_printf(&facts->reply.arena, "%s.%s", version, patch));
	}
	const char *product = facts_value(&facts->reply, facts_section_text(&facts->reply, "links"),
	                                  "/etc/products.d/baseproduct", ' ');
	size_t length = product ? strlen(product) : 0;
	if (length >= 13 && strcmp(product + length - 13, "SLES_SAP.prod") == 0)
		facts_set_text(facts, "distribution", "SLES_SAP");
	return true;
}

/* Debian itself: the name is in PRETTY_NAME's brackets, the minor version in a file of its own. */
static void read_debian_itself(struct facts *facts, const char *data)
{
	const char *pretty = value_of(facts, data, "PRETTY_NAME");
	const char *open = pretty ? strstr(pretty, " (") : NULL, *close = open ? strchr(open, ')') : NULL;
	facts_set_text(facts, "distribution", "Debian");
	if (close && close > open + 2)
		facts_set_text(facts, "distribution_release", arena_copy(&facts->reply.arena, open + 2, (size_t)(close - open - 2)));
	const char *version = facts_file(&facts->reply, "/etc/debian_version"), *dot = version ? strchr(version, '.') : NULL;
	if (dot && dot > version && isdigit((unsigned char)dot[-1]) && isdigit((unsigned char)dot[1]))
		facts_set_text(facts, "distribution_minor_version",
		               arena_copy(&facts->reply.arena, dot + 1, strspn(dot + 1, "0123456789")));
}

static void read_devuan(struct facts *facts, const char *data)
{
	const char *pretty = value_of(facts, data, "PRETTY_NAME"), *version = quoted_of(facts, data, "VERSION_ID");
	const char *open = pretty ? strrchr(pretty, '(') : NULL;
	const char *name = open ? open + 1 : pretty ? strrchr(pretty, ' ') : NULL;
	if (name)
		facts_set_text(facts, "distribution_release", until(facts, name + strspn(name, " "), " )\""));
	facts_set_text(facts, "distribution_version", version);
	facts_set_text(facts, "distribution_major_version", version);
}

static bool read_debian(struct facts *facts, const char *data, const char *path)
{
	static const struct { const char *word, *other, *name; bool has_release; } derived[] = {
		{ "Mint", NULL, "Linux Mint", false }, { "UOS", "uos", "Uos", true }, { "Uos", NULL, "Uos", true },
		{ "Deepin", "deepin", "Deepin", true },
	};
	if (contains(data, "Debian") || contains(data, "Raspbian")) {
		read_debian_itself(facts, data);
		return true;
	}
	if (contains(data, "Ubuntu") || contains(data, "SteamOS")) {
		facts_set_text(facts, "distribution", contains(data, "Ubuntu") ? "Ubuntu" : "SteamOS");
		return true;
	}
	(void)path;
	if (contains(data, "Kali") || contains(data, "Parrot")) {
		facts_set_text(facts, "distribution", contains(data, "Kali") ? "Kali" : "Parrot");
		facts_set_text(facts, "distribution_release", value_of(facts, data, "DISTRIB_RELEASE"));
		return true;
	}
	if (contains(data, "Devuan")) {
		facts_set_text(facts, "distribution", "Devuan");
		read_devuan(facts, data);
		return true;
	}
	if (contains(data, "Cumulus")) {
		const char *version = value_of(facts, data, "VERSION_ID");
		facts_set_text(facts, "distribution", "Cumulus Linux");
		if (version)
			set_version(facts, version);
		facts_set_text(facts, "distribution_release", quoted_of(facts, data, "VERSION"));
		return true;
	}
	for (size_t i = 0; i < sizeof(derived) / sizeof(*derived); i++) {
		if (!contains(data, derived[i].word) && !(derived[i].other && contains(data, derived[i].other)))
			continue;
		const char *version = quoted_of(facts, data, "VERSION_ID");
		facts_set_text(facts, "distribution", derived[i].name);
		if (derived[i].has_release)
			facts_set_text(facts, "distribution_release", value_of(facts, data, "VERSION_CODENAME"));
		if (version)
			set_version(facts, version);
		return true;
	}
	return false;
}

static bool read_clear(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	const char *name = quoted_of(facts, data, "NAME"), *version = value_of(facts, data, "VERSION_ID");
	if (!name || !contains(name, "Clear Linux"))
		return false;
	facts_set_text(facts, "distribution", name);
	facts_set_text(facts, "distribution_version", version);
	facts_set_text(facts, "distribution_major_version", version);
	facts_set_text(facts, "distribution_release", value_of(facts, data, "ID"));
	return true;
}

static bool read_coreos(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	if (strcasecmp(guess_id(facts, os_release(facts)), "coreos") != 0)
		return false;
	facts_set_text(facts, "distribution_release", value_of(facts, data, "GROUP"));
	return true;
}

static bool read_flatcar(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	const char *version = value_of(facts, data, "VERSION");
	if (strcasecmp(guess_id(facts, os_release(facts)), "flatcar") != 0)
		return false;
	if (version)
		set_version(facts, version);
	return true;
}

/* What no other reader wanted. */
static bool read_any(struct facts *facts, const char *data, const char *path)
{
	(void)path;
	const char *version = value_of(facts, data, "VERSION");
	facts_set_text(facts, "distribution", value_of(facts, data, "NAME"));
	if (version && strcmp(facts_text_of(facts, "distribution_version"), "NA") == 0)
		facts_set_text(facts, "distribution_version", version);
	return true;
}

/* search: the distribution is name where the file has it, else the file's first word. may_be_empty: that the file is
 * there says it. */
static const struct kind {
	const char *path, *name, *search;
	bool may_be_empty;
	bool (*read)(struct facts *facts, const char *data, const char *path);
} kinds[] = {
	{ "/etc/altlinux-release", "Altlinux", "ALT" },
	{ "/etc/oracle-release", "OracleLinux", "Oracle Linux" },
	{ "/etc/slackware-version", "Slackware", .read = read_slackware },
	{ "/etc/centos-release", "CentOS", .read = read_centos },
	{ "/etc/redhat-release", "RedHat", "Red Hat" },
	{ "/etc/vmware-release", "VMwareESX", .may_be_empty = true },
	{ "/etc/openwrt_release", "OpenWrt", .read = read_openwrt },
	{ "/etc/os-release", "Amazon", .read = read_amazon },
	{ "/etc/system-release", "Amazon", .read = read_amazon },
	{ "/etc/alpine-release", "Alpine", .read = read_alpine },
	{ "/etc/arch-release", "Archlinux", .may_be_empty = true },
	{ "/etc/os-release", "Archlinux", .read = read_arch },
	{ "/etc/os-release", "SUSE", .read = read_suse },
	{ "/etc/SuSE-release", "SUSE", .read = read_suse },
	{ "/etc/os-release", "Debian", .read = read_debian },
	{ "/etc/lsb-release", "Debian", .read = read_debian },
	{ "/etc/lsb-release", "Mandriva", .read = read_mandriva },
	{ "/etc/sourcemage-release", "SMGL", "Source Mage GNU/Linux" },
	{ "/usr/lib/os-release", "ClearLinux", .read = read_clear },
	{ "/etc/coreos/update.conf", "Coreos", .read = read_coreos },
	{ "/etc/os-release", "Flatcar", .read = read_flatcar },
	{ "/etc/os-release", "NA", .read = read_any },
};

/* Whether the file is of this kind; the facts are set then. */
static bool read_kind(struct facts *facts, const struct kind *kind)
{
	const char *data = facts_file(&facts->reply, "%s", kind->path), *before = facts_text_of(facts, "distribution");
	if (!data && !(kind->may_be_empty && facts_section_has(&facts->reply, "exists", kind->path)))
		return false;
	before = arena_str(&facts->reply.arena, before);
	facts_set_text(facts, "distribution", kind->name);
	if (kind->read && !kind->read(facts, data, kind->path)) {
		facts_set_text(facts, "distribution", before);
		return false;
	}
	if (kind->search && contains(data, kind->search))
		facts_set_text(facts, "distribution_file_search_string", kind->search);
	else if (kind->search)
		facts_set_text(facts, "distribution", first_word(facts, data));
	facts_set_text(facts, "distribution_file_path", kind->path);
	facts_set_text(facts, "distribution_file_variety", kind->name);
	if (!kind->may_be_empty)
		facts_set(facts, "distribution_file_parsed", json_true());
	return true;
}

/* ---- families ---- */

static const struct { const char *family; const char *const *members; } families[] = {
	{ "RedHat", (const char *const[]){ "RedHat", "RHEL", "Fedora", "CentOS", "Scientific", "SLC", "Ascendos", "CloudLinux",
	                                   "PSBM", "OracleLinux", "OVS", "OEL", "Amazon", "Virtuozzo", "XenServer", "Alibaba",
	                                   "EulerOS", "openEuler", "AlmaLinux", "Rocky", "TencentOS", "EuroLinux",
	                                   "Kylin Linux Advanced Server", NULL } },
	{ "Debian", (const char *const[]){ "Debian", "Ubuntu", "Raspbian", "Neon", "KDE neon", "Linux Mint", "SteamOS",
	                                   "Devuan", "Kali", "Cumulus Linux", "Pop!_OS", "Parrot", "Pardus GNU/Linux", "Uos",
	                                   "Deepin", "OSMC", NULL } },
	{ "Suse", (const char *const[]){ "SuSE", "SLES", "SLED", "openSUSE", "openSUSE Tumbleweed", "SLES_SAP", "SUSE_LINUX",
	                                 "openSUSE Leap", NULL } },
	{ "Archlinux", (const char *const[]){ "Archlinux", "Antergos", "Manjaro", NULL } },
	{ "Mandrake", (const char *const[]){ "Mandrake", "Mandriva", NULL } },
	{ "Solaris", (const char *const[]){ "Solaris", "Nexenta", "OmniOS", "OpenIndiana", "SmartOS", NULL } },
	{ "Gentoo", (const char *const[]){ "Gentoo", "Funtoo", NULL } },
	{ "HP-UX", (const char *const[]){ "HPUX", NULL } },
	{ "Darwin", (const char *const[]){ "MacOSX", NULL } },
	{ "FreeBSD", (const char *const[]){ "FreeBSD", "TrueOS", NULL } },
	{ "ClearLinux", (const char *const[]){ "Clear Linux OS", "Clear Linux Mix", NULL } },
};

static const char *family_of(const char *distribution)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		for (const char *const *member = families[i].members; *member; member++) {
			if (strcmp(*member, distribution) == 0)
				return families[i].family;
		}
	}
	return distribution;
}

/* Systems that are no Linux: the kernel's release is the system's. */
static void read_other_system(struct facts *facts, const char *system)
{
	const char *release = facts_kernel(facts), *number = number_in(facts, release);
	facts_set_text(facts, "distribution", strcmp(system, "Darwin") == 0 ? "MacOSX" : system);
	facts_set_text(facts, "distribution_release", release);
	set_version(facts, number ? number : release);
}

void facts_read_distribution(struct facts *facts)
{
	const char *system = facts_system(facts);
	if (strcmp(system, "Linux") == 0) {
		guess(facts);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			if (read_kind(facts, &kinds[i]))
				break;
		}
	} else {
		read_other_system(facts, system);
	}
	facts_set_text(facts, "os_family", family_of(facts_text_of(facts, "distribution")));
}
