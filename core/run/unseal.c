/* Sealed files on their way to a target: opened here, so that the wire only sees bytes. */
#include "run/unseal.h"

#include "run/controller.h"

static const char *sealed_path(const struct step *step)
{
	if (step->kind == STEP_PUT && step->put.source == PUT_LOCAL_FILE && step->put.opens)
		return step->put.from;
	return step->kind == STEP_RUN && step->run.command.opens ? step->run.command.local_script : NULL;
}

const struct step *unseal_step(struct run_context *run, struct arena *arena, const struct step *step)
{
	const char *path = sealed_path(step);
	auto_secret struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	/* Modules ask for the digest first, so a secret that is missing has failed the task already; what changed since then fails
	 * by its digest. */
	if (!path || controller_unseal(run->controller, path, &plain, &err) <= 0)
		return step;
	struct step *opened = arena_alloc(arena, sizeof(*opened));
	*opened = *step;
	const char *bytes = arena_copy(arena, plain.bytes, plain.length);
	if (step->kind == STEP_PUT) {
		opened->put.source = PUT_BYTES;
		opened->put.bytes = bytes;
		opened->put.length = plain.length;
	} else {
		opened->run.command.script_bytes = bytes;
		opened->run.command.script_length = plain.length;
	}
	return opened;
}
