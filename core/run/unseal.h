/* Steps that send files of the controller which are sealed by Ansible Vault. */
#ifndef NEAP_RUN_UNSEAL_H
#define NEAP_RUN_UNSEAL_H

#include "base/arena.h"
#include "plan/step.h"
#include "run/context.h"

/* The step itself or, where it wants what is sealed in its file, one like it that has that in memory, in the arena. */
const struct step *unseal_step(struct run_context *run, struct arena *arena, const struct step *step);

#endif
