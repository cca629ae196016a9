# A connection that is cut between any two flights, or in the middle of one, in either direction: each file is old or new,
# nothing temporary is left at either end, and the next run does the rest.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
root=$SSHD_DIR/roots/h001

printf 'new by a template {{ 1 + 1 }}\n' >template.j2
head -c 150000 /dev/urandom >large
head -c 150000 /dev/urandom >there
cat >play.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
	{ "copy": { "content": "new\n", "dest": "{{ root_dir }}/copied" } },
	{ "template": { "src": "template.j2", "dest": "{{ root_dir }}/template" } },
	{ "lineinfile": { "path": "{{ root_dir }}/lines", "line": "new" } },
	{ "shell": "echo new >\"{{ root_dir }}/created\"", "args": { "creates": "{{ root_dir }}/created" } }] }]
END
cat >bulk.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
	{ "copy": { "src": "large", "dest": "{{ root_dir }}/large" } },
	{ "fetch": { "src": "{{ root_dir }}/there", "dest": "fetched/", "flat": true } }] }]
END
printf 'old\nnew\n' >lines.new
echo 'new by a template 2' >template.new
echo new >created.new
ln -s created.new copied.new
ln -s large large.new

prepare() {
	rm -rf "$root" fetched
	mkdir "$root"
	for file in copied template lines large; do echo old >"$root/$file"; done
	cp there "$root/there"
}
# check WHAT: after a run that may have been cut
check() {
	for file in copied template lines large created; do
		[ -e "$root/$file" ] || [ "$file" = created ] || { fault "$1: no $file"; continue; }
		[ ! -e "$root/$file" ] || cmp -s "$root/$file" "$file.new" || [ "$(cat "$root/$file")" = old ] ||
			fault "$1: $file is neither old nor new"
	done
	[ ! -e fetched/there ] || cmp -s fetched/there there || fault "$1: what was fetched is not whole"
	left=$(ls -A "$root" fetched 2>/dev/null | grep -vxE "copied|template|lines|large|created|there|.*:|")
	[ -z "$left" ] || fault "$1: $left was left"
	case $STATUS in 0 | 4) ;; *) fault "$1: status $STATUS" ;; esac
	[ "$STATUS" = 0 ] || grep -q 'UNREACHABLE!' "$WORK/out" || fault "$1: nobody says why"
}
# cut PLAYBOOK WHAT...: through a proxy that was started with it
cut() {
	playbook=$1
	shift
	proxy_start "$(sshd_port loopback)" "$@" -1
	sshd_inventory hosts.json 1 loopback "$PROXY_PORT"
	prepare
	neap run "$playbook" -i hosts.json
	proxy_stop
	check "cut at $*"
	[ "$STATUS" = 0 ] || cuts=$((cuts + 1))
}

it "does all of it on a whole connection"
cuts=0
cut play.json -d 0
status 0
for file in copied template lines created; do cmp "$root/$file" "$file.new" || fault "$file"; done
play_up=$(sed -n 's/.* up \([0-9]*\).*/\1/p' "$PROXY_LOG")
cut bulk.json -d 0
status 0
cmp "$root/large" large && cmp fetched/there there || fault "large files"
up=$(sed -n 's/.* up \([0-9]*\).*/\1/p' "$PROXY_LOG") down=$(sed -n 's/.* down \([0-9]*\).*/\1/p' "$PROXY_LOG")

it "leaves old or new when it is cut between two flights"
turn=13 cuts=0 STATUS=4 # the handshake and its tries again are another test's; CUT_STEP=1 takes every turn
while [ "$STATUS" = 4 ] && [ "$turn" -lt 200 ]; do
	cut play.json -t "$turn"
	turn=$((turn + ${CUT_STEP:-2}))
done
status 0 # there were no more turns
[ "$cuts" -ge 3 ] || fault "only $cuts cuts"
echo "# $cuts cuts between flights"

it "leaves old or new when it is cut in the middle of a flight"
cuts=0
for part in 1 2 3; do
	cut play.json -u $((play_up - 9000 * part / 4))
	cut bulk.json -u $((up - 160000 + 160000 * part / 4))
	cut bulk.json -w $((down - 160000 + 160000 * part / 4))
done
[ "$cuts" -ge 5 ] || fault "only $cuts cuts"

it "does the rest the next time, and nothing after that"
sshd_inventory hosts.json 1 loopback
neap run play.json bulk.json -i hosts.json
status 0
for file in copied template lines large created; do cmp "$root/$file" "$file.new" || fault "$file"; done
cmp fetched/there there || fault "fetched"
neap run play.json bulk.json -i hosts.json
recap h001 changed=0 failed=0
done_testing
