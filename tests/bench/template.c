/* What template.py measures: conditions, or a template of 10,000 items, so many times; prints the seconds of processor time.
 *   template when|items COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "lua/template.h"

static const char *const condition = "ansible_os_family == 'Debian' and enabled | bool and result.rc == 0 and result is not changed";
static const char *const items = "{% for item in items %}\n{% if item.up %}\nserver {{ item.name }}-{{ item.id }} {{ item.name | upper }}"
                                 "{% if not loop.last %},{% endif %}\n\n{% endif %}\n{% endfor %}\n";

static bool find(void *context, const char *name, json_t **value, bool *final)
{
	*value = json_object_get(context, name);
	*final = true;
	return *value != NULL;
}

static json_t *variables(void)
{
	json_t *list = json_array();
	for (int i = 0; i < 10000; i++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:b}", "id", i, "name", "host", "up", i % 2));
	return json_pack("{s:s, s:{s:i, s:b}, s:b, s:o}", "ansible_os_family", "Debian", "result", "rc", 0, "changed", 0, "enabled", 1, "items",
	                 list);
}

static int once(struct template_vm *vm, const struct template_scope *scope, bool is_when, json_t *when, struct err *err)
{
	auto_free char *text = NULL;
	size_t length;
	bool truth;
	if (is_when)
		return template_condition(vm, when, scope, &truth, err);
	return template_text(vm, "items.j2", items, strlen(items), NULL, scope, &text, &length, err);
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
	struct err err = ERR_INIT;
	if (count != 3)
		return 5;
	const bool is_when = strcmp(arguments[1], "when") == 0;
	auto_json json_t *names = variables();
	auto_json json_t *when = json_string(condition);
	const struct template_scope scope = { .context = names, .find = find };
	struct template_vm *vm = template_vm_new();
	const double start = seconds();
	for (int left = atoi(arguments[2]); left > 0; left--)
		if (once(vm, &scope, is_when, when, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
	printf("%.6f\n", seconds() - start);
	template_vm_free(vm);
	return 0;
}
