/* The event stream under ThreadSanitizer: threads that emit and add secrets while the main thread reads. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "run/event.h"

enum { THREADS = 8, EVENTS = 3000 };

static struct event_stream *stream;

static void *emit(void *context)
{
	const char *secret = context;
	for (int i = 0; i < EVENTS; i++) {
		if (i % 100 == 0)
			event_mask(stream, secret, strlen(secret));
		struct event *event = event_new(EVENT_RESULT);
		event->host = mem_strdup("web1");
		event->result = json_pack("{s:s, s:[s]}", "msg", secret, "lines", secret);
		event_emit(stream, event);
	}
	return NULL;
}

int main(void)
{
	static char secrets[THREADS][32];
	pthread_t threads[THREADS];
	int failures = 0;
	stream = event_stream_new();
	for (int i = 0; i < THREADS; i++) {
		snprintf(secrets[i], sizeof(secrets[i]), "secret-%d", i);
		pthread_create(&threads[i], NULL, emit, secrets[i]);
	}
	for (int i = 0; i < THREADS * EVENTS; i++) {
		struct event *event = event_take(stream, 10000);
		const char *shown = event ? json_string_value(json_object_get(event->result, "msg")) : "";
		failures += strcmp(shown, "********") != 0;
		event_free(event);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	event_stream_free(stream);
	printf("%d events that were not masked\n", failures);
	return failures != 0;
}
