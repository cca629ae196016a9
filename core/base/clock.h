/* Time: a monotonic clock for deadlines, the wall clock for reports. */
#ifndef NEAP_BASE_CLOCK_H
#define NEAP_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds on CLOCK_MONOTONIC. */
int64_t clock_ms(void);
/* Microseconds since 1970 on CLOCK_REALTIME. */
int64_t clock_wall_us(void);

/* A deadline is a clock_ms() value, or CLOCK_NEVER. */
#define CLOCK_NEVER INT64_MAX

/* now + ms, saturating; ms <= 0 means never. */
int64_t clock_deadline(int64_t ms);
/* Milliseconds left for poll(2): -1 for never, 0 when it has passed. */
int clock_left(int64_t deadline);

#endif
