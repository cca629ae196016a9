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

# with NAME SCRIPT [LINE]: a server whose every session goes through that script; without SFTP unless a line says so.
with() {
	printf '#!/bin/sh\n%s\n' "$2" >"$1.sh"
	chmod +x "$1.sh"
	sshd_start "$1" "ForceCommand $WORK/$1.sh" "${3:-Subsystem none /bin/false}" || exit 99
	sshd_inventory hosts.json 1 "$1"
	rm -f "$SSHD_DIR/roots/h001/file"
	neap run "${play:-play.json}" -i hosts.json
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

it "files that do not hold as many bytes as they are said to are read one by one"
mkdir lies
printf '#!/bin/sh\ncase "$*" in *"-c %%s "*) echo >>%s/lied; %s "$@" | sed s/$/0/;; *) exec %s "$@";; esac\n' \
	"$WORK" "$(command -v stat)" "$(command -v stat)" >lies/stat
chmod +x lies/stat
python3 -c 'import json
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"lineinfile": {"path": "{{ root_dir }}/%d" % i, "line": "line %d" % i}} for i in range(7)]}]))' >lines.json
mkdir -p "$SSHD_DIR/roots/h001"
for i in 0 1 2 3 4 5 6; do printf 'first\nline %s\nlast' $i >"$SSHD_DIR/roots/h001/$i"; done
echo first >"$SSHD_DIR/roots/h001/6"
play=lines.json with lies "export PATH=$WORK/lies:\$PATH; $session"
status 0
recap h001 ok=7 changed=1
equal "$(cat "$SSHD_DIR/roots/h001/6")" "first
line 6"
[ -s lied ] || fault "nobody lied"
rm -f "$SSHD_DIR/roots/h001"/?

it "a server that takes few sessions at once is used with those"
printf '#!/bin/sh\nwhile :; do case $1 in -p|-u) shift 2 ;; --) shift; break ;; -*) shift ;; *) break ;; esac; done\nexec "$@"\n' >become
printf 'echo "script $1"\n' >few.sh
head -c 200000 /dev/urandom >large
chmod +x become
cat >few.json <<END
[{ "hosts": "all", "gather_facts": false, "vars": { "ansible_become_exe": "$WORK/become" }, "tasks": [
  { "command": "echo one", "register": "one" }, { "command": "echo two", "become": true },
  { "copy": { "src": "large", "dest": "{{ root_dir }}/file" } }, { "script": "few.sh a", "register": "ran" },
  { "copy": { "content": "new\\n", "dest": "{{ root_dir }}/other" }, "become": true },
  { "shell": "cat", "args": { "stdin": "{{ one.stdout }}" }, "register": "said" },
  { "assert": { "that": ["said.stdout == 'one'", "ran.stdout == 'script a\\n'"] } },
  { "fetch": { "src": "{{ root_dir }}/file", "dest": "fetched-few/", "flat": true }, "become": true }, { "command": "echo three" } ] }]
END
for sessions in 1 2; do
	rm -rf fetched-few
	sshd_start "sessions_$sessions" "MaxSessions $sessions" || exit 99
	sshd_inventory hosts.json 1 "sessions_$sessions"
	rm -f "$SSHD_DIR/roots/h001"/*
	neap run few.json -i hosts.json
	[ "$STATUS" = 0 ] || fault "with $sessions: status $STATUS: $(grep -A4 -e fatal out)"
	cmp -s large fetched-few/file || fault "with $sessions: another file was fetched"
	grep -q 'no more sessions' "$(sshd_log "sessions_$sessions")" || fault "with $sessions: none was refused: nothing was tried"
done

it "a login shell that takes no long command is asked in a short one"
for try in 1 2 3 4 5; do # where connecting was faster than working out what to ask, nothing long was said
	[ -f refused ] && break
	with terse$try "[ \${#SSH_ORIGINAL_COMMAND} -lt 1000 ] || { echo \${#SSH_ORIGINAL_COMMAND} >>$WORK/refused; echo too long >&2; exit 1; }; $session"
	status 0
	recap h001 ok=5 changed=2
done
equal "$(wc -l <refused)" 1

it "a command that the server gave no session of its own gets one, and only it is killed"
cat >own.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "group", "shell": "read -r pid name state parent group rest </proc/$$/stat; echo $((parent - group))", "register": "own",
    "failed_when": "own.stdout != '0'", "changed_when": false },
  { "name": "late", "shell": "sleep 60; :", "timeout": 1, "ignore_errors": true },
  { "name": "same", "command": "printenv SSH_CONNECTION", "changed_when": false }
] }]
END
play=own.json
with stays "sh -c \"\$SSH_ORIGINAL_COMMAND\"; exit \$?"
play=
status 0
recap h001 ok=3 ignored=1
equal "$(grep -c 'Accepted publickey' "$(sshd_log stays)")" 1

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

# ---- shells and environments ----

# What sshd does with a login shell is what the script does.
sftp="Subsystem sftp /usr/lib/openssh/sftp-server"
cat >shells.json <<'END'
[{ "hosts": "all", "gather_facts": true, "vars": { "word": { "__ansible_unsafe": "it's \"quoted\" $HOME !x `no` \\\\ \\n" } },
  "environment": { "WORD": "{{ word }}" }, "tasks": [
  { "name": "copy", "copy": { "content": "new\n", "dest": "{{ root_dir }}/file" } },
  { "name": "line", "lineinfile": { "path": "{{ root_dir }}/file", "line": "more" } },
  { "name": "says", "shell": "printf '%s\\n' \"$WORD\"; printf 'a\\nb' >&2; cat", "args": { "stdin": "in" }, "register": "said", "changed_when": false },
  { "name": "said that", "assert": { "that": ["said.stdout == word ~ '\n' ~ 'in'", "said.stderr == 'a\nb'"] } },
  { "name": "words", "command": { "argv": ["printf", "<%s>", "a b", "$x", "`y`", "!z", "'", "\"", "*", "[a", "{1,2}", "%d", "\\"] },
    "register": "words", "changed_when": false },
  { "name": "are kept", "assert": { "that": ["words.stdout == wanted"] },
    "vars": { "wanted": { "__ansible_unsafe": "<a b><$x><`y`><!z><'><\"><*><[a><{1,2}><%d><\\>" } } },
  { "name": "script", "script": "odd.sh 'a b'", "register": "ran", "changed_when": false },
  { "name": "ran", "assert": { "that": ["ran.stdout_lines[0] == 'script a b'"] } },
  { "name": "fetch", "fetch": { "src": "{{ root_dir }}/file", "dest": "fetched/", "flat": true } }
] }]
END
printf '#!/bin/sh\necho "script $1"\n' >odd.sh
play=shells.json
for shell in dash bash mksh "busybox sh" zsh fish tcsh; do
	it "a login shell $shell does not matter"
	rm -rf fetched
	with "login_${shell%% *}" "exec $shell -c \"\$SSH_ORIGINAL_COMMAND\"" "$sftp"
	status 0
	recap h001 failed=0 changed=3
	equal "$(cat fetched/file)" "new
more"
done

it "a home that is not there, odd folders and variables do not matter"
count=0
while IFS= read -r odd; do
	rm -rf fetched
	count=$((count + 1))
	with "odd_$count" "$odd; exec /bin/sh -c \"\$SSH_ORIGINAL_COMMAND\"" "$sftp"
	[ "$STATUS" = 0 ] || fault "with $odd: status $STATUS: $(grep -A4 -e fatal out)"
	equal "$(cat fetched/file)" "new
more"
done <<'END'
cd /; export HOME=/nonexistent
cd /; unset HOME USER LOGNAME
export TMPDIR=/nonexistent
umask 077
export POSIXLY_CORRECT=1 TAR_OPTIONS=--nosuch CDPATH=/:/tmp ENV=/nonexistent BASH_ENV=/nonexistent LS_COLORS=x
export LC_ALL=tr_TR.UTF-8 LANG=xx LANGUAGE=de
END
play=

it "a shell that the inventory names runs all of it"
for shell in /bin/dash /bin/bash /bin/mksh; do
	rm -rf fetched "$SSHD_DIR/roots/h001/file"
	[ -n "${named:-}" ] || { sshd_start named || exit 99; named=1; sshd_inventory hosts.json 1 named; }
	neap run shells.json -i hosts.json -e "ansible_shell_executable=$shell"
	[ "$STATUS" = 0 ] || fault "with $shell: status $STATUS: $(grep -A4 -e fatal out)"
	equal "$(cat fetched/file)" "new
more"
done

it "a shell that is no sh is refused as what neap speaks, and may be a task's"
neap run shells.json -i hosts.json -e ansible_shell_executable=/usr/bin/zsh
status 2
output_has 'which is no POSIX shell'
neap exec all -i hosts.json -m shell -a '{"cmd": "echo $ZSH_VERSION", "executable": "/usr/bin/zsh"}'
status 0
grep -q '^[0-9.]*$' out || fault "zsh did not run"

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
