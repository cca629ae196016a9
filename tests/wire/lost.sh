#!/bin/sh
# A command does not outlive the connection that it was started by, whichever end of that goes away; what it left running on
# purpose does.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

start web
seconds=6$(od -An -N3 -tu4 /dev/urandom | tr -d ' ') # no other process sleeps that long
runs() { grep -aqx "sleep.$seconds." /proc/[0-9]*/cmdline 2>/dev/null; }
# until CONDITION...: waits for it, half a minute at most
until_() {
	until_tries=0
	until "$@"; do
		until_tries=$((until_tries + 1))
		[ "$until_tries" -lt 600 ] || { try_problem "it never came to: $*"; return 1; }
		sleep 0.05
	done
}
runs_not() { ! runs; }
session() { sed -n 's/^User child is on pid //p' "$(sshd_log web)" | tail -n 1; }
# begin HOST [flag...]: a command that does not end by itself, in the background
begin() {
	begin_host=$1
	shift
	HOME=$SSHD_DIR/home "$WIRE_TRY" -T 60000 -a "-F $SSHD_DIR/ssh_config" -r "$@" "$begin_host" "sleep $seconds; true" \
		>"$SSHD_DIR/out" 2>"$SSHD_DIR/err" </dev/null &
	begun=$!
	until_ runs
}
finish() {
	TRY_STATUS=0
	wait "$begun" || TRY_STATUS=$?
}

it "ends a command when its sshd is killed"
begin web
# Root's session has no process of its own beside the one that holds the connection.
sshd_session=$(session)
[ -n "$sshd_session" ] || sshd_session=$(sshd_children "$(cat "$SSHD_DIR/web/pid")")
kill -KILL $sshd_session
finish
status 204
said "error: UNREACHABLE"
until_ runs_not

it "ends a command when the connection is cut"
proxy_start "$(sshd_port web)"
begin web -p "$PROXY_PORT"
kill -USR1 "$PROXY_PID"
finish
status 204
until_ runs_not

it "ends a command when the program at this end is killed"
begin web
kill -KILL "$begun"
wait "$begun"
until_ runs_not

it "runs nothing of a command whose text is cut on its way"
# On a deaf server no signal ends what speaks to nobody, and what has been told to go away.
printf '#!/bin/sh\ntrap "" PIPE HUP\n/bin/sh -c "$SSH_ORIGINAL_COMMAND"\n' >"$SSHD_DIR/deaf.sh"
chmod +x "$SSHD_DIR/deaf.sh"
start deaf "ForceCommand $SSHD_DIR/deaf.sh; touch $SSHD_DIR/over"
no_session() { [ -z "$(sshd_children "$(cat "$SSHD_DIR/$1/pid")")" ]; }
for server in web deaf; do
	proxy_start "$(sshd_port $server)" -u 50000 -1
	try -p "$PROXY_PORT" -r $server "touch $SSHD_DIR/half
: $(head -c 100000 /dev/zero | tr '\0' x)"
	status 204
	said "error: UNREACHABLE"
	until_ no_session $server
	[ $server = web ] || until_ [ -e "$SSHD_DIR/over" ]
	[ ! -e "$SSHD_DIR/half" ] || try_problem "its first line was run ($server)"
	proxy_stop
done

it "leaves alone what a command that has ended left running"
try -r web "sleep $seconds & echo left"
status 0
output left
try -r web 'echo again' # by now the first connection has been gone for long
status 0
runs || try_problem "it is gone"
for process in /proc/[0-9]*; do
	grep -aqx "sleep.$seconds." "$process/cmdline" 2>/dev/null && kill "${process#/proc/}"
done
until_ runs_not

it "does not make a script wait for its watcher"
try -r web 'true & wait; echo waited'
status 0
output waited
done_testing
