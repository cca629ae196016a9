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
done_testing
