# What each format of the report holds: one JSON document, lines that all parse, and nothing that a terminal would obey.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup

cat >play.json <<'END'
[{ "hosts": "all", "tasks": [
  { "name": "speaks", "shell": "printf 'one\\000two\\033[31m\\n'; printf 'three' >&2", "register": "said" },
  { "name": "says", "debug": { "msg": "{{ said.stdout }}" } },
  { "name": "fails", "fail": { "msg": "{{ said.stdout }}" }, "ignore_errors": true }
] }]
END

it "writes one JSON document"
neap run play.json -i 'localhost,' -c local --format json
status 0
equal "$(python3 -c 'import json; print(len(json.load(open("out"))["plays"][0]["tasks"]))' 2>&1)" 3

it "writes JSON Lines that all parse"
neap run play.json -i 'localhost,' -c local --format jsonl
status 0
equal "$(python3 -c 'import json; print(json.loads([json.loads(l) and l for l in open("out")][-1])["_event"])' 2>&1)" v2_playbook_on_stats

it "shows live output whole, and lets nothing of it touch the terminal"
neap run play.json -i 'localhost,' -c local -v
status 0
said 'localhost | one\x00two\x1b[31m'
said 'localhost | three'
equal "$(cat out err | tr -d '\n\t -~\200-\377' | wc -c)" 0

it "says once why the report could not be written"
STATUS=0
"$NEAP" run play.json -i 'localhost,' -c local >/dev/full 2>err || STATUS=$?
: >out
status 2
said 'neap: writing the report: No space left on device'
equal "$(grep -c 'neap:' err)" 1

it "a standard stream that is closed is no place for a file or a connection"
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "copy": { "content": "{{ lookup(\"pipe\", \"readlink /proc/$PPID/fd/0 /proc/$PPID/fd/1 /proc/$PPID/fd/2\") }}", "dest": "'"$WORK"'/streams" } }] }]' >closed.json
STATUS=0
"$NEAP" run closed.json -i 'localhost,' -c local <&- >&- 2>&- || STATUS=$?
: >out
: >err
status 2 # nobody could read the report
equal "$(sort -u streams)" /dev/null
done_testing
