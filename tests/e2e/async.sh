# async: jobs that go on by themselves on the target, with and without a connection.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback
JOBS=$WORK/jobs

# play TASKS: with the folder of jobs in a place of the test's own.
play() { printf '[{"hosts": "all", "gather_facts": false, "vars": {"ansible_async_dir": "%s"}, "tasks": [%s]}]' "$JOBS" "$1" >site.json; }
run() { neap run site.json -i hosts.json "$@"; }

# wait_until COMMAND: it holds within a minute.
wait_until() {
	wait_tries=0
	until eval "$1"; do
		wait_tries=$((wait_tries + 1))
		[ "$wait_tries" -lt 600 ] || { fault "never: $1"; return; }
		sleep 0.1
	done
}

it "a job outlives the connection"
play '{"shell": {"cmd": "echo begun; until [ -e '"$WORK"'/gate ]; do sleep 0.1; done; umask; cat; echo late >&2", "stdin": "in"},
	"async": 100, "poll": 0, "register": "job"},
	{"debug": {"msg": "id={{ job.ansible_job_id }} {{ job.started }} {{ job.finished }} {{ job.results_file | dirname }}"}}'
run
status 0
recap h001 ok=2 changed=1
output_has "1 0 $JOBS"
id=$(sed -n 's/.*id=\(j[0-9.]*\) .*/\1/p' "$WORK/out")
equal "$(stat -c %a "$JOBS")/$(stat -c %a "$JOBS/$id")/$(stat -c %a "$JOBS/$id/job")" 700/700/600
play '{"async_status": {"jid": "'"$id"'"}, "register": "r"}, {"debug": {"msg": "finished={{ r.finished }} {{ r is finished }}"}}'
run
status 0
output_has "finished=0 False"
: >"$WORK/gate"
play '{"async_status": {"jid": "'"$id"'"}, "register": "r", "until": "r.finished", "retries": 300, "delay": 0.1},
	{"debug": {"msg": "{{ r.stdout_lines | join(\",\") }} {{ r.stderr }} {{ r.rc }} {{ r.delta is defined }}"}},
	{"async_status": {"jid": "'"$id"'", "mode": "cleanup"}}'
run
status 0
output_has "begun,$(umask),in late 0 True"
recap h001 ok=3 changed=1
equal "$(ls "$JOBS")" ""

it "a job that is polled outlives its connections too, and its result is that of the command"
cut=$WORK/cut
play '{"command": {"argv": ["sh", "-c", "echo $$ >'"$cut"'.new; mv '"$cut.new $cut"'; until [ -e '"$WORK"'/again ]; do sleep 0.1; done; echo \"$0\"", "a b"]},
	"async": 100, "poll": 1, "register": "r"},
	{"debug": {"msg": "{{ r.stdout }} {{ r.rc }} {{ r.cmd | last }} {{ r.finished }}"}}'
(
	tries=0
	until [ -e "$cut" ] || [ $tries = 600 ]; do tries=$((tries + 1)); sleep 0.1; done
	for session in $(sshd_children "$(cat "$SSHD_DIR/loopback/pid")"); do kill "$session"; done
	: >"$WORK/again"
) &
cutter=$!
run
wait "$cutter"
status 0
output_has "a b 0 a b 1"
recap h001 ok=2 changed=1 unreachable=0
equal "$(ls "$JOBS")" ""

it "when its time is up, a job is ended with all that it has started"
play '{"shell": "sleep 1000 & echo $! >'"$WORK"'/pid; wait", "async": 1, "poll": 1, "register": "r", "ignore_errors": true},
	{"debug": {"msg": "{{ r.msg }}"}},
	{"shell": "sleep 1001 & echo $! >'"$WORK"'/pid2; wait", "async": 1, "poll": 0, "register": "job"},
	{"async_status": {"jid": "{{ job.ansible_job_id }}"}, "register": "r", "until": "r.finished", "retries": 300, "delay": 0.1, "ignore_errors": true},
	{"debug": {"msg": "{{ r.msg }} {{ r is failed }}"}}'
run
status 0
output_has "async task did not complete within the requested time - 1s"
output_has "Timeout exceeded True"
wait_until '! kill -0 "$(cat "$WORK/pid")" 2>/dev/null && ! kill -0 "$(cat "$WORK/pid2")" 2>/dev/null'

it "nothing of a watch stays when its job has ended"
play '{"command": "true", "async": 98765, "poll": 1}'
run
status 0
wait_until '! ps -e -o args | grep -qx "sleep 98765"'

it "a job needs no setsid"
mkdir bin
for tool in sh mkdir date cat mv rm sleep printf umask; do
	path=$(command -v "$tool")
	case $path in /*) ln -s "$path" "bin/$tool" ;; esac
done
play '{"command": "cat", "args": {"stdin": "x"}, "environment": {"PATH": "'"$WORK"'/bin"}, "async": 100, "poll": 1, "register": "r"},
	{"debug": {"msg": "out {{ r.stdout }}"}},
	{"command": "sleep 1000", "environment": {"PATH": "'"$WORK"'/bin"}, "async": 1, "poll": 1}'
run
status 2
output_has "out x"
output_has "async task did not complete within the requested time - 1s"

it "a job's id names no other place"
mkdir -p "$WORK/else/x"
play '{"async_status": {"jid": "../else", "mode": "cleanup"}}'
run
status 1
said "could not find job"
play '{"async_status": {"jid": "{{ \"../else\" }}", "mode": "cleanup"}}'
run
status 2
output_has "could not find job"
[ -d "$WORK/else/x" ] || fault "it was removed"

it "a job whose watch was killed is told"
play '{"command": "sleep 1000", "async": 100, "poll": 0, "register": "job"}, {"debug": {"msg": "id={{ job.ansible_job_id }} "}}'
run
id=$(sed -n 's/.*id=\(j[0-9.]*\) .*/\1/p' "$WORK/out")
wait_until 'grep -q pid "$JOBS/$id/job"'
wait_until '[ -s "$JOBS/$id/pid" ]'
kill -KILL "$(sed 's/.*: \([0-9]*\)}/\1/' "$JOBS/$id/job")"
play '{"async_status": {"jid": "'"$id"'"}, "register": "r", "until": "r.finished", "retries": 300, "delay": 0.1}'
run
status 2
output_has "the job has ended without a result"
kill "$(cat "$JOBS/$id/pid")"

it "a single command goes on, too"
neap exec all -i hosts.json -e ansible_async_dir="$JOBS" -a "echo watched" -B 100 -P 1
status 0
output watched
neap exec all -i hosts.json -e ansible_async_dir="$JOBS" -a "true" -B 100 -P 0
status 0
output_has '"started": 1'

it "only a command can be a job"
play '{"copy": {"content": "x", "dest": "/tmp/x"}, "async": 10, "poll": 0}'
run
status 1
said "async is for modules whose steps are one command, and copy is none of them"
play '{"copy": {"content": "x", "dest": "/tmp/x"}, "async": "{{ 10 }}", "when": false}, {"command": "true", "async": "{{ 0 }}"}, {"command": "true", "async": "{{ x }}"}'
run
status 1

it "check mode starts no job"
play '{"command": "touch '"$WORK"'/made", "async": 10, "poll": 0}'
run --check
status 0
recap h001 skipped=1 changed=0
[ ! -e "$WORK/made" ] || fault "it ran"
done_testing
