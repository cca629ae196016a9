# Targets whose shell is odd: it greets, lacks tools, has been taken away, never ends to speak.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
cat >play.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "copy", "copy": { "content": "new\n", "dest": "{{ root_dir }}/file" } },
  { "name": "line", "lineinfile": { "path": "{{ root_dir }}/file", "line": "more" } },
  { "name": "says", "shell": "echo out; echo err >&2", "register": "said", "changed_when": false },
  { "name": "said that", "assert": { "that": ["said.stdout == 'out'", "said.stderr == 'err'"] } },
  { "name": "fetch", "fetch": { "src": "{{ root_dir }}/file", "dest": "fetched/", "flat": true } }
] }]
END

# with NAME SCRIPT: a server whose every session goes through that script.
with() {
	printf '#!/bin/sh\n%s\n' "$2" >"$1.sh"
	chmod +x "$1.sh"
	sshd_start "$1" "ForceCommand $WORK/$1.sh" "Subsystem none /bin/false" || exit 99
	sshd_inventory hosts.json 1 "$1"
	rm -f "$SSHD_DIR/roots/h001/file"
	neap run play.json -i hosts.json
}
session='exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'

it "start-up files that print, without a last newline, do not matter"
with talks "echo WELCOME; echo oops >&2; printf 'no newline'; $session"
status 0
recap h001 ok=5 changed=3
equal "$(cat fetched/file)" "new
more"

it "a target without stat, find and any program for digests is kept as any other"
mkdir few
for tool in ls cat sed mkdir rm mv ln chmod chown head tail touch wc dd cp test expr printf umask sync rmdir env date; do
	[ ! -x "$(command -v $tool)" ] || ln -s "$(command -v $tool)" few/
done
with few "export PATH=$WORK/few; $session"
status 0
recap h001 ok=5 changed=2 # what would be fetched is here already
printf '[{ "hosts": "all", "tasks": [{ "copy": { "content": "new\\nmore\\n", "dest": "{{ root_dir }}/file" } }] }]' >again.json
neap run again.json -i hosts.json
status 0
recap h001 ok=1 changed=0

it "a login shell that takes no long command is asked in a short one"
with terse "[ \${#SSH_ORIGINAL_COMMAND} -lt 1000 ] || { echo \${#SSH_ORIGINAL_COMMAND} >>$WORK/refused; echo too long >&2; exit 1; }; $session"
status 0
recap h001 ok=5 changed=2
equal "$(wc -l <refused)" 1

it "what login shells read in their own ways reaches the target as it is"
for shell in dash bash mksh fish tcsh zsh; do
	command -v "$shell" >/dev/null || continue
	printf '#!/bin/sh\nexec %s -c "$SSH_ORIGINAL_COMMAND"\n' "$shell" >"login-$shell"
	chmod +x "login-$shell"
	sshd_start "login-$shell" "ForceCommand $WORK/login-$shell" || exit 99
	sshd_inventory hosts.json 1 "login-$shell"
	printf '%s' '[{"hosts": "all", "gather_facts": false, "tasks": [{"lineinfile": {"path": "{{ root_dir }}/\\\\n !1 $ 100% `b` \" '"'"'q", "line": "x", "create": true}}]}]' >odd.json
	rm -rf "$SSHD_DIR/roots/h001"/*
	neap run odd.json -i hosts.json
	recap h001 changed=1 failed=0
	equal "$(ls -A "$SSHD_DIR/roots/h001")" '\\n !1 $ 100% `b` " '"'q"
	neap run odd.json -i hosts.json
	recap h001 ok=1 changed=0
done

it "an account that may not log in is named as that"
with taken 'echo "This account is currently not available."; exit 1'
status 2
output_has 'the shell on the target ended with status 1'
output_has 'nologin'

it "a shell that speaks without end is left, in bounded memory"
NEAP_TIMEOUT=50
with endless 'exec cat /dev/zero'
status 4
output_has 'the shell on the target says much, but not what it is asked to'
output_has "log in by hand and see what the shell's start-up files do there"
done_testing
