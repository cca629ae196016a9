# Targets that mean harm: what they say is never a template, a path here, or anything that a terminal obeys; and what they make
# of neap's questions is an error in bounded time, not a wrong result.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
environment="HOME=$SSHD_DIR/home"
mkdir facts data bin
# Each would leave a file here, where neap runs; each says something else if it is not left alone.
bomb="{{ lookup('pipe', 'touch $WORK/PWNED') }}{% if 1 %}evaluated{% endif %}{{ 6 * 7 }}{# gone #}"
escape=$(printf '\033]0;owned\007\033[2J\033[31mred\r\nok: [forged]\302\233')
printf '%s\n' "$bomb" >data/content
printf '%s' "$bomb$escape" >"data/name {{ 6 * 7 }} $(printf '\033[2J')"
python3 - "$bomb" <<'END_OF_FILE'
import json, sys
bomb = sys.argv[1]
json.dump({"text": bomb, "deep": [{"x": bomb}], bomb: 1, "ansible_connection": "local", "ansible_host": "127.9.9.9", "__ansible_unsafe": bomb,
           "__ansible_vault": bomb, "big": 1e308, "list": [bomb, "\u001b[2J"]}, open("facts/bomb.fact", "w"))
json.dump({"__ansible_vault": bomb}, open("facts/vault.fact", "w"))
open("facts/ini.fact", "w").write("[%s]\nkey=%s\n" % (bomb.replace("]", ")"), bomb))
open("facts/broken.fact", "w").write('{"x": ' + "[" * 5000)
open("facts/script.fact", "w").write("#!/bin/sh\nprintf '{\"out\": \"%s\"}' '{{ 6 * 7 }}'\n")
END_OF_FILE
chmod +x facts/script.fact

sshd_start hostile "SetEnv $environment NEAP_BOMB={{6*7}}" || exit 99
sshd_inventory hosts.json 1 hostile

harmless() {
	[ ! -e PWNED ] || fault "a template of the target's was evaluated: it ran a command here"
	equal "$(grep -c -e evaluated -e gone out | tr -d '\n')" "${1:-0}"
	equal "$(tr -d '\n\t -~\200-\377' <out | wc -c)" 0
	equal "$(tr -d '\n\t -~\200-\377' <err | wc -c)" 0
	! LC_ALL=C grep -q "$(printf '\302\233')" out err || fault "an 8-bit escape is in the output"
}

cat >harm.json <<END_OF_FILE
[{ "hosts": "all", "gather_facts": true, "vars": { "indirect": "{{ got.stdout }}", "bomb_here": {{ ASKED }} }, "tasks": [
  { "setup": { "fact_path": "$WORK/facts" } },
  { "command": { "argv": ["cat", "$WORK/data/content"] }, "register": "got" },
  { "slurp": { "src": "$WORK/data/content" }, "register": "slurped" },
  { "find": { "paths": "$WORK/data" }, "register": "found" },
  { "assert": { "that": ["got.stdout == bomb_here", "indirect == bomb_here", "(slurped.content | b64decode) == bomb_here ~ '\\\\n'",
    "ansible_local.bomb.text == bomb_here", "ansible_local.bomb.deep[0].x == bomb_here", "ansible_local.script.out == '{' ~ '{ 6 * 7 }}'",
    "ansible_env.NEAP_BOMB == '{' ~ '{6*7}}'", "ansible_connection is not defined or ansible_connection != 'local'", "ansible_host != '127.9.9.9'"] } },
  { "name": "{{ got.stdout }}", "debug": { "msg": "{{ indirect }} {{ ansible_local.bomb.text }} {{ found.files | map(attribute='path') | list }}" } },
  { "debug": { "var": "ansible_local" } }, { "debug": { "var": "found.files" } },
  { "debug": { "msg": "{{ item }}" }, "loop": "{{ found.files | map(attribute='path') | list + got.stdout_lines + ansible_local.bomb.list }}" },
  { "debug": { "msg": "{{ item.key }} {{ item.value }}" }, "with_dict": "{{ ansible_local.bomb }}" },
  { "set_fact": { "kept": "{{ got.stdout }}", "nested": { "a": ["{{ got }}"] } } },
  { "debug": { "msg": "{{ kept }} {{ nested }} {{ hostvars[inventory_hostname].kept }} {{ vars.kept }}" } },
  { "assert": { "that": ["kept == got.stdout", "nested.a[0].stdout == bomb_here", "lookup('vars', 'kept') == bomb_here"], "success_msg": "{{ kept }}" } },
  { "copy": { "content": "{{ kept }}", "dest": "{{ root_dir }}/copied" } },
  { "template": { "src": "$WORK/t.j2", "dest": "{{ root_dir }}/templated" } },
  { "lineinfile": { "path": "{{ root_dir }}/copied", "line": "{{ got.stdout }}x" } },
  { "command": { "argv": ["printf", "%s", "{{ got.stdout }}"] }, "register": "again", "changed_when": "again.stdout != kept", "failed_when": "again.stdout != got.stdout" },
  { "fail": { "msg": "{{ got.stdout }}" }, "ignore_errors": true, "register": "failure" },
  { "debug": { "var": "failure.msg" } }, { "include_vars": { "file": "{{ got.stdout }}" }, "ignore_errors": true },
  { "assert": { "that": "{{ kept }}" }, "ignore_errors": true }, { "debug": { "msg": "x" }, "when": "kept", "ignore_errors": true },
  { "command": { "argv": ["cat", "{{ found.files[1].path }}"] } },
  { "shell": "cat $WORK/data/name*; cat $WORK/data/name* >&2; exit 3", "ignore_errors": true },
  { "fetch": { "src": "{{ found.files[1].path }}", "dest": "fetched/" } }
] }]
END_OF_FILE
python3 - "$bomb" <<'END_OF_FILE'
import json, sys
text = open("harm.json").read()
open("harm.json", "w").write(text.replace("{{ ASKED }}", json.dumps({"__ansible_unsafe": sys.argv[1]})))
END_OF_FILE
echo 'it is {{ got.stdout }} {{ ansible_local.bomb.text }}' >t.j2
for how in "" "-vvvv --diff" "--format json -vvvv" "--format jsonl -vvvv"; do
	it "what a target says is no template and obeys no terminal (${how:-no options})"
	rm -rf fetched "$SSHD_DIR/roots/h001"/*
	# shellcheck disable=SC2086
	neap run harm.json -i hosts.json $how
	status 0
	harmless "$(grep -c -e evaluated out)"
	grep -q '{% if 1 %}evaluated{% endif %}{{ 6 \* 7 }}{# gone #}' out || fault "the text is not shown as it is"
	! grep -q 'evaluated42' out || fault "it was evaluated"
done

it "files have what the target said, as it said it"
neap run harm.json -i hosts.json
equal "$(head -n 1 "$SSHD_DIR/roots/h001/copied")" "$bomb"
equal "$(cat "$SSHD_DIR/roots/h001/templated")" "it is $bomb $bomb"
equal "$(find fetched -type f | wc -l)" 1

it "names from a target lead nowhere outside of the folder that a fetch is for"
mkdir -p away && echo mine >away/precious
cat >names.json <<END_OF_FILE
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "command": "printf '%s\\\\n' $WORK/data/../../work/data/content ../../../../../../../../$WORK/data/content", "register": "names" },
  { "fetch": { "src": "{{ item }}", "dest": "$WORK/away/in" }, "loop": "{{ names.stdout_lines }}" },
  { "fetch": { "src": "$WORK/data/..", "dest": "$WORK/away/flat/", "flat": true }, "ignore_errors": true },
  { "add_host": { "name": "../../precious", "ansible_connection": "local" } }, { "add_host": { "name": "..", "ansible_connection": "local" } } ] },
 { "hosts": "../../precious:..", "gather_facts": false, "tasks": [{ "fetch": { "src": "$WORK/data/content", "dest": "$WORK/away/in" } }] }]
END_OF_FILE
neap run names.json -i hosts.json
equal "$(ls -A away | tr '\n' ' ')" "in precious "
equal "$(ls -A away/in | tr '\n' ' ')" "h001 "
equal "$(cat away/precious)" mine

it "a link put where a fetched file goes is not followed"
mkdir -p away/linked && ln -s "$WORK/away/precious" away/linked/content
printf '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "fetch": { "src": "%s/data/content", "dest": "%s/away/linked/", "flat": true } }] }]' "$WORK" "$WORK" >link.json
neap run link.json -i hosts.json
equal "$(cat away/precious)" mine

# ---- tools that lie ----

cat >play.json <<'END_OF_FILE'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "copy": { "content": "new\n", "dest": "{{ root_dir }}/file" } },
  { "stat": { "path": "{{ root_dir }}/file" }, "register": "about" },
  { "lineinfile": { "path": "{{ root_dir }}/other", "line": "more" } },
  { "user": { "name": "root" }, "check_mode": true },
  { "setup": null } ] }]
END_OF_FILE
# lying NAME SCRIPT: a server where those programs are that script, in a shell without SFTP; then the run, with bounded memory.
lying() {
	rm -rf bin && mkdir bin
	for tool in $2; do
		printf '#!/bin/sh\n%s\n' "$3" >"bin/$tool"
		chmod +x "bin/$tool"
	done
	sshd_start "$1" "SetEnv PATH=$WORK/bin:$PATH $environment" "Subsystem none /bin/false" || exit 99
	sshd_inventory hosts.json 1 "$1"
	rm -f "$SSHD_DIR/roots/h001"/*
	printf 'old\n' >"$SSHD_DIR/roots/h001/file"
	printf 'old\n' >"$SSHD_DIR/roots/h001/other"
	NEAP_TIMEOUT=100 neap run play.json -i hosts.json -vv
	sshd_stop "$1"
	case $STATUS in 0|2|4) ;; *) fault "status $STATUS" ;; esac
	harmless
	# Old or new, never anything else; and nothing left beside it.
	case $(cat "$SSHD_DIR/roots/h001/file") in old|new) ;; *) fault "the file is $(head -c 100 "$SSHD_DIR/roots/h001/file")" ;; esac
	equal "$(ls -A "$SSHD_DIR/roots/h001" | tr '\n' ' ')" "file other "
}

it "digests that are wrong are no success"
lying wrong "sha1sum shasum openssl" 'for file; do echo "da39a3ee5e6b4b0d3255bfef95601890afd80709  $file"; done'
status 2
output_has "what arrived has SHA-1"
equal "$(cat "$SSHD_DIR/roots/h001/file")" old

while read -r name tools script; do
	it "tools that answer with $name"
	lying "$name" "$(echo "$tools" | tr , ' ')" "$script"
done <<'END_OF_FILE'
nothing stat,find,sha1sum,ls,wc,id,getent,uname exit 0
failure stat,find,sha1sum,ls,wc,id,getent,uname echo "no: {{ 6 * 7 }}" >&2; exit 1
bytes stat,find,sha1sum,ls,wc,id,getent,uname head -c 3000000 /dev/urandom
lines stat,find,sha1sum,ls,wc,id,getent,uname yes "0 0 0 0 /etc/passwd {{ lookup('pipe', 'id') }}" | head -n 300000
zeros stat,find,sha1sum,ls,wc,id,getent,uname head -c 3000000 /dev/zero
escapes stat,find,sha1sum,ls,wc,id,getent,uname printf '\033[2J\033]0;x\007\302\233%s\n' "$*"; printf '\033[31m' >&2; exit 1
numbers stat,find,sha1sum,ls,wc,id,getent,uname echo 99999999999999999999 -1 1e99 0x7f $(printf %03000d 1)
END_OF_FILE
done_testing
