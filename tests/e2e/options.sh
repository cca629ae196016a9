# The command line: each option of `neap run` and `neap exec` has its effect, and each way to end has its exit status.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start web || exit 99
sshd_inventory hosts.json 2 web
printf '[other]\nh002\n[extra]\nx1 ansible_connection=local\n' >more.ini
port=$(sshd_port web)
cat >task.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "who", "command": "echo {{ inventory_hostname }} {{ word | default('none') }} {{ list | default([]) | length }}" }] }]
END
# by WORD...: neap exec on 127.0.0.1 by its port, with nothing from an inventory file.
by() {
	neap exec all -i "127.0.0.1," -e "ansible_port=$port" --ssh-common-args "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts" "$@"
}
logged() { grep -q -- "$1" "$(sshd_log web)" || fault "sshd's log lacks: $1"; }

it "-i several times, and lists of hosts"
neap run task.json -i hosts.json -i more.ini -i y1, -e ansible_connection=local --list-hosts
status 0
for host in h001 h002 x1 y1; do output "      $host"; done

it "-l, also twice, as patterns and as @file"
neap run task.json -i hosts.json -i more.ini -l 'other'
recap h002 ok=1
output_lacks h001
neap run task.json -i hosts.json -i more.ini -l 'all:!h00*'
recap x1 ok=1
output_lacks h001
printf 'h001\n' >limit
neap run task.json -i hosts.json -l @limit
recap h001 ok=1
output_lacks h002

it "-e as words, as JSON, as YAML and as @file; the last wins"
printf 'word: from-file\n' >vars.yml
neap run task.json -i hosts.json -l h001 -v -e 'word=one list=[1]' -e '{"list": [1, 2], "word": "json"}'
output_has '"stdout": "h001 json 2"'
neap run task.json -i hosts.json -l h001 -v -e '{word: yaml, list: [1,2,3]}'
output_has '"stdout": "h001 yaml 3"'
neap run task.json -i hosts.json -l h001 -v -e word=one -e @vars.yml
output_has '"stdout": "h001 from-file 0"'

it "--private-key and --key-file log in with that key"
by --private-key "$SSHD_KEY" -a 'echo in'
status 0
output_has in
by --key-file "$SSHD_KEY" -u "$SSHD_USER" -a 'echo in'
status 0
ssh-keygen -q -t ed25519 -N '' -f stranger
by --private-key stranger -a 'echo in'
status 4
output_has UNREACHABLE

it "-u names the user"
by --private-key "$SSHD_KEY" -u nobody-of-that-name -a true
status 4
logged 'user nobody-of-that-name'

it "-T is how long connecting may take"
python3 -c '
import socket
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(8)
print(server.getsockname()[1], flush=True)
while True: kept = server.accept(); open("accepted", "w").close(); globals().setdefault("all", []).append(kept)' >mute &
mute=$!
while [ ! -s mute ]; do sleep 0.02; done
neap exec all -i "127.0.0.1," -e "ansible_port=$(cat mute)" -T 1 -a true
kill "$mute"
status 4
output_has 'UNREACHABLE'
[ -e accepted ] || fault "nobody connected"

it "-c local does without a server"
neap exec all -i a,b, -c local -a 'echo here'
status 0
equal "$(grep -c '^here$' out)" 2

it "-f bounds how many act at once"
cat >forks.json <<END
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "shell": "mkdir $WORK/one || exit 1; sleep 0.05; rmdir $WORK/one" }, { "debug": { "msg": "{{ ansible_forks }}" } }] }]
END
neap run forks.json -i a,b,c, -c local -f 1
status 0
output_has '"msg": 1'

it "-b with its user, method and password file; the password is asked for and read once"
cat >sudo <<'END'
#!/bin/sh
while :; do case $1 in -H|-S|-n) shift ;; -p) prompt=$2; shift 2 ;; -u) user=$2; shift 2 ;; --) shift; break ;; *) break ;; esac; done
printf %s "$prompt" >&2
IFS= read -r given
[ "$given" = "open sesame" ] || { echo "sudo: a wrong password" >&2; exit 1; }
BECAME=$user export BECAME
exec "$@"
END
chmod +x sudo
printf 'open sesame\n' >password
become() { neap exec h001 -i hosts.json -e "ansible_become_exe=$WORK/sudo" -m shell -a 'echo "I am $BECAME"' "$@"; }
# To become the user that is logged in already takes nothing, so it is another one.
become -b --become-user daemon --become-password-file password
status 0
output 'I am daemon'
become -b --become-user nobody --become-method sudo --become-password-file password
output 'I am nobody'
printf '#!/bin/sh\necho "open sesame"\n' >program
chmod +x program
become -b --become-user daemon --become-password-file "$WORK/program"
output 'I am daemon'
printf 'wrong\n' >wrong
become -b --become-user daemon --become-password-file wrong
status 2
neap exec h001 -i hosts.json -b --become-method sudoo -a true
status 5
said 'sudoo'

it "-K and -k ask on the terminal"
terminal() {
	STATUS=0
	python3 - "$@" >out 2>err <<'END' || STATUS=$?
import os, pty, sys
process, terminal = pty.fork()
if process == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
text = b""
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    text += more
    if b"assword" in text and sys.argv[1]:
        os.write(terminal, sys.argv[1].encode() + b"\n")
        sys.argv[1] = ""
sys.stdout.write(text.decode(errors="replace").replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
END
}
HOME=$SSHD_DIR/home terminal 'open sesame' "$NEAP" exec h001 -i hosts.json -e "ansible_become_exe=$WORK/sudo" -b --become-user daemon -K -m shell -a 'echo "I am $BECAME"'
status 0
output_has 'I am daemon'
output_has 'BECOME password'
output_lacks 'open sesame'

if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	printf 'root:%s:19000:0:99999:7:::\n' "$(openssl passwd -6 'correct horse')" >shadow
	grep -v '^root:' /etc/shadow >>shadow
	chmod 600 shadow
	printf '#!/bin/sh\nexec unshare -m sh -c '\''mount --bind %s/shadow /etc/shadow && exec %s "$@"'\'' sshd "$@"\n' "$WORK" "$SSHD_BINARY" >sshd
	chmod +x sshd
	SSHD_BINARY=$WORK/sshd
	sshd_start pass "PasswordAuthentication yes" "PubkeyAuthentication no"
	pass=$(sshd_port pass)
	it "--connection-password-file, and -k from the terminal, log in"
	printf 'correct horse\n' >password
	neap exec all -i 127.0.0.1, -e "ansible_port=$pass" --ssh-common-args "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts" \
		--connection-password-file password -a 'echo in'
	status 0
	output in
	HOME=$SSHD_DIR/home terminal 'correct horse' "$NEAP" exec all -i 127.0.0.1, -e "ansible_port=$pass" \
		--ssh-common-args "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts" -k -a 'echo in'
	status 0
	output_has 'SSH password'
	output_lacks 'correct horse'
else
	it_skip "--connection-password-file, and -k from the terminal, log in" "a shadow file of its own needs root"
fi

it "-t, --skip-tags, --list-tasks, --list-tags"
cat >tags.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "one", "command": "true", "tags": "a" }, { "name": "two", "command": "true", "tags": ["b", "never"] }, { "name": "three", "command": "true" }] }]
END
neap run tags.json -i h1, -c local -t a
recap h1 ok=1
neap run tags.json -i h1, -c local --tags b --tags a
recap h1 ok=2
neap run tags.json -i h1, -c local --skip-tags a
recap h1 ok=1
neap run tags.json -i h1, --list-tasks
output_has 'one'
output_lacks 'two'
neap run tags.json -i h1, --list-tags
output_has 'TASK TAGS: [a]'
neap run tags.json -i h1, --syntax-check
status 0

it "neap exec takes a module by -m, its arguments as words and as JSON, and shows what changes"
neap exec all -i a, -c local -m file -a "path=$WORK/made state=directory mode=0700" --diff
status 0
output_has 'a | CHANGED => {'
[ -d made ] || fault "no folder"
neap exec all -i a, -c local -m copy -a "{\"content\": \"x\\n\", \"dest\": \"$WORK/made/f\"}" -C -D
output '+x'
[ ! -e made/f ] || fault "made in check mode"
neap exec all -i a, -c local -a false
status 2
output 'a | FAILED | rc=1 >>'
neap exec 'a:!b' -i a,b, -c local -a 'echo {{ inventory_hostname }}'
output a
output_lacks 'b |'

it "each way to end has its exit status"
neap run task.json -i a, -c local
status 0
printf '[{ "hosts": "all", "tasks": [ { "comand": "x" } ] }]' >wrong.json
neap run wrong.json -i a, -c local
status 1
neap run task.json -i missing-inventory.json
status 1
printf '[{ "hosts": "all", "gather_facts": false, "tasks": [ { "command": "false" } ] }]' >fails.json
neap run fails.json -i a, -c local
status 2
neap exec all -i 127.0.0.1, -e ansible_port=1 -a true
status 4
neap run fails.json -i a,127.0.0.1, -e '{"ansible_port": 1}' -e 'ansible_connection={{ "local" if inventory_hostname == "a" else "ssh" }}'
status 4
neap run task.json --no-such-option
status 5
neap run
status 5

it "what the check warns of is said before the first task"
printf '[{ "hosts": "all", "gather_facts": false, "tasks": [ { "template": "src=none.j2 dest=/tmp/x", "when": "false or false" } ] }]' >warns.json
"$NEAP" run warns.json -i a, -c local >both 2>&1 </dev/null
equal "$(grep -oE 'there is no template|^TASK|^PLAY RECAP' both | tr '\n' ' ')" "there is no template TASK PLAY RECAP "

it "tags of a play are what its tasks' tags are, also where it has none: \"a,b\" is two"
printf '[{ "hosts": "all", "gather_facts": false, "tags": "alone, other" }]' >tagged.json
neap run tagged.json -i a, -c local -t alone,other
silent
neap run tagged.json -i a, -c local -t alnoe
said 'did you mean "alone"?'

it "order: is that of the report as well, and shuffle is another one each time"
for order in reverse_sorted shuffle; do
	printf '[{ "hosts": "all", "gather_facts": false, "order": "%s", "tasks": [{ "debug": { "msg": "x" } }] }]\n' $order >$order.json
done
neap run reverse_sorted.json -i a,b,c, -c local
equal "$(grep -o 'ok: ....' out | tr -dc 'abc')" cba
for try in 1 2 3 4 5 6 7 8; do
	neap run shuffle.json -i a,b,c,d,e,f,g,h, -c local
	grep -o 'ok: ....' out | tr -dc 'abcdefgh\n' | paste -sd ' '
done >orders
equal "$(tr ' ' '\n' <orders | sort -u | paste -sd ' ')" 'a b c d e f g h'
[ "$(sort -u orders | wc -l)" -gt 1 ] || fault "the same each time: $(cat orders)"

it "a report that nobody can have read ends with status 2, and says what to do"
"$NEAP" run task.json -i a, -c local >/dev/full 2>said </dev/null
equal "$?" 2
grep -qF 'free some space' said || fault "said: $(cat said)"

it "an option that is not there brings the one that was meant"
for pair in --chekc=--check --inventroy=--inventory --become-usr=--become-user; do
	neap run task.json "${pair%%=*}"
	status 5
	said "${pair#*=}"
done
neap rnu task.json
status 5
said 'did you mean neap run?'
neap run task.json -f many -i a,
status 5
said '--forks'
neap run task.json --format xml -i a,
status 5
said 'text, json, jsonl'
done_testing
