/* The hub: everything that one run's connections have in common, behind locks. */
#include "wire/hub.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/mem.h"
#include "wire/jump.h"

enum {
	HANDSHAKES = 128,         /* at once, in all */
	HANDSHAKES_ONE_SERVER = 8 /* at once with one sshd: two less than where it starts to refuse */
};

struct known_file {
	char *path;
	struct known_hosts known;
};

struct kept_key {
	char *path;
	ssh_key key;
};

struct kept_config {
	struct buf key;
	struct ssh_config *config; /* NULL: each host is to be asked about */
};

struct taken_key {
	char *set, *key;
};

struct waiter {
	struct waiter *next;
	const char *server;
	int fd; /* eventfd: written when it may look again */
};

struct wire_hub {
	struct wire_hub_options options;
	pthread_mutex_t lock; /* for what has none of its own */
	pthread_mutex_t opening;
	pthread_mutex_t asking;
	struct kept_config *configs; /* under asking */
	size_t config_count, config_room;
	pthread_rwlock_t knowing; /* for the files */
	struct known_file *files;
	size_t file_count, file_room;
	struct kept_key *keys;
	size_t key_count, key_room;
	struct taken_key *taken;
	size_t taken_count, taken_room;
	char **refused; /* keys whose passphrase nobody knew */
	size_t refused_count, refused_room;
	char **busy; /* a server for each slot that is held */
	size_t busy_count, busy_room;
	struct waiter *first, **last;
	struct jump_table *jumps;
	int *openings; /* cancel descriptors of wires that are being opened */
	size_t opening_count, opening_room;
	bool cancelled;
	pthread_mutex_t saving;
};

struct wire_hub *wire_hub_new(const struct wire_hub_options *options)
{
	struct wire_hub *hub = mem_alloc(sizeof(*hub));
	hub->options = *options;
	if (hub->options.handshakes <= 0)
		hub->options.handshakes = HANDSHAKES;
	pthread_mutex_init(&hub->lock, NULL);
	pthread_mutex_init(&hub->opening, NULL);
	pthread_mutex_init(&hub->asking, NULL);
	pthread_rwlock_init(&hub->knowing, NULL);
	pthread_mutex_init(&hub->saving, NULL);
	hub->last = &hub->first;
	hub->jumps = jump_table_new();
	/* A peer that goes away while libssh writes must be an error of that call, not the end of the program. */
	struct sigaction action;
	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	return hub;
}

void wire_hub_free(struct wire_hub *hub)
{
	if (!hub)
		return;
	jump_table_free(hub->jumps);
	for (size_t i = 0; i < hub->file_count; i++) {
		known_hosts_release(&hub->files[i].known);
		free(hub->files[i].path);
	}
	for (size_t i = 0; i < hub->key_count; i++) {
		ssh_key_free(hub->keys[i].key);
		free(hub->keys[i].path);
	}
	for (size_t i = 0; i < hub->taken_count; i++) {
		free(hub->taken[i].set);
		free(hub->taken[i].key);
	}
	free(hub->taken);
	for (size_t i = 0; i < hub->refused_count; i++)
		free(hub->refused[i]);
	free(hub->refused);
	for (size_t i = 0; i < hub->busy_count; i++)
		free(hub->busy[i]);
	for (size_t i = 0; i < hub->config_count; i++) {
		buf_release(&hub->configs[i].key);
		if (hub->configs[i].config)
			ssh_config_release(hub->configs[i].config);
		free(hub->configs[i].config);
	}
	free(hub->configs);
	free(hub->openings);
	free(hub->files);
	free(hub->keys);
	free(hub->busy);
	pthread_mutex_destroy(&hub->lock);
	pthread_mutex_destroy(&hub->opening);
	pthread_mutex_destroy(&hub->asking);
	pthread_rwlock_destroy(&hub->knowing);
	pthread_mutex_destroy(&hub->saving);
	free(hub);
}

bool hub_checks_host_keys(const struct wire_hub *hub) { return hub->options.host_key_checking; }

struct jump_table *hub_jumps(struct wire_hub *hub) { return hub->jumps; }

/* ---- handshakes ---- */

static bool slot_free(const struct wire_hub *hub, const char *server)
{
	size_t same = 0;
	if (hub->busy_count >= (size_t)hub->options.handshakes)
		return false;
	for (size_t i = 0; i < hub->busy_count; i++)
		same += strcmp(hub->busy[i], server) == 0;
	return same < HANDSHAKES_ONE_SERVER;
}

/* Those who wait first go first, but nobody waits for a server that others keep busy. waiter: NULL for one who does not wait. */
static bool slot_try(struct wire_hub *hub, const char *server, const struct waiter *waiter)
{
	for (const struct waiter *before = hub->first; before && before != waiter; before = before->next)
		if (strcmp(before->server, server) == 0)
			return false;
	if (!slot_free(hub, server))
		return false;
	mem_grow(hub->busy, hub->busy_count, hub->busy_room);
	hub->busy[hub->busy_count++] = mem_strdup(server);
	return true;
}

/* Wakes the first who may go. He wakes the next one in turn, when he has left the queue: to wake all of a thousand each time
 * would cost more than their handshakes. */
static void waiters_wake(struct wire_hub *hub)
{
	const char *full = "";
	for (struct waiter *waiter = hub->first; waiter; waiter = waiter->next) {
		if (strcmp(waiter->server, full) == 0)
			continue;
		if (slot_free(hub, waiter->server)) {
			(void)eventfd_write(waiter->fd, 1);
			return;
		}
		full = waiter->server;
	}
}

static void waiter_leave(struct wire_hub *hub, struct waiter *waiter)
{
	struct waiter **at = &hub->first;
	while (*at && *at != waiter)
		at = &(*at)->next;
	if (*at)
		*at = waiter->next;
	for (hub->last = &hub->first; *hub->last;)
		hub->last = &(*hub->last)->next;
	waiters_wake(hub);
}

/* In the queue, until it is its turn. */
static int slot_await(struct wire_hub *hub, struct waiter *waiter, int cancel_fd, struct err *err)
{
	int status = 0;
	pthread_mutex_lock(&hub->lock);
	*hub->last = waiter;
	hub->last = &waiter->next;
	while (status == 0 && !slot_try(hub, waiter->server, waiter)) {
		pthread_mutex_unlock(&hub->lock);
		struct pollfd polls[2] = { { waiter->fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
		eventfd_t ignored;
		(void)poll(polls, 2, -1);
		if (polls[1].revents)
			status = err_set(err, ERR_INTERRUPTED, "cancelled while waiting to connect to %s", waiter->server);
		else
			(void)eventfd_read(waiter->fd, &ignored);
		pthread_mutex_lock(&hub->lock);
	}
	waiter_leave(hub, waiter);
	pthread_mutex_unlock(&hub->lock);
	return status;
}

int hub_slot_take(struct wire_hub *hub, struct hub_slot *slot, const char *server, int cancel_fd, struct err *err)
{
	snprintf(slot->server, sizeof(slot->server), "%s", server);
	pthread_mutex_lock(&hub->lock);
	slot->held = slot_try(hub, server, NULL);
	pthread_mutex_unlock(&hub->lock);
	if (slot->held)
		return 0;
	auto_close int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return err_errno(err, ERR_SYSTEM, "eventfd");
	struct waiter waiter = { NULL, slot->server, fd };
	slot->held = slot_await(hub, &waiter, cancel_fd, err) == 0;
	return slot->held ? 0 : -1;
}

void hub_slot_release(struct wire_hub *hub, struct hub_slot *slot)
{
	if (!slot->held)
		return;
	slot->held = false;
	pthread_mutex_lock(&hub->lock);
	for (size_t i = 0; i < hub->busy_count; i++) {
		if (strcmp(hub->busy[i], slot->server) != 0)
			continue;
		free(hub->busy[i]);
		hub->busy[i] = hub->busy[--hub->busy_count];
		break;
	}
	waiters_wake(hub);
	pthread_mutex_unlock(&hub->lock);
}

/* ---- openings ---- */

void hub_opening(struct wire_hub *hub, int cancel_fd)
{
	pthread_mutex_lock(&hub->lock);
	mem_grow(hub->openings, hub->opening_count, hub->opening_room);
	hub->openings[hub->opening_count++] = cancel_fd;
	if (hub->cancelled)
		(void)eventfd_write(cancel_fd, 1);
	pthread_mutex_unlock(&hub->lock);
}

void hub_opened(struct wire_hub *hub, int cancel_fd)
{
	pthread_mutex_lock(&hub->lock);
	for (size_t i = 0; i < hub->opening_count; i++) {
		if (hub->openings[i] != cancel_fd)
			continue;
		hub->openings[i] = hub->openings[--hub->opening_count];
		break;
	}
	pthread_mutex_unlock(&hub->lock);
}

void wire_hub_cancel(struct wire_hub *hub)
{
	pthread_mutex_lock(&hub->lock);
	hub->cancelled = true;
	for (size_t i = 0; i < hub->opening_count; i++)
		(void)eventfd_write(hub->openings[i], 1);
	pthread_mutex_unlock(&hub->lock);
}

/* ---- known hosts ---- */

void hub_saving_lock(struct wire_hub *hub) { pthread_mutex_lock(&hub->saving); }

void hub_saving_unlock(struct wire_hub *hub) { pthread_mutex_unlock(&hub->saving); }


static void read_whole(const char *path, struct buf *text)
{
	auto_fclose FILE *file = fopen(path, "re");
	if (!file)
		return;
	for (size_t got = 1; got > 0;) {
		got = fread(buf_reserve(text, 65536), 1, 65536, file);
		text->length += got;
	}
	buf_add(text, "", 0);
}

static struct known_file *known_file_find(struct wire_hub *hub, const char *path)
{
	for (size_t i = 0; i < hub->file_count; i++)
		if (strcmp(hub->files[i].path, path) == 0)
			return &hub->files[i];
	return NULL;
}

/* Nobody else may look. */
static struct known_file *known_file(struct wire_hub *hub, const char *path)
{
	struct known_file *file = known_file_find(hub, path);
	if (file)
		return file;
	auto_buf struct buf text = BUF_INIT;
	read_whole(path, &text);
	mem_grow(hub->files, hub->file_count, hub->file_room);
	file = &hub->files[hub->file_count++];
	file->path = mem_strdup(path);
	known_hosts_parse(&file->known, path, buf_text(&text), text.length);
	return file;
}

void hub_known_hosts(struct wire_hub *hub, const char *path, const char *name, struct known_hosts_found *found,
                     void (*look)(const struct known_hosts *known, const struct known_hosts_found *found, void *context),
                     void *context)
{
	pthread_rwlock_rdlock(&hub->knowing);
	const struct known_file *file = known_file_find(hub, path);
	if (!file) {
		pthread_rwlock_unlock(&hub->knowing);
		pthread_rwlock_wrlock(&hub->knowing);
		file = known_file(hub, path);
	}
	known_hosts_find(&file->known, name, found);
	look(&file->known, found, context);
	pthread_rwlock_unlock(&hub->knowing);
}

void hub_known_hosts_add(struct wire_hub *hub, const char *path, const char *line, size_t length)
{
	pthread_rwlock_wrlock(&hub->knowing);
	struct known_hosts *known = &known_file(hub, path)->known;
	size_t number = known->count ? known->lines[known->count - 1].number + 1 : 1;
	known_hosts_add(known, line, length, number);
	pthread_rwlock_unlock(&hub->knowing);
}

/* ---- what ssh -G has answered ---- */

void hub_configs_lock(struct wire_hub *hub) { pthread_mutex_lock(&hub->asking); }

void hub_configs_unlock(struct wire_hub *hub) { pthread_mutex_unlock(&hub->asking); }

bool hub_config_find(struct wire_hub *hub, const struct buf *key, const struct ssh_config **config)
{
	for (size_t i = 0; i < hub->config_count; i++) {
		const struct kept_config *kept = &hub->configs[i];
		if (kept->key.length != key->length || memcmp(buf_text(&kept->key), buf_text(key), key->length) != 0)
			continue;
		*config = kept->config;
		return true;
	}
	return false;
}

void hub_config_keep(struct wire_hub *hub, const struct buf *key, struct ssh_config *config)
{
	mem_grow(hub->configs, hub->config_count, hub->config_room);
	struct kept_config *kept = &hub->configs[hub->config_count++];
	*kept = (struct kept_config){ 0 };
	buf_add(&kept->key, key->data, key->length);
	if (!config)
		return;
	kept->config = mem_alloc(sizeof(*config));
	*kept->config = *config;
	*config = (struct ssh_config){ 0 };
}

/* ---- private keys ---- */

ssh_key hub_key_find(struct wire_hub *hub, const char *path)
{
	ssh_key key = NULL;
	pthread_mutex_lock(&hub->lock);
	for (size_t i = 0; i < hub->key_count && !key; i++)
		if (strcmp(hub->keys[i].path, path) == 0)
			key = hub->keys[i].key;
	pthread_mutex_unlock(&hub->lock);
	return key;
}

ssh_key hub_key_keep(struct wire_hub *hub, const char *path, ssh_key key)
{
	ssh_key kept = hub_key_find(hub, path);
	if (kept) {
		ssh_key_free(key);
		return kept;
	}
	pthread_mutex_lock(&hub->lock);
	mem_grow(hub->keys, hub->key_count, hub->key_room);
	hub->keys[hub->key_count++] = (struct kept_key){ mem_strdup(path), key };
	pthread_mutex_unlock(&hub->lock);
	return key;
}

void hub_key_refuse(struct wire_hub *hub, const char *path)
{
	pthread_mutex_lock(&hub->lock);
	mem_grow(hub->refused, hub->refused_count, hub->refused_room);
	hub->refused[hub->refused_count++] = mem_strdup(path);
	pthread_mutex_unlock(&hub->lock);
}

bool hub_key_refused(struct wire_hub *hub, const char *path)
{
	bool refused = false;
	pthread_mutex_lock(&hub->lock);
	for (size_t i = 0; i < hub->refused_count && !refused; i++)
		refused = strcmp(hub->refused[i], path) == 0;
	pthread_mutex_unlock(&hub->lock);
	return refused;
}

/* Under the lock. */
static struct taken_key *taken_of(struct wire_hub *hub, const char *set)
{
	for (size_t i = 0; i < hub->taken_count; i++)
		if (strcmp(hub->taken[i].set, set) == 0)
			return &hub->taken[i];
	return NULL;
}

char *hub_taken_find(struct wire_hub *hub, const char *set)
{
	pthread_mutex_lock(&hub->lock);
	const struct taken_key *taken = taken_of(hub, set);
	char *key = taken ? mem_strdup(taken->key) : NULL;
	pthread_mutex_unlock(&hub->lock);
	return key;
}

void hub_taken_keep(struct wire_hub *hub, const char *set, const char *key)
{
	pthread_mutex_lock(&hub->lock);
	struct taken_key *taken = taken_of(hub, set);
	if (!taken) {
		mem_grow(hub->taken, hub->taken_count, hub->taken_room);
		taken = &hub->taken[hub->taken_count++];
		*taken = (struct taken_key){ .set = mem_strdup(set) };
	}
	free(taken->key);
	taken->key = mem_strdup(key);
	pthread_mutex_unlock(&hub->lock);
}

void hub_keys_lock(struct wire_hub *hub) { pthread_mutex_lock(&hub->opening); }

void hub_keys_unlock(struct wire_hub *hub) { pthread_mutex_unlock(&hub->opening); }
