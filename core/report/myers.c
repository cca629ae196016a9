/* Divide at the middle of a shortest edit path, and do the same for both halves.
 *
 * The middle is where a path from the start meets one from the end. Both are searched for in step, each as the furthest
 * point it reaches on every diagonal k = x - y with d edits. When d gets too large, the box is divided at the point
 * that got furthest instead: still a correct difference, though perhaps not the shortest. */
#include "report/myers.h"

#include <string.h>
#include <sys/types.h>

#include "base/mem.h"

enum { EDITS_MOST = 256 };

struct box { /* a[left..right) against b[top..bottom) */
	ssize_t left, top, right, bottom;
};

struct search {
	const uint32_t *a, *b;
	bool *removed, *added;
	ssize_t *forward, *backward; /* furthest x on each diagonal, -1: not reached; index 0 is in the middle */
};

/* One of the two searches in a box: forward from its top left, or backward from its bottom right, mirrored. */
struct front {
	ssize_t *furthest;
	ssize_t skip_low, skip_high; /* diagonals that have left the box */
	bool is_backward;
};

static bool same(const struct search *s, const struct box *box, bool is_backward, ssize_t x, ssize_t y)
{
	if (is_backward)
		return s->a[box->right - x - 1] == s->b[box->bottom - y - 1];
	return s->a[box->left + x] == s->b[box->top + y];
}

/* Extends a front to d edits. True when it meets the other: *x, *y are then where, from the front's own corner. */
static bool advance(const struct search *s, const struct box *box, struct front *front, const ssize_t *other,
                    ssize_t d, bool may_meet, ssize_t *meet_x, ssize_t *meet_y)
{
	ssize_t width = box->right - box->left, height = box->bottom - box->top, delta = width - height;
	ssize_t *v = front->furthest;
	for (ssize_t k = -d + front->skip_low; k <= d - front->skip_high; k += 2) {
		ssize_t x = k == -d || (k != d && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1;
		ssize_t y = x - k;
		while (x < width && y < height && same(s, box, front->is_backward, x, y)) {
			x++;
			y++;
		}
		v[k] = x;
		if (x > width) {
			front->skip_high += 2;
		} else if (y > height) {
			front->skip_low += 2;
		} else if (may_meet && delta - k >= -d && delta - k <= d && other[delta - k] >= 0 &&
		           x + other[delta - k] >= width) {
			*meet_x = x;
			*meet_y = y;
			return true;
		}
	}
	return false;
}

static void furthest_point(const struct box *box, const struct front *front, ssize_t d, ssize_t *best_x, ssize_t *best_y)
{
	ssize_t width = box->right - box->left, height = box->bottom - box->top, best = 0;
	for (ssize_t k = -d; k <= d; k++) {
		ssize_t x = front->furthest[k], y = x - k;
		if (x < 0 || y < 0 || x > width || y > height || x + y <= best || x + y == width + height)
			continue;
		best = x + y;
		*best_x = x;
		*best_y = y;
	}
}

/* Where to divide a box, from its top left. Both its sides are longer than 0, and it neither begins nor ends with
 * something common. */
static void find_middle(struct search *s, const struct box *box, ssize_t *x, ssize_t *y)
{
	ssize_t width = box->right - box->left, height = box->bottom - box->top;
	ssize_t most = (width + height + 1) / 2;
	if (most > EDITS_MOST)
		most = EDITS_MOST;
	struct front forward = { s->forward, 0, 0, false }, backward = { s->backward, 0, 0, true };
	for (ssize_t k = -most - 2; k <= most + 2; k++)
		s->forward[k] = s->backward[k] = -1;
	s->forward[1] = s->backward[1] = 0;
	bool is_odd = (width - height) & 1;
	for (ssize_t d = 0; d <= most; d++) {
		if (advance(s, box, &forward, s->backward, d, is_odd, x, y))
			return;
		if (advance(s, box, &backward, s->forward, d, !is_odd, x, y)) {
			*x = width - *x;
			*y = height - *y;
			return;
		}
	}
	furthest_point(box, &forward, most, x, y);
}

static void compare(struct search *s, struct box box)
{
	for (;;) {
		while (box.left < box.right && box.top < box.bottom && s->a[box.left] == s->b[box.top]) {
			box.left++;
			box.top++;
		}
		while (box.left < box.right && box.top < box.bottom && s->a[box.right - 1] == s->b[box.bottom - 1]) {
			box.right--;
			box.bottom--;
		}
		if (box.left == box.right || box.top == box.bottom)
			break;
		ssize_t x = box.right - box.left, y = 0; /* all of a goes before anything of b comes */
		find_middle(s, &box, &x, &y);
		compare(s, (struct box){ box.left, box.top, box.left + x, box.top + y });
		box.left += x;
		box.top += y;
	}
	memset(s->removed + box.left, true, (size_t)(box.right - box.left));
	memset(s->added + box.top, true, (size_t)(box.bottom - box.top));
}

void myers_diff(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, bool *removed, bool *added)
{
	enum { ROOM = 2 * EDITS_MOST + 7 };
	ssize_t forward[ROOM], backward[ROOM];
	struct search search = { a, b, removed, added, forward + ROOM / 2, backward + ROOM / 2 };
	compare(&search, (struct box){ 0, 0, (ssize_t)a_count, (ssize_t)b_count });
}
