#!/bin/sh
# Peers that are slow, silent, dead or not SSH servers; and the user's cancel at any moment.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

start web
port=$(sshd_port web)
proxy_start "$port"

# Waits until somebody is logged in and has a channel.
in_session() {
	in_session_tries=0
	until grep -q "^Starting session" "$(sshd_log web)" || [ "$in_session_tries" -ge 1500 ]; do
		in_session_tries=$((in_session_tries + 1))
		sleep 0.02
	done
}
go() { try -p "$PROXY_PORT" "$@"; }

it "gives up on a server that sends no banner"
kill -USR2 "$PROXY_PID"
go -T 700 web true
status 202
said "error: TIMEOUT"
said "waiting for the SSH banner: 127.0.0.1 port $PROXY_PORT did not answer within"

it "is cancelled while it waits for the banner"
go -T 50000 -Z "waiting for the SSH banner" web true
status 43
said "INTERRUPTED"
said "cancelled while waiting for the SSH banner"
kill -USR2 "$PROXY_PID"

it "notices a peer that dies in the middle"
(in_session && kill -USR2 "$PROXY_PID") &
go -L 400 -s 50000 web
status 204
said "is dead: nothing came for"
wait $!
kill -USR2 "$PROXY_PID"

it "takes ServerAliveInterval and ServerAliveCountMax for that"
(in_session && kill -USR2 "$PROXY_PID") &
TRY_OPTIONS="-o ServerAliveInterval=1 -o ServerAliveCountMax=2" go -s 50000 web
status 204
said "is dead: nothing came for 2 s"
wait $!
kill -USR2 "$PROXY_PID"

it "keeps an idle session alive"
go -L 1200 -s 4000 web 'echo hello'
status 0
output hello

it "notices a connection that is cut"
(in_session && kill -USR1 "$PROXY_PID") &
go -s 50000 web
status 204
said "error: UNREACHABLE"
said "was lost"
wait $!

it "is cancelled while a command runs"
go -c 500 web 'sleep 20'
status 43
said "INTERRUPTED"

it "says that what answers is not an SSH server"
printf 'HTTP/1.1 400 Bad Request\r\n\r\n' >"$SSHD_DIR/http"
TRY_OPTIONS="-o 'ProxyCommand=cat $SSHD_DIR/http; exit 0'" try web true
status 204
unsaid "permission denied"

it "shows the server's words without its control characters"
TRY_OPTIONS="-o 'ProxyCommand=printf \"\\033[31mred\\n\" >&2; exit 3'" try web true
status 204
! grep -q "$(printf '\033')" "$SSHD_DIR/err" || try_problem "an escape sequence got through"

it "tries again when the server hangs up before authentication"
proxy_start "$port" -1 -w 30
try -p "$PROXY_PORT" web 'echo hello'
status 0
output hello

it "does not try for ever"
proxy_start "$port" -w 30
try -p "$PROXY_PORT" web 'echo hello'
status 204
said "error: UNREACHABLE"
said "tried 3 times"

it "gives up on a server that falls silent while it is asked to let us in"
proxy_start "$port" -d 500
(
	tries=0
	until grep -q "phase: authenticating" "$SSHD_DIR/err" || [ "$tries" -ge 1500 ]; do tries=$((tries + 1)); sleep 0.02; done
	kill -USR2 "$PROXY_PID"
) &
WIRE_TRY_PHASES=1 try -p "$PROXY_PORT" -T 4000 web true
status 202
said "error: TIMEOUT"
said "authenticating with publickey"
said "did not answer within"
wait $!

it "connects many at once to one server that allows no more than ten newcomers"
try -q -w 40 web 'echo hello'
status 0
unlogged web MaxStartups

done_testing
