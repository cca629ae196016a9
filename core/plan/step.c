/* Steps: copied into the log of the decision with a line for people, and known again when decide() is replayed. */
#include "plan/step.h"

#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "plan/mode.h"

/* ---- what a person reads ---- */

static void describe_attributes(struct buf *buf, const struct attributes *attributes)
{
	char mode[8];
	if (attributes->has_mode)
		buf_printf(buf, ", mode %s", mode_text(attributes->mode, mode));
	if (attributes->owner)
		buf_printf(buf, ", owner %s", attributes->owner);
	if (attributes->group)
		buf_printf(buf, ", group %s", attributes->group);
	if (attributes->has_atime || attributes->has_mtime)
		buf_str(buf, ", times");
}

static void describe_put(struct buf *buf, const struct put *put)
{
	if (put->source == PUT_BYTES)
		buf_printf(buf, "write %s (%zu bytes)", put->path, put->length);
	else
		buf_printf(buf, "copy %s to %s", put->from, put->path);
	describe_attributes(buf, &put->attributes);
	if (put->backup)
		buf_str(buf, ", keep a backup");
}

static void describe(struct buf *buf, const struct step *step)
{
	switch (step->kind) {
	case STEP_RUN:
		buf_str(buf, "run ");
		command_describe(buf, &step->run.command);
		break;
	case STEP_PUT:
		describe_put(buf, &step->put);
		break;
	case STEP_GET:
		buf_printf(buf, "fetch %s to %s", step->get.path, step->get.to);
		break;
	case STEP_MKDIR:
		buf_printf(buf, "create directory %s", step->mkdir.path);
		describe_attributes(buf, &step->mkdir.attributes);
		break;
	case STEP_LINK:
		buf_printf(buf, "%s %s to %s", step->link.hard ? "hard-link" : "link", step->link.path, step->link.target);
		break;
	case STEP_REMOVE:
		buf_printf(buf, "remove %s%s", step->remove.path, step->remove.recurse ? " and what is in it" : "");
		break;
	case STEP_RENAME:
		buf_printf(buf, "rename %s to %s", step->rename.from, step->rename.to);
		break;
	case STEP_SETATTR:
		buf_printf(buf, "set %s", step->setattr.path);
		describe_attributes(buf, &step->setattr.attributes);
		break;
	case STEP_WAIT:
		buf_printf(buf, "wait %lld ms", (long long)step->wait.ms);
		break;
	case STEP_RECONNECT:
		buf_str(buf, "connect again and run ");
		command_describe(buf, &step->reconnect.command);
		break;
	}
}

static const char *human_line(struct arena *arena, const struct step *step)
{
	auto_buf struct buf text = BUF_INIT, line = BUF_INIT;
	describe(&text, step);
	printable_line(&line, buf_text(&text), text.length);
	return arena_str(arena, buf_text(&line));
}

/* ---- copying ---- */

static void copy_attributes(struct arena *arena, struct attributes *attributes)
{
	attributes->owner = arena_str(arena, attributes->owner);
	attributes->group = arena_str(arena, attributes->group);
}

static const char *const *copy_words(struct arena *arena, const char *const *words)
{
	size_t count = 0;
	while (words && words[count])
		count++;
	const char **copy = arena_array(arena, count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_str(arena, words[i]);
	return copy;
}

static void copy_run(struct decision *decision, struct step_run *run)
{
	run->command = command_copy(&decision->arena, &run->command);
	if (run->command.environment) {
		run->command.environment = json_deep_copy(run->command.environment);
		json_array_append_new(decision->kept, run->command.environment);
	}
	if (run->paths)
		run->paths = copy_words(&decision->arena, run->paths);
}

static void copy_put(struct arena *arena, struct put *put)
{
	put->path = arena_str(arena, put->path);
	put->from = arena_str(arena, put->from);
	put->validate = arena_str(arena, put->validate);
	put->sha1 = arena_str(arena, put->sha1);
	if (put->source == PUT_BYTES)
		put->bytes = arena_copy(arena, put->bytes ? put->bytes : "", put->length);
	copy_attributes(arena, &put->attributes);
}

static void copy_fields(struct decision *decision, struct step *step)
{
	struct arena *arena = &decision->arena;
	switch (step->kind) {
	case STEP_RUN:
		copy_run(decision, &step->run);
		break;
	case STEP_PUT:
		copy_put(arena, &step->put);
		break;
	case STEP_GET:
		step->get.path = arena_str(arena, step->get.path);
		step->get.to = arena_str(arena, step->get.to);
		step->get.sha1 = arena_str(arena, step->get.sha1);
		break;
	case STEP_MKDIR:
		step->mkdir.path = arena_str(arena, step->mkdir.path);
		copy_attributes(arena, &step->mkdir.attributes);
		break;
	case STEP_LINK:
		step->link.path = arena_str(arena, step->link.path);
		step->link.target = arena_str(arena, step->link.target);
		break;
	case STEP_REMOVE:
		step->remove.path = arena_str(arena, step->remove.path);
		break;
	case STEP_RENAME:
		step->rename.from = arena_str(arena, step->rename.from);
		step->rename.to = arena_str(arena, step->rename.to);
		break;
	case STEP_SETATTR:
		step->setattr.path = arena_str(arena, step->setattr.path);
		copy_attributes(arena, &step->setattr.attributes);
		break;
	case STEP_WAIT:
		step->wait.say = arena_str(arena, step->wait.say);
		break;
	case STEP_RECONNECT:
		step->reconnect.command = command_copy(arena, &step->reconnect.command);
		step->reconnect.differs = arena_str(arena, step->reconnect.differs);
		break;
	}
}

/* ---- effects ---- */

static const char *const *path_list(struct arena *arena, const char *first, const char *second)
{
	return copy_words(arena, (const char *const[]){ first, second, NULL });
}

static void set_effects(struct arena *arena, struct step *step)
{
	step->effects = EFFECT_PATHS;
	switch (step->kind) {
	case STEP_RUN:
		step->effects = step->run.effects;
		step->paths = step->run.paths;
		step->unchanged = step->run.unchanged;
		step->secret = step->secret || step->run.command.secret;
		break;
	case STEP_PUT:
		/* A validation is a command of the user's: it may do anything. */
		if (step->put.validate)
			step->effects = EFFECT_EVERYTHING;
		step->paths = path_list(arena, step->put.path, NULL);
		break;
	case STEP_MKDIR:
		step->paths = path_list(arena, step->mkdir.path, NULL);
		break;
	case STEP_LINK:
		step->paths = path_list(arena, step->link.path, step->link.hard ? step->link.target : NULL);
		break;
	case STEP_REMOVE:
		step->paths = path_list(arena, step->remove.path, NULL);
		break;
	case STEP_RENAME:
		step->paths = path_list(arena, step->rename.from, step->rename.to);
		break;
	case STEP_SETATTR:
		step->paths = path_list(arena, step->setattr.path, NULL);
		break;
	case STEP_GET:
		step->effects = EFFECT_NOTHING;
		break;
	case STEP_WAIT:
		step->effects = EFFECT_NOTHING;
		step->unchanged = true;
		break;
	case STEP_RECONNECT:
		step->effects = EFFECT_EVERYTHING;
		step->unchanged = true;
		break;
	}
}

/* ---- the log ---- */

static bool is_same(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind || strcmp(a->human, b->human) != 0)
		return false;
	if (a->kind == STEP_RUN)
		return command_same(&a->run.command, &b->run.command);
	return a->kind != STEP_PUT || a->put.source != PUT_BYTES ||
	       (a->put.length == b->put.length && memcmp(a->put.bytes, b->put.bytes, a->put.length) == 0);
}

static const struct outcome *replay(struct decision *decision, const struct step *step)
{
	const struct stepped *stepped = &decision->stepped[decision->stepped_next++];
	struct step now = *step;
	now.human = human_line(&decision->arena, step);
	if (!is_same(stepped->step, &now) && !decision->fault)
		decision->fault = arena_printf(&decision->arena, "step %zu was \"%s\" and is now \"%s\"", decision->stepped_next,
		                               stepped->step->human, now.human);
	return stepped->outcome;
}

void step_last(struct decision *decision) { decision->last = decision->stepped_next; }

const struct outcome *step_any(struct decision *decision, const struct step *step)
{
	if (decision->last && decision->stepped_next >= decision->last && !decision->fault)
		decision->fault = arena_printf(&decision->arena, "step %zu was to be the last", decision->last);
	if (decision->stepped_next < decision->stepped_count)
		return replay(decision, step);
	struct step *copy = arena_alloc(&decision->arena, sizeof(*copy));
	*copy = *step;
	copy_fields(decision, copy);
	copy->human = human_line(&decision->arena, copy);
	set_effects(&decision->arena, copy);
	mem_grow(decision->stepped, decision->stepped_count, decision->stepped_room);
	decision->stepped[decision->stepped_count++] = (struct stepped){ .step = copy };
	decision->stepped_next++;
	return NULL;
}

const struct outcome *step_run(struct decision *decision, const struct step_run *run)
{
	return step_any(decision, &(struct step){ .kind = STEP_RUN, .run = *run });
}

const struct outcome *step_put(struct decision *decision, const struct put *put)
{
	return step_any(decision, &(struct step){ .kind = STEP_PUT, .put = *put });
}

const struct outcome *step_get(struct decision *decision, const struct get *get)
{
	return step_any(decision, &(struct step){ .kind = STEP_GET, .get = *get });
}

const struct outcome *step_mkdir(struct decision *decision, const struct step_mkdir *mkdir)
{
	return step_any(decision, &(struct step){ .kind = STEP_MKDIR, .mkdir = *mkdir });
}

const struct outcome *step_link(struct decision *decision, const struct step_link *link)
{
	return step_any(decision, &(struct step){ .kind = STEP_LINK, .link = *link });
}

const struct outcome *step_remove(struct decision *decision, const struct step_remove *remove)
{
	return step_any(decision, &(struct step){ .kind = STEP_REMOVE, .remove = *remove });
}

const struct outcome *step_rename(struct decision *decision, const struct step_rename *rename)
{
	return step_any(decision, &(struct step){ .kind = STEP_RENAME, .rename = *rename });
}

const struct outcome *step_setattr(struct decision *decision, const struct step_setattr *setattr)
{
	return step_any(decision, &(struct step){ .kind = STEP_SETATTR, .setattr = *setattr });
}

const struct outcome *step_wait(struct decision *decision, int64_t ms)
{
	return step_any(decision, &(struct step){ .kind = STEP_WAIT, .wait = { .ms = ms } });
}
