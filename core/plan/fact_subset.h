/* Which facts: the words of gather_subset, the parts of which facts are gathered, and the names that each part brings.
 *
 * A part is the smallest thing that is gathered on its own. The words of gather_subset name Ansible's collectors, of
 * which some are several parts here: a run that needs only ansible_memtotal_mb does not look at disks. */
#ifndef NEAP_PLAN_FACT_SUBSET_H
#define NEAP_PLAN_FACT_SUBSET_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

/* A set of parts; 0 is none. */
typedef uint64_t fact_parts;

/* The parts that gather_subset's words name, by Ansible's rules: "min" is always in unless "!min" is given, what is named
 * by itself outweighs what is left out, and what a collector is built on comes with it. words: an array of strings.
 * ERR_INPUT for a word that is none. */
int fact_subset_parts(json_t *words, fact_parts *parts, struct err *err) must_check;
/* All of them. */
fact_parts fact_subset_all(void);
/* The parts that a variable's name needs: of "ansible_kernel", of "ansible_facts" (all); 0 where it is no fact. A name
 * that begins like a fact and is none that is known may be a network interface's. */
fact_parts fact_subset_of_variable(const char *name);
/* Whether fact_subset_of_variable only guesses: the name may be an interface's. */
bool fact_subset_is_guess(const char *name);
/* false for names by which Ansible's connection and the run itself are set (ansible_host, ansible_become_password,
 * ansible_facts, ...): no fact may have such a name. */
bool fact_subset_may_be_fact(const char *name);
/* Words with a space between: what an ask of facts has as its path. In the arena. */
const char *fact_subset_text(struct arena *arena, fact_parts parts);
/* The parts that such a text names; words that are none are left out. */
fact_parts fact_subset_of_text(const char *text);
/* Whether such a text has a part. */
bool fact_subset_has(const char *text, const char *part);

#endif
