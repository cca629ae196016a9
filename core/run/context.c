/* What a run remembers of its hosts, and its warnings. */
#include "run/context.h"

#include <stdarg.h>

#include "base/mem.h"

struct host_state *context_host(struct run_context *run, const struct host *host) 
{
	return host->implicit ? run->localhost : run->hosts[host->index];
}

void context_warn(struct run_context *run, const char *host, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct event *event = event_new(EVENT_WARNING);
	event->host = mem_strdup(host);
	event->text = mem_vprintf(format, arguments);
	va_end(arguments);
	event_emit(run->events, event);
}
