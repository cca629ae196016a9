# wait_for_connection: a host that cannot be reached yet is waited for.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback

# play ARGUMENTS
play() { printf '[{"hosts": "all", "gather_facts": false, "tasks": [{"wait_for_connection": %s, "register": "r"}, {"command": "true"}, {"debug": {"msg": "after {{ r.elapsed }}"}}]}]' "$1" >site.json; }

it "a host that is there is not waited for"
play '{"timeout": 10}'
neap run site.json -i hosts.json
status 0
recap h001 ok=3 changed=1
output_has '"msg": "after 0"'

it "a host that comes up is waited for"
sshd_stop loopback
home=$SSHD_DIR/loopback
(
	sleep 2
	"$SSHD_BINARY" -D -f "$home/sshd_config" -E "$home/log" &
	echo $! >"$home/pid"
) >/dev/null 2>&1 </dev/null &
play '{"timeout": 30, "sleep": 1}'
neap run site.json -i hosts.json
status 0
recap h001 ok=3 unreachable=0

it "a host that does not come is a failure"
sshd_stop loopback
play '{"timeout": 2}'
neap run site.json -i hosts.json
status 2
output_has "timed out waiting for the connection"
recap h001 failed=1 unreachable=0
done_testing
