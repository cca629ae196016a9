# Ctrl-C and SIGTERM at each phase: status 99, a recap, no process and no temporary file left behind.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 2 loopback
root=$SSHD_DIR/roots/h001
sleep_s=7$(od -An -N2 -tu2 /dev/urandom | tr -d ' ') # no other process has that
dd if=/dev/zero of=large bs=1048576 count=300 2>/dev/null

# interrupt SIGNAL CONDITION ARGUMENTS...: the signal is sent as soon as the condition holds.
interrupt() {
	signal=$1 condition=$2 STATUS=0
	shift 2
	env -u SSH_AUTH_SOCK HOME="$SSHD_DIR/home" "$NEAP" run play.json "$@" >out 2>err </dev/null &
	pid=$!
	tries=0
	until eval "$condition" || [ "$tries" -ge 400 ]; do
		tries=$((tries + 1))
		sleep 0.02
	done
	[ "$tries" -lt 400 ] || fault "it never came to: $condition"
	kill "-$signal" "$pid"
	wait "$pid" || STATUS=$?
}

runs() { grep -aqx "sleep.$sleep_s." /proc/[0-9]*/cmdline 2>/dev/null; }

for signal in INT TERM; do
	for connection in ssh local; do
		it "SIG$signal during a command ($connection)"
		echo '[{ "hosts": "all", "gather_facts": false, "tasks": [
			{ "shell": "sleep '"$sleep_s"'; true" }, { "file": { "path": "{{ root_dir }}/after", "state": "touch" } }] }]' >play.json
		interrupt "$signal" runs -i hosts.json -c "$connection"
		status 99
		recap h001 failed=0 unreachable=0
		said 'interrupted: no new step is started'
		tries=0
		while runs && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.02; done
		! runs || fault "the command still runs"
		[ ! -e "$root/after" ] || fault "the next task was done"
	done
done

for connection in ssh local; do
	it "SIGINT during an upload ($connection)"
	echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "copy": { "src": "large", "dest": "{{ root_dir }}/file" } }] }]' >play.json
	echo old >"$root/file"
	interrupt INT '[ -n "$(find "$root" -name ".*" -size +100k)" ]' -i hosts.json -c "$connection"
	status 99
	equal "$(ls -A "$root")" file
	equal "$(cat "$root/file")" old
done

it "SIGINT while it connects"
proxy_start "$(sshd_port loopback)"
kill -USR2 "$PROXY_PID" # it takes connections and passes nothing
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "ping": {} }] }]' >play.json
interrupt INT 'sleep 0.5' -i "127.0.0.1:$PROXY_PORT,"
status 99
recap 127.0.0.1 ok=0
done_testing
