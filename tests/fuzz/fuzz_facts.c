/* The reply of the script of facts, made up by the target: it is refused, or gives facts that can be written as JSON.
 *
 * A byte 0xfe stands for the head of a section, so that the fuzzer finds it without guessing.
 *
 * covers: core/run/facts_reply.c core/run/facts_local.c core/run/facts_network.c core/run/facts_disks.c */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "run/facts.h"

static const char mark[] = "0123456789abcdef0123456789abcdef";

static const struct ask ask = {
	.kind = ASK_FACTS,
	.folder = "/etc/ansible/facts.d",
	.path = "apparmor caps chroot cmdline date_time distribution dns env fips loadavg local lsb pkg_mgr platform fqdn python_version "
	        "python selinux service_mgr ssh_pub_keys user cpu memory dmi devices mounts uptime lvm network virtual "
	        "fibre_channel_wwn iscsi nvme",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf reply = BUF_INIT;
	for (size_t i = 0; i < size; i++) {
		if (data[i] == 0xfe)
			buf_printf(&reply, "\n%s ", mark);
		else
			buf_char(&reply, (char)data[i]);
	}
	struct answer *answer = facts_parse(&ask, mark, buf_text(&reply), reply.length);
	assert(answer->state == ANSWER_OK ? json_is_object(answer->facts) : answer->why != NULL);
	if (answer->facts) {
		char *text = json_dumps(answer->facts, 0);
		assert(text);
		free(text);
	}
	answer_unref(answer);
	buf_release(&reply);
	return 0;
}
