/* The least that a program needs to run a command on many hosts with libssh: it connects, compares the host key, logs in with a key,
 * runs the command, and leaves. What neap takes longer than this is neap's own.
 *
 *   bare PORTS USER KEY HOST-KEY.pub AT-ONCE COMMAND      PORTS: a file with a port of 127.0.0.1 on each line */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <libssh/libssh.h>

static const char *user, *command;
static ssh_key key, host_key;
static unsigned ports[65536];
static size_t count;
static atomic_size_t next;
static atomic_int failures;

static int talk(ssh_session session)
{
	ssh_key theirs = NULL;
	if (ssh_connect(session) != SSH_OK || ssh_get_server_publickey(session, &theirs) != SSH_OK)
		return -1;
	int differ = ssh_key_cmp(theirs, host_key, SSH_KEY_CMP_PUBLIC);
	ssh_key_free(theirs);
	if (differ || ssh_userauth_publickey(session, NULL, key) != SSH_AUTH_SUCCESS)
		return -1;
	ssh_channel channel = ssh_channel_new(session);
	int status = -1;
	if (channel && ssh_channel_open_session(channel) == SSH_OK && ssh_channel_request_exec(channel, command) == SSH_OK) {
		char output[4096];
		while (ssh_channel_read(channel, output, sizeof(output), 0) > 0)
			;
		status = ssh_channel_get_exit_status(channel);
	}
	ssh_channel_free(channel);
	return status;
}

static void *work(void *unused)
{
	for (size_t i; (i = atomic_fetch_add(&next, 1)) < count;) {
		ssh_session session = ssh_new();
		int no = 0;
		ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
		ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
		ssh_options_set(session, SSH_OPTIONS_PORT, &ports[i]);
		ssh_options_set(session, SSH_OPTIONS_USER, user);
		if (talk(session) != 0) {
			fprintf(stderr, "port %u: %s\n", ports[i], ssh_get_error(session));
			atomic_fetch_add(&failures, 1);
		}
		ssh_disconnect(session);
		ssh_free(session);
	}
	return unused;
}

static int read_ports(const char *path)
{
	FILE *file = fopen(path, "r");
	while (file && count < sizeof(ports) / sizeof(*ports) && fscanf(file, "%u", &ports[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (argc != 7 || read_ports(argv[1]) < 0 || ssh_pki_import_privkey_file(argv[3], NULL, NULL, NULL, &key) != SSH_OK ||
	    ssh_pki_import_pubkey_file(argv[4], &host_key) != SSH_OK) {
		fprintf(stderr, "bare PORTS USER KEY HOST-KEY.pub AT-ONCE COMMAND\n");
		return 5;
	}
	user = argv[2];
	command = argv[6];
	size_t threads = (size_t)atoi(argv[5]), started = 0;
	pthread_t *all = calloc(threads, sizeof(*all));
	while (all && started < threads && pthread_create(&all[started], NULL, work, NULL) == 0)
		started++;
	for (size_t i = 0; i < started; i++)
		pthread_join(all[i], NULL);
	free(all);
	ssh_key_free(key);
	ssh_key_free(host_key);
	return atomic_load(&failures) || next < count;
}
