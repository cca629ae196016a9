# What is written where: colours and the progress line on a terminal only, and the same bytes each time where there is none.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
TERMINAL=$(cd "$SOURCE_ROOT/tests/e2e" && pwd)/terminal.py

cat >waits.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "wait for the word", "shell": "until [ -e go ]; do sleep 0.02; done", "changed_when": true },
  { "name": "say so", "debug": { "msg": "said" } }
] }]
END
cat >many.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "different paces", "shell": "sleep 0.0{{ 5 - groups.all.index(inventory_hostname) }}; echo {{ inventory_hostname }}" },
  { "name": "loop", "command": "echo {{ item }}", "loop": ["a", "b"], "changed_when": false },
  { "name": "some fail", "command": "false", "when": "inventory_hostname is match('h[24]')" },
  { "name": "some differ", "copy": { "content": "{{ inventory_hostname }}\n", "dest": "made-{{ inventory_hostname }}" }, "diff": true }
] }]
END

# terminal_run WANTED WORD...: neap on a terminal; what it wrote is in "written". $TERM and what is in $VARIABLES reach it.
terminal_run() {
	wanted=$1
	shift
	rm -f go
	STATUS=0
	: >out; : >err
	# shellcheck disable=SC2086
	env -u SSH_AUTH_SOCK -u NO_COLOR -u ANSIBLE_NOCOLOR HOME="$SSHD_DIR/home" TERM=xterm ${VARIABLES:-} \
		python3 "$TERMINAL" written "$wanted" go "$@" || STATUS=$?
}
written() { grep -qF -- "$(printf '%b' "$1")" written || fault "the terminal lacks $1: $(cat -v written)"; }
unwritten() { ! grep -qF -- "$(printf '%b' "$1")" written || fault "the terminal has $1: $(cat -v written)"; }

it "has colours and a progress line on a terminal, and takes the line away"
terminal_run '2 hosts, 0:' "$NEAP" run waits.json -i h1,h2, -c local
status 0
written '\033[K2 hosts, 0:'
written '\033[0;33mchanged: [h1]\033[0m'
written '\r\033[K\033[0;33mchanged'
equal "$(tail -n 1 written | tr -d '\r')" ""

it "has neither on a dumb terminal"
VARIABLES=TERM=dumb terminal_run 'TASK [wait' "$NEAP" run waits.json -i h1, -c local
status 0
unwritten '\033'
written 'changed: [h1]'

it "has no colours where NO_COLOR asks so, and a progress line still"
VARIABLES=NO_COLOR=1 terminal_run 'h1 [wait for the word]' "$NEAP" run waits.json -i h1, -c local
status 0
unwritten '\033[0;'
written '\033[K1 host, 0:'

it "shows the progress line also where only the messages go to a terminal"
terminal_run 'h1 [wait for the word]' sh -c '"$0" "$@" >report' "$NEAP" run waits.json -i h1, -c local
status 0
written '\033[K1 host, 0:'
equal "$(tr -d '\n\t -~' <report | wc -c)" 0
grep -q '^changed: \[h1\]$' report || fault "the report lacks the result"

it "writes nothing but text into a file, and colours where they are forced"
neap run many.json -i h1, -c local
equal "$(cat out err | tr -d '\n\t -~' | wc -c)" 0
ANSIBLE_FORCE_COLOR=1 neap run many.json -i h1, -c local
output_has "$(printf '\033[0;32mok: [h1]')"

it "puts a host's name before what a long command writes, while it runs"
terminal_run 'h1 | begun' sh -c '"$0" "$@" >report' "$NEAP" exec all -i h1, -c local -v -m shell -a 'echo begun; until [ -e go ]; do sleep 0.02; done; echo over >&2'
status 0
written 'h1 | begun'
written 'h1 | over'

it "asks before each task with --step, below what the task before gave"
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "one", "debug": { "msg": "done one" } }, { "name": "two", "debug": { "msg": "done two" } },
  { "name": "three", "debug": { "msg": "done three" } }, { "name": "four", "debug": { "msg": "done four" } }] }]' >steps.json
TYPED="y n c" terminal_run 'ontinue: ' "$NEAP" run steps.json -i h1, -c local --step
status 0
equal "$(tr -d '\r' <written | grep -oE '^Perform task: .*|"done [a-z]*"')" 'Perform task: one (N)o/(y)es/(c)ontinue: y
"done one"
Perform task: two (N)o/(y)es/(c)ontinue: n
Perform task: three (N)o/(y)es/(c)ontinue: c
"done three"
"done four"'

# debugged FILE HOSTS: the run with what $TYPED holds, a line for each stop; what was talked about is in "talk".
debugged() {
	terminal_run '(debug)> ' "$NEAP" run "$1" -i "$2" -c local
	tr -d '\r' <written | sed 's/\x1b\[[0-9;]*[mK]//g' >talk
}
talked() { grep -qF -- "$1" talk || fault "the terminal lacks $1: $(cat talk)"; }
recap_of() { grep '^h1  *:' talk | tr -s ' '; }

it "stops in the task debugger, where a task can be looked at, changed and done again"
cat >debugged.json <<'END'
[{ "hosts": "all", "gather_facts": false, "debugger": "on_failed", "vars": { "name": "tide", "text": "{{ name }}s" }, "tasks": [
  { "name": "wrong", "debug": { "msg": "{{ nmae }}" }, "register": "said" },
  { "name": "status", "shell": "echo '{{ name }}'; exit {{ code }}", "vars": { "code": 3 }, "register": "ran" },
  { "name": "loop", "command": "test {{ item }} = {{ wanted }}", "loop": ["a", "a"], "vars": { "wanted": "b" } },
  { "name": "hidden", "command": "test {{ name }} = x", "no_log": true },
  { "name": "ignored", "command": "false", "ignore_errors": true },
  { "name": "left out", "debug": { "msg": "it is {{ said.msg }}" }, "when": "wanted", "vars": { "wanted": false }, "debugger": "on_skipped" },
  { "name": "not there", "include_tasks": "{{ 'none' }}.json" },
  { "name": "never", "command": "false", "debugger": "never" } ] }]
END
echo '[{ "debug": { "msg": "included" } }]' >some.json
TYPED="p task.args
p [task.name, task_vars['text'], text, host.name, result._result.failed] | join(' ')
p nope
what?
task.args['msg'] = '{{ text }}'
redo
task.args['_raw_params'] = 'true'
u
p task.args.cmd
task_vars['code'] = 0
u
r
task_vars['wanted'] = 'a'
r
p [task.args, result._result.censored is defined] | join(' ')
task.args = {'cmd': 'true'}
r
p result._result.skipped
task_vars['wanted'] = 1 == 1
r
task.args['_raw_params'] = 'some.json'
r
" debugged debugged.json h1,
status 2
talked '    "msg": "{{ nmae }}"'
talked '"wrong {{ name }}s tides h1 True"'
talked "***'nope' is undefined"
talked '***unexpected'
talked '    "msg": "tides"'
talked "\"echo 'tide'; exit 3\""
talked 'changed: [h1] => (item=a)'
talked '"(censored due to no_log) True"'
talked '"it is tides"'
talked '"included"'
equal "$(grep -c '(debug)> ' talk)" 22
equal "$(grep -c '^TASK \[status\]' talk)" 1
equal "$(recap_of)" 'h1 : ok=8 changed=4 unreachable=0 failed=1 skipped=0 rescued=0 ignored=1 '

it "leaves the run when the debugger is quit, and what is typed is no template where a host had its say in it"
echo '[{ "hosts": "all", "gather_facts": false, "strategy": "debug", "tasks": [
  { "name": "data", "shell": "printf %s%s \"{\" \"{ groups }}\"; false" }, { "debug": { "msg": "not reached" } }] }]' >data.json
TYPED="task.args['cmd'] = 'echo as data: ' ~ (result._result.stdout | quote) ~ '; false'
r
q
" debugged data.json h1,
status 99
talked 'as data: {{ groups }}'
! grep -q 'not reached' talk || fault "the run went on"

it "tries another way to a host that was not reached"
echo '[{ "hosts": "all", "gather_facts": false, "debugger": "on_unreachable", "tasks": [{ "command": "echo here" }, { "command": "true" }] }]' >away.json
echo '{ "all": { "hosts": { "h1": { "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_connection": "ssh" } } } }' >away_hosts.json
TYPED="p task_vars.ansible_port
task_vars['ansible_connection'] = 'local'
r
c
" debugged away.json away_hosts.json
status 4
talked 'changed: [h1]'
equal "$(recap_of)" 'h1 : ok=1 changed=1 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0 '

it "writes the same report each time"
rm -f made-*
neap run many.json -i h1,h2,h3,h4,h5, -c local
status 2
cp out first
for again in 1 2; do
	rm -f made-*
	neap run many.json -i h1,h2,h3,h4,h5, -c local
	cmp -s out first || fault "it differs: $(diff out first)"
done
silent
done_testing
