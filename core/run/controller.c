#include "run/controller.h"
#include <stdlib.h>
#include "base/mem.h"
struct controller { int x; };
struct controller *controller_new(void) { return mem_alloc(sizeof(struct controller)); }
void controller_free(struct controller *c) { free(c); }
struct answer *controller_answer(struct controller *c, const struct ask *ask, const struct controller_search *search)
{ (void)c; (void)ask; (void)search; struct answer *a = answer_new(); a->state = ANSWER_FAILED; a->why = "stub"; return a; }
#include "wire/wire.h"
__attribute__((weak)) int wire_put(struct wire *wire, const struct wire_become *become, const struct wire_put *puts,
             struct wire_put_result *results, size_t count, size_t *done, struct err *err) { (void)wire;(void)become;(void)puts;(void)results;(void)count;(void)done; return err_set(err, ERR_HOST, "stub"); }
__attribute__((weak)) int wire_get(struct wire *wire, const struct wire_become *become, const struct wire_get *get,
             struct wire_get_result *result, struct err *err) { (void)wire;(void)become;(void)get;(void)result; return err_set(err, ERR_HOST, "stub"); }
