# What narrows a run and names nothing is an error, found before anything is done: --limit, --start-at-task, --step.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
printf '{ "all": { "vars": { "ansible_connection": "local" }, "hosts": { "web1": {}, "web2": {}, "db1": {} } } }' >hosts.json
cat >play.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "deploy", "file": { "path": "{{ folder }}/{{ inventory_hostname }}", "state": "touch" } },
  { "name": "restart", "debug": { "msg": "restarted" } }
] }]
END
mkdir made
go() { neap run play.json -i hosts.json -e "folder=$WORK/made" "$@"; }
nothing_made() { equal "$(ls made)" ""; }

it "a limit that names no host is an error with the name that was meant"
go -l wbe1
status 1
said 'neap: --limit wbe1 names no host of the inventory'
said 'did you mean "web1"?'
equal "$(cat out)" ""
nothing_made

it "a limit that takes everything away again is an error as well"
go -l 'web1:!web1'
status 1
said 'names no host of the inventory'
nothing_made

it "a limit file that is missing is an error before the first task"
go -l @nothing
status 1
said 'reading nothing: No such file or directory'
equal "$(cat out)" ""

it "a part of a limit that names nothing is a warning, and the rest counts"
printf 'wbe1\n# a comment\nweb2\n' >limit
go -l @limit --check
status 0
said 'the pattern "wbe1" names no host or group; did you mean "web1"?'
recap web2 ok=2
output_lacks web1

it "a task to start at that does not exist is an error with the name that was meant"
go --start-at-task restrat
status 1
said 'no task is called "restrat"'
said 'did you mean "restart"?'
nothing_made

it "starts at a task"
go --start-at-task 'rest*'
status 0
recap db1 ok=1
nothing_made

it "asks before each task only where there is somebody to ask"
STATUS=0
HOME=$SSHD_DIR/home setsid -w "$NEAP" run play.json -i hosts.json -e "folder=$WORK/made" --step >out 2>err </dev/null || STATUS=$?
status 5
said 'there is no terminal to ask on'
nothing_made

it "goes on without the task debugger where there is nobody to talk to"
echo '[{ "hosts": "all", "gather_facts": false, "debugger": "always", "tasks": [{ "command": "true" }, { "command": "false" }] }]' >debug.json
STATUS=0
HOME=$SSHD_DIR/home setsid -w "$NEAP" run debug.json -i a, -c local >out 2>err </dev/null || STATUS=$?
status 2
recap a ok=1 failed=1
equal "$(grep -c 'there is no terminal to talk on' err)" 1

it "takes as many hosts at a time as the list says, and as its last says from there on"
echo '[{ "hosts": "all", "gather_facts": false, "serial": [1, 2], "tasks": [{ "debug": { "msg": "<{{ ansible_play_batch | join(\" \") }}>" }, "run_once": true }] }]' >serial.json
neap run serial.json -i a,b,c,d,e, -c local
status 0
equal "$(grep -o '<.*>' out | tr '\n' ' ')" "<a> <b c> <d e> "

it "says that there is no inventory"
neap run play.json
said 'no inventory was given (-i)'
done_testing
