#!/bin/sh
# SFTP servers that misbehave: an error in bounded time and memory, the file as it was, nothing raw on the terminal.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
head -c 300000 /dev/zero | tr '\0' n >new # more than goes by the shell
head -c 200000 /dev/zero | tr '\0' t >there

cat >play.json <<'END'
[{ "hosts": "all", "tasks": [
  { "name": "put", "copy": { "src": "new", "dest": "{{ root_dir }}/file" }, "ignore_errors": true },
  { "name": "get", "fetch": { "src": "{{ root_dir }}/there", "dest": "fetched/" } }
] }]
END

against() {
	sshd_start "$1" "Subsystem sftp $HOSTILE_SFTP $1" || exit 99
	sshd_inventory hosts.json 1 "$1"
	echo old >"$SSHD_DIR/roots/h001/file"
	cp there "$SSHD_DIR/roots/h001/there"
	(ulimit -v "${NEAP_MEMORY_KB:-unlimited}" && NEAP_TIMEOUT=30 && neap run play.json -i hosts.json && echo "$STATUS" >status)
	STATUS=$(cat status)
	sshd_stop "$1"
}

kept() {
	equal "$(cat "$SSHD_DIR/roots/h001/file")" old
	equal "$(ls -A "$SSHD_DIR/roots/h001" | tr '\n' ' ')" "file there "
	equal "$(find fetched -type f 2>/dev/null | wc -l)" 0
	equal "$(tr -d '\n\t -~\200-\377' <out | wc -c)" 0
}

it "what is no SFTP server is done without"
against garbage
status 0
cmp -s new "$SSHD_DIR/roots/h001/file" || fault "what was put is not what there is"
cmp -s there fetched/h001"$SSHD_DIR"/roots/h001/there || fault "what was fetched is not what there is"
rm -r fetched

while read -r mode code message; do
	it "a server that answers with $mode"
	against "$mode"
	status "$code"
	output_has "$message"
	kept
done <<'END'
huge 4 the SFTP server sent a packet of an impossible length
ids 4 the SFTP server answered what was not asked
flood 4 the SFTP server answered what was not asked
short 4 the SFTP server sent a malformed packet
deny 2 looking at what is there: \x1b[2J\x1b]0;owned\x07no\nok: [forged]
lies 2 No such file or directory
hangup 2 the SFTP server ended
END
done_testing
