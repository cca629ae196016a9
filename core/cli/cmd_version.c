/* `neap version`: which neap this is, and the libraries it runs with. */
#include <stdio.h>

#include <jansson.h>

#include "cli/command.h"

static int version_run(const void *given, char **words, int count)
{
	(void)given, (void)words, (void)count;
	printf("neap " NEAP_VERSION "\njansson %s\n", jansson_version_str());
	return command_finish();
}

const struct command_row cmd_version = {
	.name = "version", .arguments = "", .summary = "says which version this is", .doc = "", .run = version_run,
};
