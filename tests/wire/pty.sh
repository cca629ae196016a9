#!/bin/sh
# A terminal on request: by the caller, by -tt, by RequestTTY force; none otherwise.

# A plain user's sshd cannot give a terminal to another group: it must have the group tty from the beginning, or that must be
# the user's own by a file of groups that counts in namespaces of this test only.
groups_fit() {
	python3 -c 'import grp, os, pty, sys; sys.exit(os.fstat(pty.openpty()[1]).st_gid != grp.getgrnam("tty").gr_gid)'
}
if [ "$(id -u)" != 0 ] && ! groups_fit; then
	[ -z "${PTY_GROUP:-}" ] && unshare --user --map-root-user --mount true 2>/dev/null ||
		{ echo "1..0 # SKIP a plain user's sshd cannot give terminals here"; exit 0; }
	PTY_GROUP=$(mktemp)
	export PTY_GROUP
	{ grep -v '^tty:' /etc/group; echo "tty:x:$(id -g):"; } >"$PTY_GROUP"
	status=0
	unshare --user --map-root-user --mount sh -c 'mount --bind "$PTY_GROUP" /etc/group && exec unshare --user --map-user="$1" --map-group="$2" sh "$3"' \
		sh "$(id -u)" "$(id -g)" "$0" || status=$?
	rm -f "$PTY_GROUP"
	exit "$status"
fi
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"
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
