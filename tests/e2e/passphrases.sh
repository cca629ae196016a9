# The passphrase of a key: from a variable that a file or a program fills, or asked for on the terminal, once for all hosts.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 3 loopback
ssh-keygen -q -t ed25519 -N 'open sesame' -f locked
cat locked.pub >"$SSHD_DIR/authorized_keys"
printf 'open sesame\n' >secret
cat >ask.sh <<'END'
#!/bin/sh
echo open sesame
END
chmod +x ask.sh
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "ping": {} }] }]' >play.json
key="ansible_ssh_private_key_file=$WORK/locked"

it "comes from a file"
neap run play.json -i hosts.json -e "$key" -e '{ "ansible_ssh_private_key_passphrase": "{{ lookup(\"file\", \"secret\") }}" }'
status 0
recap h003 ok=1

it "comes from a program"
neap run play.json -i hosts.json -e "$key" -e '{ "ansible_ssh_private_key_passphrase": "{{ lookup(\"pipe\", \"./ask.sh\") }}" }'
status 0
recap h003 ok=1

it "is asked for on the terminal, once, where nothing else is written meanwhile"
echo '{ "all": { "hosts": { "a_local": { "ansible_connection": "local" } } } }' >here.json
cat >terminal.py <<'END'
# terminal.py ANSWER PROGRAM ARGUMENT...: on a terminal where the question for a passphrase is answered; then the terminal
# must show again what is typed. The answer takes a while, in which nothing may be written.
import os, pty, sys, termios, time
answer, words = sys.argv[1], sys.argv[2:]
terminal, inside = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    os.close(os.open(os.ttyname(inside), os.O_RDWR)) # which makes it the controlling terminal
    for fd in 0, 1, 2:
        os.dup2(inside, fd)
    os.execv(words[0], words)
seen, asked, answered, ended = b"", 0, False, 0
os.set_blocking(terminal, False)
while True:
    try:
        seen += os.read(terminal, 65536)
    except BlockingIOError:
        time.sleep(0.01)
        if ended:
            break
        ended, status = os.waitpid(child, os.WNOHANG)
    question = seen.find(b": ", seen.find(b"Passphrase for the key") + 1)
    if not asked and b"Passphrase for the key" in seen and question > 0:
        asked = time.monotonic()
    if asked and not answered and time.monotonic() > asked + 0.5:
        print("below the question:", repr(seen[question + 2:]))
        os.write(terminal, answer.encode())
        answered = True
print(seen.decode(errors="replace"))
print("echo is", "on" if termios.tcgetattr(inside)[3] & termios.ECHO else "off")
sys.exit(os.waitstatus_to_exitcode(status))
END
at_terminal() { # at_terminal ANSWER
	STATUS=0
	env -u SSH_AUTH_SOCK HOME="$SSHD_DIR/home" TERM=xterm timeout 120 python3 terminal.py "$1" "$NEAP" run play.json \
		-i hosts.json -i here.json -e "$key" >out 2>err || STATUS=$?
}
at_terminal 'open sesame
'
status 0
equal "$(grep -c "Passphrase for the key $WORK/locked: " out)" 1
! grep -q 'open sesame' out || fault "it shows"
grep -q 'h003.*ok=1' out || fault "h003 was not reached"
output "below the question: b''"
output_has "ok: [a_local]"
output "echo is on"

it "is not waited for after Ctrl-C"
at_terminal "$(printf '\003')"
status 99
output "echo is on"

it "is missed with a word for what is missing"
neap run play.json -i hosts.json -e "$key"
status 4
output_has "$WORK/locked needs a passphrase"
done_testing
