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

# A case NAME is a function NAME INVENTORY, which fails where it did not do what is measured.
nothing_to_do() {
	neap run "$1" -i "$2"
	[ "$STATUS" = 0 ] && grep -q 'changed=0 .*failed=0' out
}
tasks30() { nothing_to_do tasks30.json "$1"; }
tasks300() { nothing_to_do tasks300.json "$1"; }
includes() { nothing_to_do includes.json "$1"; }
commands() {
	neap run commands.json -i "$1"
	[ "$STATUS" = 0 ] && grep -q 'ok=20 *changed=20 ' out
}
# Up to authentication: a connection that the server ends with "no" to its first key. The key asked for costs one round trip,
# as the right one does.
authentication() {
	neap exec all -i "wrong_$1" -m ping
	[ "$STATUS" = 4 ]
}

# measure NAME: once more with the inventories at 100 and 200 ms. The shortest of all times counts, because whatever else the
# machine does only adds.
measure() {
	for measure_way in near far; do
		measure_from=$(now_ms)
		"$1" "$measure_way.json" || fault "$1 failed"
		measure_took=$(($(now_ms) - measure_from))
		[ -f "$1.$measure_way" ] && [ "$(cat "$1.$measure_way")" -le "$measure_took" ] || echo "$measure_took" >"$1.$measure_way"
	done
}

# Round trips, rounded.
trips() { echo $((($(cat "$1.far") - $(cat "$1.near") + 50) / 100)); }

# trips_at_most NAME MORE OTHER: both are measured again where there seem to be more.
trips_at_most() {
	measure "$1"
	for trips_try in 1 2 3 4 5 6; do
		[ "$(trips "$1")" -gt $(($(trips "$3") + $2)) ] || break
		measure "$1"
		measure "$3"
	done
	echo "# $1: $(cat "$1.near") ms at 100 ms, $(cat "$1.far") ms at 200 ms: $(trips "$1") round trips; $3: $(trips "$3")"
	less "$(trips "$1")" $(($(trips "$3") + $2)) "round trips: "
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
measure authentication
measure authentication
less 3 "$(trips authentication)"
less "$(trips authentication)" 10

it "needs at most 4 more for 30 tasks that have nothing to do"
neap run tasks30.json -i here.json
status 0
trips_at_most tasks30 4 authentication

it "needs no more for 300 tasks"
neap run tasks300.json -i here.json
status 0
trips_at_most tasks300 0 tasks30

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
trips_at_most includes 4 authentication

it "needs 3 more for 20 commands, whose results nothing looks at"
python3 -c 'import json
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"command": "echo %d" % i} for i in range(20)]}]))' >commands.json
trips_at_most commands 3 authentication
done_testing
