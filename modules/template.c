/* template: a file with what a Jinja2 template gives. */
#include <iconv.h>
#include <string.h>

#include "modules/copy_task.h"
#include "plan/path.h"

struct template_want {
	struct copy_want copy;
	struct ask_template settings;
	const char *newline_sequence, *output_encoding;
	int trim_blocks, lstrip_blocks;
};

#define MARK(given, member, shown, text)                                                                      \
	{ .name = given, .offset = offsetof(struct template_want, settings.member), .fallback = "\"" shown "\"",   \
	  .doc = "The mark that " text "." }

static const char *const mode_words[] = { "preserve", NULL };
static const char *const newlines[] = { "\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n", NULL };
static const struct arg template_args[] = {
	{ .name = "src", .type = ARG_PATH, .required = true, .offset = offsetof(struct template_want, copy.src),
	  .controller_path = true,
	  .doc = "The template, looked up in templates/ beside the role and the playbook. Templates that it includes, imports or "
	         "extends are looked up likewise, and beside it." },
	{ .name = "dest", .type = ARG_PATH, .required = true, .offset = offsetof(struct template_want, copy.dest),
	  .doc = "Where the result goes. A directory, or a path that ends in a slash, gets it under the template's own name." },
	FILE_WISH_ARGS_IN(template_want, copy.wish, mode_words),
	{ .name = "backup", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct template_want, copy.backup),
	  .doc = "Keeps the old file beside the new one, under a name with the time in it." },
	{ .name = "force", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct template_want, copy.force),
	  .doc = "Replaces a file that is there and differs. Without it, a file that is there stays." },
	{ .name = "validate", .offset = offsetof(struct template_want, copy.validate),
	  .doc = "A command that checks the new file before it takes its place; %s is the new file's path.",
	  .pattern = "%s", .pattern_doc = "have %s in it, where the new file's path goes" },
	{ .name = "follow", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct template_want, copy.follow),
	  .doc = "Where dest is a symlink, writes what it points to. Without it the link is replaced by the file." },
	{ .name = "newline_sequence", .choices = newlines, .fallback = "\"\\n\"",
	  .offset = offsetof(struct template_want, newline_sequence), .doc = "What the template's newlines become." },
	{ .name = "trim_blocks", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct template_want, trim_blocks),
	  .doc = "Leaves out the newline behind a block's tag." },
	{ .name = "lstrip_blocks", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct template_want, lstrip_blocks),
	  .doc = "Leaves out blanks before a block's tag at the start of a line." },
	MARK("block_start_string", block_start, "{%", "begins a block"),
	MARK("block_end_string", block_end, "%}", "ends a block"),
	MARK("variable_start_string", variable_start, "{{", "begins an expression"),
	MARK("variable_end_string", variable_end, "}}", "ends an expression"),
	MARK("comment_start_string", comment_start, "{#", "begins a comment"),
	MARK("comment_end_string", comment_end, "#}", "ends a comment"),
	{ .name = "output_encoding", .fallback = "\"utf-8\"", .offset = offsetof(struct template_want, output_encoding),
	  .doc = "The encoding that the result is written in." },
	{ 0 },
};

static const struct module_example template_examples[] = {
	{ "A configuration file", "{\"name\": \"nginx is configured\", \"template\": {\"src\": \"nginx.conf.j2\", \"dest\": "
	                          "\"/etc/nginx/nginx.conf\", \"mode\": \"0644\", \"validate\": \"nginx -t -c %s\"}, "
	                          "\"notify\": \"reload nginx\"}" },
	{ "Other marks, where the text itself is full of braces",
	  "{\"name\": \"a LaTeX letter\", \"template\": {\"src\": \"letter.tex.j2\", \"dest\": \"/srv/letter.tex\", "
	  "\"variable_start_string\": \"<<\", \"variable_end_string\": \">>\"}}" },
	{ 0 },
};

static const struct module_return template_returns[] = {
	{ "dest", "str", "Where the file is." },
	{ "src", "str", "The template, where the file was written." },
	{ "checksum", "str", "The SHA-1 of the result." },
	{ "md5sum", "str", "Its MD5, where it was written." },
	{ "backup_file", "str", "Where the old file is kept." },
	FILE_RETURNS,
	{ "state", "str", "file, or hard where it has several names." },
	{ 0 },
};

/* Python's names for encodings that iconv knows by another. */
static const char *encoding_name(const char *name)
{
	static const char *const names[][2] = {
		{ "latin-1", "ISO-8859-1" }, { "latin_1", "ISO-8859-1" }, { "iso8859_1", "ISO-8859-1" }, { "utf_8", "UTF-8" },
		{ "utf8", "UTF-8" }, { "utf_16", "UTF-16" }, { "utf_32", "UTF-32" }, { "ascii", "US-ASCII" },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(name, names[i][0]) == 0)
			return names[i][1];
	}
	return name;
}

/* false: the task was failed. */
static bool encode(struct copy_task *task, const char *encoding)
{
	const char *name = encoding_name(encoding);
	if (!*name || strcasecmp(name, "UTF-8") == 0)
		return true;
	iconv_t converter = iconv_open(name, "UTF-8");
	if (converter == (iconv_t)-1) {
		result_fail(task->decision, "output_encoding: there is no encoding \"%s\"", encoding);
		return false;
	}
	size_t left = task->length, room = task->length * 4 + 16, free_room = room;
	char *from = (char *)task->bytes, *bytes = arena_alloc(&task->decision->arena, room), *to = bytes;
	size_t status = iconv(converter, &from, &left, &to, &free_room);
	if (status != (size_t)-1)
		status = iconv(converter, NULL, NULL, &to, &free_room);
	iconv_close(converter);
	if (status == (size_t)-1) {
		result_fail(task->decision, "output_encoding: the result has a character at byte %zu that %s does not have",
		            task->length - left, encoding);
		return false;
	}
	task->bytes = bytes;
	task->length = room - free_room;
	return true;
}

/* Puts the rendered template in the task. -1: not answered yet, or the task was failed. */
static int render(struct copy_task *task, const struct template_want *want)
{
	struct decision *decision = task->decision;
	const struct answer *found = ask_find(decision, want->copy.src, "templates");
	if (found && found->state != ANSWER_OK)
		result_fail(decision, "Could not find or access '%s'%s%s", want->copy.src, found->why ? ": " : "",
		            found->why ? found->why : "");
	if (!found || found->state != ANSWER_OK)
		return -1;
	task->origin = found->found;
	task->name = path_base(found->found);
	struct ask_template settings = want->settings;
	settings.trim_blocks = want->trim_blocks;
	settings.lstrip_blocks = want->lstrip_blocks;
	settings.name = want->copy.src;
	settings.dest = want->copy.dest;
	const char *newline = want->newline_sequence;
	settings.newline = strcmp(newline, "\\n") == 0 ? "\n" : strcmp(newline, "\\r") == 0 ? "\r"
	                   : strcmp(newline, "\\r\\n") == 0 ? "\r\n" : newline;
	const struct answer *stat =
		ask_local(decision, &(struct ask){ .kind = ASK_STAT, .path = found->found, .follow = true });
	const struct answer *text = ask_render(decision, found->found, &settings);
	if (text && text->state != ANSWER_OK)
		result_fail(decision, "%s", text->why ? text->why : "the template cannot be rendered");
	if (!text || text->state != ANSWER_OK || !stat)
		return -1;
	task->source_stat = &stat->stat;
	task->bytes = text->read.bytes;
	task->length = text->read.length;
	return encode(task, want->output_encoding) ? 0 : -1;
}

static int template_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct template_want *want = wanted;
	struct copy_task task = { .want = &want->copy, .decision = decision, .side = ASK_ON_CONTROLLER };
	int waits = render(&task, want);
	task.dest = path_expand(decision, want->copy.dest);
	waits = file_goal_find(&task.goal, &want->copy.wish, decision) < 0 || waits;
	return waits || !task.dest || decision->failed ? 0 : copy_file(&task);
}

const struct module template_module = {
	.name = "template",
	.doc = "Writes a file with what a Jinja2 template gives. The file is there old or new, never half.",
	.spec = { .args = template_args, .want_size = sizeof(struct template_want) },
	.examples = template_examples,
	.returns = template_returns,
	.lists_differences = true,
	.decide = template_decide,
};
