/* Cutting what jansson shows of its input. */
#include "base/json_fault.h"

#include <string.h>

const char *json_fault_text(json_error_t *fault)
{
	char *shown = strstr(fault->text, " near '");
	if (shown)
		*shown = '\0';
	return fault->text;
}
