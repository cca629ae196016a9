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

it "wants a host"
neap explain port -i hosts.json
status 5

done_testing
