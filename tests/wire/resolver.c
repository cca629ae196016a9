/* Stands in for the resolver and the network of wire_try, so that a name can have any addresses without a line in
 * /etc/hosts:
 *
 *   WIRE_TRY_HOSTS    "NAME=ADDRESS,ADDRESS... ...": what these names resolve to, in that order
 *   WIRE_TRY_SILENT   an address that never answers */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"

/* The addresses of a name, to be freed; NULL where it is none of ours. */
static char *addresses_of(const char *name)
{
	const char *listed = getenv("WIRE_TRY_HOSTS");
	auto_free char *all = mem_strdup(listed ? listed : "");
	char *rest = NULL;
	for (char *entry = strtok_r(all, " ", &rest); entry; entry = strtok_r(NULL, " ", &rest)) {
		char *addresses = strchr(entry, '=');
		*addresses++ = '\0';
		if (strcmp(entry, name) == 0)
			return mem_strdup(addresses);
	}
	return NULL;
}

static int resolve(struct gaicb *request, char *addresses)
{
	struct addrinfo hints = *request->ar_request, **last = &request->ar_result;
	char *rest = NULL;
	hints.ai_flags |= AI_NUMERICHOST;
	for (char *address = strtok_r(addresses, ",", &rest); address; address = strtok_r(NULL, ",", &rest))
		if (getaddrinfo(address, request->ar_service, &hints, last) == 0)
			last = &(*last)->ai_next;
	return request->ar_result ? 0 : EAI_NONAME;
}

/* What these functions stand before; found before any thread is there. */
static int (*their_getaddrinfo_a)(int, struct gaicb *[], int, struct sigevent *);
static int (*their_connect)(int, const struct sockaddr *, socklen_t);

static __attribute__((constructor)) void find_theirs(void)
{
	*(void **)&their_getaddrinfo_a = dlsym(RTLD_NEXT, "getaddrinfo_a");
	*(void **)&their_connect = dlsym(RTLD_NEXT, "connect");
}

int getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
	auto_free char *addresses = addresses_of(list[0]->ar_name);
	if (addresses) {
		list[0]->__return = resolve(list[0], addresses);
		return 0;
	}
	return their_getaddrinfo_a(mode, list, count, event);
}

/* A full pipe takes the socket's place: like a connection to nowhere, it is never ready. */
static int wait_for_ever(int fd)
{
	int pipes[2];
	if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	static const char nothing[4096];
	while (write(pipes[1], nothing, sizeof(nothing)) > 0)
		;
	dup3(pipes[1], fd, O_CLOEXEC);
	close(pipes[1]); /* the other end stays open: without a reader the pipe would be broken */
	errno = EINPROGRESS;
	return -1;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	const char *silent = getenv("WIRE_TRY_SILENT");
	char text[64] = "";
	if (silent)
		getnameinfo(address, length, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	if (silent && strcmp(text, silent) == 0)
		return wait_for_ever(fd);
	return their_connect(fd, address, length);
}
