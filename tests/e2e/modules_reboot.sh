# The module reboot on a throwaway server whose "restart" is a stand-in: it ends the server, and starts it again a little later.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start again || exit 99
sshd_inventory hosts.json 1
home=$SSHD_DIR/again

# What a restart is here; sshd.sh finds the new server by its pid file. Nobody is logged in any more once there is a new boot-id:
# the server starts no session while those that there are are looked for.
cat >restart <<END
#!/bin/sh
[ -n "\${AWAY:-}" ] || { AWAY=1 setsid "\$0" "\$@" >/dev/null 2>&1 </dev/null & exit 0; }
. "$SOURCE_ROOT/tests/lib/sshd.sh"
SSHD_DIR=$SSHD_DIR SSHD_BINARY=$SSHD_BINARY
sleep 0.2
server=\$(cat $home/pid)
kill -STOP "\$server"
kill -KILL \$(sshd_children "\$server") "\$server"
echo new >$WORK/boot-id
sleep \${1:-1}
\$SSHD_BINARY -D -f $home/sshd_config -E $home/log &
echo \$! >$home/pid
END
chmod 755 restart

# play ARGUMENTS: restarts, then leaves a file.
play() {
	cat >play.json <<END
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "reboot": { "reboot_command": "$WORK/restart ${down_s:-1}", "boot_time_command": "cat $WORK/boot-id", "connect_timeout": 2${1:+, $1} }, "register": "r" },
  { "copy": { "dest": "{{ root_dir }}/after", "content": "{{ r.rebooted }} {{ r.elapsed > 0 }}\n" } }
] }]
END
	rm -f "$SSHD_DIR/roots/h001/after"
	echo old >boot-id
}

it "check mode restarts nothing"
play
neap run play.json -i hosts.json --check
status 0
recap h001 changed=2
equal "$(cat boot-id)" old

it "the host is restarted, and the play goes on"
play
neap run play.json -i hosts.json
status 0
recap h001 ok=2 changed=2 unreachable=0 failed=0
equal "$(cat "$SSHD_DIR/roots/h001/after")" "True True"

it "a host that answers but has not restarted is asked again until the time is over"
play '"reboot_timeout": 8'
printf '#!/bin/sh\nexit 0\n' >still
chmod 755 still
sed "s,$WORK/restart 1,$WORK/still," play.json >still.json
neap run still.json -i hosts.json
status 2
recap h001 failed=1
output_has 'Timed out waiting for last boot time check (timeout=8)'

it "a command that fails restarts nothing"
printf '#!/bin/sh\necho denied >&2\nexit 1\n' >still
neap run still.json -i hosts.json
status 2
output_has "Reboot command failed. Error was: ', denied'"

it "a test command that fails is tried until the time is over"
down_s=0
play '"reboot_timeout": 8, "test_command": "false"'
neap run play.json -i hosts.json
status 2
output_has 'Timed out waiting for post-reboot test command (timeout=8)'

it "this machine is not restarted"
play
echo '{ "all": { "hosts": { "h001": { "ansible_connection": "local", "root_dir": "/nonexistent" } } } }' >local.json
neap run play.json -i local.json
status 2
output_has 'the machine that neap runs on'
equal "$(cat boot-id)" old
done_testing
