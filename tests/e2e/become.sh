# Becoming another user by the real sudo, su and doas, in a mount namespace with accounts and rules of its own. Needs root.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
name="real sudo, su and doas, with accounts of their own"
if [ -z "${NEAP_BECOME_INSIDE:-}" ]; then
	if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
		NEAP_BECOME_INSIDE=1 exec unshare -m sh "$0" "$@"
	fi
	it_skip "$name" "only root can have them"
	done_testing
fi
mount --make-rprivate / || exit 99
e2e_setup
chmod 711 "$SSHD_DIR" && chmod 755 "$WORK"

# ---- the machine ----

hash() { perl -e 'print crypt($ARGV[0], "\$6\$saltsalt\$")' "$1"; }
# account NAME UID PASSWORD [SHELL]
account() {
	echo "$1:x:$2:$2::$WORK/home/$1:${4:-/bin/sh}" >>etc/passwd
	echo "$1:x:$2:" >>etc/group
	echo "$1:$(hash "$3"):19000:0:99999:7:::" >>etc/shadow
	mkdir -p "home/$1" && chown "$2:$2" "home/$1"
}
cp -a /etc etc
sed -i '/^root:/d' etc/shadow
printf 'root:%s:19000:0:99999:7:::\n' "$(hash 'root word')" >>etc/shadow
account deploy 61001 'deploy word'
account other 61002 'other word'
account noshell 61003 'x' /usr/sbin/nologin
account csher 61004 'csh word' /bin/sh
rm -f etc/sudoers.d/* etc/pam.d/sudo
# rules LINE...: of sudo
rules() {
	{
		printf 'Defaults env_reset,!use_pty\nroot ALL=(ALL:ALL) ALL\n'
		printf '%s\n' "$@"
	} >/etc/sudoers
	rm -rf /run/sudo/ts
}
printf '127.0.0.1 localhost %s\n' "$(hostname)" >>etc/hosts
printf '#%%PAM-1.0\nauth required pam_unix.so nodelay\naccount required pam_permit.so\nsession required pam_permit.so\n' >etc/pam.d/sudo
cp etc/pam.d/sudo etc/pam.d/doas
{ echo 'auth sufficient pam_rootok.so'; cat etc/pam.d/sudo; } >etc/pam.d/su
printf 'permit deploy as root\npermit nopass deploy as other\n' >etc/doas.conf
chmod 440 etc/sudoers etc/doas.conf
mount --bind etc /etc && mount -t tmpfs tmpfs /run || exit 99
mkdir -p /run/sshd /run/lock

cp "$SSHD_KEY.pub" "$SSHD_DIR/authorized_keys" && chmod 644 "$SSHD_DIR/authorized_keys"
mkdir -m 755 there && chown deploy there
sftp=/usr/lib/openssh/sftp-server
sshd_start web "SetEnv HOME=$WORK/home/deploy" "Subsystem sftp $sftp" || exit 99
SSHD_USER=deploy
sshd_inventory hosts.json 1 web
e2e_port=$SSHD_PORT

# as WORD...: as neap run of play.json, with become settings in name=value words.
as() {
	as_vars=
	for as_word; do as_vars="$as_vars${as_vars:+, }\"ansible_become_${as_word%%=*}\": \"${as_word#*=}\""; done
	NEAP_TIMEOUT=100 neap run "${PLAY:-play.json}" -i hosts.json -b -e "{$as_vars}"
}
# Commands, files both ways by SFTP, a script, standard input, large output.
cat >play.json <<'END_OF_FILE'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "command": "id -un", "register": "who", "changed_when": false },
  { "shell": "cat; echo err >&2; exit 0", "args": { "stdin": "a line\n" }, "register": "said", "changed_when": false },
  { "assert": { "that": ["said.stdout == 'a line'", "who.stdout == wanted"] } },
  { "tempfile": { "state": "directory", "path": "/tmp" }, "register": "folder" },
  { "copy": { "content": "{{ wanted }} wrote it\n", "dest": "{{ folder.path }}/file", "mode": "0640" } },
  { "template": { "src": "t.j2", "dest": "{{ folder.path }}/templated" } },
  { "copy": { "src": "big", "dest": "{{ folder.path }}/big" } },
  { "stat": { "path": "{{ folder.path }}/big" }, "register": "about" },
  { "assert": { "that": ["about.stat.checksum == (lookup('file', 'big.sha1'))", "about.stat.pw_name == wanted"] } },
  { "lineinfile": { "path": "{{ folder.path }}/file", "line": "more" } },
  { "fetch": { "src": "{{ folder.path }}/file", "dest": "fetched/", "flat": true } },
  { "script": "run.sh", "register": "ran", "changed_when": false },
  { "assert": { "that": ["ran.stdout_lines == ['script of ' ~ wanted]"] } },
  { "file": { "path": "{{ folder.path }}", "state": "absent" } }
] }]
END_OF_FILE
echo 'templated for {{ wanted }}' >t.j2
printf '#!/bin/sh\necho script of "$(id -un)"\n' >run.sh
head -c 300000 /dev/urandom | od -An -tx1 >big
sha1sum big | cut -d ' ' -f 1 | tr -d '\n' >big.sha1
# works USER WORD...
works() {
	works_user=$1
	shift
	rm -rf fetched
	as "$@" "wanted=$works_user"
	status 0
	recap h001 failed=0 unreachable=0
	equal "$(cat fetched/file 2>/dev/null)" "$works_user wrote it
more"
	[ "$works_user" = root ] || equal "$(find /tmp -maxdepth 1 -name '.neap-*' -user "$works_user" 2>/dev/null)" "" # root has others'
}
sed -i 's/wanted/ansible_become_wanted/g' play.json t.j2
# refused WORDS-OF-THE-MESSAGE WORD...
refused() {
	refused_text=$1
	shift
	PLAY=small.json as "$@"
	status 2
	output_has "$refused_text"
	! grep -q ' word' out || fault "the password shows"
}
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "command": "id -un" }] }]' >small.json

# ---- sudo ----

it "sudo asks for a password"
rules 'deploy ALL=(ALL) ALL'
works root password='deploy word'

it "sudo becomes a user who is not root"
works other user=other password='deploy word'

it "sudo asks for none"
rules 'deploy ALL=(ALL) NOPASSWD: ALL'
works root
works root password='not needed'

it "sudo remembers that it asked"
rules 'Defaults timestamp_type=global,timestamp_timeout=30' 'deploy ALL=(ALL) ALL'
works root password='deploy word'
works root password='deploy word'

it "sudo with a terminal between it and the command"
rules 'Defaults use_pty' 'deploy ALL=(ALL) ALL'
works root password='deploy word'

it "sudo that lectures, insults, and asks in its own words"
printf 'First\nlecture: read this:\n' >/etc/lecture
rules 'Defaults lecture=always,lecture_file=/etc/lecture,insults,badpass_message="Nein: falsch:"' 'Defaults passprompt="Kennwort bitte> "' 'deploy ALL=(ALL) ALL'
works root password='deploy word'
refused 'Incorrect sudo password' password='wrong word'

it "sudo without a password that it needs, with a wrong one, and for who may not"
rules 'deploy ALL=(ALL) ALL'
refused 'Missing sudo password'
refused 'Incorrect sudo password' password='wrong word'
rules 'deploy ALL=(other) ALL'
refused 'not allowed' password='deploy word'
rules
refused 'deploy is not in the sudoers file' password='deploy word'

it "sudo that wants a terminal"
rules 'Defaults requiretty' 'deploy ALL=(ALL) ALL'
works root password='deploy word'

it "flags and the program are the user's"
rules 'Defaults:deploy setenv' 'deploy ALL=(ALL) NOPASSWD: SETENV: ALL'
works root flags='-H -E' exe=/usr/bin/sudo

it "sudo before su, as one program"
rules 'deploy ALL=(ALL) ALL'
works root method=su exe='sudo su -' password='deploy word'

# ---- su ----

it "su asks for the other's password"
works root method=su password='root word'
works other method=su user=other password='other word'

it "su with a login shell"
printf 'echo "Welcome: "; echo noise >&2\n' >home/other/.profile
works other method=su user=other flags=- password='other word'

it "su with a wrong password, none, and to who has no shell"
refused 'Incorrect su password' method=su password='wrong word'
refused 'Missing su password' method=su
rules 'deploy ALL=(ALL) NOPASSWD: ALL'
refused 'not available' method=su user=noshell exe='sudo su'
works noshell method=su user=noshell exe='sudo su' flags='-s /bin/sh'

# ---- doas ----

it "doas asks on its terminal"
works root method=doas password='deploy word'

it "doas asks for none"
works other method=doas user=other

it "doas with a wrong password, none, and for who may not"
refused 'Incorrect doas password' method=doas password='wrong word'
refused 'Authentication required' method=doas
refused 'Operation not permitted' method=doas user=noshell password='deploy word'

# ---- all of them ----

it "each host has its own method"
rules 'deploy ALL=(ALL) ALL'
python3 - <<'END_OF_FILE'
import json
hosts = json.load(open("hosts.json"))
hosts["all"]["hosts"] = {
    "by_sudo": {"ansible_become_method": "sudo", "ansible_become_password": "deploy word", "wanted": "root"},
    "by_su": {"ansible_become_method": "su", "ansible_become_user": "other", "ansible_become_password": "other word", "wanted": "other"},
    "by_doas": {"ansible_become_method": "doas", "ansible_become_user": "other", "wanted": "other"},
    "by_none": {"ansible_become": False, "wanted": "deploy"}}
json.dump(hosts, open("many.json", "w"))
END_OF_FILE
cat >methods.json <<'END_OF_FILE'
[{ "hosts": "all", "gather_facts": false, "become": true, "tasks": [
  { "command": "id -un", "register": "who" }, { "assert": { "that": ["who.stdout == wanted"] } },
  { "command": "id -un", "become_user": "root", "become_method": "sudo", "become": false, "register": "who" }] }]
END_OF_FILE
neap run methods.json -i many.json
status 0

# server NAME LINE: another one, with that line; the host is on it from now on.
server() {
	sshd_start "$1" "SetEnv HOME=$WORK/home/deploy" "$2" || exit 99
	sed "s/$e2e_port/$SSHD_PORT/" hosts.json >keep && mv keep hosts.json
	e2e_port=$SSHD_PORT
}

it "where there is no SFTP server, files go through the shell of the other user"
server without "Subsystem sftp /bin/false"
mount --bind /dev/null "$sftp"
works other user=other password='deploy word'
umount "$sftp"

# What canary.py takes for secrets: as password and as content.
secret=$(python3 "$SOURCE_ROOT/tests/e2e/canary.py" secret pem become)
sed -i "s|^deploy:[^:]*|deploy:$(hash "$secret")|" /etc/shadow
mkdir place && chmod 1777 place
cat >secret.json <<'END_OF_FILE'
[{ "hosts": "all", "gather_facts": false, "vars": { "text": "{{ ansible_become_password }}", "to": "WORK/place/kept" }, "tasks": [
  { "file": { "path": "{{ to }}", "state": "directory", "mode": "0755" } },
  { "copy": { "content": "{{ text }}", "dest": "{{ to }}/a", "mode": "0600" } },
  { "copy": { "src": "secret", "dest": "{{ to }}/b", "mode": "0600" } },
  { "template": { "src": "secret.j2", "dest": "{{ to }}/c", "mode": "0600" } },
  { "lineinfile": { "path": "{{ to }}/c", "line": "more {{ text }}" } },
  { "blockinfile": { "path": "{{ to }}/c", "block": "yet more {{ text }}" } },
  { "copy": { "src": "{{ to }}/a", "dest": "{{ to }}/d", "remote_src": true, "mode": "0600" } },
  { "script": "secret" },
  { "command": { "argv": ["cat"], "stdin": "{{ text }}" } },
  { "fetch": { "src": "{{ to }}/c", "dest": "fetched/secret", "flat": true } },
  { "file": { "path": "{{ to }}", "state": "absent" } }
] }]
END_OF_FILE
sed -i "s|WORK|$WORK|" secret.json
printf '#!/bin/sh\ntrue %s\n' "$secret" >secret && cp secret secret.j2 && chmod 600 secret secret.j2
traces="-D -f -qq -v -xx -s 100000 -e trace=execve,open,openat,creat,umask,clone,clone3,fork,vfork"
printf '#!/bin/sh\n[ "$1" != -t ] || exec %s "$@"\nexec strace %s -o $TRACE %s "$@"\n' "$SSHD_BINARY" "$traces" "$SSHD_BINARY" >traced_sshd
chmod +x traced_sshd
SSHD_BINARY=$WORK/traced_sshd
for how in sudo su doas shell; do
	name="nothing is readable by others at any moment: $how"
	if ! strace -o /dev/null true 2>/dev/null; then
		it_skip "$name" "strace may not trace here"
		continue
	fi
	it "$name"
	rules 'deploy ALL=(ALL) ALL'
	export TRACE="$WORK/$how.trace"
	server "traced_$how" "Subsystem sftp $(test "$how" = shell && echo /bin/false || echo "$sftp")"
	[ "$how" != shell ] || mount --bind /dev/null "$sftp"
	case $how in
	su) PLAY=secret.json as method=su exe='sudo su' password="$secret" user=other ;;
	doas) PLAY=secret.json as method=doas password="$secret" ;;
	*) PLAY=secret.json as password="$secret" user=other ;;
	esac
	status 0
	sshd_stop "traced_$how"
	found=$(python3 "$SOURCE_ROOT/tests/e2e/canary.py" trace "$TRACE"; python3 "$SOURCE_ROOT/tests/e2e/canary.py" output out err)
	[ -z "$found" ] || fault "$found"
done
umount "$sftp" 2>/dev/null
done_testing
