/* Template files, rendered with a task's variables and those that Ansible's template module adds. */
#include "run/render.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/printable.h"
#include "run/controller.h"

/* The task's scope with more names in it. */
struct render {
	const struct template_scope *outer;
	json_t *values; /* by name; those in dates are templates */
	json_t *dates;
};

static bool render_find(void *context, const char *name, json_t **value, bool *final)
{
	const struct render *render = context;
	if ((*value = json_object_get(render->values, name))) {
		*final = true;
		return true;
	}
	if ((*value = json_object_get(render->dates, name))) {
		*final = false;
		return true;
	}
	return render->outer->find(render->outer->context, name, value, final);
}

static void render_each(void *context, void (*offer)(void *to, const char *name), void *to)
{
	const struct render *render = context;
	const char *name;
	json_t *value;
	json_object_foreach(render->values, name, value)
		offer(to, name);
	if (render->outer->each)
		render->outer->each(render->outer->context, offer, to);
}

/* ---- the names that are added ---- */

static json_t *values_of(const struct ask *ask, const struct stat_answer *stat)
{
	char host[256] = "", real[PATH_MAX];
	gethostname(host, sizeof(host) - 1);
	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s}", "template_host", host, "template_path", ask->settings.name,
	                 "template_uid", stat->owner, "template_fullpath", realpath(ask->path, real) ? real : ask->path,
	                 "template_destpath", ask->settings.dest, "ansible_managed", "Ansible managed");
}

/* JSON has no dates, the language has: so they are written in it. */
static json_t *dates_of(const struct stat_answer *stat)
{
	char text[64];
	struct tm local;
	localtime_r(&stat->mtime.tv_sec, &local);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	auto_free char *changed =
		mem_printf("{{ '%s.%06ld' | to_datetime('%%Y-%%m-%%d %%H:%%M:%%S.%%f') }}", text, stat->mtime.tv_nsec / 1000);
	return json_pack("{s:s, s:s}", "template_run_date", "{{ now() }}", "template_mtime", changed);
}

/* ---- answers ---- */

static void fail(struct answer *answer, const char *why)
{
	auto_buf struct buf clean = BUF_INIT;
	printable_utf8_clean(&clean, why, strlen(why));
	answer->state = ANSWER_FAILED;
	answer->why = arena_str(&answer->arena, buf_text(&clean));
}

static void render_text(const struct evaluation *at, const struct ask *ask, const struct bytes_answer *source,
                        const struct stat_answer *stat, struct answer *answer)
{
	const struct ask_template *given = &ask->settings;
	const struct template_settings settings = {
		given->trim_blocks, given->lstrip_blocks, given->newline, given->block_start, given->block_end,
		given->variable_start, given->variable_end, given->comment_start, given->comment_end,
	};
	auto_json json_t *values = values_of(ask, stat), *dates = dates_of(stat);
	struct render render = { &at->variables->scope, values, dates };
	struct template_scope scope = *render.outer;
	scope.context = &render;
	scope.find = render_find;
	scope.each = render_each;
	auto_free char *text = NULL;
	size_t length = 0;
	struct err err = ERR_INIT;
	if (template_text(at->vm, ask->path, source->bytes, source->length, &settings, &scope, &text, &length, &err) < 0) {
		auto_free char *why = mem_printf("%s%s%s%s", err.text, *err.hint ? " (" : "", err.hint, *err.hint ? ")" : "");
		fail(answer, why);
		return;
	}
	answer->read = (struct bytes_answer){ arena_copy(&answer->arena, text, length), length };
}

struct answer *render_answer(const struct evaluation *at, const struct ask *ask)
{
	struct controller *controller = at->variables->run->controller;
	struct answer *answer = answer_new();
	const struct ask look = { .kind = ASK_STAT, .path = ask->path, .follow = true };
	const struct ask read = { .kind = ASK_READ, .path = ask->path, .limit = ask->limit, .opens = true };
	struct answer *stat = controller_answer(controller, &look, NULL), *source = controller_answer(controller, &read, NULL);
	if (source->state != ANSWER_OK || stat->state != ANSWER_OK) {
		auto_free char *why = mem_printf("%s: %s", ask->path, source->why ? source->why : "it cannot be read");
		fail(answer, why);
	} else {
		render_text(at, ask, &source->read, &stat->stat, answer);
	}
	answer_unref(stat);
	answer_unref(source);
	return answer;
}
