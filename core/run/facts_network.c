/* Facts about network interfaces, their addresses and the default routes. */
#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "run/facts_inside.h"

enum { INTERFACES_MOST = 10000, LINES_MOST = 50000 };

/* Everything that is known while addresses are read. */
struct network {
	struct facts *facts;
	json_t *interfaces; /* by name */
	json_t *default4, *default6, *all4, *all6;
};

static json_t *interface_named(struct network *network, const char *name)
{
	auto_json json_t *key = facts_string(name);
	json_t *interface = json_object_get(network->interfaces, json_string_value(key));
	if (!interface) {
		interface = json_object();
		json_object_set_new(network->interfaces, json_string_value(key), interface);
	}
	return interface;
}

/* ---- what /sys says of an interface ---- */

static const char *net_file(struct network *network, const char *name, const char *file)
{
	return facts_file(&network->facts->reply, "/sys/class/net/%s/%s", name, file);
}

static void set_text(json_t *about, const char *key, const char *text)
{
	if (text)
		json_object_set_new(about, key, facts_string(text));
}

static const char *type_name(const char *number)
{
	static const struct { const char *number, *name; } types[] = {
		{ "1", "ether" }, { "32", "infiniband" }, { "512", "ppp" }, { "772", "loopback" }, { "65534", "tunnel" },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(types[i].number, number) == 0)
			return types[i].name;
	}
	return "unknown";
}

static void set_bridge(struct network *network, json_t *about, const char *name)
{
	json_t *members = json_array();
	const struct facts_reply *reply = &network->facts->reply;
	const char *start = arena_printf(&network->facts->reply.arena, "/sys/class/net/%s/brif/", name);
	const char *stp = net_file(network, name, "bridge/stp_state");
	for (size_t i = facts_file_from(reply, start); i < reply->file_count; i++) {
		if (strncmp(reply->files[i].path, start, strlen(start)) != 0)
			break;
		json_array_append_new(members, facts_string(reply->files[i].path + strlen(start)));
	}
	json_object_set_new(about, "type", json_string("bridge"));
	json_object_set_new(about, "interfaces", members);
	set_text(about, "id", net_file(network, name, "bridge/bridge_id"));
	if (stp)
		json_object_set_new(about, "stp", json_boolean(strcmp(stp, "1") == 0));
}

static void set_bonding(struct network *network, json_t *about, const char *name)
{
	static const struct { const char *key, *file; } firsts[] = {
		{ "mode", "bonding/mode" }, { "miimon", "bonding/miimon" }, { "lacp_rate", "bonding/lacp_rate" },
	};
	const char *words[256], *slaves = net_file(network, name, "bonding/slaves");
	const char *primary = net_file(network, name, "bonding/primary"), *all = net_file(network, name, "bonding/all_slaves_active");
	json_t *list = json_array();
	size_t count = slaves ? facts_words(&network->facts->reply, slaves, words, 256) : 0;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, facts_string(words[i]));
	json_object_set_new(about, "type", json_string("bonding"));
	json_object_set_new(about, "slaves", list);
	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
		const char *text = net_file(network, name, firsts[i].file);
		if (text && facts_words(&network->facts->reply, text, words, 1))
			set_text(about, firsts[i].key, words[0]);
	}
	set_text(about, "primary", primary);
	if (primary && all)
		json_object_set_new(about, "all_slaves_active", json_boolean(strcmp(all, "1") == 0));
}

/* Where a symlink in the interface's folder leads: its last name; NULL if there is none. */
static const char *link_base(struct network *network, const char *name, const char *link)
{
	const char *target = net_file(network, name, link), *slash = target ? strrchr(target, '/') : NULL;
	return slash ? slash + 1 : target;
}

static void read_interface(struct network *network, const char *name)
{
	json_t *about = interface_named(network, name);
	const char *mac = net_file(network, name, "address"), *mtu = net_file(network, name, "mtu");
	const char *state = net_file(network, name, "operstate"), *type = net_file(network, name, "type");
	const char *speed = net_file(network, name, "speed"), *flags = net_file(network, name, "flags");
	set_text(about, "device", name);
	if (mac && strcmp(mac, "00:00:00:00:00:00") != 0)
		set_text(about, "macaddress", mac);
	if (mtu)
		json_object_set_new(about, "mtu", json_integer(facts_number(mtu, 0)));
	if (state)
		json_object_set_new(about, "active", json_boolean(strcmp(state, "down") != 0));
	set_text(about, "module", link_base(network, name, "device/driver/module"));
	set_text(about, "type", type ? type_name(type) : NULL);
	if (net_file(network, name, "bridge"))
		set_bridge(network, about, name);
	if (net_file(network, name, "bonding"))
		set_bonding(network, about, name);
	set_text(about, "perm_macaddress", net_file(network, name, "bonding_slave/perm_hwaddr"));
	set_text(about, "pciid", link_base(network, name, "device"));
	if (speed)
		json_object_set_new(about, "speed", json_integer(facts_number(speed, 0)));
	if (flags)
		json_object_set_new(about, "promisc", json_boolean(strtoul(flags, NULL, 16) & 0x100));
}

static void read_interfaces(struct network *network)
{
	const char *text = facts_section_text(&network->facts->reply, "interfaces"), *line;
	for (size_t i = 0; i < INTERFACES_MOST && (line = facts_line(&network->facts->reply, &text)); i++) {
		const char *start = strncmp(line, "/sys/class/net/", 15) == 0 ? line + 15 : "";
		const char *name = arena_copy(&network->facts->reply.arena, start, strcspn(start, "/"));
		if (*name)
			read_interface(network, name);
	}
}

/* ---- addresses ---- */

/* "192.0.2.2/24 brd 192.0.2.255 scope global secondary eth0:1" behind "inet". */
struct inet {
	const char *address, *broadcast, *netmask, *network, *prefix, *label;
	bool is_secondary;
};

static const char *dotted(struct arena *arena, uint32_t address)
{
	char text[INET_ADDRSTRLEN];
	const struct in_addr in = { .s_addr = htonl(address) };
	return arena_str(arena, inet_ntop(AF_INET, &in, text, sizeof(text)));
}

static bool inet_of(struct arena *arena, const char *const *words, size_t count, struct inet *inet)
{
	const char *slash = strchr(words[1], '/');
	struct in_addr address;
	*inet = (struct inet){ .address = words[1], .broadcast = "", .prefix = "32", .label = words[count - 1] };
	if (slash) {
		inet->address = arena_copy(arena, words[1], (size_t)(slash - words[1]));
		inet->prefix = arena_str(arena, slash + 1);
		if (count > 3 && strcmp(words[2], "brd") == 0)
			inet->broadcast = words[3];
	}
	long long length = facts_number(inet->prefix, -1);
	if (length < 0 || length > 32 || inet_pton(AF_INET, inet->address, &address) != 1)
		return false;
	uint32_t mask = length ? (uint32_t)(0xffffffffu << (32 - length)) : 0;
	inet->netmask = dotted(arena, mask);
	inet->network = dotted(arena, ntohl(address.s_addr) & mask);
	for (size_t i = 2; i < count; i++)
		inet->is_secondary = inet->is_secondary || strcmp(words[i], "secondary") == 0;
	return true;
}

static void set_inet(json_t *about, const struct inet *inet)
{
	set_text(about, "address", inet->address);
	set_text(about, "broadcast", inet->broadcast);
	set_text(about, "netmask", inet->netmask);
	set_text(about, "network", inet->network);
	set_text(about, "prefix", inet->prefix);
}

static void copy_key(json_t *to, json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);
	if (value)
		json_object_set_new(to, key, json_deep_copy(value));
}

/* The default route's own address: what is known of it and of its interface. */
static void complete_default(json_t *route, json_t *device)
{
	copy_key(route, device, "macaddress");
	copy_key(route, device, "mtu");
	copy_key(route, device, "type");
	if (!json_object_get(route, "macaddress"))
		json_object_set_new(route, "macaddress", json_string("00:00:00:00:00:00"));
	if (!json_object_get(route, "type"))
		json_object_set_new(route, "type", json_string("unknown"));
}

static bool has_address(json_t *route, const char *address)
{
	const char *own = json_string_value(json_object_get(route, "address"));
	return own && strcmp(own, address) == 0;
}

static void add_secondary(json_t *interface, const struct inet *inet)
{
	json_t *list = json_object_get(interface, "ipv4_secondaries"), *about = json_object();
	if (!list) {
		list = json_array();
		json_object_set_new(interface, "ipv4_secondaries", list);
	}
	set_inet(about, inet);
	json_array_append_new(list, about);
}

static void add_inet(struct network *network, const char *device, const struct inet *inet)
{
	json_t *labelled = interface_named(network, inet->label), *own = interface_named(network, device);
	if (!inet->is_secondary && !json_object_get(labelled, "ipv4")) {
		json_t *about = json_object();
		set_inet(about, inet);
		json_object_set_new(labelled, "ipv4", about);
	} else {
		add_secondary(labelled, inet);
		if (inet->is_secondary && own != labelled)
			add_secondary(own, inet);
	}
	if (has_address(network->default4, inet->address)) {
		set_inet(network->default4, inet);
		complete_default(network->default4, own);
		set_text(network->default4, "alias", inet->label);
	}
	if (strncmp(inet->address, "127.", 4) != 0)
		json_array_append_new(network->all4, facts_string(inet->address));
}

/* "inet6 fe80::1/64 scope link", "inet6 fd00::1 peer fd00::2/128 scope global" */
static void add_inet6(struct network *network, const char *device, const char *const *words, size_t count)
{
	bool is_peer = count > 5 && strcmp(words[2], "peer") == 0;
	const char *with_prefix = is_peer ? words[3] : words[1], *slash = strchr(with_prefix, '/');
	if (!slash || count < 4)
		return;
	struct arena *arena = &network->facts->reply.arena;
	const char *address = is_peer ? words[1] : arena_copy(arena, words[1], (size_t)(slash - words[1]));
	json_t *own = interface_named(network, device), *list = json_object_get(own, "ipv6"), *about = json_object();
	if (!list) {
		list = json_array();
		json_object_set_new(own, "ipv6", list);
	}
	set_text(about, "address", address);
	set_text(about, "prefix", slash + 1);
	set_text(about, "scope", is_peer ? words[5] : words[3]);
	json_array_append_new(list, about);
	if (has_address(network->default6, address)) {
		copy_key(network->default6, about, "prefix");
		copy_key(network->default6, about, "scope");
		complete_default(network->default6, own);
	}
	if (strcmp(address, "::1") != 0)
		json_array_append_new(network->all6, facts_string(address));
}

/* "2: eth0@if3: <BROADCAST,...>" begins an interface; its addresses follow, indented. secondary: only these, or all others. */
static void read_addresses(struct network *network, bool secondary)
{
	struct facts_reply *reply = &network->facts->reply;
	const char *text = facts_section_text(reply, "addresses"), *device = NULL, *words[32], *line;
	for (size_t i = 0; i < LINES_MOST && (line = facts_line(reply, &text)); i++) {
		size_t count = facts_words(reply, line, words, 32);
		if (*line != ' ' && count > 1) {
			device = arena_copy(&reply->arena, words[1], strcspn(words[1], "@"));
			size_t length = strlen(device);
			if (length && device[length - 1] == ':')
				device = arena_copy(&reply->arena, device, length - 1);
		} else if (device && count > 1 && strcmp(words[0], "inet") == 0) {
			struct inet inet;
			if (inet_of(&reply->arena, words, count, &inet) && inet.is_secondary == secondary)
				add_inet(network, device, &inet);
		} else if (device && count > 1 && strcmp(words[0], "inet6") == 0 && !secondary) {
			add_inet6(network, device, words, count);
		}
	}
}

/* "8.8.8.8 via 192.0.2.1 dev eth0 src 192.0.2.2 uid 0" */
static json_t *route_of(struct facts *facts, const char *section, const char *asked)
{
	static const struct { const char *word, *key; } keys[] = { { "dev", "interface" }, { "src", "address" }, { "via", "gateway" } };
	json_t *route = json_object();
	const char *text = facts_section_text(&facts->reply, section), *words[32];
	const char *line = facts_line(&facts->reply, &text);
	size_t count = line ? facts_words(&facts->reply, line, words, 32) : 0;
	if (!count || strcmp(words[0], asked) != 0)
		return route;
	for (size_t i = 0; i + 1 < count; i++) {
		for (size_t j = 0; j < sizeof(keys) / sizeof(*keys); j++) {
			if (strcmp(words[i], keys[j].word) == 0 && !(j == 2 && strcmp(words[i + 1], asked) == 0))
				set_text(route, keys[j].key, words[i + 1]);
		}
	}
	return route;
}

/* Each interface is a fact of its own; a name is made one that a template can use. */
static void set_interfaces(struct facts *facts, json_t *interfaces)
{
	json_t *names = json_array(), *about;
	const char *name;
	json_object_foreach(interfaces, name, about) {
		char *usable = arena_str(&facts->reply.arena, name);
		for (char *p = usable; *p; p++)
			*p = *p == ':' ? '_' : *p;
		json_array_append_new(names, json_string(usable));
		for (char *p = usable; *p; p++)
			*p = *p == '-' ? '_' : *p;
		/* An interface must not hide another fact by its name. */
		if (!json_object_get(facts->values, usable))
			facts_set(facts, usable, json_incref(about));
	}
	facts_set(facts, "interfaces", names);
}

void facts_read_network(struct facts *facts)
{
	if (!facts_section(&facts->reply, "addresses"))
		return; /* without ip(8) Ansible has no facts of this kind either */
	struct network network = {
		.facts = facts,
		.interfaces = json_object(),
		.default4 = route_of(facts, "route4", "8.8.8.8"),
		.default6 = route_of(facts, "route6", "2404:6800:400a:800::1012"),
		.all4 = json_array(),
		.all6 = json_array(),
	};
	read_interfaces(&network);
	read_addresses(&network, false);
	read_addresses(&network, true);
	set_interfaces(facts, network.interfaces);
	json_decref(network.interfaces);
	facts_set(facts, "default_ipv4", network.default4);
	facts_set(facts, "default_ipv6", network.default6);
	facts_set(facts, "all_ipv4_addresses", network.all4);
	facts_set(facts, "all_ipv6_addresses", network.all6);
}
