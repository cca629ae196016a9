# What goes wrong on a target's disk: each is a clear message, the file as it was, and nothing left behind.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
there=$SSHD_DIR/roots/h001
head -c 300000 /dev/urandom >large
play() { printf '[{ "hosts": "all", "gather_facts": false, "tasks": [%s] }]' "$1" >play.json; }
# left COUNT: how many files are there.
left() { equal "$(find "$there" -mindepth 1 | wc -l)" "$1"; }

for how in sftp shell; do
	case $how in sftp) line="Subsystem sftp /usr/lib/openssh/sftp-server" ;; *) line="Subsystem none /bin/false" ;; esac

	it "a file larger than is allowed there ($how)"
	printf '#!/bin/sh\ntrap "" XFSZ\nulimit -f 100\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n' >limited
	chmod +x limited
	sshd_start "limited_$how" "$line" "ForceCommand $WORK/limited" || exit 99
	sshd_inventory hosts.json 1 "limited_$how"
	rm -rf "$there" && mkdir "$there" && echo old >"$there/file"
	play '{ "copy": { "src": "large", "dest": "{{ root_dir }}/file" } }'
	neap run play.json -i hosts.json
	status 2
	equal "$(cat "$there/file")" old
	left 1
	sshd_stop "limited_$how"

	sshd_start "free_$how" "$line" || exit 99
	sshd_inventory hosts.json 1 "free_$how"
	it "a directory in the place of a file, a file in that of a directory ($how)"
	rm -rf "$there" && mkdir -p "$there/taken/file" && echo old >"$there/plain"
	play '{ "copy": { "content": "x", "dest": "{{ root_dir }}/taken/file", "force": true }, "ignore_errors": true, "register": "a" },
	  { "template": { "src": "t.j2", "dest": "{{ root_dir }}/plain/under" }, "ignore_errors": true, "register": "b" },
	  { "file": { "path": "{{ root_dir }}/plain", "state": "directory" }, "ignore_errors": true, "register": "c" },
	  { "copy": { "content": "x", "dest": "{{ root_dir }}/no/such/folder/file" }, "ignore_errors": true, "register": "d" },
	  { "lineinfile": { "path": "{{ root_dir }}/taken", "line": "x" }, "ignore_errors": true, "register": "e" },
	  { "assert": { "that": ["a is failed", "b is failed", "c is failed", "d is failed", "e is failed"] } }'
	echo x >t.j2
	neap run play.json -i hosts.json
	status 0
	equal "$(cat "$there/plain")" old
	left 3

	it "a program that runs is replaced, and runs on ($how)"
	rm -rf "$there" && mkdir "$there" && cp "$(command -v sleep)" "$there/program"
	"$there/program" 600 &
	program=$!
	play '{ "copy": { "content": "#!/bin/sh\necho new\n", "dest": "{{ root_dir }}/program", "mode": "0755" } }'
	neap run play.json -i hosts.json
	status 0
	equal "$("$there/program")" new
	kill -0 "$program" || fault "it has ended"
	kill "$program"
	wait "$program" 2>/dev/null
	left 1
done

it "where nothing may be executed from /tmp, scripts with an interpreter run"
if [ "$(id -u)" = 0 ] && unshare -m mount --bind /tmp /tmp 2>/dev/null; then
	printf '#!/bin/sh\n[ "$1" != -t ] || exec %s "$@"\nexec unshare -m sh -c '"'mount --make-rprivate / && mount --bind /tmp /tmp && mount -o remount,bind,noexec /tmp && exec %s \"\$@\"'"' sh "$@"\n' "$SSHD_BINARY" "$SSHD_BINARY" >isolated
	chmod +x isolated
	SSHD_BINARY=$WORK/isolated
	sshd_start noexec || exit 99
	sshd_inventory hosts.json 1 noexec
	printf '#!/bin/sh -e\necho "ran with $1"\n' >run.sh
	printf 'echo "ran without $1"\n' >plain.sh
	printf '#! /usr/bin/env  sh \necho "by env $1"\n' >env.sh
	play '{ "script": "run.sh it", "register": "a" }, { "script": "plain.sh it", "register": "b" }, { "script": "env.sh it", "register": "c" },
	  { "command": { "argv": ["sh", "-c", "cp /bin/true /tmp/.neap-noexec; /tmp/.neap-noexec; status=$?; rm -f /tmp/.neap-noexec; exit $status"] }, "register": "d", "failed_when": "d.rc != 126" },
	  { "assert": { "that": ["a.stdout_lines == [\"ran with it\"]", "b.stdout_lines == [\"ran without it\"]", "c.stdout_lines == [\"by env it\"]"] } }'
	neap run play.json -i hosts.json
	status 0
else
	e2e_name=
	it_skip "where nothing may be executed from /tmp, scripts with an interpreter run" "only root can have it so"
fi

echo '{ "all": { "vars": { "ansible_connection": "local" }, "hosts": { "h001": {} } } }' >local.json
it "a script is not left there, however it ends"
printf '#!/bin/sh\necho "$0" >>%s/paths\nexit $1\n' "$WORK" >tell.sh
play '{ "script": "tell.sh 0" }, { "script": "tell.sh 3", "ignore_errors": true }'
neap run play.json -i local.json
status 0
equal "$(wc -l <paths)" 2
while read -r path; do [ ! -e "$path" ] || fault "$path is still there"; done <paths

it "what follows a step that failed is not done"
mkdir -p library
echo 'return { name = "two_steps", doc = "A file, then a command.", args = { folder = { "path", required = true, doc = "where" } },
	decide = function(want) step.put{ path = want.folder .. "/absent/x", content = "x" } step.run{ "touch", want.folder .. "/after" } end,
	examples = { { "Both", [[{ "two_steps": { "folder": "/srv" } }]] } } }' >library/two_steps.lua
play "{ \"two_steps\": { \"folder\": \"$WORK\" } }"
neap run play.json -i local.json
status 2
[ ! -e after ] || fault "the command was run"
done_testing
