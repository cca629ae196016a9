/* A document as JSON. What stood in flow style in YAML, or is a list of plain values, stands on one line where it fits and no
 * comment is inside; everything else has a line for each member. */
#include "cli/convert.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/comment.h"
#include "model/module_name.h"

enum { LINE_MOST = 100, INDENT = 2 };

struct convert {
	const struct convert_options *options;
	const struct document *document;
	struct comments comments;
	size_t next;          /* the comment that was not written yet */
	int line;             /* of the text, up to which everything was written */
	struct buf *out;
};

/* ---- scalars ---- */

/* The fewest digits that read back as the same number. */
static void add_real(struct buf *out, double value)
{
	char digits[64];
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	buf_str(out, digits);
	if (!strpbrk(digits, ".e"))
		buf_str(out, ".0");
}

static void add_scalar(struct buf *out, const json_t *value)
{
	if (json_is_real(value)) {
		add_real(out, json_real_value(value));
		return;
	}
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	buf_str(out, text);
	free(text);
}

/* ---- on one line ---- */

/* Keys whose values name files. */
static bool names_file(const char *key)
{
	static const char *const keys[] = { "import_tasks", "include_tasks", "include_vars", "import_playbook", "include", "file",
		                                "tasks_from", "vars_from", "defaults_from", "handlers_from", "vars_files" };
	key = key ? module_name_short(key) : NULL;
	for (size_t i = 0; key && i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void add_leaf(const struct convert *convert, struct buf *out, struct node node, const char *key)
{
	bool asked = convert->options->renamed && json_is_string(node.value) && names_file(key);
	auto_free char *name = asked ? convert->options->renamed(convert->options->context, node) : NULL;
	if (!name) {
		add_scalar(out, node.value);
		return;
	}
	auto_json json_t *text = json_string(name);
	add_scalar(out, text);
}

static struct node child(struct node node, size_t index, const char **key)
{
	*key = NULL;
	return json_is_object(node.value) ? node_member(node, index, key) : node_at(node, index);
}

static bool is_container(struct node node) { return json_is_object(node.value) || json_is_array(node.value); }

static void add_key(struct buf *out, const char *key)
{
	auto_json json_t *text = json_string(key);
	add_scalar(out, text);
	buf_str(out, ": ");
}

static void add_inline(const struct convert *convert, struct buf *out, struct node node, const char *name)
{
	if (!is_container(node)) {
		add_leaf(convert, out, node, name);
		return;
	}
	bool object = json_is_object(node.value);
	size_t count = node_count(node);
	buf_str(out, object ? "{" : "[");
	for (size_t i = 0; i < count; i++) {
		const char *key;
		struct node inner = child(node, i, &key);
		buf_str(out, i ? ", " : object ? " " : "");
		if (key)
			add_key(out, key);
		add_inline(convert, out, inner, key ? key : name);
	}
	buf_str(out, object ? (count ? " }" : "}") : "]");
}

/* ---- comments and blank lines ---- */

static void new_line(struct convert *convert, int indent)
{
	buf_char(convert->out, '\n');
	for (int i = 0; i < indent; i++)
		buf_char(convert->out, ' ');
}

static bool is_blank_line(const struct convert *convert, int line)
{
	auto_free char *text = line > 0 ? document_line(convert->document, line) : NULL;
	return text && !text[strspn(text, " \t")];
}

static void add_comment(struct convert *convert)
{
	const struct comment *comment = &convert->comments.items[convert->next++];
	buf_printf(convert->out, "//%s%s", *comment->text ? " " : "", comment->text);
	convert->line = comment->line;
}

static const struct comment *next_comment(const struct convert *convert)
{
	return convert->next < convert->comments.count ? &convert->comments.items[convert->next] : NULL;
}

/* Comments that stand before a line, each on a line of its own; first: nothing was written in this container yet. */
static void add_comments_before(struct convert *convert, int line, int indent, bool first)
{
	const struct comment *comment;
	while ((comment = next_comment(convert)) && comment->line < line) {
		if (!first && is_blank_line(convert, comment->line - 1))
			buf_char(convert->out, '\n');
		new_line(convert, indent);
		add_comment(convert);
		first = false;
	}
}

/* The comment behind a value that ends on the line. */
static void add_comment_behind(struct convert *convert, int line)
{
	const struct comment *comment = next_comment(convert);
	if (!comment || comment->alone || comment->line != line)
		return;
	buf_char(convert->out, ' ');
	add_comment(convert);
}

/* ---- layout ---- */

static int last_line(struct node node)
{
	int last = node.place.line;
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		int inner = last_line(child(node, i, &key));
		last = inner > last ? inner : last;
	}
	return last;
}

static bool is_flow(const struct convert *convert, struct node node)
{
	auto_free char *line = document_line(convert->document, node.place.line);
	const char *at = line;
	for (int column = 1; at && *at && column < node.place.column; at++)
		column += (at[1] & 0xc0) != 0x80;
	return at && (*at == '{' || *at == '[');
}

/* !vault and !unsafe count as the texts that they are. */
static bool is_text_in_json(struct node node)
{
	return json_object_size(node.value) == 1 && (json_object_get(node.value, "__ansible_vault") ||
	                                             json_object_get(node.value, "__ansible_unsafe"));
}

/* Whether all members are plain values, but for one level of dictionaries of one member. */
static bool is_simple(struct node node, int levels)
{
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node inner = child(node, i, &key);
		if (!is_container(inner) || !node_count(inner) || is_text_in_json(inner))
			continue;
		if (!levels || !json_is_object(inner.value) || node_count(inner) > 1 || !is_simple(inner, levels - 1))
			return false;
	}
	return true;
}

/* Whether it stands on one line, whose text is then added. */
static bool add_on_one_line(struct convert *convert, struct node node, int column, bool root, const char *name)
{
	size_t count = node_count(node);
	bool alike = json_is_array(node.value) || count == 1;
	const struct comment *comment = next_comment(convert);
	int last = last_line(node);
	if (count && (root || (!is_flow(convert, node) && (!alike || !is_simple(node, json_is_object(node.value))))))
		return false;
	if (comment && comment->line >= node.place.line && comment->line < last)
		return false;
	auto_buf struct buf text = BUF_INIT;
	add_inline(convert, &text, node, name);
	if (count && column + (int)text.length > LINE_MOST && (is_flow(convert, node) || count > 1))
		return false;
	buf_add(convert->out, text.data, text.length);
	return true;
}

static void add_value(struct convert *convert, struct node node, int indent, int column, bool root, const char *name);

static void add_members(struct convert *convert, struct node node, int indent, const char *name)
{
	size_t count = node_count(node);
	for (size_t i = 0; i < count; i++) {
		const char *key;
		struct node inner = child(node, i, &key);
		int line = inner.key.line, before = (int)convert->next;
		add_comments_before(convert, line, indent, i == 0);
		if (i && (int)convert->next == before && line > convert->line && is_blank_line(convert, line - 1))
			buf_char(convert->out, '\n');
		new_line(convert, indent);
		size_t start = convert->out->length;
		if (key)
			add_key(convert->out, key);
		add_value(convert, inner, indent, indent + (int)(convert->out->length - start), false, key ? key : name);
		if (i + 1 < count)
			buf_char(convert->out, ',');
		int last = last_line(inner);
		add_comment_behind(convert, last);
		convert->line = last > convert->line ? last : convert->line;
	}
}

static void add_value(struct convert *convert, struct node node, int indent, int column, bool root, const char *name)
{
	if (!is_container(node)) {
		add_leaf(convert, convert->out, node, name);
		return;
	}
	if (add_on_one_line(convert, node, column, root, name))
		return;
	const char *key;
	struct node first = child(node, 0, &key);
	buf_char(convert->out, json_is_object(node.value) ? '{' : '[');
	if (first.key.line > node.key.line)
		add_comment_behind(convert, node.key.line);
	add_members(convert, node, indent + INDENT, name);
	new_line(convert, indent);
	buf_char(convert->out, json_is_object(node.value) ? '}' : ']');
}

void convert_document(const struct document *document, const struct convert_options *options, struct buf *out)
{
	struct convert convert = { .options = options, .document = document, .out = out };
	size_t length;
	const char *bytes = document_bytes(document, &length);
	if (!options->plain)
		comments_find(bytes, length, &convert.comments);
	struct node root = document_root(document);
	const struct comment *comment;
	while ((comment = next_comment(&convert)) && comment->line < root.place.line) {
		add_comment(&convert);
		buf_char(out, '\n');
	}
	add_value(&convert, root, 0, 0, true, NULL);
	while (next_comment(&convert)) {
		buf_char(out, '\n');
		add_comment(&convert);
	}
	buf_char(out, '\n');
	comments_release(&convert.comments);
}
