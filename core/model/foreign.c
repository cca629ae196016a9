/* Guesses what a file is that is not JSON, by how it begins. */
#include "model/foreign.h"

#include <stdbool.h>
#include <string.h>

static bool is_assignment(const char *text, char sign)
{
	size_t name = strcspn(text, ":={}[]\"',\n");
	return name > 0 && text[name] == sign && (text[name + 1] == ' ' || text[name + 1] == '\n' || !text[name + 1]);
}

const char *foreign_hint(const char *text)
{
	static const char yaml[] = "this looks like YAML: name the file .yml, or convert it by neap convert FILE.yml --output FILE.json";
	text += strspn(text, " \t\r\n");
	if (*text == '/')
		return NULL; /* a comment, as only JSON has them here */
	if (strncmp(text, "$ANSIBLE_VAULT", 14) == 0)
		return "this is an Ansible vault: decrypt it first";
	if (strncmp(text, "#!", 2) == 0 || strncmp(text, "import ", 7) == 0 || strncmp(text, "from ", 5) == 0 ||
	    strncmp(text, "def ", 4) == 0)
		return "this looks like a script (Python or another); neap reads JSON here";
	if (strncmp(text, "---", 3) == 0 || strncmp(text, "- ", 2) == 0 || *text == '#' || *text == '%' ||
	    is_assignment(text, ':'))
		return yaml;
	if (*text == '<')
		return "this looks like XML or HTML; neap reads JSON";
	size_t name = *text == '[' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_-:.") : 0;
	if (name && text[1 + name] == ']' && (text[2 + name] == '\r' || text[2 + name] == '\n') &&
	    strncmp(text, "[true]", 6) != 0 && strncmp(text, "[false]", 7) != 0 && strncmp(text, "[null]", 6) != 0)
		return "this looks like an INI file; neap reads JSON here";
	return NULL;
}
