/* A task's result where its module does not give it: an error of ours, a lost host, a step that failed. */
#include "run/task_inside.h"

#include <string.h>

#include "base/mem.h"
#include "base/printable.h"

void task_error_text(const struct err *err, struct buf *clean)
{
	auto_buf struct buf text = BUF_INIT;
	if (err->where[0])
		buf_printf(&text, "%s: ", err->where);
	buf_str(&text, err->text);
	if (err->hint[0])
		buf_printf(&text, " (%s)", err->hint);
	printable_utf8_clean(clean, buf_text(&text), text.length);
}

void task_set_result(struct task *task, json_t *result)
{
	json_decref(task->result);
	task->result = result;
}

void task_fail(struct task *task, const struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	task_error_text(err, &text);
	task_set_result(task, json_pack("{s:s, s:b, s:b}", "msg", buf_text(&text), "failed", 1, "changed", 0));
}

static void fail_unreachable(struct task *task, const struct err *err)
{
	auto_buf struct buf text = BUF_INIT, clean = BUF_INIT;
	buf_printf(&text, "%s: %s", err->text, err_remedy(err));
	printable_utf8_clean(&clean, buf_text(&text), text.length);
	task_set_result(task, json_pack("{s:s, s:b, s:b}", "msg", buf_text(&clean), "unreachable", 1, "changed", 0));
	task->unreachable = true;
}

enum state task_lost(struct task *task, const struct err *err)
{
	if (err->kind == ERR_INTERRUPTED)
		return STATE_LEFT;
	if (err_exit_status(err->kind) == err_exit_status(ERR_UNREACHABLE))
		fail_unreachable(task, err);
	else
		task_fail(task, err);
	return STATE_ITEM_END;
}

/* A file that its validate refused: as copy tells it, or in one line as the modules in Lua do, which edit files. */
static json_t *refused(struct task *task, const struct step *step, const struct outcome *outcome)
{
	struct decision *decision = &task->attempt.decision;
	if (task->module->context) {
		auto_buf struct buf error = BUF_INIT;
		printable_utf8_clean(&error, outcome->run.errors, outcome->run.errors_length);
		auto_free char *line = mem_printf("failed to validate: rc:%d error:%s", outcome->run.code, buf_text(&error));
		return json_pack("{s:s}", "msg", line);
	}
	json_decref(result_take(decision));
	result_str(decision, "msg", "failed to validate");
	if (step->put.sha1)
		result_str(decision, "checksum", step->put.sha1);
	result_int(decision, "exit_status", outcome->run.code);
	result_stream(decision, "stdout", outcome->run.output, outcome->run.output_length);
	result_stream(decision, "stderr", outcome->run.errors, outcome->run.errors_length);
	return result_take(decision);
}

enum state task_step_failed(struct task *task, const struct step *step, const struct outcome *outcome, bool changed)
{
	json_t *result = outcome->refused ? refused(task, step, outcome) : json_object();
	auto_buf struct buf text = BUF_INIT;
	const char *human = step->secret ? "a step" : step->human;
	auto_free char *said = mem_printf("%s: %s", human, outcome->error ? outcome->error : "it failed");
	printable_utf8_clean(&text, said, strlen(said));
	if (!outcome->refused)
		json_object_set_new(result, "msg", json_string(buf_text(&text)));
	json_object_set_new(result, "failed", json_true());
	json_object_set_new(result, "changed", json_boolean(changed));
	task_set_result(task, result);
	return STATE_ITEM_END;
}
