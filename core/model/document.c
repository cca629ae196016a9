/* Documents: files read whole, and nodes that know where they stand. */
#include "model/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"
#include "model/position.h"
#include "model/reader.h"
#include "model/yaml.h"

enum { TEXT_MOST = 60 }; /* characters of a value in a message */

struct document {
	char *name;
	struct buf bytes;
	json_t *root;
	struct span span; /* of the root */
	struct positions positions;
	bool sealed; /* the bytes came out of a vault: they are wiped, and shown nowhere */
};

/* ---- formats ---- */

static bool name_ends(const char *name, const char *ending)
{
	size_t length = strlen(name), ending_length = strlen(ending);
	return length > ending_length && strcasecmp(name + length - ending_length, ending) == 0;
}

/* Behind blanks and a byte order mark. */
static const char *first_character(const char *bytes)
{
	if (strncmp(bytes, "\xef\xbb\xbf", 3) == 0)
		bytes += 3;
	return bytes + strspn(bytes, " \t\r\n");
}

static enum document_format format_of(enum document_format format, const char *name, const char *bytes)
{
	const char *first = first_character(bytes);
	bool braced = *first == '{' || *first == '[';
	if (format == DOCUMENT_BY_NAME && name_ends(name, ".json"))
		return DOCUMENT_JSON;
	if (format == DOCUMENT_BY_NAME && !name_ends(name, ".yml") && !name_ends(name, ".yaml"))
		return braced || strncmp(first, "//", 2) == 0 || strncmp(first, "/*", 2) == 0 ? DOCUMENT_JSON : DOCUMENT_YAML;
	if (format == DOCUMENT_BY_NAME || format == DOCUMENT_EITHER)
		return braced || *first == '"' ? DOCUMENT_EITHER : DOCUMENT_YAML;
	return format;
}

/* ---- loading ---- */

static json_t *read_json(struct document *document, struct problems *problems)
{
	struct reader reader = { .name = document->name, .bytes = buf_text(&document->bytes), .length = document->bytes.length,
	                         .problems = problems, .positions = &document->positions };
	return reader_read(&reader, &document->span);
}

static json_t *read_yaml(struct document *document, struct problems *problems)
{
	struct yaml yaml = { .name = document->name, .bytes = buf_text(&document->bytes), .length = document->bytes.length,
	                     .problems = problems, .positions = &document->positions };
	return yaml_read(&yaml, &document->span);
}

static json_t *read_either(struct document *document, struct problems *problems)
{
	auto_problems struct problems unseen = PROBLEMS_INIT;
	json_t *value = read_json(document, &unseen);
	if (value)
		return value;
	positions_release(&document->positions);
	return read_yaml(document, problems);
}

int document_parse_as(struct document **document, enum document_format format, const char *name, const char *bytes,
                      size_t length, struct problems *problems)
{
	*document = NULL;
	struct place whole = { .file = name };
	if (length > DOCUMENT_MAX_BYTES) {
		problem_add(problems, PROBLEM_ERROR, whole, NULL, NULL, "larger than %d MiB", DOCUMENT_MAX_BYTES >> 20);
		return -1;
	}
	struct document *made = mem_alloc(sizeof(*made));
	made->name = mem_strdup(name);
	buf_add(&made->bytes, bytes, length);
	format = format_of(format, name, buf_text(&made->bytes));
	made->root = format == DOCUMENT_JSON ? read_json(made, problems)
	           : format == DOCUMENT_YAML ? read_yaml(made, problems)
	                                     : read_either(made, problems);
	if (!made->root) {
		document_free(made);
		return -1;
	}
	*document = made;
	return 0;
}

int document_parse(struct document **document, const char *name, const char *bytes, size_t length,
                   struct problems *problems)
{
	return document_parse_as(document, DOCUMENT_BY_NAME, name, bytes, length, problems);
}

/* ---- what is sealed ---- */

static void learn_places(struct node node, struct vault *vault)
{
	size_t length = 0;
	const char *sealed = vault_value_sealed(node.value, &length), *key;
	if (sealed) {
		auto_free char *where = node_where(node);
		vault_value_at(vault, sealed, length, where);
		return;
	}
	for (size_t i = 0; i < node_count(node); i++)
		learn_places(json_is_array(node.value) ? node_at(node, i) : node_member(node, i, &key), vault);
}

static int sealed_problem(const char *name, const struct err *err, struct problems *problems)
{
	problem_add(problems, PROBLEM_ERROR, (struct place){ .file = name }, NULL, err_remedy(err), "%s", err->text);
	return -1;
}

/* The reader shows lines of what it reads: of an opened text only the places are told on. */
static int parse_opened(struct document **document, const char *name, const struct secret *plain, struct vault *vault,
                        struct problems *problems)
{
	auto_problems struct problems inner = PROBLEMS_INIT;
	if (document_parse(document, name, plain->bytes, plain->length, &inner) == 0) {
		(*document)->sealed = true;
		vault_tell(vault, (*document)->root);
		return 0;
	}
	for (size_t i = 0; i < inner.count; i++) {
		struct place place = inner.items[i].place;
		place.file = name;
		problem_add(problems, inner.items[i].level, place, NULL, "look at it with neap vault edit",
		            "what is sealed here is not well-formed");
	}
	return -1;
}

int document_open(struct document **document, const char *name, const char *bytes, size_t length, struct vault *vault,
                  struct problems *problems)
{
	*document = NULL;
	auto_secret struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	bool sealed = vault_is_sealed(bytes, length);
	if (sealed && !vault) {
		err_set(&err, ERR_INPUT, "it is sealed by Ansible Vault");
		err_hint(&err, "open it first: neap vault decrypt %s", name);
		return sealed_problem(name, &err, problems);
	}
	if (sealed && vault_open(vault, bytes, length, &plain, NULL, &err) < 0)
		return sealed_problem(name, &err, problems);
	if (!sealed && document_parse(document, name, bytes, length, problems) < 0)
		return -1;
	if (sealed && parse_opened(document, name, &plain, vault, problems) < 0)
		return -1;
	if (vault)
		learn_places(document_root(*document), vault);
	return 0;
}

/* Stops one byte behind the limit of sealed files; document_parse knows that of others. */
static int read_all(int fd, struct buf *bytes)
{
	while (bytes->length <= (vault_is_sealed(buf_text(bytes), bytes->length) ? (size_t)VAULT_MAX_BYTES : DOCUMENT_MAX_BYTES)) {
		size_t room = 64 * 1024;
		ssize_t got = read(fd, buf_reserve(bytes, room), room);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			bytes->length += (size_t)got;
	}
	return 0;
}

int document_load(struct document **document, const char *path, struct vault *vault, struct problems *problems)
{
	*document = NULL;
	bool is_stdin = strcmp(path, "-") == 0;
	struct place whole = { .file = is_stdin ? "standard input" : path };
	auto_buf struct buf bytes = BUF_INIT;
	auto_close int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if ((!is_stdin && opened < 0) || read_all(is_stdin ? STDIN_FILENO : opened, &bytes) < 0) {
		char reason[128];
		problem_add(problems, PROBLEM_ERROR, whole, NULL, NULL, "cannot be read: %s",
		            strerror_r(errno, reason, sizeof(reason)));
		return -1;
	}
	return document_open(document, whole.file, buf_text(&bytes), bytes.length, vault, problems);
}

void document_free(struct document *document)
{
	if (!document)
		return;
	json_decref(document->root);
	positions_release(&document->positions);
	if (document->sealed)
		secret_wipe(document->bytes.data, document->bytes.length);
	buf_release(&document->bytes);
	free(document->name);
	free(document);
}

const char *document_bytes(const struct document *document, size_t *length)
{
	*length = document->bytes.length;
	return buf_text(&document->bytes);
}

const char *document_name(const struct document *document) { return document->name; }

char *document_line(const struct document *document, int line)
{
	if (document->sealed)
		return NULL;
	size_t length = 0;
	const char *start = reader_line(buf_text(&document->bytes), document->bytes.length, line, &length);
	return start ? mem_strndup(start, length) : NULL;
}

/* ---- nodes ---- */

static struct place place_of(const struct document *document, struct span span)
{
	return (struct place){ .file = document->name, .line = span.line, .column = span.column, .width = span.width };
}

struct node document_root(const struct document *document)
{
	struct place place = place_of(document, document->span);
	return (struct node){ .document = document, .value = document->root, .place = place, .key = place };
}

struct node node_of(json_t *value) { return (struct node){ .value = value }; }

/* What has no mark of its own is where its container is. */
static struct node inside(struct node container, json_t *value, const struct mark *mark)
{
	struct node node = container;
	node.value = value;
	node.key = node.place;
	if (mark) {
		node.place = place_of(container.document, mark->span);
		node.key = place_of(container.document, mark->key_span);
	}
	return node;
}

static struct node member(struct node object, void *iter)
{
	if (!iter)
		return inside(object, NULL, NULL);
	const struct mark *mark = object.document ? positions_member(&object.document->positions, object.value,
	                                                             json_object_iter_key(iter)) : NULL;
	return inside(object, json_object_iter_value(iter), mark);
}

struct node node_get(struct node object, const char *key)
{
	return member(object, json_object_iter_at(object.value, key));
}

struct node node_at(struct node array, size_t index)
{
	const struct position_container *container =
		array.document && array.value ? positions_find(&array.document->positions, array.value) : NULL;
	bool known = container && index < container->count;
	return inside(array, json_array_get(array.value, index), known ? &container->marks[index] : NULL);
}

struct node node_member(struct node object, size_t index, const char **key)
{
	const struct position_container *container =
		object.document && object.value ? positions_find(&object.document->positions, object.value) : NULL;
	void *iter;
	if (container && json_is_object(object.value)) {
		iter = index < container->count ? json_object_iter_at(object.value, container->marks[index].key) : NULL;
	} else {
		iter = json_object_iter(object.value);
		for (size_t i = 0; iter && i < index; i++)
			iter = json_object_iter_next(object.value, iter);
	}
	*key = iter ? json_object_iter_key(iter) : NULL;
	return member(object, iter);
}

size_t node_count(struct node node)
{
	return json_is_array(node.value) ? json_array_size(node.value) : json_object_size(node.value);
}

char *node_where(struct node node)
{
	if (!node.place.file)
		return mem_strdup("");
	if (node.place.line <= 0)
		return mem_strdup(node.place.file);
	return mem_printf("%s:%d:%d", node.place.file, node.place.line, node.place.column);
}

const char *node_kind(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		return "a dictionary";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	default:
		return "null";
	}
}

/* ---- reporting ---- */

static void report(struct problems *problems, enum problem_level level, struct node node, struct place place,
                   const char *hint, const char *format, va_list arguments)
{
	auto_free char *text = mem_vprintf(format, arguments);
	bool has_line = node.document && place.line > 0 && problems->count < PROBLEMS_MOST;
	auto_free char *line = has_line ? document_line(node.document, place.line) : NULL;
	problem_add(problems, level, place, line, hint, "%s", text);
}

void node_problem(struct problems *problems, struct node node, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report(problems, PROBLEM_ERROR, node, node.place, hint, format, arguments);
	va_end(arguments);
}

void node_problem_key(struct problems *problems, struct node node, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report(problems, PROBLEM_ERROR, node, node.key, hint, format, arguments);
	va_end(arguments);
}

void node_warning(struct problems *problems, struct node node, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report(problems, PROBLEM_WARNING, node, node.place, hint, format, arguments);
	va_end(arguments);
}

char *node_text(const json_t *value)
{
	if (!value)
		return mem_strdup("nothing");
	if (json_is_object(value) || json_is_array(value))
		return mem_strdup(json_is_object(value) ? (json_object_size(value) ? "{...}" : "{}")
		                                        : (json_array_size(value) ? "[...]" : "[]"));
	auto_free char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	size_t length = text ? strlen(text) : 0, at = 0, count = 0;
	while (at < length && count++ < TEXT_MOST) {
		size_t step = printable_utf8(text + at, length - at, NULL);
		at += step ? step : 1;
	}
	return mem_printf("%.*s%s", (int)at, text ? text : "", at < length ? "..." : "");
}
