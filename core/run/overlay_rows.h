/* The rows of an overlay, for overlay.c, which makes them, and overlay_answer.c, which reads them. */
#ifndef NEAP_RUN_OVERLAY_ROWS_H
#define NEAP_RUN_OVERLAY_ROWS_H

#include <pthread.h>

#include "run/overlay.h"

enum predicted {
	PREDICTED_ABSENT, PREDICTED_FILE, PREDICTED_DIRECTORY, PREDICTED_LINK,
	PREDICTED_ATTRIBUTES, /* what is there stays, with other attributes */
};

struct node_row { /* one path that is not as it is on the target; its strings are owned */
	struct node_row *next;
	char *path;
	enum predicted kind;
	char *content;      /* of a file, where it is known */
	size_t length;
	char *digest;       /* SHA-1, where it is known */
	char *local;        /* of a file: what it is sent from */
	char *origin;       /* of a file: the file on the target that it is a copy of */
	char *target;       /* of a link */
	char *owner, *group;
	bool has_uid, has_gid, has_mode; /* numbers where they are known */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

struct overlay {
	pthread_mutex_t lock;
	struct node_row *rows;
	bool uncertain;
};

/* A trailing slash names the same thing. */
struct node_row *overlay_find(const struct overlay *overlay, const char *path);
bool overlay_is_under(const char *path, const char *folder);

#endif
