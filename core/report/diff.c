/* Unified differences of texts and attributes, as --diff shows them. */
#include <string.h>

#include "base/mem.h"
#include "report/colour.h"
#include "report/myers.h"
#include "report/report.h"
#include "report/show.h"

enum { SHOWN_MOST = 2000, LINE_MOST = 2000, BYTES_MOST = 8 * 1024 * 1024 };

struct line { const char *text; size_t length; };

struct side {
	const char *text;
	size_t length;
	struct line *lines; /* without their ends */
	uint32_t *ids;      /* equal lines have equal ids */
	bool *differs;      /* not in the other side */
	size_t count;
	bool is_open;       /* the last line has no end */
};

static void side_release(struct side *side)
{
	free(side->lines);
	free(side->ids);
	free(side->differs);
}

static void split(struct side *side, const char *text, size_t length)
{
	const char *end = text + length;
	size_t room = 0;
	*side = (struct side){ .text = text, .length = length, .is_open = length && end[-1] != '\n' };
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		mem_grow(side->lines, side->count, room);
		side->lines[side->count++] = (struct line){ text, (size_t)((stop ? stop : end) - text) };
		text = stop ? stop + 1 : end;
	}
	side->ids = mem_array(side->count, sizeof(*side->ids));
	side->differs = mem_array(side->count, sizeof(*side->differs));
}

/* ---- equal lines get equal numbers ---- */

struct names {
	struct name { const struct line *line; bool is_open; uint32_t id; } *slots;
	size_t mask;
	uint32_t next;
};

static uint64_t hash_line(const struct line *line)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < line->length; i++)
		hash = (hash ^ (unsigned char)line->text[i]) * 1099511628211u;
	return hash ^ hash >> 29;
}

static uint32_t name_of(struct names *names, const struct line *line, bool is_open)
{
	for (size_t at = hash_line(line) & names->mask;; at = (at + 1) & names->mask) {
		struct name *slot = &names->slots[at];
		if (!slot->line)
			*slot = (struct name){ line, is_open, ++names->next };
		if (slot->is_open == is_open && slot->line->length == line->length &&
		    memcmp(slot->line->text, line->text, line->length) == 0)
			return slot->id;
	}
}

static void number_lines(struct side *before, struct side *after)
{
	size_t room = 16;
	while (room < 2 * (before->count + after->count))
		room *= 2;
	auto_free struct name *slots = mem_array(room, sizeof(*slots));
	struct names names = { slots, room - 1, 0 };
	struct side *const sides[] = { before, after };
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sides[s]->count; i++)
			sides[s]->ids[i] = name_of(&names, &sides[s]->lines[i], sides[s]->is_open && i + 1 == sides[s]->count);
}

/* ---- hunks ---- */

struct writer {
	struct buf *out;
	bool colour;
	size_t context;
	size_t shown, hidden; /* lines */
};

static void put(struct writer *writer, char sign, const struct side *side, size_t index)
{
	const struct line *line = &side->lines[index];
	if (writer->shown >= SHOWN_MOST) {
		writer->hidden++;
		return;
	}
	writer->shown++;
	auto_buf struct buf text = BUF_INIT;
	buf_char(&text, sign);
	buf_add(&text, line->text, line->length < LINE_MOST ? line->length : LINE_MOST);
	if (line->length > LINE_MOST)
		buf_printf(&text, "... (%zu more bytes)", line->length - LINE_MOST);
	colour_add(writer->out, writer->colour, sign == '+' ? COLOUR_OK : sign == '-' ? COLOUR_ERROR : COLOUR_NONE, text.data,
	           text.length);
	buf_char(writer->out, '\n');
	if (side->is_open && index + 1 == side->count)
		buf_str(writer->out, "\\ No newline at end of file\n");
}

static void put_range(struct buf *text, char sign, size_t start, size_t count)
{
	if (count == 1)
		buf_printf(text, " %c%zu", sign, start + 1);
	else
		buf_printf(text, " %c%zu,%zu", sign, count ? start + 1 : start, count);
}

struct span { size_t a_start, a_end, b_start, b_end; };

static void put_hunk(struct writer *writer, const struct side *before, const struct side *after, struct span span)
{
	if (writer->shown < SHOWN_MOST) {
		auto_buf struct buf heading = BUF_INIT;
		buf_str(&heading, "@@");
		put_range(&heading, '-', span.a_start, span.a_end - span.a_start);
		put_range(&heading, '+', span.b_start, span.b_end - span.b_start);
		buf_str(&heading, " @@");
		colour_add(writer->out, writer->colour, COLOUR_SKIP, heading.data, heading.length);
		buf_char(writer->out, '\n');
	}
	size_t i = span.a_start, j = span.b_start;
	while (i < span.a_end || j < span.b_end) {
		if (i < span.a_end && before->differs[i]) {
			put(writer, '-', before, i++);
		} else if (j < span.b_end && after->differs[j]) {
			put(writer, '+', after, j++);
		} else {
			put(writer, ' ', before, i++);
			j++;
		}
	}
}

/* The hunk that begins with the first difference at or after (*i, *j), with so many lines around it at most; false: there is none. */
static bool next_hunk(const struct side *before, const struct side *after, size_t most, size_t *i, size_t *j,
                      struct span *span)
{
	size_t common = 0;
	while (*i < before->count && *j < after->count && !before->differs[*i] && !after->differs[*j]) {
		++*i;
		++*j;
		common++;
	}
	if (*i == before->count && *j == after->count)
		return false;
	size_t lead = common < most ? common : most;
	*span = (struct span){ .a_start = *i - lead, .b_start = *j - lead };
	for (size_t trail = 0;;) {
		if (*i < before->count && before->differs[*i]) {
			++*i;
			trail = 0;
		} else if (*j < after->count && after->differs[*j]) {
			++*j;
			trail = 0;
		} else if (*i < before->count && *j < after->count && trail < 2 * most + 1) {
			++*i;
			++*j;
			trail++;
		} else {
			size_t back = trail > most ? trail - most : 0;
			*i -= back;
			*j -= back;
			span->a_end = *i;
			span->b_end = *j;
			return true;
		}
	}
}

static void put_names(struct writer *writer, const json_t *diff)
{
	static const struct { const char *sign, *word, *key; enum colour colour; } rows[] = {
		{ "---", "before", "before_header", COLOUR_ERROR }, { "+++", "after", "after_header", COLOUR_OK },
	};
	for (size_t i = 0; i < 2; i++) {
		const char *name = json_string_value(json_object_get(diff, rows[i].key));
		auto_buf struct buf line = BUF_INIT;
		buf_printf(&line, "%s %s%s%s", rows[i].sign, rows[i].word, name ? ": " : "", name ? name : "");
		colour_str(writer->out, writer->colour, rows[i].colour, line.data);
		buf_char(writer->out, '\n');
	}
}

static void put_texts(struct writer *writer, const json_t *diff, const struct buf *old, const struct buf *new)
{
	auto_(side_release) struct side before, after;
	split(&before, buf_text(old), old->length);
	split(&after, buf_text(new), new->length);
	number_lines(&before, &after);
	myers_diff(before.ids, before.count, after.ids, after.count, before.differs, after.differs);
	size_t i = 0, j = 0;
	struct span span;
	for (bool first = true; next_hunk(&before, &after, writer->context, &i, &j, &span); first = false) {
		if (first)
			put_names(writer, diff);
		put_hunk(writer, &before, &after, span);
	}
	if (writer->hidden)
		buf_printf(writer->out, "(%zu more lines of this difference are not shown)\n", writer->hidden);
	if (writer->shown)
		buf_char(writer->out, '\n');
}

/* ---- one difference ---- */

/* Text as it is; dictionaries of attributes as JSON. */
static void side_text(const json_t *value, struct buf *out)
{
	if (json_is_string(value)) {
		buf_add(out, json_string_value(value), json_string_length(value));
	} else if (value && !json_is_null(value)) {
		show_json(value, true, out);
		buf_char(out, '\n');
	}
}

static bool is_binary(const struct buf *text) { return text->length && memchr(text->data, '\0', text->length); }

/* Why one side is not shown, and of which file. */
static void put_skipped(const json_t *diff, struct buf *out)
{
	static const struct { const char *binary, *larger, *which; } rows[] = {
		{ "dst_binary", "dst_larger", "destination" }, { "src_binary", "src_larger", "source" },
	};
	const char *path = json_string_value(json_object_get(diff, "before_header"));
	auto_free char *name = path ? mem_printf(" (%s)", path) : mem_strdup("");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_buf struct buf line = BUF_INIT;
		if (json_object_get(diff, rows[i].binary))
			buf_printf(&line, "diff skipped: %s file appears to be binary%s\n", rows[i].which, name);
		if (json_object_get(diff, rows[i].larger))
			buf_printf(&line, "diff skipped: %s file size is greater than %lld%s\n", rows[i].which,
			           (long long)json_integer_value(json_object_get(diff, rows[i].larger)), name);
		colour_str(out, false, COLOUR_NONE, buf_text(&line));
	}
}

static void put_difference(const json_t *diff, const struct report_options *options, struct buf *out)
{
	put_skipped(diff, out);
	const char *prepared = json_string_value(json_object_get(diff, "prepared"));
	if (prepared)
		colour_str(out, false, COLOUR_NONE, prepared);
	if (!json_object_get(diff, "before") || !json_object_get(diff, "after"))
		return;
	auto_buf struct buf before = BUF_INIT;
	auto_buf struct buf after = BUF_INIT;
	side_text(json_object_get(diff, "before"), &before);
	side_text(json_object_get(diff, "after"), &after);
	struct writer writer = { .out = out, .colour = options->colour, .context = options->diff_context };
	if (before.length == after.length && memcmp(buf_text(&before), buf_text(&after), before.length) == 0)
		return;
	if (is_binary(&before) || is_binary(&after)) {
		put_names(&writer, diff);
		buf_printf(out, "binary files differ: %zu bytes before, %zu bytes after\n\n", before.length, after.length);
	} else if (before.length + after.length > BYTES_MOST) {
		put_names(&writer, diff);
		buf_printf(out, "too large to compare here: %zu bytes before, %zu bytes after\n\n", before.length, after.length);
	} else {
		put_texts(&writer, diff, &before, &after);
	}
}

void report_diff(json_t *diff, const struct report_options *options, struct buf *out)
{
	size_t i;
	json_t *one;
	if (!json_is_array(diff)) {
		put_difference(diff, options, out);
		return;
	}
	json_array_foreach (diff, i, one)
		put_difference(one, options, out);
}
