/* Attributes that a path is wanted to have. */
#include "modules/file_wish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *file_state(const struct stat_answer *stat)
{
	switch (stat->type) {
	case 0: return "absent";
	case 'l': return "link";
	case 'd': return "directory";
	default: return stat->links > 1 ? "hard" : "file";
	}
}

/* As Ansible's modules of files tell a mode: 0644, but 02755; stat and find say 2755. */
static const char *attribute_text(mode_t mode, char text[8])
{
	snprintf(text, 8, "0%03o", (unsigned)mode & 07777);
	return text;
}

void file_result(struct decision *decision, const struct stat_answer *stat)
{
	char mode[8];
	result_str(decision, "state", file_state(stat));
	if (!stat->type)
		return;
	result_int(decision, "uid", stat->uid);
	result_int(decision, "gid", stat->gid);
	result_str(decision, "owner", stat->owner);
	result_str(decision, "group", stat->group);
	result_str(decision, "mode", attribute_text(stat->mode, mode));
	result_int(decision, "size", (long long)stat->size);
}

void file_diff(struct decision *decision, const char *path, const char *name, json_t *before, json_t *after)
{
	result_diff_attribute(decision, path, "path", json_string(path), json_string(path));
	result_diff_attribute(decision, path, name, before, after);
}

static bool is_number(const char *text, long long *number)
{
	char *end;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number <= UINT32_MAX;
}

/* The number behind a user's or group's name. 0, or -1: not answered yet, or the task was failed. */
static int look_up(struct decision *decision, const char *name, bool is_group, long long *number)
{
	if (is_number(name, number))
		return 0;
	const struct answer *answer = is_group ? ask_group(decision, name) : ask_user(decision, name);
	if (!answer)
		return -1;
	if (answer->state == ANSWER_OK) {
		*number = is_group ? (long long)answer->group.gid : (long long)answer->user.uid;
		return 0;
	}
	if (answer->state == ANSWER_ABSENT && result_is_check(decision)) {
		result_warn(decision, "failed to look up %s %s: it has to be there by the time the task is run", is_group ? "group" : "user",
		            name);
		*number = -1;
		return 0;
	}
	if (answer->state == ANSWER_ABSENT)
		result_fail(decision, "%s failed: failed to look up %s %s", is_group ? "chgrp" : "chown", is_group ? "group" : "user",
		            name);
	else
		result_fail(decision, "cannot look up %s %s: %s", is_group ? "group" : "user", name, answer->why ? answer->why : "");
	return -1;
}

int file_goal_find(struct file_goal *goal, const struct file_wish *wish, struct decision *decision)
{
	*goal = (struct file_goal){ .wish = *wish };
	goal->has_uid = wish->owner && *wish->owner;
	goal->has_gid = wish->group && *wish->group;
	int owner = goal->has_uid ? look_up(decision, wish->owner, false, &goal->uid) : 0;
	int group = goal->has_gid ? look_up(decision, wish->group, true, &goal->gid) : 0;
	return owner < 0 || group < 0 ? -1 : 0;
}

static bool compare_mode(const struct file_goal *goal, struct decision *decision, const char *path,
                         const struct stat_answer *now, struct attributes *change)
{
	if (!goal->wish.mode || now->type == 'l')
		return false;
	mode_t mode = mode_apply(goal->wish.mode, now->mode, now->type == 'd', decision->umask);
	/* A change of owner takes the setuid and setgid bits off: the mode is set anew behind it. */
	bool set_again = (change->owner || change->group) && (mode & (S_ISUID | S_ISGID));
	if (mode == now->mode && !set_again)
		return false;
	change->has_mode = true;
	change->mode = mode;
	if (mode == now->mode)
		return false;
	char before[8], after[8];
	file_diff(decision, path, "mode", json_string(attribute_text(now->mode, before)),
	          json_string(attribute_text(mode, after)));
	return true;
}

bool file_goal_compare(const struct file_goal *goal, struct decision *decision, const char *path,
                       const struct stat_answer *now, struct attributes *change)
{
	bool owner = goal->has_uid && goal->uid != (long long)now->uid;
	bool group = goal->has_gid && goal->gid != (long long)now->gid;
	if (owner) {
		change->owner = goal->wish.owner;
		file_diff(decision, path, "owner", json_integer(now->uid), json_integer(goal->uid));
	}
	if (group) {
		change->group = goal->wish.group;
		file_diff(decision, path, "group", json_integer(now->gid), json_integer(goal->gid));
	}
	return compare_mode(goal, decision, path, now, change) || owner || group;
}

struct attributes file_goal_new(const struct file_goal *goal, const struct decision *decision, bool is_directory)
{
	mode_t base = (is_directory ? 0777 : 0666) & ~decision->umask;
	return (struct attributes){
		.has_mode = goal->wish.mode != NULL,
		.mode = goal->wish.mode ? mode_apply(goal->wish.mode, base, is_directory, decision->umask) : 0,
		.owner = goal->has_uid ? goal->wish.owner : NULL,
		.group = goal->has_gid ? goal->wish.group : NULL,
	};
}
