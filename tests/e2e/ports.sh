# Hosts that differ in their port only: ssh is asked once what its configuration says, and each host is reached at its own.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start one || exit 99
sshd_start two || exit 99
mkdir bin
ssh=$(command -v ssh)
cat >bin/ssh <<END
#!/bin/sh
echo "\$*" >>"$WORK/asked"
exec "$ssh" "\$@"
END
chmod +x bin/ssh
PATH=$WORK/bin:$PATH
accepted() { grep -c '^Accepted publickey' "$(sshd_log "$1")"; }
# hosts VARIABLES: the inventory, with two hosts at different ports.
hosts() {
	cat >hosts.json <<END
{ "all": { "vars": { "ansible_host": "127.0.0.1", "ansible_user": "$SSHD_USER", "ansible_ssh_private_key_file": "$SSHD_KEY",
    "ansible_ssh_common_args": "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts -o IdentitiesOnly=yes" $1 },
  "hosts": { "a": { "ansible_port": $(sshd_port one) }, "b": { "ansible_port": $(sshd_port two) } } } }
END
}

it "asks once, and reaches each at its own port"
hosts ''
: >asked
neap exec all -i hosts.json -a true
status 0
equal "$(accepted one) $(accepted two)" "1 1"
equal "$(wc -l <asked)" 1

it "a port in ssh_args counts more, as with Ansible"
hosts ", \"ansible_ssh_args\": \"-o Port=$(sshd_port one)\""
neap exec all -i hosts.json -a true
status 0
equal "$(accepted one) $(accepted two)" "3 1"

it "a port in common_args counts less"
hosts ''
sed -i "s/-F none/-F none -o Port=1/" hosts.json
neap exec all -i hosts.json -a true
status 0
equal "$(accepted one) $(accepted two)" "4 2"
done_testing
