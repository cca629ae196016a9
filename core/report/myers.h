/* The difference of two sequences in linear space (E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986,
 * section 4b), minimal unless that would take too long. */
#ifndef NEAP_REPORT_MYERS_H
#define NEAP_REPORT_MYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets removed[i] for each element of a that is not in b, and added[j] for each of b that is not in a; both arrays are
 * given zeroed, of as many elements as a and b. Time is bounded by (a_count + b_count) times a constant. */
void myers_diff(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, bool *removed, bool *added);

#endif
