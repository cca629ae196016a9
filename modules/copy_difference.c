/* What --diff shows of files that copy puts: the text before and after, within bounds. */
#include "model/vault.h"
#include "modules/copy_task.h"

enum { SHOWN_MOST = 1024 * 1024 }; /* bytes of a file; of a larger one it is only said that it differs */

/* The new bytes. 1: there they are; 0: not to be shown; -1: not answered yet. */
static int new_bytes(struct copy_task *task, const char *from, struct bytes_answer *bytes)
{
	*bytes = (struct bytes_answer){ task->bytes, task->length };
	if (!from)
		return 1;
	const struct answer *read = copy_ask_source(task, &(struct ask){ .kind = ASK_READ, .path = from, .limit = ASK_READ_MOST });
	if (!read)
		return -1;
	*bytes = read->read;
	/* What is sealed in a file is not shown. */
	return read->state == ANSWER_OK && !(task->want->decrypt && vault_is_sealed(read->read.bytes, read->read.length));
}

bool copy_show_difference(struct copy_task *task, const char *path, const struct stat_answer *now, const char *from, uint64_t size)
{
	if (!result_wants_diff(task->decision))
		return true;
	const char *name = from ? from : task->origin ? task->origin : path;
	bool before_is_large = now->type == 'f' && now->size > SHOWN_MOST, after_is_large = size > SHOWN_MOST;
	if (before_is_large || after_is_large) {
		result_diff_larger(task->decision, path, before_is_large, name, after_is_large, SHOWN_MOST);
		return true;
	}
	struct bytes_answer after;
	int has_after = new_bytes(task, from, &after);
	const struct answer *before = now->type == 'f' ? ask_read(task->decision, path) : NULL;
	if (has_after < 0 || (now->type == 'f' && !before))
		return false;
	if (!has_after || (before && before->state != ANSWER_OK))
		return true;
	result_diff(task->decision, path, before ? before->read.bytes : NULL, before ? before->read.length : 0, name, after.bytes,
	            after.length);
	return true;
}
