# Lookups: what they run is run once, told nothing by its words that may be secret, and ends with the run.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
compat=$SOURCE_ROOT/tests/compat
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$compat python3 - "$WORK/tls" "$WORK/place" <<'END' &
import os, sys, web
found = web.Web(sys.argv[1]).places["@HTTP@"]
open(sys.argv[2] + ".new", "w").write(found)
os.rename(sys.argv[2] + ".new", sys.argv[2])
sys.stdin.close()
while os.getppid() != 1:
    import time
    time.sleep(0.2)
END
server=$!
trap 'kill $server; sshd_cleanup' EXIT
tries=0
until [ -s place ] || [ "$tries" -ge 3000 ]; do
	tries=$((tries + 1))
	sleep 0.02
done
place=$(cat place)
# without PROGRAM...: a folder of links to what the lookups need, and no other program.
without() {
	rm -rf bin
	mkdir bin
	for program in sh cat mktemp rm env timeout "$@"; do
		ln -s "$(command -v "$program")" "bin/$program"
	done
}
# play TASK...: a playbook of these tasks, for this machine.
play() { printf '[{"hosts": "localhost", "gather_facts": false, "connection": "local", "vars": {"at": "http://%s"}, "tasks": [%s]}]' "$place" "$1" >play.json; }
run() { neap run play.json -i localhost, "$@"; }

it "a command is run in its task's turn, and once"
play '{"command": "true"},
	{"file": {"path": "{{ lookup('"'pipe', 'echo one >>$WORK/log; echo $WORK/made'"') }}", "state": "directory"}},
	{"stat": {"path": "/{{ lookup('"'pipe', 'echo two >>$WORK/log'"') }}"}, "when": "lookup('"'lines', 'echo when >>$WORK/log; echo x'"') == '"'x'"'"},
	{"stat": {"path": "{{ lookup('"'password', '$WORK/unmade/word'"') }}"}, "when": "not r.stat.exists"},
	{"command": "echo {{ lookup('"'pipe', 'echo three >>$WORK/log'"') }}"}'
sed -i 's/{"command": "true"}/{"stat": {"path": "\/"}, "register": "r"}/' play.json
run
status 0
equal "$(cat log)" "one
when
two
three"
[ -d made ] || fault "the folder is not there"
[ ! -e unmade ] || fault "a password was made for a task that was not done"

it "a failed lookup that may fail is told as a warning, or not at all"
play '{"debug": {"msg": "<{{ lookup('"'pipe', 'echo why >&2; exit 3', errors='warn'"') }}>"}},
	{"debug": {"msg": "{{ query('"'pipe', 'exit 4', errors='ignore'"') }}"}},
	{"debug": {"msg": "{{ lookup('"'vars', 'nobody', errors='ignore'"') }}"}, "ignore_errors": true},
	{"debug": {"msg": "{{ lookup('"'pipe', 'echo why >&2; exit 3'"') }}"}}'
run
status 2
output '    "msg": "<>"'
output '    "msg": []'
output_has "'nobody' is undefined"
output_has "ended with status 3: why"
said "the lookup 'pipe' failed, but the error is being ignored"
equal "$(grep -c 'being ignored' err)" 1

it "hosts of a pattern can be looked up anywhere"
play '{"debug": {"msg": "{{ query('"'inventory_hostnames', 'all:!b'"') + [lookup('"'inventory_hostnames', 'all'"')] }}"}}'
neap run play.json -i a,b,localhost, -l localhost
status 0
equal "$(sed -n '/"msg"/,/]/p' out | tr -d ' \n')" '"msg":["a","localhost","a,b,localhost"]'

it "a template that is looked up gives text, or its value where it is asked for so"
printf '{{ [n, more | default(1)] }}\n' >value.j2
play '{"debug": {"msg": "{{ [lookup('"'template', 'value.j2', jinja2_native=true, template_vars={'more': 2}), lookup('template', 'value.j2'), lookup('file', '{{ name }}.j2')] | to_json"' }}"}, "vars": {"n": 5, "name": "value"}}'
run
status 0
output_has '[[5, 2], \"[5, 1]\\n\", \"{{ [n, more | default(1)] }}\"]'

it "curl is told on its standard input what may be secret"
without
printf '#!/bin/sh\nprintf "%%s\\n" "$*" >%s/words\ncat >%s/told\nprintf "text\\n200 "\n' "$WORK" "$WORK" >bin/curl
chmod 755 bin/curl
play '{"debug": {"msg": "{{ lookup('"'url', 'http://127.0.0.1:1/secret-place', username='tide', password='se\\\"cret', headers={'X-Key': 'secret'}"') }}"}}'
PATH=$WORK/bin:/usr/bin:/bin run
status 0
output '    "msg": "text"'
[ "$(grep -c secret words)" = 0 ] || fault "$(cat words)"
equal "$(grep '^user ' told)" 'user = "tide:se\"cret"'
equal "$(grep '^url ' told)" 'url = "http://127.0.0.1:1/secret-place"'
equal "$(grep -i x-key told)" 'header = "x-key: secret"'

it "what no header and no address has is refused"
for wrong in "at ~ '/a b'" "'file:///etc/passwd'" "at, headers={'X': 'a\\\\nb'}" "at, headers={'@/etc/passwd': 'a'}" "at, timeout=0" "at, follow_redirects='maybe'" \
	"at, nothing=1" "at, headers='x'"; do
	play '{"debug": {"msg": "{{ lookup('"'url', $wrong"') }}"}}'
	run
	status 2
	output_has "lookup('url'): "
done

it "without curl, wget does"
without wget
play '{"debug": {"msg": "{{ query('"'url', at ~ '/redirect', at ~ '/login', username='tide', password='secret', force_basic_auth=true"') }}"}},
	{"debug": {"msg": "{{ (lookup('"'url', at ~ '/echo', headers={'X-Tide': 'low'}, force=true"') | from_json).headers }}"}},
	{"debug": {"msg": "{{ lookup('"'url', at ~ '/status/404'"') }}"}, "ignore_errors": true},
	{"debug": {"msg": "{{ lookup('"'url', at, ciphers='x'"') }}"}}'
mkdir tmp
TMPDIR=$WORK/tmp PATH=$WORK/bin run
status 2
equal "$(sed -n '/"msg": \[/,/]/p' out | tr -d ' \n')" '"msg":["moved","welcome"]'
output_has '"x-tide": "low"'
output_has '"cache-control": "no-cache"'
output_has "HTTP Error 404: Not Found"
output_has "ciphers needs curl"
equal "$(ls tmp)" ""

it "without either, that is said"
without
PATH=$WORK/bin run
status 2
output_has "there is neither curl nor wget on this machine"

it "a run that is interrupted ends what a lookup waits for"
mkfifo full
play '{"debug": {"msg": "{{ lookup('"'pipe', 'echo begun >$WORK/begun; cat $WORK/full'"') }}"}}'
STATUS=0
env HOME="$SSHD_DIR/home" "$NEAP" run play.json -i localhost, >out 2>err </dev/null &
pid=$!
tries=0
until [ -s begun ] || [ "$tries" -ge 3000 ]; do
	tries=$((tries + 1))
	sleep 0.02
done
kill -INT "$pid"
wait "$pid" || STATUS=$?
status 99
done_testing
