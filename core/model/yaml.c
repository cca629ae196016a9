/* YAML's events to values. A dictionary is put together when it ends, because what a merge key brings comes first and is
 * overridden by the dictionary's own keys. An alias shares the value of its anchor; how much all aliases would take when they
 * are written out is bounded, because whoever copies or prints a document writes them out. */
#include "model/yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/document.h"
#include "model/reader.h"

#define auto_event auto_(yaml_event_delete)

enum { WEIGHT_SCALAR = 16, WEIGHT_CONTAINER = 64 };

static bool read_event(struct yaml *yaml, yaml_event_t *event, bool unsafe, struct yaml_value *value);

static void value_release(struct yaml_value *value)
{
	json_decref(value->json);
	json_decref(value->as_mode);
	*value = (struct yaml_value){ 0 };
}

/* False when the text cannot be parsed any further. */
static bool next_event(struct yaml *yaml, yaml_event_t *event)
{
	if (yaml->stopped)
		return false;
	if (yaml_parser_parse(&yaml->parser, event))
		return true;
	yaml_fault_syntax(yaml);
	return false;
}

static bool next_value(struct yaml *yaml, bool unsafe, struct yaml_value *value)
{
	auto_event yaml_event_t event = { 0 };
	return next_event(yaml, &event) && read_event(yaml, &event, unsafe, value);
}

/* ---- vault and unsafe ---- */

static json_t *wrap(const char *name, json_t *text)
{
	json_t *object = json_object();
	json_object_set_new_nocheck(object, name, text);
	return object;
}

static bool is_wrapped(const json_t *value)
{
	return json_object_size(value) == 1 &&
	       (json_object_get(value, "__ansible_vault") || json_object_get(value, "__ansible_unsafe"));
}

/* A copy with all strings in it marked, for what an alias brings into a value that is !unsafe. */
static json_t *unsafe_copy(json_t *value)
{
	if (json_is_string(value))
		return wrap("__ansible_unsafe", json_incref(value));
	if (is_wrapped(value))
		return json_incref(value);
	if (json_is_array(value)) {
		json_t *array = json_array();
		for (size_t i = 0; i < json_array_size(value); i++)
			json_array_append_new(array, unsafe_copy(json_array_get(value, i)));
		return array;
	}
	if (json_is_object(value)) {
		json_t *object = json_object();
		const char *key;
		json_t *inner;
		json_object_foreach(value, key, inner)
			json_object_set_new_nocheck(object, key, unsafe_copy(inner));
		return object;
	}
	return json_incref(value);
}

/* ---- anchors ---- */

/* Remembers that an anchor's value begins; -1 for none. */
static long anchor_begin(struct yaml *yaml, const yaml_char_t *name)
{
	if (!name)
		return -1;
	mem_grow(yaml->anchors, yaml->anchor_count, yaml->anchor_room);
	yaml->anchors[yaml->anchor_count] = (struct yaml_anchor){ 0 };
	json_object_set_new_nocheck(yaml->anchor_names, (const char *)name, json_integer((json_int_t)yaml->anchor_count));
	return (long)yaml->anchor_count++;
}

static void anchor_end(struct yaml *yaml, long anchor, const struct yaml_value *value)
{
	if (anchor < 0)
		return;
	yaml->anchors[anchor].value = *value;
	json_incref(value->json);
	json_incref(value->as_mode);
}

static bool read_alias(struct yaml *yaml, const yaml_event_t *event, bool unsafe, struct yaml_value *value)
{
	const char *name = (const char *)event->data.alias.anchor;
	const json_t *index = json_object_get(yaml->anchor_names, name);
	struct span span = yaml_span(yaml, event->start_mark, event->end_mark);
	const struct yaml_value *held = index ? &yaml->anchors[json_integer_value(index)].value : NULL;
	if (!held) {
		auto_free char *hint = mem_printf("a text that begins with * is quoted: \"*%.60s\"; an anchor is made by &%.60s", name,
		                                  name);
		yaml_fault(yaml, PROBLEM_ERROR, span, hint, "there is no anchor \"%.60s\" before this alias", name);
		value->json = json_null();
		return !yaml->stopped;
	}
	if (!held->json) {
		yaml_fault(yaml, PROBLEM_ERROR, span, NULL, "the anchor \"%.60s\" contains itself", name);
		value->json = json_null();
		return !yaml->stopped;
	}
	yaml->brought += held->weight;
	bool deep = yaml->depth + held->height > DOCUMENT_MAX_DEPTH;
	if (deep || yaml->brought > DOCUMENT_MAX_BYTES) {
		if (deep)
			yaml_fault(yaml, PROBLEM_ERROR, span, NULL, "nested deeper than %d levels", DOCUMENT_MAX_DEPTH);
		else
			yaml_fault(yaml, PROBLEM_ERROR, span, "an alias is a copy; aliases of aliases multiply",
			           "the aliases of this file stand for more than %d MiB", DOCUMENT_MAX_BYTES >> 20);
		yaml->stopped = true;
		return false;
	}
	*value = *held;
	value->json = unsafe ? unsafe_copy(held->json) : json_incref(held->json);
	value->as_mode = unsafe ? NULL : json_incref(held->as_mode);
	value->span = span;
	return true;
}

/* ---- scalars ---- */

static bool is_vault_tag(const yaml_char_t *tag)
{
	return tag && (strcmp((const char *)tag, "!vault") == 0 || strcmp((const char *)tag, "!vault-encrypted") == 0);
}

static bool is_unsafe_tag(const yaml_char_t *tag) { return tag && strcmp((const char *)tag, "!unsafe") == 0; }

static bool read_scalar(struct yaml *yaml, const yaml_event_t *event, bool unsafe, struct yaml_value *value)
{
	const yaml_char_t *tag = event->data.scalar.tag;
	long anchor = anchor_begin(yaml, event->data.scalar.anchor);
	value->span = yaml_span(yaml, event->start_mark, event->end_mark);
	value->weight = WEIGHT_SCALAR + event->data.scalar.length;
	if (is_vault_tag(tag) || is_unsafe_tag(tag)) {
		json_t *text = json_stringn_nocheck((const char *)event->data.scalar.value, event->data.scalar.length);
		value->json = wrap(is_vault_tag(tag) ? "__ansible_vault" : "__ansible_unsafe", text);
		value->weight += WEIGHT_CONTAINER;
	} else {
		value->json = yaml_scalar(yaml, event, value->span, &value->as_mode);
		if (!value->json)
			value->json = json_null(); /* reported; more faults may follow */
		if (unsafe && json_is_string(value->json))
			value->json = wrap("__ansible_unsafe", value->json);
	}
	anchor_end(yaml, anchor, value);
	return !yaml->stopped;
}

/* ---- containers ---- */

struct yaml_members {
	struct yaml_member {
		char *key;
		size_t length;
		json_t *value;
		struct mark mark;
	} *items;
	size_t count, room;
};

static void members_release(struct yaml_members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		free(members->items[i].key);
		json_decref(members->items[i].value);
	}
	free(members->items);
}

/* Takes value over. */
static void members_add(struct yaml_members *members, const char *key, size_t length, json_t *value, struct mark mark)
{
	mem_grow(members->items, members->count, members->room);
	members->items[members->count++] = (struct yaml_member){ mem_strndup(key, length), length, value, mark };
}

struct yaml_marks {
	struct mark *items;
	size_t count, room;
};

static void marks_release(struct yaml_marks *marks) { free(marks->items); }

static void marks_add(struct yaml_marks *marks, struct mark mark)
{
	mem_grow(marks->items, marks->count, marks->room);
	marks->items[marks->count++] = mark;
}

/* False if that is too deep. */
static bool enter(struct yaml *yaml, struct span span)
{
	if (++yaml->depth <= DOCUMENT_MAX_DEPTH)
		return true;
	yaml_fault(yaml, PROBLEM_ERROR, span, NULL, "nested deeper than %d levels", DOCUMENT_MAX_DEPTH);
	yaml->stopped = true;
	return false;
}

/* Counts an inner value into its container. */
static void take_in(struct yaml_value *container, const struct yaml_value *inner)
{
	container->weight += inner->weight;
	if (container->height < inner->height + 1)
		container->height = inner->height + 1;
}

/* !!omap and !!pairs: dictionaries of one member become lists of two, as Ansible's tuples show. */
static json_t *as_pair(json_t *value)
{
	void *iter = json_object_iter(value);
	json_t *pair = json_array();
	json_array_append_new(pair, json_string_nocheck(json_object_iter_key(iter)));
	json_array_append(pair, json_object_iter_value(iter));
	json_decref(value);
	return pair;
}

static bool is_tag(const yaml_char_t *tag, const char *name)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	return tag && strncmp((const char *)tag, prefix, sizeof(prefix) - 1) == 0 &&
	       strcmp((const char *)tag + sizeof(prefix) - 1, name) == 0;
}

static bool is_sequence_tag(const yaml_char_t *tag)
{
	return !tag || strcmp((const char *)tag, "!") == 0 || is_unsafe_tag(tag) || is_tag(tag, "seq") || is_tag(tag, "omap") ||
	       is_tag(tag, "pairs");
}

static bool is_mapping_tag(const yaml_char_t *tag)
{
	return !tag || strcmp((const char *)tag, "!") == 0 || is_unsafe_tag(tag) || is_tag(tag, "map") || is_tag(tag, "set") ||
	       is_tag(tag, "python/dict");
}

static void tag_fault(struct yaml *yaml, struct span span, const yaml_char_t *tag, const char *what)
{
	yaml_fault(yaml, PROBLEM_ERROR, span, "the tags that have a meaning are !vault and !unsafe, and YAML's own such as !!str",
	           "the tag %.80s does not fit %s", (const char *)tag, what);
}

/* Behind the start of a sequence, up to its end. */
static bool sequence_items(struct yaml *yaml, bool unsafe, bool pairs, struct yaml_value *value, struct yaml_marks *marks)
{
	for (;;) {
		auto_event yaml_event_t event = { 0 };
		auto_(value_release) struct yaml_value item = { 0 };
		if (!next_event(yaml, &event))
			return false;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!read_event(yaml, &event, unsafe, &item))
			return false;
		if (pairs && json_object_size(item.json) != 1) {
			yaml_fault(yaml, PROBLEM_ERROR, item.span, "- key: value", "an ordered map is a list of dictionaries of one key");
		} else {
			if (pairs)
				item.json = as_pair(item.json);
			take_in(value, &item);
			json_array_append_new(value->json, steal(item.json));
			marks_add(marks, (struct mark){ .span = item.span, .key_span = item.span });
		}
		if (yaml->stopped)
			return false;
	}
}

static bool read_sequence(struct yaml *yaml, const yaml_event_t *event, bool unsafe, struct yaml_value *value)
{
	const yaml_char_t *tag = event->data.sequence_start.tag;
	auto_(marks_release) struct yaml_marks marks = { 0 };
	value->span = yaml_span(yaml, event->start_mark, event->start_mark);
	if (!enter(yaml, value->span))
		return false;
	if (!is_sequence_tag(tag))
		tag_fault(yaml, value->span, tag, "a list");
	long anchor = anchor_begin(yaml, event->data.sequence_start.anchor);
	value->json = json_array();
	value->weight = WEIGHT_CONTAINER;
	value->height = 1;
	if (!sequence_items(yaml, unsafe || is_unsafe_tag(tag), is_tag(tag, "omap") || is_tag(tag, "pairs"), value, &marks))
		return false;
	yaml->depth--;
	positions_add(yaml->positions, value->json, marks.items, marks.count);
	marks = (struct yaml_marks){ 0 };
	anchor_end(yaml, anchor, value);
	return true;
}

/* ---- merge keys ---- */

static void merge_object(struct yaml *yaml, struct yaml_members *merged, json_t *object)
{
	for (void *iter = json_object_iter(object); iter; iter = json_object_iter_next(object, iter)) {
		const char *key = json_object_iter_key(iter);
		const struct mark *mark = positions_member(yaml->positions, object, key);
		members_add(merged, key, strlen(key), json_incref(json_object_iter_value(iter)), mark ? *mark : (struct mark){ 0 });
	}
}

/* Of several dictionaries the first wins, so it comes last. */
static void merge_value(struct yaml *yaml, struct yaml_members *merged, const struct yaml_value *value)
{
	static const char hint[] = "<<: *anchor, or <<: [*one, *two]";
	if (json_is_object(value->json) && !is_wrapped(value->json)) {
		merge_object(yaml, merged, value->json);
	} else if (json_is_array(value->json)) {
		for (size_t i = json_array_size(value->json); i-- > 0;) {
			json_t *item = json_array_get(value->json, i);
			if (json_is_object(item) && !is_wrapped(item))
				merge_object(yaml, merged, item);
			else
				yaml_fault(yaml, PROBLEM_ERROR, value->span, hint, "a merge key takes dictionaries, not %s", node_kind(item));
		}
	} else {
		yaml_fault(yaml, PROBLEM_ERROR, value->span, hint, "a merge key takes a dictionary or a list of them, not %s",
		           node_kind(value->json));
	}
}

/* ---- dictionaries ---- */

struct mapping {
	struct yaml_members merged, own;
	json_t *places; /* key to its index among own */
};

static void mapping_release(struct mapping *mapping)
{
	members_release(&mapping->merged);
	members_release(&mapping->own);
	json_decref(mapping->places);
}

/* Adds the members to the object, later ones over earlier ones. */
static void join(json_t *object, json_t *places, struct yaml_marks *marks, struct yaml_members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		struct yaml_member *member = &members->items[i];
		const json_t *known = json_object_get(places, member->key);
		json_object_set_new_nocheck(object, member->key, steal(member->value));
		if (known) {
			struct mark *mark = &marks->items[json_integer_value(known)];
			mark->span = member->mark.span;
			mark->key_span = member->mark.key_span;
			continue;
		}
		json_object_set_new_nocheck(places, member->key, json_integer((json_int_t)marks->count));
		member->mark.key = json_object_iter_key(json_object_iter_at(object, member->key));
		marks_add(marks, member->mark);
	}
}

static void key_fault(struct yaml *yaml, const struct yaml_value *key)
{
	size_t length = 0;
	const char *line = reader_line(yaml->bytes, yaml->length, key->span.line, &length);
	bool braces = json_is_object(key->json) && line && strstr(line, "{{") && !is_wrapped(key->json);
	yaml_fault(yaml, PROBLEM_ERROR, key->span,
	           braces ? "a value that begins with {{ is put into quotes: \"{{ name }}\"" : "a key is a plain text",
	           braces ? "a dictionary cannot be a key" : "a key cannot be %s", node_kind(key->json));
}

static bool is_mode_key(const char *key) { return strcmp(key, "mode") == 0 || strcmp(key, "directory_mode") == 0; }

/* Adds a member of the dictionary's own; a key that is there already is a warning, and the later one counts. */
static void mapping_add(struct yaml *yaml, struct mapping *mapping, const struct yaml_value *key, struct yaml_value *value)
{
	const json_t *unsafe = json_object_get(key->json, "__ansible_unsafe");
	const json_t *scalar = is_wrapped(key->json) && unsafe ? unsafe : key->json; /* a key is no template anyway */
	if (json_is_object(scalar) || json_is_array(scalar)) {
		key_fault(yaml, key);
		return;
	}
	auto_buf struct buf text = BUF_INIT;
	yaml_scalar_key(scalar, &text);
	if (strlen(buf_text(&text)) != text.length) {
		yaml_fault(yaml, PROBLEM_ERROR, key->span, NULL, "a NUL character in a key");
		return;
	}
	const json_t *known = json_object_get(mapping->places, buf_text(&text));
	if (known) {
		struct span first = mapping->own.items[json_integer_value(known)].mark.key_span;
		auto_free char *hint = mem_printf("the first one is at %s:%d:%d; the last one counts", yaml->name, first.line,
		                                  first.column);
		yaml_fault(yaml, PROBLEM_WARNING, key->span, hint, "the key \"%.60s\" is given twice", buf_text(&text));
	}
	json_object_set_new_nocheck(mapping->places, buf_text(&text), json_integer((json_int_t)mapping->own.count));
	bool mode = value->as_mode && is_mode_key(buf_text(&text));
	json_t *member = mode ? json_incref(value->as_mode) : json_incref(value->json);
	members_add(&mapping->own, buf_text(&text), text.length, member,
	            (struct mark){ .span = value->span, .key_span = key->span });
}

/* Behind the start of a mapping, up to its end. */
static bool mapping_members(struct yaml *yaml, bool unsafe, struct yaml_value *value, struct mapping *mapping)
{
	while (!yaml->stopped) {
		auto_event yaml_event_t event = { 0 };
		auto_(value_release) struct yaml_value key = { 0 };
		auto_(value_release) struct yaml_value member = { 0 };
		if (!next_event(yaml, &event))
			return false;
		if (event.type == YAML_MAPPING_END_EVENT)
			return true;
		bool merge = event.type == YAML_SCALAR_EVENT && yaml_scalar_is_merge(&event);
		if (!read_event(yaml, &event, false, &key) || !next_value(yaml, unsafe, &member))
			return false;
		take_in(value, &member);
		value->weight += WEIGHT_SCALAR + key.weight;
		if (merge)
			merge_value(yaml, &mapping->merged, &member);
		else
			mapping_add(yaml, mapping, &key, &member);
	}
	return false;
}

/* !!set: the keys as a list. */
static json_t *as_set(const json_t *object)
{
	json_t *array = json_array(), *unused;
	const char *key;
	json_object_foreach((json_t *)object, key, unused)
		json_array_append_new(array, json_string_nocheck(key));
	return array;
}

static bool read_mapping(struct yaml *yaml, const yaml_event_t *event, bool unsafe, struct yaml_value *value)
{
	const yaml_char_t *tag = event->data.mapping_start.tag;
	auto_(mapping_release) struct mapping mapping = { .places = json_object() };
	auto_(marks_release) struct yaml_marks marks = { 0 };
	value->span = yaml_span(yaml, event->start_mark, event->start_mark);
	if (!enter(yaml, value->span))
		return false;
	if (!is_mapping_tag(tag))
		tag_fault(yaml, value->span, tag, "a dictionary");
	long anchor = anchor_begin(yaml, event->data.mapping_start.anchor);
	value->weight = WEIGHT_CONTAINER;
	value->height = 1;
	if (!mapping_members(yaml, unsafe || is_unsafe_tag(tag), value, &mapping))
		return false;
	yaml->depth--;
	value->json = json_object();
	json_object_clear(mapping.places);
	join(value->json, mapping.places, &marks, &mapping.merged);
	join(value->json, mapping.places, &marks, &mapping.own);
	if (is_tag(tag, "set")) {
		json_t *set = as_set(value->json);
		json_decref(value->json);
		value->json = set;
		for (size_t i = 0; i < marks.count; i++)
			marks.items[i] = (struct mark){ .span = marks.items[i].key_span, .key_span = marks.items[i].key_span };
	}
	positions_add(yaml->positions, value->json, marks.items, marks.count);
	marks = (struct yaml_marks){ 0 };
	anchor_end(yaml, anchor, value);
	return true;
}

/* ---- the whole ---- */

static bool read_event(struct yaml *yaml, yaml_event_t *event, bool unsafe, struct yaml_value *value)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT: return read_alias(yaml, event, unsafe, value);
	case YAML_SEQUENCE_START_EVENT: return read_sequence(yaml, event, unsafe, value);
	case YAML_MAPPING_START_EVENT: return read_mapping(yaml, event, unsafe, value);
	default: return read_scalar(yaml, event, unsafe, value);
	}
}

/* Up to the end of the stream: nothing may follow the first document. */
static bool read_end(struct yaml *yaml)
{
	for (;;) {
		auto_event yaml_event_t event = { 0 };
		if (!next_event(yaml, &event))
			return false;
		if (event.type == YAML_STREAM_END_EVENT)
			return true;
		if (event.type == YAML_DOCUMENT_START_EVENT) {
			yaml_fault(yaml, PROBLEM_ERROR, yaml_span(yaml, event.start_mark, event.end_mark),
			           "take this \"---\" out, or make two files", "a second document begins here; a file holds one");
			return false;
		}
	}
}

static bool read_stream(struct yaml *yaml, struct yaml_value *value)
{
	for (;;) {
		auto_event yaml_event_t event = { 0 };
		if (!next_event(yaml, &event))
			return false;
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_START_EVENT: break;
		case YAML_STREAM_END_EVENT: value->json = json_null(); return true;
		default: return read_event(yaml, &event, false, value) && read_end(yaml);
		}
	}
}

static void yaml_release(struct yaml *yaml)
{
	for (size_t i = 0; i < yaml->anchor_count; i++)
		value_release(&yaml->anchors[i].value);
	free(yaml->anchors);
	json_decref(yaml->anchor_names);
	yaml_parser_delete(&yaml->parser);
}

static size_t mark_length(const struct yaml *yaml)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t length = sizeof(mark) - 1;
	return yaml->length >= length && memcmp(yaml->bytes, mark, length) == 0 ? length : 0;
}

json_t *yaml_read(struct yaml *yaml, struct span *span)
{
	struct reader text = { .name = yaml->name, .bytes = yaml->bytes, .length = yaml->length, .problems = yaml->problems };
	*span = (struct span){ .line = 1, .column = 1, .width = 1 };
	if (!reader_check_utf8(&text))
		return NULL;
	size_t skip = mark_length(yaml);
	yaml->cursor = (struct yaml_cursor){ .byte = skip, .line = 1, .column = 1 };
	yaml->anchor_names = json_object();
	if (!yaml_parser_initialize(&yaml->parser))
		abort();
	yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)yaml->bytes + skip, yaml->length - skip);
	auto_(value_release) struct yaml_value value = { 0 };
	bool whole = read_stream(yaml, &value);
	yaml_release(yaml);
	if (!whole || yaml->faults)
		return NULL;
	if (value.span.line)
		*span = value.span;
	return steal(value.json);
}
