/* What the wires of one run share: known hosts parsed once, private keys opened once, a place in the queue of handshakes.
 * Everything here locks itself. */
#ifndef NEAP_WIRE_HUB_H
#define NEAP_WIRE_HUB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "wire/known_hosts.h"
#include "wire/libssh.h"
#include "wire/ssh_config.h"
#include "wire/wire.h"

/* ---- handshakes: sshd refuses newcomers at random once ten are not authenticated (MaxStartups 10:30:100) ---- */

struct hub_slot {
	char server[160]; /* whose slot: "127.0.0.1 port 22"; all of this machine's addresses are one server */
	bool held;
};
/* Waits for a turn. ERR_INTERRUPTED when cancel_fd becomes readable. */
int hub_slot_take(struct wire_hub *hub, struct hub_slot *slot, const char *server, int cancel_fd,
                  struct err *err) must_check;
void hub_slot_release(struct wire_hub *hub, struct hub_slot *slot);

/* ---- wires that are being opened: wire_hub_cancel writes to their cancel descriptors ---- */

void hub_opening(struct wire_hub *hub, int cancel_fd);
void hub_opened(struct wire_hub *hub, int cancel_fd);

/* ---- known hosts ---- */

/* Whether host keys are checked at all (wire_hub_options). */
bool hub_checks_host_keys(const struct wire_hub *hub);
/* Calls look with the parsed file and what is found in it about the name (known_hosts_find), while nobody adds a line; a file that
 * does not exist is an empty one. */
void hub_known_hosts(struct wire_hub *hub, const char *path, const char *name, struct known_hosts_found *found,
                     void (*look)(const struct known_hosts *known, const struct known_hosts_found *found, void *context),
                     void *context);
/* Between these no other thread saves a key: it is looked for once more and then saved. */
void hub_saving_lock(struct wire_hub *hub);
void hub_saving_unlock(struct wire_hub *hub);
/* Adds a line that was written to the file. */
void hub_known_hosts_add(struct wire_hub *hub, const char *path, const char *line, size_t length);

/* ---- what ssh -G has answered, by the option words ---- */

/* While one thread asks ssh, those with the same question wait for its answer. */
void hub_configs_lock(struct wire_hub *hub);
void hub_configs_unlock(struct wire_hub *hub);
/* Whether something was kept: *config, NULL where each host is to be asked about. Both with the lock held. */
bool hub_config_find(struct wire_hub *hub, const struct buf *key, const struct ssh_config **config);
/* Takes what the configuration holds. */
void hub_config_keep(struct wire_hub *hub, const struct buf *key, struct ssh_config *config);

/* ---- keys that were taken, by the set of keys and the user that they were offered for ---- */

/* The one that was taken last, as a copy to be freed; NULL where none was. */
char *hub_taken_find(struct wire_hub *hub, const char *set);
void hub_taken_keep(struct wire_hub *hub, const char *set, const char *key);

/* ---- jump hosts (jump.h) ---- */

struct jump_table *hub_jumps(struct wire_hub *hub);

/* ---- private keys ---- */

/* The opened key of that file, the same for all who ask; borrowed from the hub. NULL where it was not opened yet. A key is
 * never changed once it is here, and libssh reads it only, so threads may sign with it at once. */
ssh_key hub_key_find(struct wire_hub *hub, const char *path);
/* Hands an opened key over; returns the one to use (another thread may have been faster: then that one). */
ssh_key hub_key_keep(struct wire_hub *hub, const char *path, ssh_key key);

/* Nobody knew its passphrase when asked: once is enough for a run. */
void hub_key_refuse(struct wire_hub *hub, const char *path);
bool hub_key_refused(struct wire_hub *hub, const char *path);

/* One thread at a time opens keys and asks for passphrases: the second finds what the first opened. */
void hub_keys_lock(struct wire_hub *hub);
void hub_keys_unlock(struct wire_hub *hub);

#endif
