/* Clocks and deadlines. */
#include "base/clock.h"

#include <limits.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_deadline(int64_t ms)
{
	int64_t deadline;
	if (ms <= 0 || __builtin_add_overflow(clock_ms(), ms, &deadline))
		return CLOCK_NEVER;
	return deadline;
}

int clock_left(int64_t deadline)
{
	if (deadline == CLOCK_NEVER)
		return -1;
	int64_t left = deadline - clock_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
