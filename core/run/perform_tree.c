/* Steps that make a folder, folders in it, and files in them: all in one flight. */
#include <string.h>

#include "base/text.h"
#include "run/perform.h"

/* Whether the step makes a folder with the same owner as the first, in it. */
static bool is_inner_folder(const struct step *step, const struct step_mkdir *first)
{
	const struct attributes *attributes = &step->mkdir.attributes;
	size_t length = strlen(first->path);
	if (step->kind != STEP_MKDIR || step->mkdir.parents || attributes->has_atime || attributes->has_mtime ||
	    !text_same(attributes->owner, first->attributes.owner) || !text_same(attributes->group, first->attributes.group))
		return false;
	return &step->mkdir == first || (strncmp(step->mkdir.path, first->path, length) == 0 && step->mkdir.path[length] == '/');
}

/* chown would take setgid off a folder again. */
static bool keeps_mode(const struct attributes *attributes)
{
	return !(attributes->owner || attributes->group) || !attributes->has_mode || !(attributes->mode & 07000);
}

static size_t take_folders(const struct job *job, struct wire_folder *folders)
{
	const struct step_mkdir *first = &job->steps[job->steps_done]->mkdir;
	size_t count = 0, at = job->steps_done;
	for (; at < job->step_count && is_inner_folder(job->steps[at], first) && keeps_mode(&job->steps[at]->mkdir.attributes); at++) {
		const struct step_mkdir *mkdir = &job->steps[at]->mkdir;
		folders[count++] = (struct wire_folder){ mkdir->path, mkdir->attributes.has_mode, mkdir->attributes.mode };
	}
	return count;
}

int perform_tree(struct wire *wire, struct job *job, struct err *err)
{
	size_t most = job->step_count - job->steps_done, files = 0;
	const struct step *const *steps = job->steps + job->steps_done;
	struct wire_folder *folders = arena_array(job->arena, most, sizeof(*folders));
	size_t made = take_folders(job, folders);
	while (made + files < most && steps[made + files]->kind == STEP_PUT)
		files++;
	if (!made || !files || perform_is_short(job, job->steps_done + made))
		return 0;
	const struct attributes *owner = &steps[0]->mkdir.attributes, *file_owner = &steps[made]->put.attributes;
	if (!text_same(owner->owner, file_owner->owner) || !text_same(owner->group, file_owner->group))
		return 0;
	struct wire_put *puts = arena_array(job->arena, files, sizeof(*puts));
	struct wire_put_result *results = arena_array(job->arena, files, sizeof(*results));
	for (size_t i = 0; i < files; i++)
		puts[i] = perform_wire_put(job->arena, &steps[made + i]->put);
	int status = wire_put_tree(wire, job->user->become, folders, made, puts, results, files, err);
	if (status <= 0)
		return status;
	for (size_t i = 0; i < made + files; i++)
		job->outcomes[job->steps_done++].ok = true;
	return 1;
}
