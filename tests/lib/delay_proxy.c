/* A long wire for tests: a TCP proxy on loopback that delivers every byte a fixed time after it was read, in both
 * directions, at full bandwidth, and that can cut or freeze its connections.
 *
 *   delay_proxy [-d MS] [-u BYTES] [-w BYTES] [-t TURNS] [-1] [-l PORT] [ADDRESS:]PORT
 *
 *   -d MS     delay of each direction: a round trip takes twice as long (default 0)
 *   -u BYTES  cut a connection after that many bytes from the client
 *   -w BYTES  cut a connection after that many bytes from the server
 *   -t TURNS  cut a connection when one end would answer the other for that many times plus one: between two flights
 *   -1        -u, -w and -t hold for the first connection only
 *   -l PORT   listen there instead of on a free port
 *
 * The port it listens on is the only line on stdout. SIGUSR1 cuts all connections (RST); SIGUSR2 freezes them, and
 * thaws them the next time: nothing is read or delivered, as from a dead peer. SIGTERM ends it, with a line on stderr:
 * "connections N up BYTES down BYTES turns N": a round trip is two turns. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };
static const size_t QUEUE_MOST = (size_t)64 * 1024 * 1024;

struct chunk {
	struct chunk *next;
	int64_t due; /* ns on CLOCK_MONOTONIC */
	size_t length, sent;
	char bytes[];
};

/* One direction of a connection. */
struct wire {
	int from, to;
	struct chunk *first, **last;
	size_t queued;
	uint64_t total, cut_after; /* cut_after 0: never */
	bool ended, closed; /* the sender has shut down; that has been passed on */
	int64_t end_due;
};

struct connection {
	struct connection *next;
	struct wire up, down;
	const struct wire *speaks; /* that brought bytes last */
	uint64_t turns, cut_turns; /* how often that changed; 0: never cut for it */
};

struct proxy {
	struct sockaddr_in target;
	int listener;
	int64_t delay; /* ns */
	uint64_t cut_up, cut_down, cut_turns;
	bool cut_once;
	struct connection *connections;
	uint64_t count, bytes_up, bytes_down, turns;
};

static volatile sig_atomic_t cut_asked, freeze_asked, end_asked;

static void signal_note(int number)
{
	if (number == SIGUSR1)
		cut_asked = 1;
	else if (number == SIGUSR2)
		freeze_asked = !freeze_asked;
	else
		end_asked = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void socket_prepare(int fd)
{
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void wire_init(struct wire *wire, int from, int to, uint64_t cut_after)
{
	*wire = (struct wire){ .from = from, .to = to, .cut_after = cut_after };
	wire->last = &wire->first;
}

static void wire_release(struct wire *wire)
{
	while (wire->first) {
		struct chunk *chunk = wire->first;
		wire->first = chunk->next;
		free(chunk);
	}
}

/* Whether the connection has had its turns now that bytes have come on that wire. */
static bool turns_over(struct connection *connection, const struct wire *wire)
{
	if (connection->speaks == wire)
		return false;
	connection->speaks = wire;
	return connection->turns++ == connection->cut_turns && connection->cut_turns;
}

/* False when the connection is to be cut. */
static bool wire_read(struct connection *connection, struct wire *wire, int64_t delay)
{
	static char bytes[CHUNK];
	ssize_t n = read(wire->from, bytes, sizeof(bytes));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0) {
		wire->ended = true;
		wire->end_due = now_ns() + delay;
		return true;
	}
	if (turns_over(connection, wire))
		return false;
	size_t length = (size_t)n;
	bool cut = wire->cut_after && wire->total + length >= wire->cut_after;
	if (cut)
		length = (size_t)(wire->cut_after - wire->total);
	struct chunk *chunk = malloc(sizeof(*chunk) + length);
	if (!chunk)
		die("malloc");
	*chunk = (struct chunk){ .due = now_ns() + delay, .length = length };
	memcpy(chunk->bytes, bytes, length);
	*wire->last = chunk;
	wire->last = &chunk->next;
	wire->queued += length;
	wire->total += length;
	if (cut) { /* what came before the cut still arrives; then nothing more */
		wire->ended = true;
		wire->end_due = INT64_MAX;
	}
	return true;
}

/* False when the connection is to be cut. */
static bool wire_write(struct wire *wire, int64_t now)
{
	while (wire->first && wire->first->due <= now) {
		struct chunk *chunk = wire->first;
		ssize_t n = write(wire->to, chunk->bytes + chunk->sent, chunk->length - chunk->sent);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		chunk->sent += (size_t)n;
		wire->queued -= (size_t)n;
		if (chunk->sent < chunk->length)
			return true;
		wire->first = chunk->next;
		if (!wire->first)
			wire->last = &wire->first;
		free(chunk);
	}
	if (!wire->first && wire->ended && !wire->closed) {
		if (wire->end_due == INT64_MAX)
			return false;
		if (wire->end_due <= now) {
			shutdown(wire->to, SHUT_WR);
			wire->closed = true;
		}
	}
	return true;
}

static int64_t wire_due(const struct wire *wire)
{
	if (wire->first)
		return wire->first->due;
	return wire->ended && !wire->closed ? wire->end_due : INT64_MAX;
}

static void connection_end(struct proxy *proxy, struct connection *connection, bool reset)
{
	if (reset) {
		struct linger linger = { .l_onoff = 1 };
		setsockopt(connection->up.from, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		setsockopt(connection->up.to, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	}
	close(connection->up.from);
	close(connection->up.to);
	proxy->bytes_up += connection->up.total;
	proxy->bytes_down += connection->down.total;
	proxy->turns += connection->turns;
	wire_release(&connection->up);
	wire_release(&connection->down);
	free(connection);
}

static void proxy_accept(struct proxy *proxy)
{
	int client = accept(proxy->listener, NULL, NULL);
	if (client < 0)
		return;
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server < 0 || connect(server, (struct sockaddr *)&proxy->target, sizeof(proxy->target)) < 0) {
		close(client);
		if (server >= 0)
			close(server);
		return;
	}
	socket_prepare(client);
	socket_prepare(server);
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		die("calloc");
	bool cuts = !proxy->cut_once || proxy->count == 0;
	wire_init(&connection->up, client, server, cuts ? proxy->cut_up : 0);
	wire_init(&connection->down, server, client, cuts ? proxy->cut_down : 0);
	connection->cut_turns = cuts ? proxy->cut_turns : 0;
	connection->next = proxy->connections;
	proxy->connections = connection;
	proxy->count++;
}

static short wire_wants(const struct wire *reads, const struct wire *writes, int64_t now)
{
	short events = 0;
	if (!reads->ended && reads->queued < QUEUE_MOST)
		events |= POLLIN;
	if (writes->first && writes->first->due <= now)
		events |= POLLOUT;
	return events;
}

/* Waits for something to do: a new client, bytes, or the time when bytes are due. */
static void proxy_wait(struct proxy *proxy, struct pollfd *fds)
{
	nfds_t count = 1;
	int64_t now = now_ns(), due = INT64_MAX;
	fds[0] = (struct pollfd){ .fd = proxy->listener, .events = POLLIN };
	for (struct connection *c = proxy->connections; c && !freeze_asked; c = c->next) {
		short client = wire_wants(&c->up, &c->down, now), server = wire_wants(&c->down, &c->up, now);
		fds[count++] = (struct pollfd){ .fd = client ? c->up.from : -1, .events = client };
		fds[count++] = (struct pollfd){ .fd = server ? c->up.to : -1, .events = server };
		int64_t up = wire_due(&c->up), down = wire_due(&c->down);
		if (up > now && up < due)
			due = up;
		if (down > now && down < due)
			due = down;
	}
	struct timespec left = { 0 };
	if (due != INT64_MAX) {
		left.tv_sec = (due - now) / 1000000000;
		left.tv_nsec = (due - now) % 1000000000;
	}
	sigset_t none;
	sigemptyset(&none);
	if (ppoll(fds, count, due == INT64_MAX ? NULL : &left, &none) < 0)
		for (nfds_t i = 0; i < count; i++)
			fds[i].revents = 0;
}

static bool connection_pump(struct connection *c, const struct pollfd *client, const struct pollfd *server, int64_t delay)
{
	if (!c->up.ended && (client->revents & (POLLIN | POLLHUP | POLLERR)) && !wire_read(c, &c->up, delay))
		return false;
	if (!c->down.ended && (server->revents & (POLLIN | POLLHUP | POLLERR)) && !wire_read(c, &c->down, delay))
		return false;
	int64_t now = now_ns();
	return wire_write(&c->up, now) && wire_write(&c->down, now);
}

static void proxy_pump(struct proxy *proxy, const struct pollfd *fds)
{
	nfds_t at = 1;
	bool cut_all = cut_asked;
	cut_asked = 0;
	for (struct connection **link = &proxy->connections; *link;) {
		struct connection *c = *link;
		static const struct pollfd quiet;
		bool polled = !freeze_asked;
		bool whole = freeze_asked || connection_pump(c, polled ? &fds[at] : &quiet, polled ? &fds[at + 1] : &quiet, proxy->delay);
		at += 2;
		if (cut_all || !whole || (c->up.closed && c->down.closed)) {
			*link = c->next;
			connection_end(proxy, c, cut_all || !whole);
		} else {
			link = &c->next;
		}
	}
}

static void proxy_listen(struct proxy *proxy, int port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(here);
	int on = 1;
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (proxy->listener < 0)
		die("socket");
	setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(proxy->listener, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(proxy->listener, 1024) < 0 ||
	    getsockname(proxy->listener, (struct sockaddr *)&here, &length) < 0)
		die("listen");
	printf("%d\n", ntohs(here.sin_port));
	fflush(stdout);
}

static void target_parse(struct proxy *proxy, char *text)
{
	char *colon = strrchr(text, ':'), *end;
	const char *address = "127.0.0.1", *port = text;
	if (colon) {
		*colon = '\0';
		address = text;
		port = colon + 1;
	}
	proxy->target.sin_family = AF_INET;
	proxy->target.sin_port = htons((uint16_t)strtoul(port, &end, 10));
	if (*end || inet_pton(AF_INET, address, &proxy->target.sin_addr) != 1) {
		fprintf(stderr, "delay_proxy: [ADDRESS:]PORT expected, IPv4 only\n");
		exit(5);
	}
}

static void signals_prepare(void)
{
	struct sigaction action = { .sa_handler = signal_note };
	const int noted[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGINT };
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(noted) / sizeof(*noted); i++) {
		sigaction(noted[i], &action, NULL);
		sigaddset(&blocked, noted[i]); /* they arrive in ppoll only */
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct proxy proxy = { 0 };
	int port = 0, option;
	while ((option = getopt(argc, argv, "d:u:w:t:1l:")) != -1) {
		if (option == 'd')
			proxy.delay = (int64_t)(strtod(optarg, NULL) * 1e6);
		else if (option == 'u')
			proxy.cut_up = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			proxy.cut_down = strtoull(optarg, NULL, 10);
		else if (option == 't')
			proxy.cut_turns = strtoull(optarg, NULL, 10);
		else if (option == '1')
			proxy.cut_once = true;
		else if (option == 'l')
			port = (int)strtol(optarg, NULL, 10);
		else
			return 5;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: delay_proxy [-d MS] [-u BYTES] [-w BYTES] [-t TURNS] [-1] [-l PORT] [ADDRESS:]PORT\n");
		return 5;
	}
	target_parse(&proxy, argv[optind]);
	signals_prepare();
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	proxy_listen(&proxy, port);

	struct pollfd *fds = NULL;
	size_t room = 0;
	while (!end_asked) {
		size_t needed = 1;
		for (struct connection *c = proxy.connections; c; c = c->next)
			needed += 2;
		if (needed > room) {
			room = needed * 2;
			fds = reallocarray(fds, room, sizeof(*fds));
			if (!fds)
				die("reallocarray");
		}
		proxy_wait(&proxy, fds);
		proxy_pump(&proxy, fds);
		if (fds[0].revents)
			proxy_accept(&proxy);
	}
	while (proxy.connections) {
		struct connection *c = proxy.connections;
		proxy.connections = c->next;
		connection_end(&proxy, c, true);
	}
	free(fds);
	fprintf(stderr, "connections %llu up %llu down %llu turns %llu\n", (unsigned long long)proxy.count,
	        (unsigned long long)proxy.bytes_up, (unsigned long long)proxy.bytes_down, (unsigned long long)proxy.turns);
	return 0;
}
