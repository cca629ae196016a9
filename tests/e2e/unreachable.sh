# Hosts that cannot be reached: unreachable, status 4, and a message that names the reason; the others go on.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 2 loopback
cat >play.json <<'END'
[{ "hosts": "all", "tasks": [{ "ping": {} }] }]
END

it "a server that never says a word is unreachable"
proxy_start "$(sshd_port loopback)"
kill -USR2 "$PROXY_PID" # it takes connections and passes nothing
neap run play.json -i "127.0.0.1:$PROXY_PORT," -T 1
status 4
output_has "UNREACHABLE! => waiting for the SSH banner: 127.0.0.1 port $PROXY_PORT did not answer within 1 s"
recap 127.0.0.1 unreachable=1 failed=0
proxy_stop

it "a closed port is unreachable, and the other hosts go on"
neap run play.json -i hosts.json -i '127.0.0.1:1,'
status 4
output_has 'fatal: [127.0.0.1]: UNREACHABLE! => connecting to 127.0.0.1 port 1: Connection refused'
recap h001 ok=1 unreachable=0

it "tries again as often as the settings say, and not where the host itself refuses"
printf '#!/bin/sh\necho tried >>%s/tried\nexit 1\n' "$WORK" >failing
chmod +x failing
for retries in 0 1; do
	rm -f tried
	ANSIBLE_SSH_RETRIES=$retries neap run play.json -i 'away,' --ssh-common-args "-o ProxyCommand=$WORK/failing"
	status 4
	wc -l <tried >tried.$retries
done
equal "$(cat tried.1)" $(($(cat tried.0) * 2))
ANSIBLE_SSH_RETRIES=9 neap run play.json -i hosts.json -e ansible_ssh_private_key_file=/nonexistent/key
status 4

it "names the key that is not there"
neap run play.json -i hosts.json -e ansible_ssh_private_key_file=/nonexistent/key
status 4
output_has '/nonexistent/key does not exist'

it "names the file that is no key"
neap run play.json -i hosts.json -e ansible_ssh_private_key_file=/etc/passwd
status 4
output_has '/etc/passwd is not a private key'

it "ends the play for all where any error is fatal"
echo '{ "all": { "hosts": { "gone": { "ansible_host": "127.0.0.1", "ansible_port": 1 }, "here": { "ansible_connection": "local" } } } }' >gone.json
echo '[{ "hosts": "all", "gather_facts": false, "any_errors_fatal": true, "tasks": [{ "command": "true" }, { "command": "true" }] }]' >fatal.json
neap run fatal.json -i gone.json
status 4
recap here ok=1
recap gone unreachable=1

it "says which limit keeps it from more hosts, and does those that it can"
sshd_inventory many.json 40 loopback
ulimit -Sn 120
ulimit -Hn 120 # for the rest of this script
neap run play.json -i many.json
status 4
equal "$(grep -c ' ok=1 ' out) $(grep -c ' unreachable=1 ' out)" "20 20" # which of them, their order says that they come in
output_has 'not connected: this process may open no more than 120 files: raise the limit (ulimit -Hn'
done_testing
