# A real Slurm array: the recipe of docs/scale.md, on a cluster of this machine alone, which this user runs in a folder of his own.
# Only `sh tests/run.sh all` installs Slurm.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
PATH=$PATH:/usr/sbin
if [ -z "${NEAP_TEST_ALL:-}" ] || ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null; then
	it_skip "an array's tasks are shards" "sh tests/run.sh all installs Slurm and runs this"
	done_testing
fi
e2e_setup
trap 'slurm_stop; sshd_cleanup' EXIT
CONTROLLER= NODE=

# slurm_config CONTROLLER-PORT NODE-PORT: no other user, no accounting, no cgroups, loopback only; more processors than there are.
slurm_config() {
	cat <<END
ClusterName=neap
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/linear
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
StateSaveLocation=$WORK/slurm/state
SlurmdSpoolDir=$WORK/slurm/spool
SlurmctldPidFile=$WORK/slurm/slurmctld.pid
SlurmdPidFile=$WORK/slurm/slurmd.pid
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ReturnToService=2
KillWait=1
NodeName=localhost NodeAddr=127.0.0.1 NodeHostName=$(uname -n | cut -d. -f1) CPUs=4 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES State=UP OverSubscribe=FORCE:4
END
}

slurm_stop() {
	for slurm_pid in $NODE $CONTROLLER; do
		kill "$slurm_pid" 2>/dev/null || true
		wait "$slurm_pid" 2>/dev/null || true
	done
	CONTROLLER= NODE=
}

# Waits until the node is there; fails where a daemon has ended (a port was taken), or it takes a minute.
slurm_is_up() {
	slurm_waited=0
	while [ "$slurm_waited" -lt 300 ]; do
		kill -0 "$CONTROLLER" 2>/dev/null && kill -0 "$NODE" 2>/dev/null || return 1
		[ "$(sinfo -h -o %T 2>/dev/null)" != idle ] || return 0
		sleep 0.2
		slurm_waited=$((slurm_waited + 1))
	done
	return 1
}

slurm_start() {
	export SLURM_CONF="$WORK/slurm/slurm.conf"
	slurm_tries=0
	while [ "$slurm_tries" -lt 5 ]; do
		slurm_tries=$((slurm_tries + 1))
		mkdir -p slurm/state slurm/spool
		slurm_config "$(sshd_random_port)" "$(sshd_random_port)" >"$SLURM_CONF"
		slurmctld -D -c -f "$SLURM_CONF" >slurm/controller.log 2>&1 &
		CONTROLLER=$!
		slurmd -D -N localhost -f "$SLURM_CONF" >slurm/node.log 2>&1 &
		NODE=$!
		slurm_is_up && return 0
		slurm_stop
	done
	tail -n 20 slurm/controller.log slurm/node.log >&2
	return 1
}

# page LANGUAGE: a block of docs/scale.md.
page() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$SOURCE_ROOT/docs/scale.md" | sed '1d;$d'; }

slurm_start || exit 99
page 'json playbook' >site.json
page 'json inventory' >hosts.json
page 'sh slurm' >neap.sbatch
PATH=$(dirname "$NEAP"):$PATH
export PATH

it "an array's tasks are shards, and their results those of one run"
timeout 120 sbatch --wait neap.sbatch >sbatch.out 2>&1 || fault "sbatch ends with $?: $(cat sbatch.out neap-*.log slurm/*.log | tail -n 40)"
equal "$(ls results | tr '\n' ' ')" "1.jsonl 2.jsonl 3.jsonl 4.jsonl "
neap report merge results/*.jsonl
status 0
silent
for host in web1 web2 web3 web4 db1 db2; do
	recap "$host" ok=1 failed=0 unreachable=0
done

it "an array with a step is one, too"
sed 's/--array=1-4/--array=10-30:10/' neap.sbatch >step.sbatch
rm -r results
timeout 120 sbatch --wait step.sbatch >sbatch.out 2>&1 || fault "sbatch ends with $?: $(cat sbatch.out neap-*.log slurm/*.log | tail -n 40)"
equal "$(ls results | tr '\n' ' ')" "10.jsonl 20.jsonl 30.jsonl "
neap report merge results/*.jsonl
status 0
equal "$(grep -c 'ok=1 ' out)" 6

it "an array with gaps is refused"
sed 's/--array=1-4/--array=1,2,5/' neap.sbatch >gaps.sbatch
! timeout 120 sbatch --wait gaps.sbatch >sbatch.out 2>&1 || fault "sbatch succeeds"
equal "$(cat neap-5.log)" "neap: --shard auto: the array's tasks (3 of them from 1 to 5) have gaps
  run whole arrays, as in --array=1-8; to do one shard again, give --shard \$SLURM_ARRAY_TASK_ID/8"
done_testing
