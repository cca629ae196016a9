/* Roles: where they are, what their files hold, and which roles they depend on. */
#include <dirent.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/loader.h"

enum { FOLDERS_DEEPEST = 10 };

/* ---- finding ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* directory/name if it is a folder, else NULL. */
static char *folder_in(const char *directory, const char *name)
{
	char *path = loader_join(directory, name);
	if (loader_is_folder(path))
		return path;
	free(path);
	return NULL;
}

/* Beside the playbook in roles/, in the role paths, beside the role that names it, beside the playbook. */
static char *find_role(struct loader *loader, const char *name, const struct scope *parent)
{
	auto_free char *roles = loader_join(loader->directory, "roles");
	char *found = folder_in(roles, name);
	for (size_t i = 0; !found && loader->role_paths && loader->role_paths[i]; i++)
		found = folder_in(loader->role_paths[i], name);
	if (!found && parent && parent->role) {
		auto_free char *siblings = loader_directory(parent->role->path);
		found = folder_in(siblings, name);
	}
	return found ? found : folder_in(loader->directory, name);
}

/* The role of the nearest name in a folder of roles; new string, or NULL. */
static char *nearest_role(const char *folder, const char *name)
{
	struct suggest suggest;
	auto_json json_t *names = json_array();
	suggest_start(&suggest, name);
	suggest_offer_folder(&suggest, folder, names);
	return suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
}

static void report_missing_role(struct loader *loader, const char *name, struct node at)
{
	auto_buf struct buf hint = BUF_INIT;
	auto_free char *roles = loader_join(loader->directory, "roles");
	buf_printf(&hint, "it was looked for in %s", roles);
	for (size_t i = 0; loader->role_paths && loader->role_paths[i]; i++)
		buf_printf(&hint, ", %s", loader->role_paths[i]);
	buf_printf(&hint, " and %s", loader->directory);
	auto_free char *near = nearest_role(roles, name);
	node_problem(loader->problems, at, near ? near : buf_text(&hint), "there is no role \"%s\"", name);
}

/* role/part/base with one of the extensions, in Ansible's order; NULL if there is none, which is a problem where a file was
 * asked for by name. */
static char *find_part(struct loader *loader, const struct role *role, const char *part, const char *base, struct node at)
{
	auto_free char *folder = loader_join(role->path, part);
	auto_free char *stem = loader_join(folder, base);
	bool is_main = strcmp(base, "main") == 0;
	char *path = loader_find_stem(stem, !is_main);
	if (path)
		return path;
	if (!is_main)
		node_problem(loader->problems, at, NULL, "role \"%s\" has no %s.yml or .json", role->name, stem);
	else if (loader_is_folder(stem) && strcmp(part, "vars") != 0 && strcmp(part, "defaults") != 0)
		node_problem(loader->problems, at, "put its files into one, main.yml or main.json",
		             "%s is a folder, and neap reads a file there", stem);
	return NULL;
}

static const char *part_base(const char *from) { return from ? from : "main"; }

/* ---- loading ---- */

void role_free(struct role *role)
{
	free(role->name);
	free(role->path);
	free(role->identity);
	json_decref(role->params);
	free(role);
}

static struct node vars_of_file(struct loader *loader, const char *path)
{
	struct document *document = path ? loader_read(loader, path) : NULL;
	if (!document)
		return node_of(NULL);
	struct node root = document_root(document);
	if (json_is_object(root.value)) {
		loader_check_vars(loader, root);
		return root;
	}
	if (!json_is_null(root.value))
		node_problem(loader->problems, root, "{ \"name\": value, ... }", "a file of variables holds a dictionary, not %s",
		             node_kind(root.value));
	return node_of(NULL);
}

static bool is_vars_file(const char *name)
{
	size_t length = strlen(name);
	const char *dot = strrchr(name, '.');
	if (*name == '.' || !length || name[length - 1] == '~')
		return false;
	return !dot || strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0 || strcmp(dot, ".json") == 0;
}

/* Adds what the files in a folder hold, and in the folders in it, in the order of their names. */
static void vars_of_folder(struct loader *loader, const char *path, int depth, json_t *values)
{
	struct dirent **entries;
	int count = depth < FOLDERS_DEEPEST ? scandir(path, &entries, NULL, alphasort) : -1;
	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		auto_free char *inner = loader_join(path, entries[i]->d_name);
		bool named = is_vars_file(entries[i]->d_name);
		if (named && loader_is_folder(inner))
			vars_of_folder(loader, inner, depth + 1, values);
		else if (named)
			json_object_update(values, vars_of_file(loader, inner).value);
		free(entries[i]);
	}
	free(entries);
}

/* vars/main.yml, or all files in the folder vars/main. */
static struct node role_vars(struct loader *loader, struct role *role, const char *part, const char *from, struct node at)
{
	auto_free char *path = find_part(loader, role, part, part_base(from), at);
	auto_free char *folder = mem_printf("%s/%s/main", role->path, part);
	if (path || from || !loader_is_folder(folder))
		return vars_of_file(loader, path);
	struct node values = node_of(json_object());
	values.place = values.key = (struct place){ .file = role->path };
	json_array_append_new(loader->playbook->values, values.value);
	vars_of_folder(loader, folder, 0, values.value);
	return values;
}

/* Sets allow_duplicates; returns the dependencies. */
static struct node role_meta(struct loader *loader, struct role *role, struct node at)
{
	auto_free char *path = find_part(loader, role, "meta", "main", at);
	struct document *document = path ? loader_read(loader, path) : NULL;
	if (!document)
		return node_of(NULL);
	struct node root = document_root(document), allow = node_get(root, "allow_duplicates");
	if (!json_is_object(root.value) && !json_is_null(root.value))
		node_problem(loader->problems, root, NULL, "a role's meta/main holds a dictionary, not %s",
		             node_kind(root.value));
	if (allow.value && keyword_bool(allow.value) < 0)
		node_problem(loader->problems, allow, NULL, "\"allow_duplicates\" must be true or false, not %s",
		             node_kind(allow.value));
	role->allow_duplicates = allow.value && keyword_bool(allow.value) == 1;
	role->dependencies = node_get(root, "dependencies");
	return role->dependencies;
}

/* The role by name with its variables; owned by the playbook. NULL with a problem. */
static struct role *role_open(struct loader *loader, const char *name, const struct role_from *from,
                              const struct scope *parent, struct node at)
{
	auto_free char *path = find_role(loader, name, parent);
	if (!path) {
		report_missing_role(loader, name, at);
		return NULL;
	}
	struct playbook *playbook = loader->playbook;
	struct role *role = mem_alloc(sizeof(*role));
	role->name = mem_strdup(base_name(name));
	role->path = steal(path);
	mem_grow(playbook->role_list, playbook->role_count, playbook->role_room);
	playbook->role_list[playbook->role_count++] = role;
	role->defaults = role_vars(loader, role, "defaults", from ? from->defaults : NULL, at);
	role->vars = role_vars(loader, role, "vars", from ? from->vars : NULL, at);
	return role;
}

/* The role's argument specs: meta/argument_specs, else what meta/main says. */
static struct node role_specs(struct loader *loader, const struct role *role)
{
	static const char *const names[] = { "argument_specs", "main" };
	for (size_t i = 0; i < 2; i++) {
		auto_free char *stem = mem_printf("%s/meta/%s", role->path, names[i]);
		auto_free char *path = loader_find_stem(stem, false);
		struct document *document = path ? loader_read(loader, path) : NULL;
		if (document)
			return node_get(document_root(document), "argument_specs");
	}
	return node_of(NULL);
}

/* The task that compares the role's arguments with what it says of them, before its own tasks. */
static void add_validation(struct loader *loader, struct entry *entry, const struct role *role, const char *entry_point)
{
	struct node specs = role_specs(loader, role), spec = node_get(specs, entry_point);
	struct node options = node_get(spec, "options");
	if (!json_object_size(spec.value))
		return;
	const char *about = json_string_value(node_get(spec, "short_description").value);
	auto_free char *name = mem_printf("Validating arguments against arg spec '%s'%s%s", entry_point, about ? " - " : "",
	                                  about ? about : "");
	json_t *context = json_pack("{s:s, s:s, s:s, s:s}", "type", "role", "name", role->name, "argument_spec_name", entry_point,
	                            "path", role->path);
	json_t *arguments = json_pack("{s:o, s:o, s:o}", "argument_spec", options.value ? json_deep_copy(options.value) : json_object(),
	                              "provided_arguments", role->params ? json_deep_copy(role->params) : json_object(),
	                              "validate_args_context", context);
	struct node task = node_of(json_pack("[{s:s, s:o, s:[s]}]", "name", name, "validate_argument_spec", arguments, "tags", "always"));
	task.place = task.key = spec.place;
	json_array_append_new(loader->playbook->values, task.value);
	task_read_list(loader, &entry->block, task, &entry->scope, KEYWORD_TASK);
}

/* Whether the play has the role's handlers already; else remembers that it has. */
static bool is_used(struct loader *loader, const struct role *role)
{
	for (size_t i = 0; i < loader->use_count; i++) {
		if (strcmp(loader->uses[i], role->identity) == 0)
			return true;
	}
	mem_grow(loader->uses, loader->use_count, loader->use_room);
	loader->uses[loader->use_count++] = role->identity;
	return false;
}

/* What the role brings: its library, its dependencies first, its handlers, its tasks. */
static void role_fill(struct loader *loader, struct entry *entry, struct role *role, struct node dependencies,
                      const struct role_from *from, struct node at)
{
	struct loading frame;
	if (!loader_enter(&loader->roles, &frame, role->path, at, loader->problems))
		return;
	entry->scope.role = role;
	entry->is_static_import = true;
	loader_library(loader, role->path);
	if (dependencies.value)
		role_read_list(loader, &entry->block, dependencies, &entry->scope);
	auto_free char *handlers = find_part(loader, role, "handlers", part_base(from ? from->handlers : NULL), at);
	if (handlers && !is_used(loader, role))
		task_read_file(loader, loader->handlers, handlers, at, &entry->scope, KEYWORD_HANDLER);
	if (!from || !from->unvalidated)
		add_validation(loader, entry, role, part_base(from ? from->tasks : NULL));
	auto_free char *tasks = find_part(loader, role, "tasks", part_base(from ? from->tasks : NULL), at);
	if (tasks)
		task_read_file(loader, &entry->block, tasks, at, &entry->scope, KEYWORD_TASK);
	loader_leave(&loader->roles);
}

/* vars of the task that brings a role in, as text. */
static char *included_vars(const struct scope *scope)
{
	while (scope->kind != SCOPE_TASK && !scope_own(scope, "vars").value && scope->parent && scope->parent->kind != SCOPE_PLAY)
		scope = scope->parent;
	json_t *vars = scope_own(scope, "vars").value;
	char *text = vars ? json_dumps(vars, JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
	return text ? text : mem_strdup("");
}

void role_fill_entry(struct loader *loader, struct entry *entry, const char *name, const struct role_from *from,
                     struct node at)
{
	static const struct role_from main_files = { 0 };
	from = from ? from : &main_files;
	struct role *role = role_open(loader, name, from, entry->scope.parent, at);
	if (!role)
		return;
	struct node dependencies = role_meta(loader, role, at);
	role->allow_duplicates = !from->once;
	auto_free char *vars = included_vars(&entry->scope);
	role->identity = mem_printf("%s\n%s\n%s\n%s\n%s\n%s", role->path, part_base(from->tasks), part_base(from->vars),
	                            part_base(from->defaults), part_base(from->handlers), vars);
	role_fill(loader, entry, role, dependencies, from, at);
}

void role_tell_library(struct loader *loader, const char *name, const struct scope *parent)
{
	auto_free char *path = find_role(loader, name, parent);
	if (path)
		loader_library(loader, path);
}

/* ---- roles: and dependencies: ---- */

/* What tells a use of a role from another: its variables, conditions and tags. */
static char *identity_of(const struct role *role, struct node node)
{
	static const char *const names[] = { "when", "tags", "vars" };
	auto_buf struct buf identity = BUF_INIT;
	auto_free char *params = role->params ? json_dumps(role->params, JSON_SORT_KEYS) : NULL;
	buf_printf(&identity, "%s\n%s", role->path, params ? params : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *value = node_get(node, names[i]).value;
		auto_free char *text = value ? json_dumps(value, JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
		buf_printf(&identity, "\n%s", text ? text : "");
	}
	return mem_strdup(buf_text(&identity));
}

/* A member that is no keyword is a variable for the role. */
static json_t *role_params(struct loader *loader, struct node node)
{
	json_t *params = NULL;
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node value = node_member(node, i, &key);
		const struct keyword *keyword = keyword_find(key);
		if (strcmp(key, "role") == 0)
			continue;
		if (keyword && keyword->places & KEYWORD_ROLE) {
			if (loader_keyword(loader, keyword, KEYWORD_ROLE, "a role", value) && strcmp(key, "vars") == 0)
				loader_check_vars(loader, value);
			continue;
		}
		if (!playbook_is_identifier(key))
			node_problem_key(loader->problems, value, NULL, "\"%s\" is no keyword of a role and cannot name a variable", key);
		params = params ? params : json_object();
		json_object_set_new(params, key, json_deep_copy(value.value));
	}
	return params;
}

/* Where the role is named; value NULL with a problem. */
static struct node role_name(struct loader *loader, struct node node)
{
	struct node name = node;
	if (json_is_object(node.value)) {
		name = node_get(node, "role");
		if (!name.value)
			name = node_get(node, "name");
	}
	const char *text = json_string_value(name.value);
	if (text && *text && !loader_is_template(text))
		return name;
	if (text && *text)
		node_problem(loader->problems, name, NULL, "a role is read before the run: its name cannot be a template");
	else if (json_is_object(node.value) && !name.value)
		node_problem(loader->problems, node, "{ \"role\": \"common\", ... }", "a role without a name: the key \"role\" is missing");
	else
		node_problem(loader->problems, name.value ? name : node, "\"common\", or { \"role\": \"common\", ... }",
		             "a role is named by a string, not by %s",
		             node_kind(json_is_object(node.value) ? name.value : node.value));
	name.value = NULL;
	return name;
}

static void role_read(struct loader *loader, struct entries *into, struct node node, const struct scope *parent)
{
	struct node at = role_name(loader, node);
	auto_json json_t *params = role_params(loader, node);
	struct role *role = at.value ? role_open(loader, json_string_value(at.value), NULL, parent, at) : NULL;
	if (!role)
		return;
	role->params = steal(params);
	if (!json_is_object(node.value))
		node.value = NULL;
	struct node dependencies = role_meta(loader, role, at);
	struct loading frame;
	if (!loader_enter(&loader->roles, &frame, role->path, at, loader->problems))
		return;
	loader_leave(&loader->roles);
	role->identity = identity_of(role, node);
	struct entry *entry = task_new_entry(into, ENTRY_BLOCK, SCOPE_ROLE, node, parent);
	entry->name = role->name;
	role_fill(loader, entry, role, dependencies, NULL, at);
}

void role_read_list(struct loader *loader, struct entries *into, struct node list, const struct scope *parent)
{
	if (!json_is_array(list.value) && !json_is_null(list.value)) {
		node_problem(loader->problems, list, "[ \"common\", ... ]", "roles are a list, not %s", node_kind(list.value));
		return;
	}
	for (size_t i = 0; i < node_count(list); i++)
		role_read(loader, into, node_at(list, i), parent);
}
