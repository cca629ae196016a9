# The inventory as ansible-inventory and ansible understand it, compared with them.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
data=$SOURCE_ROOT/tests/e2e/inventory
cp -r "$data"/. .
chmod +x program.sh program_hosts.sh

# Debian's own ansible-core, not one from elsewhere.
real=/usr/bin/ansible-inventory
if [ ! -x "$real" ]; then
	it_skip "understands inventories as Ansible does" "ansible-core is not installed"
	done_testing
fi
sorted() { python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), sort_keys=True, indent=1))'; }
ansible_run() { env HOME="$SSHD_DIR/home" ANSIBLE_LOCALHOST_WARNING=False "$@" 2>"$WORK/ansible.err"; }

for sources in "hosts.ini" "static.json" "hosts.yml" "hosts.yml static.json" "hosts.ini static.json" \
	"program.sh" "program_hosts.sh" "alpha,beta,gamma:2222" \
	"program.sh static.json hosts.ini" "folder" "folder hosts.ini"; do
	options=
	for source in $sources; do options="$options -i $source"; done
	it "lists $sources as ansible-inventory does"
	# shellcheck disable=SC2086
	ansible_run "$real" $options --list | sorted >expected
	# shellcheck disable=SC2086
	neap inventory $options --list
	status 0
	sorted <out >found
	cmp -s expected found || fault "$(diff expected found | head -n 20)"
done

it "draws the graph as ansible-inventory does"
ansible_run "$real" -i program.sh -i static.json -i hosts.ini -i folder --graph >expected
neap inventory -i program.sh -i static.json -i hosts.ini -i folder --graph
cmp -s expected out || fault "$(diff expected out | head -n 20)"

it "shows the variables of a group in the graph"
ansible_run "$real" -i static.json --graph --vars inner >expected
neap inventory -i static.json --graph --vars inner
cmp -s expected out || fault "$(diff expected out | head -n 20)"

it "shows the variables of a host"
ansible_run "$real" -i hosts.ini --host www01.example.com | sorted >expected
neap inventory -i hosts.ini --host www01.example.com
sorted <out >found
cmp -s expected found || fault "$(diff expected found | head -n 20)"

# One Python for all the patterns: it is slow to start.
set -- all web 'web:db' '!web' 'web:!www*' '~www0[13]' '~(www|db)\d' 'db*[0:1]' 'db[-1]' 'web,&prod' 'all:!db:&prod' \
	'www??.example.com' nosuch localhost 'web[1:]' 'prod[0]' 'web[3:4]' 'db1:web' 'db3,db1' 'ungr*' 'api-[a:b]' 10.0.0.1 \
	'db[1:2]' 'all[-2]' '*' 'web[0:0]' 'web:&nosuch' '~(?!www).*' '[ad]*'
ansible_run /usr/bin/python3 "$SOURCE_ROOT/tests/e2e/inventory_patterns.py" hosts.ini "$@" >patterns
for pattern; do
	it "takes the pattern $pattern as ansible does"
	neap inventory -i hosts.ini --list-hosts "$pattern"
	equal "$pattern	$(paste -sd , out)" "$(PATTERN=$pattern awk -F '\t' '$1 == ENVIRON["PATTERN"]' patterns)"
done
done_testing
