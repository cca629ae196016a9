# include_vars, add_host, group_by, pause and meta: what they do to the run.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 3 loopback

# play TASK...: a playbook of these tasks.
play() { printf '[{"hosts": "h001:h002", "gather_facts": false, "tasks": [%s]}]' "$1" >site.json; }

mkdir -p vars
echo '{"greeting": "hello {{ inventory_hostname }}", "d": {"x": 1, "y": {"z": 1}}, "port": 1}' >vars/one.json
echo '{"d": {"y": {"w": 2}}}' >vars/two.json
echo '{"raw": {"a": 1}}' >vars/three.json

it "included variables are templates, for the rest of the run"
play '{"include_vars": "one.json"}, {"assert": {"that": ["greeting == \"hello \" ~ inventory_hostname", "d.y.z == 1"]}},
{"include_vars": {"file": "two.json", "hash_behaviour": "merge"}}, {"assert": {"that": ["d == {\"x\": 1, \"y\": {\"z\": 1, \"w\": 2}}"]}},
{"include_vars": {"file": "two.json"}}, {"assert": {"that": ["d == {\"y\": {\"w\": 2}}"]}},
{"set_fact": {"port": 2}}, {"include_vars": "one.json"}, {"assert": {"that": "port == 2"}},
{"include_vars": {"file": "one.json", "name": "all"}, "register": "r"}, {"assert": {"that": ["all.greeting == greeting", "not r.changed", "r.ansible_included_var_files | length == 1"]}}'
neap run site.json -i hosts.json
status 0

it "data is never merged into templates"
play '{"shell": "echo {{ \"{\" }}{ 7 * 7 }}", "register": "raw"}, {"include_vars": {"file": "three.json", "hash_behaviour": "merge"}}'
neap run site.json -i hosts.json
status 2
output_has "raw cannot be merged"

it "a host that is added has its groups, its variables and the next play"
cat >site.json <<END
[{"hosts": "h001:h002", "gather_facts": false, "tasks": [
  {"shell": "echo '{'{ 7 * 7 }'}'", "register": "r"},
  {"add_host": {"name": "h003", "groups": "fresh,more", "text": "{{ r.stdout }}"}, "register": "a"},
  {"assert": {"that": ["a.changed", "groups.fresh == ['h003']"]}, "when": "inventory_hostname == 'h001'"},
  {"assert": {"that": ["hostvars.h003.text == hostvars.h001.r.stdout", "'h003' not in groups.ungrouped", "a is not defined or inventory_hostname == 'h001'"]}},
  {"add_host": {"name": "h003", "groups": "fresh,more", "text": "{{ r.stdout }}"}, "register": "a"},
  {"assert": {"that": "not a.changed"}, "when": "inventory_hostname == 'h001'"},
  {"add_host": {"name": "made{{ item }}", "groups": "fresh"}, "loop": [1, 2, 3]},
  {"debug": {"msg": "on {{ inventory_hostname }}"}, "delegate_to": "h003"}]},
 {"hosts": "fresh:!made*", "gather_facts": false, "tasks": [
  {"command": "true"}, {"assert": {"that": ["group_names == ['fresh', 'more']", "text | length == 11", "groups.fresh | length == 4"]}}]}]
END
neap run site.json -i hosts.json
status 0
recap h003 ok=2 failed=0

it "hosts are grouped by what they are"
cat >site.json <<END
[{"hosts": "all", "gather_facts": false, "tasks": [
  {"group_by": {"key": "is {{ 'odd' if inventory_hostname[-1] | int is odd else 'even' }}", "parents": ["kinds"]}, "register": "r"},
  {"assert": {"that": ["r.changed", "r.add_group in group_names", "'kinds' in group_names"]}},
  {"group_by": {"key": "{{ r.add_group }}", "parents": "kinds"}, "register": "again"}, {"assert": {"that": "not again.changed"}}]},
 {"hosts": "is-odd", "gather_facts": false, "tasks": [{"assert": {"that": "groups['is-odd'] == ['h001', 'h003']"}}]},
 {"hosts": "kinds", "gather_facts": false, "tasks": [{"assert": {"that": "ansible_play_hosts | length == 3"}}]}]
END
neap run site.json -i hosts.json
status 0

it "a pause is made once for all hosts"
play '{"pause": {"seconds": 1}, "register": "p"}, {"assert": {"that": ["p.delta >= 1", "p.stdout is match(\"Paused for \")"]}, "when": "inventory_hostname == \"h001\""},
{"pause": {"prompt": "sure?"}}'
neap run site.json -i hosts.json
status 0
equal "$(grep -c "Pausing for 1 seconds" err)" 1
said "Not waiting for response to prompt"
recap h002 ok=0

it "a role is left by end_role, with all that stands in it"
mkdir -p roles/left/tasks
echo '[{"block": [{"include_tasks": "rest.json"}, {"fail": {"msg": "block"}}], "always": [{"debug": {"msg": "always of {{ inventory_hostname }}"}}]},
	{"debug": {"msg": "end of {{ inventory_hostname }}"}}]' >roles/left/tasks/main.json
echo '[{"meta": "end_role", "when": "inventory_hostname == '"'h001'"'"}, {"fail": {"msg": "rest"}, "ignore_errors": true}]' >roles/left/tasks/rest.json
sed -i 's/{"fail": {"msg": "block"}}/{"debug": {"msg": "block of {{ inventory_hostname }}"}}/' roles/left/tasks/main.json
play '{"include_role": {"name": "left"}}, {"debug": {"msg": "behind it {{ inventory_hostname }}"}}'
neap run site.json -i hosts.json
status 0
output_has "behind it h001"
output_has "end of h002"
output_lacks "always of h001"
output_lacks "block of h001"
it "reads the inventory again, and keeps what the run knows of its hosts"
cat >inventory.sh <<'END'
#!/bin/sh
cat "$(dirname "$0")/now.json"
END
chmod +x inventory.sh
cat >before.json <<'END'
{ "web": { "hosts": ["h1", "h2"], "vars": { "g": "old" } }, "_meta": { "hostvars": { "h1": { "v": 1 } } } }
END
cat >after.json <<'END'
{ "web": { "hosts": ["h3", "h1"], "vars": { "g": "new" } }, "db": { "hosts": ["h4", "h1"] }, "_meta": { "hostvars": { "h1": { "v": 2 } } } }
END
cat >refresh.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "set_fact": { "kept": "kept of {{ inventory_hostname }}" } },
  { "add_host": { "name": "dyn", "groups": ["web"], "d": 1 } },
  { "group_by": { "key": "by_{{ inventory_hostname }}" } },
  { "copy": { "src": "{{ state }}", "dest": "{{ playbook_dir }}/now.json" }, "run_once": true, "when": "state is defined" },
  { "meta": "refresh_inventory" },
  { "debug": { "msg": "<{{ inventory_hostname }} {{ v }} {{ g }} {{ kept }} {{ group_names | join('+') }}>" } },
  { "debug": { "msg": "<{{ ansible_play_hosts | sort | join(' ') }}; {{ ansible_play_batch | join(' ') }}; {{ hostvars.h3.g }}; {{ hostvars.h2 is defined }}>" } } ] },
 { "hosts": "by_h1:by_h2:db:dyn", "gather_facts": false, "tasks": [
  { "debug": { "msg": "<{{ inventory_hostname }} {{ g | default('-') }} {{ d | default('-') }} {{ kept | default('-') }}>" } } ] }]
END
cp before.json now.json
neap run refresh.json -i inventory.sh -c local -e state=after.json
status 0
equal "$(grep -o '<.*>' out)" '<h1 2 new kept of h1 by_h1+db+web>
<dyn h1 h3 h4; h1; new; False>
<h1 new - kept of h1>
<h4 - - ->
<dyn new 1 ->'
recap h1 ok=7 failed=0
recap h2 ok=2 failed=0
recap h4 ok=1

it "keeps the inventory where the new one has faults, and forgets hosts of later batches"
cat >faulty.json <<'END'
[{ "hosts": "all", "gather_facts": false, "serial": 1, "tasks": [
  { "block": [
    { "copy": { "content": "{", "dest": "{{ playbook_dir }}/now.json" } }, { "meta": "refresh_inventory" } ],
    "rescue": [ { "debug": { "msg": "<{{ inventory_hostname }} {{ 'never closed' in ansible_failed_result.msg }}>" } } ] },
  { "copy": { "src": "after.json", "dest": "{{ playbook_dir }}/now.json" } }, { "meta": "refresh_inventory" } ] },
 { "hosts": "all", "gather_facts": false, "strategy": "free", "tasks": [
  { "meta": "refresh_inventory" }, { "debug": { "msg": "<{{ inventory_hostname }}>" } } ] }]
END
cp before.json now.json
neap run faulty.json -i inventory.sh -c local
status 0
equal "$(grep -o '<.*>' out | sort)" '<h1 True>
<h1>
<h3>
<h4>'
output_lacks 'h2  '
equal "$(grep -c '^PLAY \[all\]' out)" 2

it "hosts that are one machine, and those that delegate to one, do not undo what the others do"
cat >same.json <<'END'
[{ "hosts": "all", "gather_facts": false, "strategy": "{{ how | default('linear') }}", "tasks": [
  { "file": { "path": "{{ playbook_dir }}/{{ place }}/deep", "state": "directory", "mode": "0755" }, "delegate_to": "{{ to }}" },
  { "file": { "src": "deep", "dest": "{{ playbook_dir }}/{{ place }}/link", "state": "link" }, "delegate_to": "{{ to }}" },
  { "lineinfile": { "path": "{{ playbook_dir }}/{{ place }}/lines", "line": "{{ inventory_hostname }}", "create": true, "mode": "0644" },
    "delegate_to": "{{ to }}" } ] }]
END
neap run same.json -i 'a,b,c,d,e,f,g,h,' -c local -e place=own -e 'to={{ inventory_hostname }}'
status 0
equal "$(sort own/lines | tr -d '\n')" abcdefgh
neap run same.json -i 'a,b,c,d,e,f,g,h,' -c local -e place=one -e to=localhost
status 0
equal "$(sort one/lines | tr -d '\n')" abcdefgh

it "who was come before on one machine waits for its turn, and leaves it whatever becomes of the task"
cat >turns.json <<'END'
[{ "hosts": "all", "gather_facts": false, "strategy": "free", "tasks": [
  { "lineinfile": { "path": "{{ playbook_dir }}/turns", "line": "{{ inventory_hostname }}{{ item }}", "create": true, "mode": "0644" },
    "delegate_to": "localhost", "loop": [1, 2, 3] },
  { "file": { "path": "{{ playbook_dir }}/turn/{{ inventory_hostname }}", "state": "directory" }, "delegate_to": "localhost",
    "register": "made", "until": "made is not failed", "retries": 2, "delay": 0 },
  { "lineinfile": { "path": "{{ playbook_dir }}/turns", "line": "x", "validate": "false %s" }, "delegate_to": "localhost",
    "ignore_errors": true }
] }]
END
neap run turns.json -i 'a,b,c,d,e,f,g,h,' -c local
status 0
equal "$(cut -c 1 turns | sort | uniq -c | tr -d ' \n')" 3a3b3c3d3e3f3g3h
equal "$(ls turn | tr -d '\n')" abcdefgh
for host in a b c d e f g h; do recap $host ok=3 changed=2 ignored=1; done

done_testing
