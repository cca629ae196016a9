# A slow or a lost host delays nobody else beyond what the strategy promises: it waits for what the others do, and would wait for
# ever if they waited for it. What they do wait for is seen from the order of results.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup

# line_of EVENT HOST TASK: the number of the first line of such a result.
line_of() {
	grep -n "\"_event\":\"v2_runner_on_$1\".*\"hosts\":{\"$2\":.*\"name\":\"$3\"" out | head -n 1 | sed 's/:.*//'
}
# before EVENT HOST TASK EVENT HOST TASK: the one comes before the other.
before() {
	first=$(line_of "$1" "$2" "$3") second=$(line_of "$4" "$5" "$6")
	[ -n "$first" ] && [ -n "$second" ] && [ "$first" -lt "$second" ] || fault "$2's $3 (line $first) is not before $5's $6 (line $second)"
}

it "linear: the others end the task, and then wait"
cat >linear.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "one", "shell": "{{ wait if inventory_hostname == 'slow' else 'touch ' ~ inventory_hostname ~ '.1' }}", "args": { "chdir": "{{ playbook_dir }}" } },
  { "name": "two", "command": "touch {{ inventory_hostname }}.2", "args": { "chdir": "{{ playbook_dir }}" } } ] }]
END
neap run linear.json -i slow,a,b -c local --format jsonl -e '{"wait": "until [ -e a.1 ] && [ -e b.1 ]; do sleep 0.05; done"}'
status 0
before ok slow one ok a two
before ok slow one ok b two

it "free: the others come to their end"
cat >free.json <<'END'
[{ "hosts": "all", "strategy": "free", "gather_facts": false, "tasks": [
  { "name": "one", "shell": "until [ -e a.end ] && [ -e b.end ]; do sleep 0.05; done", "args": { "chdir": "{{ playbook_dir }}" }, "when": "inventory_hostname == 'slow'" },
  { "name": "two", "command": "true" },
  { "name": "end", "command": "touch {{ inventory_hostname }}.end", "args": { "chdir": "{{ playbook_dir }}" } } ] }]
END
neap run free.json -i slow,a,b -c local --format jsonl
status 0

it "a host that does not answer is given up alone"
python3 - >lost.port <<'END' &
import os, socket, time
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(8)
print(server.getsockname()[1], flush=True)
while os.getppid() != 1 and not (os.path.exists("a.lost") and os.path.exists("b.lost")):
    time.sleep(0.05)
END
lost=$!
while [ ! -s lost.port ]; do sleep 0.05; done
cat >hosts.json <<END
{ "all": { "hosts": { "lost": { "ansible_host": "127.0.0.1", "ansible_port": $(cat lost.port), "ansible_timeout": 60 },
  "a": { "ansible_connection": "local" }, "b": { "ansible_connection": "local" } } } }
END
cat >lost.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [ 
  { "name": "one", "command": "touch {{ playbook_dir }}/{{ inventory_hostname }}.lost" }, { "name": "two", "command": "true" } ] }]
END
neap run lost.json -i hosts.json --format jsonl
status 4
before unreachable lost one ok a two
before unreachable lost one ok b two
wait "$lost"
done_testing
