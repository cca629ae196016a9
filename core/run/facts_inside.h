/* What the files of facts share: one reader for each part. For facts*.c. */
#ifndef NEAP_RUN_FACTS_INSIDE_H
#define NEAP_RUN_FACTS_INSIDE_H

#include <jansson.h>

#include "plan/ask.h"
#include "run/facts_reply.h"

struct facts {
	const struct ask *ask;
	struct facts_reply reply;
	json_t *values; /* by name */
};

/* A fact whose value is text; nothing is set for NULL. */
void facts_set_text(struct facts *facts, const char *name, const char *text);
void facts_set_number(struct facts *facts, const char *name, long long number);
/* Takes value over. */
void facts_set(struct facts *facts, const char *name, json_t *value);
/* A fact that was read before, "" if it was not or is no text. */
const char *facts_text_of(const struct facts *facts, const char *name);

/* What uname(1) says: "Linux", "x86_64", "6.1.0"; "" where it said nothing. */
const char *facts_system(struct facts *facts);
const char *facts_machine(struct facts *facts);
const char *facts_kernel(struct facts *facts);

/* facts_system.c */
void facts_read_platform(struct facts *facts);
void facts_read_fqdn(struct facts *facts);
void facts_read_user(struct facts *facts);
void facts_read_env(struct facts *facts);
void facts_read_date_time(struct facts *facts);
void facts_read_cmdline(struct facts *facts);
void facts_read_dns(struct facts *facts);
void facts_read_ssh_pub_keys(struct facts *facts);
void facts_read_loadavg(struct facts *facts);
void facts_read_fips(struct facts *facts);
void facts_read_iscsi(struct facts *facts);
void facts_read_nvme(struct facts *facts);
void facts_read_fibre_channel_wwn(struct facts *facts);
/* facts_software.c */
void facts_read_python(struct facts *facts);
void facts_read_python_version(struct facts *facts);
void facts_read_lsb(struct facts *facts);
void facts_read_caps(struct facts *facts);
void facts_read_chroot(struct facts *facts);
void facts_read_selinux(struct facts *facts);
void facts_read_apparmor(struct facts *facts);
void facts_read_service_mgr(struct facts *facts);
void facts_read_pkg_mgr(struct facts *facts);
/* facts_distribution.c */
void facts_read_distribution(struct facts *facts);
/* facts_hardware.c */
void facts_read_cpu(struct facts *facts);
void facts_read_memory(struct facts *facts);
void facts_read_dmi(struct facts *facts);
void facts_read_uptime(struct facts *facts);
void facts_read_lvm(struct facts *facts);
/* facts_disks.c */
void facts_read_devices(struct facts *facts);
void facts_read_mounts(struct facts *facts);
/* facts_network.c */
void facts_read_network(struct facts *facts);
/* facts_virtual.c */
void facts_read_virtual(struct facts *facts);
/* facts_local.c */
void facts_read_local(struct facts *facts);

#endif
