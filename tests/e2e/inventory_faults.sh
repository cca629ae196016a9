# What is wrong with an inventory is told with its place, before anything else.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup

it "names the line of a fault in INI, and the word that was probably meant"
printf '[web]\nweb1\n[web:chidren]\nx\n' >hosts.ini
neap inventory -i hosts.ini --list
status 1
said "hosts.ini:3:6: error: unknown kind of section \"chidren\""
said "did you mean [web:children]?"
equal "$(cat out)" ""

it "names the place where groups go round in a circle"
printf '{ "all": { "children": { "a": { "children": { "b": { "children": { "a": {} } } } } } } }' >circle.json
printf '[a:children]\nb\n[b:children]\na\n[b]\nh1\n' >circle.ini
printf 'a:\n  children:\n    b:\n      children:\n        a:\n' >circle.yml
for file in circle.json:1:47 circle.ini:4:1 circle.yml:3:5; do
	neap inventory --list -i "${file%%:*}"
	status 1
	said "$file: error: "
	said 'closes a circle of groups'
done

it "tells all the faults of a file, not only the first"
printf '{ "web": { "hosst": {} },\n "db": { "vars": [] } }' >hosts.json
neap inventory -i hosts.json --list
status 1
said 'hosts.json:1:12: error: unknown part "hosst" of the group "web"'
said 'hosts.json:2:18: error'

it "names the inventory that was probably meant"
neap inventory -i host.json --list
status 1
said 'did you mean "hosts.json"?'

it "shows what a program that failed has said"
printf '#!/bin/sh\necho "token expired" >&2\nexit 4\n' >cloud.sh
chmod +x cloud.sh
neap inventory -i cloud.sh --list
status 1
said "status 4"
said "token expired"

it "names the host that was probably meant"
printf '[web]\nweb1\n' >hosts.ini
neap inventory -i hosts.ini --host web2
status 1
said 'did you mean "web1"?'

it "wants one action"
neap inventory -i hosts.ini
status 5
done_testing
