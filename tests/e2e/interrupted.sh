# Ctrl-C and SIGTERM at each phase: status 99, a recap, no process and no temporary file left behind.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 2 loopback
root=$SSHD_DIR/roots/h001
sleep_s=7$(od -An -N2 -tu2 /dev/urandom | tr -d ' ') # no other process has that
dd if=/dev/zero of=large bs=1048576 count=300 2>/dev/null

# until_ CONDITION: for a minute at least
until_() {
	tries=0
	until eval "$1" || [ "$tries" -ge 3000 ]; do
		tries=$((tries + 1))
		sleep 0.02
	done
	[ "$tries" -lt 3000 ] || fault "it never came to: $1"
}
# begin CONDITION ARGUMENTS...: a run in the background, until the condition holds
begin() {
	condition=$1 STATUS=0
	shift
	env -u SSH_AUTH_SOCK HOME="$SSHD_DIR/home" "$NEAP" run play.json "$@" >out 2>err </dev/null &
	pid=$!
	until_ "$condition"
}
finish() { wait "$pid" || STATUS=$?; }
# interrupt SIGNAL CONDITION ARGUMENTS...: the signal is sent as soon as the condition holds
interrupt() {
	signal=$1
	shift
	begin "$@"
	kill "-$signal" "$pid"
	finish
}

runs() { grep -aqx "sleep.$sleep_s." /proc/[0-9]*/cmdline 2>/dev/null; }

for signal in INT TERM HUP; do
	for connection in ssh local; do
		it "SIG$signal during a command ($connection)"
		echo '[{ "hosts": "all", "gather_facts": false, "tasks": [
			{ "shell": "sleep '"$sleep_s"'; true" }, { "file": { "path": "{{ root_dir }}/after", "state": "touch" } }] }]' >play.json
		interrupt "$signal" runs -i hosts.json -c "$connection"
		status 99
		recap h001 failed=0 unreachable=0
		said 'interrupted: no new step is started'
		until_ '! runs'
		[ ! -e "$root/after" ] || fault "the next task was done"
	done
done

it "SIGHUP is nothing to what was started to outlive its terminal"
echo '[{ "hosts": "h001", "gather_facts": false, "tasks": [
	{ "shell": "touch {{ root_dir }}/began; until [ -e {{ root_dir }}/go ]; do sleep 0.05; done" }] }]' >play.json
trap '' HUP
begin '[ -e "$root/began" ]' -i hosts.json
trap 'exit 129' HUP
kill -HUP "$pid"
touch "$root/go"
finish
status 0
rm "$root/began" "$root/go"

it "a terminal that is lost while it asks ends the run"
cat >lose.py <<'END'
import os, pty, sys
process, terminal = pty.fork()
if process == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
text = b""
while b"word?" not in text:
    text += os.read(terminal, 1000)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
END
echo '[{ "hosts": "h001", "gather_facts": false, "vars_prompt": [{ "name": "x", "prompt": "word?" }], "tasks": [
	{ "file": { "path": "{{ root_dir }}/after", "state": "touch" } }] }]' >play.json
STATUS=0
env -u SSH_AUTH_SOCK HOME="$SSHD_DIR/home" python3 lose.py "$NEAP" run play.json -i hosts.json >out 2>err || STATUS=$?
[ "$STATUS" != 0 ] || fault "it ended well" # 99, or 2 if it notices that the report reaches nobody
[ ! -e "$root/after" ] || fault "the task was done without the answer"

for connection in ssh local; do
	it "SIGINT during an upload ($connection)"
	echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "copy": { "src": "large", "dest": "{{ root_dir }}/file" } }] }]' >play.json
	echo old >"$root/file"
	interrupt INT '[ -n "$(find "$root" -name ".*" -size +100k)" ]' -i hosts.json -c "$connection"
	status 99
	equal "$(ls -A "$root")" file
	equal "$(cat "$root/file")" old
done

# Processes of the target that do not go on any more.
freeze() {
	frozen=$*
	[ -n "$frozen" ] || fault "there is nothing to freeze"
	kill -STOP $frozen
}
thaw() { kill -CONT $frozen 2>/dev/null; }
sessions() {
	for session in $(sshd_children "$(cat "$SSHD_DIR/loopback/pid")"); do echo "$session"; done
}
shells() { grep -alF "$SSHD_DIR/sh" /proc/[0-9]*/cmdline 2>/dev/null | tr -dc "0-9\n" | grep -vx "$pid"; } # but for neap, which was told of them
echo '[{ "hosts": "h001", "gather_facts": false, "tasks": [{ "shell": "sleep '"$sleep_s"'; true" }, { "ping": {} }] }]' >play.json

it "SIGINT while the target does not answer any more"
begin runs -i hosts.json
freeze $(sessions)
kill -INT "$pid"
finish # with the target as it is
status 99
recap h001 failed=0
thaw
until_ '! runs'

# Here the target answers, but its shells do not, and what there is to end is waited for.
it "a second SIGINT ends it at once"
ln -s /bin/sh "$SSHD_DIR/sh"
begin runs -i hosts.json -e "ansible_shell_executable=$SSHD_DIR/sh"
freeze $(shells)
kill -INT "$pid"
until_ 'grep -q interrupted: err'
kill -INT "$pid"
finish
status 99
output_lacks failed=0 # no recap: the first was not through
thaw
until_ '! runs'

it "SIGINT while a module's questions are answered"
mkdir library
cat >library/slow.lua <<'END'
return {
	name = "slow", doc = "Asks for long.", args = { seconds = { "str", required = true, doc = "How long." } },
	examples = { { "Long", [[{ "slow": { "seconds": "9" } }]] } },
	decide = function(want, known) need(known:run{ "sleep", want.seconds }) end,
}
END
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "file": { "path": "{{ root_dir }}/before", "state": "touch" } },
	{ "slow": { "seconds": "'"$sleep_s"'" } }, { "file": { "path": "{{ root_dir }}/after", "state": "touch" } }] }]' >play.json
interrupt INT runs -i hosts.json # it is asked before the first task is done
status 99
recap h001 failed=0 unreachable=0
[ ! -e "$root/after" ] || fault "the next task was done"
until_ '! runs'

it "SIGINT while it connects"
proxy_start "$(sshd_port loopback)"
kill -USR2 "$PROXY_PID" # it takes connections and passes nothing
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "ping": {} }] }]' >play.json
interrupt INT 'sleep 0.5' -i "127.0.0.1:$PROXY_PORT,"
status 99
recap 127.0.0.1 ok=0
done_testing
