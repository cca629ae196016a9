# A run that finds nothing to do costs the round trips of the handshake and at most 4 more, however many tasks there are.
# Round trips = (wall at 200 ms - wall at 100 ms) / 100 ms, over a proxy that delays each direction by half of that.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
port=$SSHD_PORT

# A third each: literal arguments, dotted variables, Lua modules.
playbook() {
	python3 - "$1" "$SSHD_DIR/roots/h001" <<'END'
import json, sys
count, root = int(sys.argv[1]), sys.argv[2]
tasks = []
for i in range(count // 3):
    tasks.append({"copy": {"dest": f"{root}/literal{i}", "content": f"literal {i}\n", "mode": "0644"}})
    tasks.append({"file": {"path": "{{ conf.root }}/folder%d" % i, "state": "directory", "mode": "{{ conf.mode }}"}})
    tasks.append({"lineinfile": {"path": f"{root}/lines", "line": f"line {i}", "create": True, "mode": "0644"}})
print(json.dumps([{"hosts": "all", "gather_facts": False, "vars": {"conf": {"root": root, "mode": "0755"}}, "tasks": tasks}]))
END
}

# wall COMMAND...: how long it takes, in ms.
wall() {
	wall_from=$(now_ms)
	"$@" || fault "$* failed"
	wall_took=$(($(now_ms) - wall_from))
}

nothing_to_do() {
	neap run "$1" -i "$2"
	[ "$STATUS" = 0 ] && grep -q 'changed=0 .*failed=0' out
}

# Up to authentication: a connection that the server ends with "no" to its first key. The key asked for costs one round trip,
# as the right one does.
refused() {
	neap exec all -i "$1" -m ping
	[ "$STATUS" = 4 ]
}

# trips COMMAND...: with the inventories at 100 and 200 ms behind it; sets TRIPS. The best of three each, because whatever else the
# machine does only adds. trips_again takes more of them into account.
trips() {
	trips_near= trips_far=
	trips_again "$@"
}
trips_again() {
	for trips_try in 1 2 3; do
		wall "$@" near.json
		[ -n "$trips_near" ] && [ "$trips_near" -le "$wall_took" ] || trips_near=$wall_took
		wall "$@" far.json
		[ -n "$trips_far" ] && [ "$trips_far" -le "$wall_took" ] || trips_far=$wall_took
	done
	TRIPS=$(((trips_far - trips_near + 50) / 100))
	echo "# $*: $trips_near ms at 100 ms, $trips_far ms at 200 ms: $TRIPS round trips"
}

# trips_at_most COUNT COMMAND...: a few more tries where there seem to be more.
trips_at_most() {
	trips_most=$1
	shift
	trips "$@"
	for trips_more in 1 2 3; do
		[ "$TRIPS" -le "$trips_most" ] || trips_again "$@"
	done
	less "$TRIPS" "$trips_most" "round trips: "
}

proxy_start "$port" -d 50
sshd_inventory near.json 1 loopback "$PROXY_PORT"
proxy_start "$port" -d 100
sshd_inventory far.json 1 loopback "$PROXY_PORT"
sshd_inventory here.json 1 loopback "$port"
playbook 30 >tasks30.json
playbook 300 >tasks300.json

it "counts the round trips up to authentication"
ssh-keygen -q -t ed25519 -N '' -f wrong_key
for name in near far; do sed "s|$SSHD_KEY|$WORK/wrong_key|" "$name.json" >"wrong_$name.json"; done
refused_by() { refused "wrong_$1"; }
trips refused_by
base=$TRIPS
less 3 "$base"
less "$base" 10

it "needs at most 4 more for 30 tasks that have nothing to do"
neap run tasks30.json -i here.json
status 0
trips_at_most $((base + 4)) nothing_to_do tasks30.json
trips_again nothing_to_do tasks30.json # what the next test is held against
thirty=$TRIPS

it "needs no more for 300 tasks"
neap run tasks300.json -i here.json
status 0
trips_at_most "$thirty" nothing_to_do tasks300.json

it "needs no more where tasks come from roles and files that are included in loops"
mkdir -p roles/web/tasks
cat >roles/web/tasks/main.json <<'END'
[{"copy": {"dest": "{{ root_dir }}/{{ site }}-{{ item }}", "content": "{{ word }}\n"}, "loop": ["a", "b", "c"]},
 {"include_tasks": "more.json", "vars": {"inner": "{{ word }} of {{ site }}"}}]
END
echo '[{"lineinfile": {"path": "{{ root_dir }}/words", "line": "{{ inner }}", "create": true}}]' >roles/web/tasks/more.json
cat >includes.json <<'END'
[{"hosts": "all", "gather_facts": false, "tasks": [
  {"include_role": {"name": "web"}, "vars": {"word": "w {{ site }}"}, "loop": ["one", "two", "three"], "loop_control": {"loop_var": "site"}},
  {"include_tasks": "{{ item }}.json", "loop": ["first", "second"]},
  {"file": {"path": "{{ root_dir }}/last", "state": "directory"}}]}]
END
for name in first second; do echo "[{\"file\": {\"path\": \"{{ root_dir }}/$name-{{ item }}\", \"state\": \"directory\"}}]" >$name.json; done
neap run includes.json -i here.json
status 0
trips_at_most $((base + 4)) nothing_to_do includes.json

it "needs 3 more for 20 commands, whose results nothing looks at"
python3 -c 'import json
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"command": "echo %d" % i} for i in range(20)]}]))' >commands.json
commands() {
	neap run "$1" -i "$2"
	[ "$STATUS" = 0 ] && grep -q 'ok=20 *changed=20 ' out
}
trips_at_most $((base + 3)) commands commands.json
done_testing
