#!/bin/sh
# A terminal on request: by the caller, by -tt, by RequestTTY force; none otherwise.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP an sshd that is not root's cannot give terminals"; exit 0; }

start web
start without "PermitTTY no"

it "gives no terminal unasked"
try -r web 'tty; test -t 1'
status 1
output "not a tty"

it "gives a terminal when asked to"
try -t web 'tty >/dev/null && echo on a terminal; test -t 1 && test -t 2'
status 0
grep -q "^on a terminal" "$SSHD_DIR/out" || try_problem "no terminal"
logged web "Starting session: command on pts/"

for path in "$PATH" "$SSHD_DIR/no_ssh"; do
	for asked in -tt "-t -t" "-o RequestTTY=force"; do
		it "gives a terminal for $asked $([ "$path" = "$PATH" ] || echo "(without the ssh program)")"
		TRY_PATH=$path TRY_OPTIONS=$asked try -r web 'test -t 0 && test -t 1'
		status 0
		logged web "Starting session: command on pts/"
	done
	it "gives none for what only counts at a terminal $([ "$path" = "$PATH" ] || echo "(without the ssh program)")"
	for asked in -t "-o RequestTTY=yes" "-o RequestTTY=auto"; do
		TRY_PATH=$path TRY_OPTIONS=$asked try -r web 'test -t 0'
		status 1
	done
done

it "keeps the exit status of a command on a terminal"
try -t web 'exit 7'
status 7

it "ends a command on a terminal when its time is over"
try -t -r -x 300 web 'sleep 300'
status 128

it "says that the server gives no terminal"
try -t without 'echo hello'
! grep -q hello "$SSHD_DIR/out" || try_problem "it ran"
said "PermitTTY"
done_testing
