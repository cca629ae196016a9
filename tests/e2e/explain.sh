# Where a variable's value comes from, and what it hides.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup

mkdir -p group_vars roles/r/defaults roles/r/tasks
echo '{ "port": 1 }' >roles/r/defaults/main.json
echo '[]' >roles/r/tasks/main.json
echo '{ "port": 2 }' >group_vars/web.json
echo '{ "web": { "hosts": { "web1": { "port": 3 }, "web2": {} } } }' >hosts.json
printf '[{ "hosts": "web2", "vars": { "port": 4 }, "roles": ["r"],\n  "tasks": [{ "ping": null, "vars": { "port": 5 } }] }]' >site.json

it "names the winner first, then what it hides, the nearest first"
neap explain port site.json --host web2 -i hosts.json -e port=6
status 0
equal "$(grep -o '^is .*\|^hides .*' out | tr -s ' ' | tr '\n' ';')" 'is "6";hides 4;hides 2;hides 1;'
output_has "site.json:1:39"
output_has "roles/r/defaults/main.json:1:11"

it "names the tasks that set it for themselves"
output_has "inside vars of a task, site.json:2:47"

it "leaves out the plays of other hosts"
neap explain port site.json --host web1 -i hosts.json
status 0
equal "$(head -n 1 out | tr -s ' ')" "is 3"

it "says that nothing sets it"
neap explain prot --host web1 -i hosts.json
status 0
output "prot is not set before the tasks run"

it "names the host that was probably meant"
neap explain port --host web3 -i hosts.json
status 1
said 'did you mean "web1"?'

it "tells of what a dictionary was merged, where hashes are"
mkdir -p merged/group_vars/web
echo '{"all": {"vars": {"d": {"all": 1}}, "children": {"web": {"hosts": {"h1": {"d": {"host": 1, "n": {"host": 1}}, "ansible_connection": "local"}}, "vars": {"d": "none"}}}}}' >merged/hosts.json
echo '{"d": {"a": 1, "n": {"a": "{{ 1 + 1 }}"}}}' >merged/group_vars/web/a.json
echo '{"d": {"b": 1, "n": {"b": 1}}}' >merged/group_vars/web/b.json
echo '{"inc": {"one": 1}}' >merged/one.json
echo '{"inc": {"two": 1}, "d": {"inc": 1}}' >merged/two.json
cat >merged/site.json <<'END'
[{"hosts": "all", "gather_facts": false, "vars": {"d": {"play": 1}}, "tasks": [
  {"include_vars": "one.json"}, {"include_vars": "two.json"},
  {"block": [{"debug": {"msg": "{{ [d, inc, hostvars.h1.inc] | to_json(sort_keys=true) }}"}, "vars": {"d": {"task": 1}}}], "vars": {"d": {"block": 1}}}]}]
END
export ANSIBLE_HASH_BEHAVIOUR=merge
neap explain d merged/site.json --host h1 -i merged/hosts.json -e '{"d": {"e": 1}}' -e '{"d": {"n": 2}}'
output 'is     {"a": 1, "b": 1, "e": 1, "host": 1, "n": 2, "play": 1}'
equal "$(grep '^hides' out)" 'hides  "none"
hides  {"all": 1}'
neap run merged/site.json -i merged/hosts.json
status 0
equal "$(sed -n 's/^    "msg": "\(.*\)"$/\1/p' out | tr -d '\\')" '[{"a": 1, "b": 1, "host": 1, "inc": 1, "n": {"a": 2, "b": 1, "host": 1}, "play": 1, "task": 1}, {"one": 1, "two": 1}, {"one": 1, "two": 1}]'
neap inventory --host h1 -i merged/hosts.json
output_has '"host": 1'
output_has '"b": 1'
ANSIBLE_HASH_BEHAVIOUR=mixed neap run merged/site.json -i merged/hosts.json
status 5
said 'replace, merge'
unset ANSIBLE_HASH_BEHAVIOUR

it "wants a host"
neap explain port -i hosts.json
status 5

done_testing
