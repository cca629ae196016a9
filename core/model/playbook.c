/* Playbooks: plays and what they import, read into one tree before anything runs. */
#include "model/playbook.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/loader.h"
#include "model/module_name.h"

static void read_plays(struct loader *loader, const char *path, struct node at, const struct scope *importer);

/* ---- plays ---- */

static struct play *new_play(struct loader *loader, struct node node, const struct scope *importer)
{
	struct playbook *playbook = loader->playbook;
	struct play *play = mem_alloc(sizeof(*play));
	play->scope = (struct scope){ .kind = SCOPE_PLAY, .node = node, .importer = importer };
	play->name = json_string_value(node_get(node, "name").value);
	play->hosts = node_get(node, "hosts");
	play->directory = mem_strdup(loader->directory);
	mem_grow(playbook->plays, playbook->count, playbook->room);
	return playbook->plays[playbook->count++] = play;
}

static void check_hosts(struct loader *loader, const struct play *play)
{
	const json_t *hosts = play->hosts.value;
	if (!hosts)
		node_problem(loader->problems, play->scope.node, "\"hosts\": \"all\"", "a play without \"hosts\"");
	else if (json_is_null(hosts) || (json_is_string(hosts) && json_string_length(hosts) == 0) ||
	         (json_is_array(hosts) && json_array_size(hosts) == 0))
		node_problem(loader->problems, play->hosts, "\"hosts\": \"all\"", "\"hosts\" is empty");
}

static void check_play_keys(struct loader *loader, struct node node)
{
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node value = node_member(node, i, &key);
		const struct keyword *keyword = keyword_find(key);
		if (!keyword)
			loader_unknown_key(loader, key, KEYWORD_PLAY, "a play", value, false);
		else if (loader_keyword(loader, keyword, KEYWORD_PLAY, "a play", value) && strcmp(key, "vars") == 0)
			loader_check_vars(loader, value);
	}
}

/* ---- vars_files ---- */

/* Beside the playbook in vars/, then beside it. NULL if there is none. */
static char *find_vars_file(const struct loader *loader, const char *name)
{
	auto_free char *beside = loader_join(loader->directory, name);
	if (loader_is_file(beside))
		return steal(beside);
	auto_free char *folder = loader_join(loader->directory, "vars");
	auto_free char *inside = loader_join(folder, name);
	return loader_is_file(inside) ? steal(inside) : NULL;
}

static struct node read_vars_file(struct loader *loader, const char *path)
{
	struct document *document = loader_read(loader, path);
	struct node root = document ? document_root(document) : node_of(NULL);
	if (json_is_object(root.value)) {
		loader_check_vars(loader, root);
		return root;
	}
	if (document && !json_is_null(root.value))
		node_problem(loader->problems, root, "{ \"name\": value, ... }", "a file of variables holds a dictionary, not %s",
		             node_kind(root.value));
	return node_of(NULL);
}

/* One name, or a list of which the first that exists counts; templates wait for the run. */
static void add_vars_file(struct loader *loader, struct play *play, struct node name)
{
	mem_grow(play->vars_files, play->vars_file_count, play->vars_file_room);
	struct vars_file *file = &play->vars_files[play->vars_file_count++];
	*file = (struct vars_file){ .name = name };
	size_t count = json_is_array(name.value) ? node_count(name) : 1;
	for (size_t i = 0; i < count; i++) {
		struct node one = json_is_array(name.value) ? node_at(name, i) : name;
		const char *text = json_string_value(one.value);
		if (!text) {
			node_problem(loader->problems, one, NULL, "a file is named by a string, not by %s", node_kind(one.value));
			return;
		}
		if (loader_is_template(text))
			return;
		auto_free char *path = find_vars_file(loader, text);
		if (path) {
			file->vars = read_vars_file(loader, path);
			return;
		}
	}
	auto_free char *text = node_text(name.value);
	auto_free char *hint = count > 1 || !json_is_string(name.value) ? NULL : scope_near_file(&play->scope, "vars", json_string_value(name.value));
	node_problem(loader->problems, name, hint, count > 1 ? "none of these files exists" : "there is no file %s", text);
}

static void read_vars_files(struct loader *loader, struct play *play)
{
	struct node list = node_get(play->scope.node, "vars_files");
	if (json_is_string(list.value))
		add_vars_file(loader, play, list);
	else if (list.value && !json_is_array(list.value) && !json_is_null(list.value))
		node_problem(loader->problems, list, NULL, "\"vars_files\" must be a list of file names, not %s",
		             node_kind(list.value));
	for (size_t i = 0; json_is_array(list.value) && i < node_count(list); i++)
		add_vars_file(loader, play, node_at(list, i));
}

/* ---- the play's tasks ---- */

static void read_section(struct loader *loader, struct entries *into, const char *name, const struct play *play,
                         enum keyword_place place)
{
	struct node list = scope_own(&play->scope, name);
	if (json_is_array(list.value)) /* anything else was reported as a keyword */
		task_read_list(loader, into, list, &play->scope, place);
}

static void read_play(struct loader *loader, struct node node, const struct scope *importer)
{
	struct play *play = new_play(loader, node, importer);
	loader->handlers = &play->handlers;
	loader->use_count = 0;
	check_play_keys(loader, node);
	check_hosts(loader, play);
	read_vars_files(loader, play);
	struct node roles = scope_own(&play->scope, "roles");
	if (roles.value)
		role_read_list(loader, &play->roles, roles, &play->scope);
	/* Of handlers with the same name the last counts: the play's own hide those of its roles, and are hidden by those of roles
	 * that its tasks import. */
	read_section(loader, &play->handlers, "handlers", play, KEYWORD_HANDLER);
	read_section(loader, &play->pre_tasks, "pre_tasks", play, KEYWORD_TASK);
	read_section(loader, &play->tasks, "tasks", play, KEYWORD_TASK);
	read_section(loader, &play->post_tasks, "post_tasks", play, KEYWORD_TASK);
}

/* ---- import_playbook ---- */

static void check_import_keys(struct loader *loader, struct node node)
{
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node value = node_member(node, i, &key);
		const struct keyword *keyword = keyword_find(key);
		if (strstr(key, "import_playbook"))
			continue;
		if (!strstr(" name tags vars when ", key) || !keyword)
			node_problem_key(loader->problems, value, "it takes name, tags, vars and when",
			                 "\"%s\" has no meaning for import_playbook", key);
		else if (loader_keyword(loader, keyword, KEYWORD_BLOCK, "import_playbook", value) && strcmp(key, "vars") == 0)
			loader_check_vars(loader, value);
	}
}

static void read_import(struct loader *loader, struct node node, struct node name, const struct scope *importer)
{
	check_import_keys(loader, node);
	const char *text = json_string_value(name.value);
	if (!text || !*text || loader_is_template(text)) {
		node_problem(loader->problems, name, NULL, "import_playbook takes the name of a file as it is, without templates");
		return;
	}
	auto_free char *path = loader_join(loader->directory, text);
	if (!loader_is_file(path)) {
		struct suggest suggest;
		auto_json json_t *kept = json_array();
		auto_free char *folder = loader_directory(path);
		const char *slash = strrchr(path, '/');
		suggest_start_file(&suggest, slash ? slash + 1 : path);
		suggest_offer_folder(&suggest, folder, kept);
		auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
		node_problem(loader->problems, name, hint, "there is no file %s", path);
		return;
	}
	struct playbook *playbook = loader->playbook;
	struct scope *scope = mem_alloc(sizeof(*scope));
	*scope = (struct scope){ .kind = SCOPE_BLOCK, .node = node, .importer = importer };
	mem_grow(playbook->imports, playbook->import_count, playbook->import_room);
	playbook->imports[playbook->import_count++] = scope;
	read_plays(loader, path, name, scope);
}

/* ---- the file ---- */

static void read_one(struct loader *loader, struct node node, const struct scope *importer)
{
	struct node import = module_name_get(node, "import_playbook");
	if (!json_is_object(node.value))
		node_problem(loader->problems, node, "{ \"hosts\": \"all\", \"tasks\": [ ... ] }", "a play is a dictionary, not %s",
		             node_kind(node.value));
	else if (import.value)
		read_import(loader, node, import, importer);
	else
		read_play(loader, node, importer);
}

static void read_list(struct loader *loader, struct node root, const struct scope *importer)
{
	if (json_is_object(root.value)) {
		node_problem(loader->problems, root, "put it into a list: [ { \"hosts\": ... } ]",
		             "a playbook is a list of plays, and this is one dictionary");
		if (node_get(root, "hosts").value)
			read_one(loader, root, importer);
	} else if (!json_is_array(root.value)) {
		node_problem(loader->problems, root, "[ { \"hosts\": \"all\", \"tasks\": [ ... ] } ]",
		             "a playbook is a list of plays, not %s", node_kind(root.value));
	}
	for (size_t i = 0; json_is_array(root.value) && i < node_count(root); i++)
		read_one(loader, node_at(root, i), importer);
}

static void read_plays(struct loader *loader, const char *path, struct node at, const struct scope *importer)
{
	struct loading frame;
	if (!loader_enter(&loader->files, &frame, path, at, loader->problems))
		return;
	const char *outer_directory = loader->directory;
	auto_free char *directory = loader_directory(path);
	loader->directory = directory;
	struct document *document = loader_read(loader, path);
	if (document) {
		loader_library(loader, directory);
		read_list(loader, document_root(document), importer);
	}
	loader->directory = outer_directory;
	loader_leave(&loader->files);
}

int playbook_load(struct playbook **playbook, const char *path, const char *const *role_paths,
                  const struct playbook_modules *modules, struct problems *problems)
{
	size_t before = problems->errors;
	*playbook = mem_alloc(sizeof(**playbook));
	(*playbook)->values = json_array();
	(*playbook)->role_paths = role_paths;
	struct loader loader = { .playbook = *playbook, .role_paths = role_paths, .modules = modules, .problems = problems };
	read_plays(&loader, path, node_of(NULL), NULL);
	free(loader.uses);
	return problems->errors == before ? 0 : -1;
}

int playbook_parse(struct playbook **playbook, const char *name, const char *text, size_t length,
                   const struct playbook_modules *modules, struct problems *problems)
{
	size_t before = problems->errors;
	*playbook = mem_alloc(sizeof(**playbook));
	(*playbook)->values = json_array();
	struct loader loader = { .playbook = *playbook, .modules = modules, .problems = problems, .directory = "." };
	struct document *document = NULL;
	if (document_parse(&document, name, text, length, problems) == 0) {
		mem_grow((*playbook)->documents, (*playbook)->document_count, (*playbook)->document_room);
		(*playbook)->documents[(*playbook)->document_count++] = document;
		loader_library(&loader, loader.directory);
		read_list(&loader, document_root(document), NULL);
	}
	free(loader.uses);
	return problems->errors == before ? 0 : -1;
}

static void play_free(struct play *play)
{
	struct entries *const lists[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks, &play->handlers };
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		task_free_entries(lists[i]);
	free(play->vars_files);
	free(play->directory);
	free(play);
}

void playbook_free(struct playbook *playbook)
{
	if (!playbook)
		return;
	for (size_t i = 0; i < playbook->count; i++)
		play_free(playbook->plays[i]);
	for (size_t i = 0; i < playbook->role_count; i++)
		role_free(playbook->role_list[i]);
	for (size_t i = 0; i < playbook->import_count; i++)
		free(playbook->imports[i]);
	for (size_t i = 0; i < playbook->library_count; i++)
		free(playbook->libraries[i]);
	for (size_t i = 0; i < playbook->document_count; i++)
		document_free(playbook->documents[i]);
	free(playbook->plays);
	free(playbook->role_list);
	free(playbook->imports);
	free(playbook->libraries);
	free(playbook->documents);
	json_decref(playbook->values);
	free(playbook);
}
