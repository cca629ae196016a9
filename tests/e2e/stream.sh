# Commands that are sent in one flight: what is done, told and left out is what one after the other would give.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory one.json 1 loopback
sshd_inventory two.json 2 loopback
proxy_start "$SSHD_PORT" -d 50 # what the target does must not depend on how fast the other end hangs up
sshd_inventory far.json 1 loopback "$PROXY_PORT"
root=$SSHD_DIR/roots/h001

# play TASKS: for all hosts; note WORDS: a task that writes them down.
play() { printf '[{"hosts": "all", "gather_facts": false, "tasks": [%s]}]\n' "$1" >play.json; }
note() { printf '{"shell": "echo %s >>{{ root_dir }}/notes"}' "$*"; }
notes() { tr '\n' ' ' <"$root/notes"; }

for connection in ssh local; do
	it "stops exactly at the command that fails ($connection)"
	rm -f "$root/notes"
	play "$(note 1), $(note 2), {\"command\": \"sh -c 'echo why >&2; exit 5'\"}, $(note 4), $(note 5)"
	neap run play.json -i far.json -c "$connection"
	status 2
	equal "$(notes)" "1 2 "
	output_has 'rc: 5'
	output_has 'why'
	recap h001 ok=2 changed=2 failed=1

	it "goes on behind a failure where that is ignored or rescued ($connection)"
	rm -f "$root/notes"
	play "$(note 1), {\"command\": \"false\", \"ignore_errors\": true}, $(note 2), {\"block\": [$(note 3), {\"command\": \"false\"}, $(note 4)],
		\"rescue\": [$(note rescue 1), $(note rescue 2)], \"always\": [$(note always)]}, $(note end)"
	neap run play.json -i far.json -c "$connection"
	status 0
	equal "$(notes)" "1 2 3 rescue 1 rescue 2 always end "
	recap h001 ok=8 changed=8 failed=0 rescued=1 ignored=1
done

it "does all items of a loop, also those behind one that fails"
rm -f "$root/notes"
play '{"shell": "echo {{ item }} >>{{ root_dir }}/notes; [ {{ item }} != 2 ]", "loop": [1, 2, 3, 4], "when": "item != 3"}'
neap run play.json -i one.json
status 2
equal "$(notes)" "1 2 4 "
output 'failed: [h001] (item=2) => non-zero return code'
output 'changed: [h001] => (item=4)'
recap h001 ok=0 failed=1

it "keeps what each task says for itself: environment, variables, condition, user's words"
rm -f "$root/notes"
play "{\"shell\": \"echo \$A \$B >>{{ root_dir }}/notes\", \"environment\": {\"A\": \"a one\"}}, {\"shell\": \"echo \$A \$B >>{{ root_dir }}/notes\", \"environment\": {\"B\": \"it's\"}},
	$(note never | sed 's/}$/, "when": "false"}/'), {\"shell\": \"echo {{ v }} >>{{ root_dir }}/notes\", \"vars\": {\"v\": 1}}, {\"shell\": \"echo {{ v }} >>{{ root_dir }}/notes\", \"vars\": {\"v\": 2}}"
neap run play.json -i one.json
status 0
equal "$(notes)" "a one it's 1 2 "
recap h001 ok=4 skipped=1

it "does each as the user, on the host and with the input that it is for"
rm -f "$root/notes"
printf '#!/bin/sh\nwhile :; do case $1 in -H|-S|-n) shift ;; -p|-u) shift 2 ;; --) shift; break ;; *) break ;; esac; done\nAS=other exec "$@"\n' >sudo
chmod +x sudo
who() { printf '{"shell": "echo ${SSH_CONNECTION:+far} $AS $(cat) >>{{ root_dir }}/notes"%s}' "${1:-}"; }
play "$(who), $(who ', "delegate_to": "localhost"'), $(who ', "become": true, "become_user": "nobody"'), $(who ', "args": {"stdin": "input"}'), $(who)"
env -u SSH_CONNECTION ANSIBLE_BECOME_EXE="$WORK/sudo" HOME="$SSHD_DIR/home" timeout 120 "$NEAP" run play.json -i one.json >out 2>err </dev/null || STATUS=$?
equal "$(notes | tr -s ' ')" "far far other far input far "
equal "$(grep -c '^$' "$root/notes")" 1

it "ends one that takes longer than its task allows, and nothing else"
rm -f "$root/notes"
play "$(note 1), {\"command\": \"sleep 300\", \"timeout\": 1, \"ignore_errors\": true}, $(note 2), $(note 3)"
neap run play.json -i far.json
status 0
equal "$(notes)" "1 2 3 "
recap h001 ok=4 ignored=1

it "does not decide ahead what a result may change"
rm -f "$root/notes"
play "{\"command\": \"echo first\", \"register\": \"r\"}, {\"shell\": \"echo {{ r.stdout }} >>{{ root_dir }}/notes\"},
	{\"stat\": {\"path\": \"/\"}}, {\"command\": \"touch {{ root_dir }}/there\"}, {\"shell\": \"echo not >>{{ root_dir }}/notes\", \"args\": {\"creates\": \"{{ root_dir }}/there\"}},
	{\"command\": \"echo odd\", \"failed_when\": true, \"ignore_errors\": true}, {\"command\": \"echo odd\", \"failed_when\": true}, $(note never)"
neap run play.json -i one.json
status 2
equal "$(notes)" "first "
recap h001 failed=1 ignored=1

it "runs handlers between sections, not behind what comes after them"
rm -f "$root/notes"
printf '[{"hosts": "all", "gather_facts": false, "pre_tasks": [%s, %s], "tasks": [%s], "handlers": [%s]}]\n' \
	"$(note pre | sed 's/}$/, "notify": "h"}/')" "$(note pre 2)" "$(note task)" "$(note handler | sed 's/}$/, "name": "h"}/')" >play.json
neap run play.json -i one.json
status 0
equal "$(notes)" "pre pre 2 handler task "

it "lets no host go ahead of another under linear, and each by itself under free"
rm -f "$WORK/order"
play "{\"shell\": \"echo 1 >>$WORK/order\"}, {\"shell\": \"echo 2 >>$WORK/order\"}, {\"shell\": \"echo 3 >>$WORK/order\"}"
neap run play.json -i two.json
status 0
equal "$(tr '\n' ' ' <"$WORK/order")" "1 1 2 2 3 3 "
sed -i 's/"gather_facts"/"strategy": "free", "gather_facts"/' play.json
neap run play.json -i two.json
status 0
equal "$(sort "$WORK/order" | uniq -c | tr -s ' \n' ' ')" " 4 1 4 2 4 3 "

# sessions COUNT COMMAND...: how many channels it opens on the server
sessions() {
	before=$(grep -c '^Starting session' "$(sshd_log loopback)")
	expected=$1
	shift
	"$@"
	status 0
	equal "$(($(grep -c '^Starting session' "$(sshd_log loopback)") - before))" "$expected"
}
it "opens one channel where nothing but commands that ride together is to be done"
sessions 1 neap exec all -i one.json -m shell -a 'true'
play "$(note 1), $(note 2), $(note 3), {\"debug\": {\"msg\": \"done\"}}"
sessions 1 neap run play.json -i one.json
play "$(note 1), {\"ping\": {}}"
sessions 3 neap run play.json -i one.json # a shell, and a channel that waits for a second command

it "tells what was done when it is interrupted, and starts nothing behind that"
rm -f "$root/notes"
play "$(note 1), {\"shell\": \"touch {{ root_dir }}/begun; exec sleep 1000\"}, $(note 3)"
env -u SSH_AUTH_SOCK HOME="$SSHD_DIR/home" "$NEAP" run play.json -i one.json >out 2>err </dev/null &
pid=$!
tries=0
until [ -e "$root/begun" ] || [ "$tries" -ge 1000 ]; do tries=$((tries + 1)); sleep 0.02; done
kill -INT "$pid"
STATUS=0
wait "$pid" || STATUS=$?
status 99
equal "$(notes)" "1 "
recap h001 ok=1 changed=1 failed=0 unreachable=0

it "says which commands may have been run when the connection ends between them"
rm -f "$root/notes"
play "$(note 1), {\"shell\": \"kill -KILL \$(ps -o ppid= -p \$PPID)\"}, $(note 3), $(note 4)"
neap run play.json -i one.json
status 4
recap h001 ok=1 changed=1 unreachable=1
output_has 'the 2 behind it had been sent'
it "leaves alone what commands that have ended left running"
seconds=7$(od -An -N3 -tu4 /dev/urandom | tr -d ' ') # no other process sleeps that long
sshd_inventory four.json 4 loopback
for round in 1 2 3 4 5; do # the connection ends at once with such a command
	neap exec all -i four.json -m shell -a "sleep $seconds >/dev/null 2>&1 & echo $round"
	status 0
done
neap exec h001 -i one.json -m ping
left=0
for process in /proc/[0-9]*; do
	grep -aqx "sleep.$seconds." "$process/cmdline" 2>/dev/null && kill "${process#/proc/}" && left=$((left + 1))
done
equal "$left" 20
done_testing
