/* A stream: commands, or short steps (folders, links, attributes, small files), of tasks whose results nothing looks at before
 * the next is due, decided ahead and sent to the target in one flight, which goes on only while they succeed. They are those of
 * a loop's items, and of the tasks that follow one another where no other host is to be waited for, with short steps those of
 * their loops too. Each task still has its turn,
 * and finds there that what it wanted was done.
 *
 * Short steps take part where their module says that they are its last, all that it asked is known, and no step in front of
 * them can change any of it; what a task asks behind its steps is asked behind all, so no later step may change that either.
 *
 * What is sent is what would be sent one by one: only modules whose task fails exactly where its command does take part
 * (module.h: judged_by_status), and a task that register, failed_when or anything else could make matter to the next is the
 * last of its stream. A command behind one that failed was not run: its turn, if it comes, decides afresh. */
#ifndef NEAP_RUN_STREAM_H
#define NEAP_RUN_STREAM_H

#include "run/attempt.h"

struct stream;
struct task;
struct walk;

/* The task's job is about to do the steps its decision wants: adds to it what can go with them, if anything can, and to the
 * task's asks what is asked behind them. */
void stream_collect(struct task *task);
/* The last task, and item of its loop, whose steps were added to the task's job; NULL: none were. */
const struct entry *stream_last(const struct task *task, size_t *item);
/* Whether nothing is expected to follow the task's job on its target, as far as that can be told: it and its stream are the last
 * commands of the walk, and of the run. */
bool stream_is_last(const struct task *task);
/* The job of a stream is back: its error belongs to the first command that did not end. */
void stream_ended(struct walk *walk, const struct job *job);
/* Whether the walk's next task has done its command already, or was lost with it: its turn has to come. */
bool stream_awaits(const struct walk *walk);

enum stream_found {
	STREAM_NOTHING,
	STREAM_DONE, /* *attempt has its outcomes; to be released by the caller */
	STREAM_FAILED, /* likewise, but for the step that failed */
	STREAM_LOST  /* the connection ended, err says how */
};
struct stream_failure {
	const struct step *step;
	const struct outcome *outcome;
	bool changed; /* a step before it was done */
};
/* What became of a task's steps, once. entry's item is the loop's index, 0 where there is none; items: those of the loop, as they are
 * when its turn has come. */
enum stream_found stream_take(struct walk *walk, const struct entry *entry, size_t item, const json_t *items, struct attempt *attempt,
                              struct stream_failure *failure, struct err *err);
/* Whether stream_take would find something: the task's conditions were found to hold. */
bool stream_has(const struct walk *walk, const struct entry *entry, size_t item, const json_t *items);
/* NULL is allowed. */
void stream_free(struct stream *stream);

#endif
