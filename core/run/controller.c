/* Asks about the machine neap runs on. */
#include "run/controller.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"

enum { NAME_BUFFER = 16384, FOLDERS_DEEP = 256, OUTPUT_MOST = 16 * 1024 * 1024 };

struct controller {
	struct vault *vault;
	pthread_mutex_t lock;
	pthread_cond_t digested;
	json_t *digests; /* "sha1 device inode size mtime ctime": hex, or null while somebody computes it */
	json_t *users, *groups; /* number as text: name, or "" */
};

struct controller *controller_new(struct vault *vault)
{
	struct controller *controller = mem_alloc(sizeof(*controller));
	controller->vault = vault;
	pthread_mutex_init(&controller->lock, NULL);
	pthread_cond_init(&controller->digested, NULL);
	controller->digests = json_object();
	controller->users = json_object();
	controller->groups = json_object();
	return controller;
}

void controller_free(struct controller *controller)
{
	if (!controller)
		return;
	pthread_mutex_destroy(&controller->lock);
	pthread_cond_destroy(&controller->digested);
	json_decref(controller->digests);
	json_decref(controller->users);
	json_decref(controller->groups);
	free(controller);
}

/* What is remembered under a key, copied into the arena; NULL: nothing. */
static const char *recall(struct controller *controller, json_t *memory, const char *key, struct arena *arena)
{
	pthread_mutex_lock(&controller->lock);
	const char *text = arena_str(arena, json_string_value(json_object_get(memory, key)));
	pthread_mutex_unlock(&controller->lock);
	return text;
}

static void remember(struct controller *controller, json_t *memory, const char *key, const char *text)
{
	pthread_mutex_lock(&controller->lock);
	json_object_set_new(memory, key, json_string(text));
	pthread_mutex_unlock(&controller->lock);
}

/* ---- states ---- */

static void set_state(struct answer *answer, enum answer_state state, const char *why)
{
	answer->state = state;
	answer->why = why ? arena_str(&answer->arena, why) : NULL;
}

static void set_errno(struct answer *answer)
{
	bool absent = errno == ENOENT || errno == ENOTDIR;
	char text[128];
	const char *why = strerror_r(errno, text, sizeof(text));
	set_state(answer, absent ? ANSWER_ABSENT : errno == EACCES ? ANSWER_DENIED : ANSWER_FAILED, why);
}

/* ---- stat ---- */

static const char *name_of(struct controller *controller, struct arena *arena, bool is_group, unsigned number)
{
	json_t *memory = is_group ? controller->groups : controller->users;
	char *key = arena_printf(arena, "%u", number);
	const char *known = recall(controller, memory, key, arena);
	if (known)
		return *known ? known : key;
	auto_free char *buffer = mem_alloc(NAME_BUFFER);
	struct passwd user, *user_found = NULL;
	struct group group, *group_found = NULL;
	if (is_group)
		getgrgid_r(number, &group, buffer, NAME_BUFFER, &group_found);
	else
		getpwuid_r(number, &user, buffer, NAME_BUFFER, &user_found);
	const char *name = group_found ? group.gr_name : user_found ? user.pw_name : "";
	remember(controller, memory, key, name);
	return *name ? arena_str(arena, name) : key;
}

static const char *link_target(struct arena *arena, int folder, const char *name)
{
	char target[4096];
	ssize_t length = readlinkat(folder, name, target, sizeof(target));
	return length < 0 ? NULL : arena_copy(arena, target, (size_t)length);
}

static void fill_stat(struct controller *controller, struct arena *arena, int folder, const char *name,
                      const struct stat *from, struct stat_answer *to)
{
	*to = (struct stat_answer){
		.type = stat_answer_type(from->st_mode), .mode = from->st_mode & 07777, .uid = from->st_uid, .gid = from->st_gid,
		.owner = name_of(controller, arena, false, from->st_uid), .group = name_of(controller, arena, true, from->st_gid),
		.size = (uint64_t)from->st_size, .device = from->st_dev, .inode = from->st_ino, .links = from->st_nlink,
		.blocks = (uint64_t)from->st_blocks, .block_size = (uint64_t)from->st_blksize, .device_type = from->st_rdev,
		.atime = from->st_atim, .mtime = from->st_mtim, .ctime = from->st_ctim,
		.readable = faccessat(folder, name, R_OK, AT_EACCESS) == 0,
		.writable = faccessat(folder, name, W_OK, AT_EACCESS) == 0,
		.executable = faccessat(folder, name, X_OK, AT_EACCESS) == 0,
	};
	if (to->type == 'l')
		to->target = link_target(arena, folder, name);
}

static bool fd_is_sealed(int fd)
{
	char start[14];
	return pread(fd, start, sizeof(start), 0) == sizeof(start) && vault_is_sealed(start, sizeof(start));
}

static bool path_is_sealed(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && fd_is_sealed(fd);
}

static void answer_stat(struct controller *controller, const struct ask *ask, struct answer *answer)
{
	struct stat about;
	if (fstatat(AT_FDCWD, ask->path, &about, ask->follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
		set_errno(answer);
		return;
	}
	fill_stat(controller, &answer->arena, AT_FDCWD, ask->path, &about, &answer->stat);
	answer->stat.is_sealed = ask->opens && answer->stat.type == 'f' && path_is_sealed(ask->path);
}

/* ---- contents ---- */

/* An open regular file, -1 with the answer's state set. A FIFO or device is not waited for. */
static int open_file(int folder, const char *name, struct stat *about, struct answer *answer)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, about) < 0) {
		set_errno(answer);
	} else if (!S_ISREG(about->st_mode)) {
		set_state(answer, ANSWER_FAILED, S_ISDIR(about->st_mode) ? "it is a directory" : "it is not a regular file");
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- what is sealed ---- */

enum { MASKED_MOST = 64 * 1024 };

static int fd_unseal(struct controller *controller, int fd, struct secret *plain, struct err *err)
{
	if (!controller->vault)
		return err_set(err, ERR_INPUT, "it is sealed by Ansible Vault");
	auto_buf struct buf sealed = BUF_INIT;
	ssize_t got = 1;
	while (got > 0 && sealed.length <= VAULT_MAX_BYTES) {
		char *room = buf_reserve(&sealed, 65536);
		got = pread(fd, room, 65536, (off_t)sealed.length);
		sealed.length += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return err_errno(err, ERR_SYSTEM, "read");
	if (vault_open(controller->vault, sealed.data, sealed.length, plain, NULL, err) < 0)
		return -1;
	/* A short text may turn up in a report; nobody prints a large one whole. */
	auto_json json_t *text = plain->length <= MASKED_MOST ? json_stringn(plain->bytes, plain->length) : NULL;
	if (text)
		vault_tell(controller->vault, text);
	return 0;
}

int controller_unseal(struct controller *controller, const char *path, struct secret *plain, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || !fd_is_sealed(fd))
		return 0;
	return fd_unseal(controller, fd, plain, err) < 0 ? err_wrap(err, "%s", path) : 1;
}

/* Whether the ask wants what is sealed in the file: 1, and *plain is that; 0: it is as it is; -1: the answer says why not. */
static int ask_unseals(struct controller *controller, bool opens, int fd, struct secret *plain, struct answer *answer)
{
	struct err err = ERR_INIT;
	if (!opens || !fd_is_sealed(fd))
		return 0;
	if (fd_unseal(controller, fd, plain, &err) == 0)
		return 1;
	set_state(answer, ANSWER_FAILED, err.text);
	return -1;
}

/* ---- reading and digests ---- */

static void answer_opened(const struct ask *ask, const struct secret *plain, struct answer *answer)
{
	if (plain->length > ask->limit)
		set_state(answer, ANSWER_FAILED, arena_printf(&answer->arena, "it is larger than %zu bytes", ask->limit));
	else
		answer->read = (struct bytes_answer){ arena_copy(&answer->arena, plain->bytes, plain->length), plain->length };
}

static void answer_read(struct controller *controller, const struct ask *ask, struct answer *answer)
{
	struct stat about;
	auto_close int fd = open_file(AT_FDCWD, ask->path, &about, answer);
	if (fd < 0)
		return;
	auto_secret struct secret plain = SECRET_INIT;
	int opened = ask_unseals(controller, ask->opens, fd, &plain, answer);
	if (opened > 0)
		answer_opened(ask, &plain, answer);
	if (opened)
		return;
	auto_buf struct buf bytes = BUF_INIT;
	ssize_t got = 1;
	while (got > 0 && bytes.length <= ask->limit) {
		char *room = buf_reserve(&bytes, 65536);
		got = read(fd, room, 65536);
		bytes.length += got > 0 ? (size_t)got : 0;
	}
	if (got < 0) {
		set_errno(answer);
	} else if (bytes.length > ask->limit) {
		set_state(answer, ANSWER_FAILED, arena_printf(&answer->arena, "it is larger than %zu bytes", ask->limit));
	} else {
		answer->read = (struct bytes_answer){
			arena_copy(&answer->arena, bytes.data ? bytes.data : "", bytes.length), bytes.length,
		};
	}
}

/* The digest of that key once nobody is computing it any more; NULL: it is the caller's to compute, and to end by
 * digest_found. */
static const char *digest_begin(struct controller *controller, const char *key, struct arena *arena)
{
	pthread_mutex_lock(&controller->lock);
	while (json_is_null(json_object_get(controller->digests, key)))
		pthread_cond_wait(&controller->digested, &controller->lock);
	const char *hex = arena_str(arena, json_string_value(json_object_get(controller->digests, key)));
	if (!hex)
		json_object_set_new(controller->digests, key, json_null());
	pthread_mutex_unlock(&controller->lock);
	return hex;
}

/* hex NULL: it cannot be had, and the next one tries again. */
static void digest_found(struct controller *controller, const char *key, const char *hex)
{
	pthread_mutex_lock(&controller->lock);
	if (hex)
		json_object_set_new(controller->digests, key, json_string(hex));
	else
		json_object_del(controller->digests, key);
	pthread_cond_broadcast(&controller->digested);
	pthread_mutex_unlock(&controller->lock);
}

/* Of an open file; false with the answer's state set. */
static bool digest_open_file(struct controller *controller, struct answer *answer, int fd, const char *algorithm, bool opens,
                             char hex[DIGEST_HEX_MAX])
{
	struct err err = ERR_INIT;
	auto_secret struct secret plain = SECRET_INIT;
	int opened = ask_unseals(controller, opens, fd, &plain, answer);
	if (opened < 0)
		return false;
	if (opened) {
		digest_bytes(algorithm, plain.bytes, plain.length, hex);
	} else if (digest_fd(algorithm, fd, hex, &err) < 0) {
		set_state(answer, ANSWER_FAILED, err.text);
		return false;
	}
	return true;
}

/* NULL with the answer's state set where it cannot be had. */
static const char *file_digest(struct controller *controller, struct answer *answer, int folder, const char *name,
                               const char *algorithm, bool opens)
{
	struct stat about;
	auto_close int fd = open_file(folder, name, &about, answer);
	if (fd < 0)
		return NULL;
	auto_free char *key = mem_printf("%s%s %llu %llu %lld %lld.%ld %lld.%ld", opens ? "opened " : "", algorithm, (unsigned long long)about.st_dev,
	                                 (unsigned long long)about.st_ino, (long long)about.st_size,
	                                 (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec,
	                                 (long long)about.st_ctim.tv_sec, about.st_ctim.tv_nsec);
	char hex[DIGEST_HEX_MAX];
	if (!digest_known(algorithm)) {
		set_state(answer, ANSWER_FAILED, "there is no such digest");
		return NULL;
	}
	const char *known = digest_begin(controller, key, &answer->arena);
	if (known)
		return known;
	bool found = digest_open_file(controller, answer, fd, algorithm, opens, hex);
	digest_found(controller, key, found ? hex : NULL);
	return found ? arena_str(&answer->arena, hex) : NULL;
}

/* ---- lists ---- */

struct listing {
	struct controller *controller;
	const struct ask *ask;
	struct answer *answer;
	struct list_entry *entries;
	size_t count, room;
};

static int list_folder(struct listing *listing, int parent, const char *name, const char *prefix, int depth);

static int list_entry(struct listing *listing, int folder, const char *prefix, const char *name, int depth)
{
	struct arena *arena = &listing->answer->arena;
	struct stat about;
	if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	struct list_entry entry = { .name = arena_printf(arena, "%s%s%s", prefix, *prefix ? "/" : "", name) };
	fill_stat(listing->controller, arena, folder, name, &about, &entry.stat);
	if (listing->ask->algorithm && entry.stat.type == 'f')
		entry.digest = file_digest(listing->controller, listing->answer, folder, name, listing->ask->algorithm,
		                           listing->ask->opens);
	mem_grow(listing->entries, listing->count, listing->room);
	listing->entries[listing->count++] = entry;
	if (entry.stat.type == 'd' && listing->ask->recurse)
		return list_folder(listing, folder, name, entry.name, depth + 1);
	return 0;
}

static int list_folder(struct listing *listing, int parent, const char *name, const char *prefix, int depth)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0);
	int fd = depth > FOLDERS_DEEP ? -1 : openat(parent, name, flags);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (!folder) {
		errno = depth > FOLDERS_DEEP ? ELOOP : errno;
		if (fd >= 0)
			close(fd);
		return -1;
	}
	int status = 0;
	struct dirent *found;
	while (!status && (found = readdir(folder))) {
		if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
			status = list_entry(listing, fd, prefix, found->d_name, depth);
	}
	int kept = errno;
	closedir(folder);
	errno = kept;
	return status;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct list_entry *)a)->name, ((const struct list_entry *)b)->name);
}

static void answer_list(struct controller *controller, const struct ask *ask, struct answer *answer)
{
	struct listing listing = { .controller = controller, .ask = ask, .answer = answer };
	if (list_folder(&listing, AT_FDCWD, ask->path, "", 0) < 0) {
		set_errno(answer);
	} else {
		set_state(answer, ANSWER_OK, NULL);
		if (listing.count)
			qsort(listing.entries, listing.count, sizeof(*listing.entries), compare_entries);
		answer->list.count = listing.count;
		answer->list.entries =
			arena_copy(&answer->arena, listing.count ? (void *)listing.entries : "", listing.count * sizeof(*listing.entries));
	}
	free(listing.entries);
}

static void answer_glob(const struct ask *ask, struct answer *answer)
{
	glob_t found = { 0 };
	int status = glob(ask->path, 0, NULL, &found);
	if (status && status != GLOB_NOMATCH) {
		set_state(answer, ANSWER_FAILED, "the folders could not be read");
	} else {
		const char **names = arena_array(&answer->arena, found.gl_pathc + 1, sizeof(*names));
		for (size_t i = 0; i < found.gl_pathc; i++)
			names[i] = arena_str(&answer->arena, found.gl_pathv[i]);
		answer->glob = (struct names_answer){ names, found.gl_pathc };
	}
	globfree(&found);
}

/* ---- accounts ---- */

static bool is_number(const char *text, unsigned *number)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	*number = (unsigned)value;
	return *text >= '0' && *text <= '9' && !*end && !errno && value <= UINT32_MAX;
}

static void set_groups(struct arena *arena, struct user_answer *user)
{
	gid_t numbers[256];
	int count = 256;
	if (getgrouplist(user->name, user->gid, numbers, &count) < 0)
		return;
	const char **names = arena_array(arena, (size_t)count + 1, sizeof(*names));
	auto_free char *buffer = mem_alloc(NAME_BUFFER);
	for (int i = 0; i < count; i++) {
		struct group group, *found = NULL;
		if (numbers[i] != user->gid && getgrgid_r(numbers[i], &group, buffer, NAME_BUFFER, &found) == 0 && found)
			names[user->group_count++] = arena_str(arena, group.gr_name);
	}
	user->groups = names;
}

static void answer_user(const struct ask *ask, struct answer *answer)
{
	auto_free char *buffer = mem_alloc(NAME_BUFFER);
	struct passwd user, *found = NULL;
	unsigned number;
	getpwnam_r(ask->path, &user, buffer, NAME_BUFFER, &found);
	if (!found && is_number(ask->path, &number))
		getpwuid_r(number, &user, buffer, NAME_BUFFER, &found);
	if (!found) {
		set_state(answer, ANSWER_ABSENT, "there is no such user");
		return;
	}
	struct arena *arena = &answer->arena;
	answer->user = (struct user_answer){
		.name = arena_str(arena, user.pw_name), .uid = user.pw_uid, .gid = user.pw_gid,
		.comment = arena_str(arena, user.pw_gecos ? user.pw_gecos : ""), .home = arena_str(arena, user.pw_dir),
		.shell = arena_str(arena, user.pw_shell),
	};
	set_groups(arena, &answer->user);
}

static void answer_group(const struct ask *ask, struct answer *answer)
{
	auto_free char *buffer = mem_alloc(NAME_BUFFER);
	struct group group, *found = NULL;
	unsigned number;
	getgrnam_r(ask->path, &group, buffer, NAME_BUFFER, &found);
	if (!found && is_number(ask->path, &number))
		getgrgid_r(number, &group, buffer, NAME_BUFFER, &found);
	if (!found) {
		set_state(answer, ANSWER_ABSENT, "there is no such group");
		return;
	}
	size_t count = 0;
	while (group.gr_mem[count])
		count++;
	const char **members = arena_array(&answer->arena, count + 1, sizeof(*members));
	for (size_t i = 0; i < count; i++)
		members[i] = arena_str(&answer->arena, group.gr_mem[i]);
	answer->group = (struct group_answer){
		.name = arena_str(&answer->arena, group.gr_name), .gid = group.gr_gid, .members = members, .member_count = count,
	};
}

/* ---- commands ---- */

/* The words of a command, with env(1) before them where it has an environment. In the arena. */
static const char *const *command_words(struct arena *arena, const struct command *command)
{
	size_t count = 0;
	while (command->argv && command->argv[count])
		count++;
	size_t variables = json_object_size(command->environment), used = 0;
	const char **words = arena_array(arena, count + variables + 5, sizeof(*words));
	const char *name;
	json_t *value;
	if (variables)
		words[used++] = "env";
	json_object_foreach(command->environment, name, value)
		words[used++] = arena_printf(arena, "%s=%s", name, json_string_value(value) ? json_string_value(value) : "");
	if (command->script) {
		words[used++] = command->shell ? command->shell : "/bin/sh";
		words[used++] = "-c";
		words[used++] = command->script;
	}
	for (size_t i = 0; i < count; i++)
		words[used++] = command->argv[i];
	return words;
}

static void answer_run(const struct ask *ask, struct answer *answer)
{
	struct arena *arena = &answer->arena;
	struct command_result *result = &answer->run;
	auto_buf struct buf output = BUF_INIT, errors = BUF_INIT;
	struct err err = ERR_INIT;
	const struct child_run run = {
		.argv = command_words(arena, &ask->command), .directory = ask->command.chdir, .input = ask->command.input,
		.input_length = ask->command.input_length, .output_most = OUTPUT_MOST,
	};
	int status = 0;
	result->start_us = clock_wall_us();
	if (child_run(&run, &output, &errors, &status, &err) < 0) {
		set_state(answer, ANSWER_FAILED, err.text);
		return;
	}
	result->end_us = clock_wall_us();
	result->ended = status > 128 ? ENDED_SIGNAL : ENDED_EXIT;
	result->code = status > 128 ? status - 128 : status;
	result->output = arena_copy(arena, buf_text(&output), output.length);
	result->output_length = output.length;
	result->errors = arena_copy(arena, buf_text(&errors), errors.length);
	result->errors_length = errors.length;
}

/* ---- where Ansible looks ---- */

static bool try_path(struct answer *answer, struct buf *tried, const char *folder, const char *inner, const char *name)
{
	const char *path = arena_printf(&answer->arena, "%s%s%s%s%s", folder, *folder ? "/" : "", inner, *inner ? "/" : "", name);
	buf_printf(tried, "%s%s", tried->length ? ", " : "", path);
	if (access(path, F_OK) < 0)
		return false;
	answer->found = path;
	return true;
}

static void answer_find(const struct ask *ask, char *const *folders, struct answer *answer)
{
	auto_buf struct buf tried = BUF_INIT;
	const char *name = ask->path, *inner = ask->folder ? ask->folder : "";
	const char *home = getenv("HOME");
	if (name[0] == '~' && name[1] == '/' && home) {
		if (try_path(answer, &tried, home, "", name + 2))
			return;
	} else if (*name == '/') {
		answer->found = arena_str(&answer->arena, name);
		if (access(name, F_OK) == 0)
			return;
		buf_str(&tried, name);
	} else {
		char nowhere[] = "", *const here[] = { nowhere, NULL };
		for (char *const *folder = folders ? folders : here; *folder; folder++) {
			if ((*inner && try_path(answer, &tried, *folder, inner, name)) || try_path(answer, &tried, *folder, "", name))
				return;
		}
	}
	set_state(answer, ANSWER_ABSENT, arena_printf(&answer->arena, "it is not there; looked for %s", buf_text(&tried)));
}

struct answer *controller_answer(struct controller *controller, const struct ask *ask, char *const *folders)
{
	struct answer *answer = answer_new();
	switch (ask->kind) {
	case ASK_STAT: answer_stat(controller, ask, answer); break;
	case ASK_READ: answer_read(controller, ask, answer); break;
	case ASK_HASH:
		answer->hash = file_digest(controller, answer, AT_FDCWD, ask->path, ask->algorithm, ask->opens);
		break;
	case ASK_LIST: answer_list(controller, ask, answer); break;
	case ASK_GLOB: answer_glob(ask, answer); break;
	case ASK_RUN: answer_run(ask, answer); break;
	case ASK_USER: answer_user(ask, answer); break;
	case ASK_GROUP: answer_group(ask, answer); break;
	case ASK_FIND: answer_find(ask, folders, answer); break;
	case ASK_RENDER:
	case ASK_VARS:
	case ASK_VARIABLE:
	case ASK_PROMPT: set_state(answer, ANSWER_FAILED, "only a task knows"); break;
	case ASK_FACTS: set_state(answer, ANSWER_FAILED, "facts are those of a target"); break;
	}
	return answer;
}
