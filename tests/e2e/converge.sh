# Tasks that change what others look at: what each finds is what is there when its turn comes.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory one.json 1 loopback
root=$SSHD_DIR/roots/h001

# play TASKS: for all hosts.
play() { printf '[{"hosts": "all", "gather_facts": false, "tasks": [%s]}]\n' "$1" >play.json; }
line() { printf '{"lineinfile": {"path": "%s", "line": "%s"}}' "$1" "$2"; }

it "knows a file that was changed by another of its names"
echo base >"$root/real"
ln -s real "$root/link"
ln -s . "$root/way"
ln "$root/real" "$root/hard"
play "$(line "$root/real" one), $(line "$root/link" two), $(line "$root/way/real" three), $(line "$root//real" four),
	$(line "$root/./link" five), $(line "$root/real" six), {\"file\": {\"path\": \"$root/real\", \"mode\": \"0640\"}},
	{\"file\": {\"path\": \"$root/way/real\", \"mode\": \"0640\"}}"
neap run play.json -i one.json
status 0
equal "$(tr '\n' ' ' <"$root/real")" "base one two three four five six "
recap h001 changed=7 ok=8
neap run play.json -i one.json
recap h001 changed=0 ok=8

it "knows attributes that were changed by another name of a file"
rm -f "$root"/*
echo text >"$root/a"
chmod 0600 "$root/a"
ln "$root/a" "$root/b"
play "{\"file\": {\"path\": \"$root/a\", \"mode\": \"0644\"}}, {\"file\": {\"path\": \"$root/b\", \"mode\": \"0600\"}}"
neap run play.json -i one.json
recap h001 changed=2
equal "$(stat -c %a "$root/a")" 600

# first_trips PLAYBOOK: the round trips of a run, as the proxy counts them; a delay keeps the packets of one flight together.
first_trips() {
	proxy_start "$SSHD_PORT" -d 15
	sshd_inventory far.json 1 loopback "$PROXY_PORT"
	neap run "$1" -i far.json
	proxy_stop
	TRIPS=$(($(sed -n 's/.* turns \([0-9]*\).*/\1/p' "$PROXY_LOG") / 2))
}

it "needs less than one round trip for each task that changes something, where tasks do not depend on each other"
rm -rf "$root"/*
echo '{{ inventory_hostname }}' >word.j2
python3 -c '
import json, sys
root, tasks = sys.argv[1], []
for i in range(10):
    tasks += [{"copy": {"dest": f"{root}/copied{i}", "content": f"copy {i}\n", "mode": "0644"}},
              {"template": {"src": "word.j2", "dest": f"{root}/template{i}", "owner": "{{ ansible_user }}"}},
              {"lineinfile": {"path": f"{root}/lines{i % 3}", "line": f"line {i}", "create": True}}]
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))' "$root" >tasks.json
first_trips tasks.json
echo "# a first converge of 30 tasks: $TRIPS round trips"
status 0
recap h001 ok=30 changed=30
equal "$(cat "$root/copied7" "$root/template9" "$root/lines1")" "copy 7
h001
line 1
line 4
line 7"
less "$TRIPS" 30 "round trips: "
neap run tasks.json -i one.json
recap h001 ok=30 changed=0

it "needs no more for folders, links, touched files and attributes"
python3 -c '
import json, sys
root, tasks = sys.argv[1], []
for i in range(4):
    tasks += [{"file": {"path": f"{root}/folder{i}/inner", "state": "directory", "mode": "0750"}},
              {"file": {"path": f"{root}/folder{i}/link", "state": "link", "src": "inner"}},
              {"file": {"path": f"{root}/folder{i}/touched", "state": "touch"}},
              {"file": {"path": f"{root}/copied{i}", "mode": "0600"}},
              {"file": {"path": f"{root}/template{i}", "state": "absent"}}]
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))' "$root" >files.json
first_trips files.json
echo "# 20 tasks on files: $TRIPS round trips"
status 0
recap h001 ok=20 changed=20
equal "$(cd "$root" && stat -c '%n %a' folder3 folder3/inner copied3 && readlink folder3/link && ls template* | wc -l)" "folder3 750
folder3/inner 750
copied3 600
inner
6"
less "$TRIPS" 30 "round trips: "

it "starts four programs on the target for each file that it writes, one for each folder, and a handful where nothing is to do"
rm -rf "$root"/*
mkdir count
for tool in stat sha1sum cat head readlink find ls chmod chown chgrp sync mv rm mkdir touch ln dd sed busybox; do
	printf '#!/bin/sh\necho %s >>%s/calls\nPATH=${PATH#*:} exec %s "$@"\n' "$tool" "$WORK" "$tool" >count/$tool
	chmod +x count/$tool
done
printf '#!/bin/sh\nPATH=%s/count:$PATH exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n' "$WORK" >counted.sh
chmod +x counted.sh
sshd_start counted "ForceCommand $WORK/counted.sh" || exit 99
sshd_inventory counted.json 1 counted
python3 -c '
import json, sys
root, tasks = sys.argv[1], []
for i in range(10):
    tasks += [{"copy": {"dest": f"{root}/copied{i}", "content": f"copy {i}\n", "mode": "0644"}},
              {"template": {"src": "word.j2", "dest": f"{root}/template{i}", "mode": "0600"}},
              {"lineinfile": {"path": f"{root}/lines{i}", "line": f"line {i}", "create": True, "mode": "0640"}},
              {"file": {"path": f"{root}/folder{i}", "state": "directory", "mode": "0750"}}]
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))' "$root" >written.json
neap run written.json -i counted.json
status 0
recap h001 ok=40 changed=40
equal "$(sort calls | uniq -c | awk '$2 ~ /^(chmod|mkdir|mv|sha1sum|sync)$/ { printf "%s ", $2 $1 }')" "chmod30 mkdir10 mv30 sha1sum30 sync30 "
less "$(grep -c . calls)" 160 "programs: "
rm calls
neap run written.json -i counted.json
status 0
recap h001 ok=40 changed=0
less "$(grep -c . calls)" 8 "programs where nothing is to do: "

it "needs no more where there are loops between the tasks, longer than a flight"
rm -rf "$root"/*
python3 -c '
import json, sys
root, tasks = sys.argv[1], []
for i in range(10):
    tasks += [{"copy": {"dest": f"{root}/copied{i}", "content": f"copy {i}\n", "mode": "0644"}},
              {"file": {"path": "%s/folder%d-{{ item }}" % (root, i), "state": "directory"}, "loop": ["a", "b", "c"], "when": "item != \"b\""},
              {"template": {"src": "word.j2", "dest": f"{root}/template{i}"}}]
tasks += [{"copy": {"dest": "%s/many{{ item }}" % root, "content": "{{ item }}\n"}, "loop": "{{ range(100) | list }}"},
          {"copy": {"dest": "%s/mixed-{{ item }}" % root, "content": "{{ item }}\n"}, "loop": "{{ range(100) | shuffle }}"}]
print(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))' "$root" >loops.json
first_trips loops.json
echo "# 30 tasks with loops between them, and two loops of 100: $TRIPS round trips"
status 0
recap h001 ok=32 changed=32
equal "$(find "$root" -name 'many*' | wc -l) $(find "$root" -name 'mixed-*' | wc -l) $(find "$root" -type d -name 'folder*' | wc -l)" "100 100 20"
less "$TRIPS" 30 "round trips: "
neap run loops.json -i one.json
recap h001 ok=32 changed=0

it "needs no more than 2 for each task whose result the next one may look at"
rm -rf "$root"/*
sed 's/"copy":/"register": "r", "copy":/g; s/"template":/"register": "r", "template":/g; s/"lineinfile":/"register": "r", "lineinfile":/g' tasks.json >registered.json
first_trips registered.json
echo "# 30 tasks that register their results: $TRIPS round trips"
status 0
recap h001 ok=30 changed=30
less "$TRIPS" 60 "round trips: "

it "does and tells what one task after the other does and tells"
python3 - <<'PY'
import json
def tasks(register):
    at = "{{ root_dir }}/"
    list = [
        {"file": {"path": at + "site/inner", "state": "directory", "mode": "0750"}},
        {"copy": {"dest": at + "site/index", "content": "index of {{ inventory_hostname }}\n"}},
        {"copy": {"dest": at + "top", "content": "it's \"quoted\" $(id) \\ %s"}, "notify": "h"},
        {"template": {"src": "word.j2", "dest": at + "site/word", "mode": "0600"}},
        {"lineinfile": {"path": at + "site/index", "line": "second"}},
        {"lineinfile": {"path": at + "site/index", "line": "third", "insertafter": "^index"}},
        {"blockinfile": {"path": at + "block", "block": "a\nb", "create": True}},
        {"replace": {"path": at + "top", "regexp": "quoted", "replace": "replaced"}},
        {"file": {"path": at + "nothing", "state": "file"}, "ignore_errors": True},
        {"copy": {"dest": at + "no/such/folder", "content": "x"}, "ignore_errors": True},
        {"file": {"path": at + "link", "state": "link", "src": "top"}},
        {"copy": {"dest": at + "link", "content": "through\n", "follow": True}},
        {"file": {"path": at + "hard", "state": "hard", "src": at + "top"}},
        {"file": {"path": at + "bad", "state": "hard", "src": "/proc/version"}, "ignore_errors": True},
        {"copy": {"dest": at + "behind", "content": "done\n", "mode": "0640"}},
        {"file": {"path": at + "hard", "mode": "0604"}},
        {"file": {"path": at + "top", "mode": "0600"}},
        {"file": {"path": at + "items/{{ item }}", "state": "directory"}, "loop": ["b", "a", "a/c"]},
        {"copy": {"dest": at + "items/{{ item }}", "content": "{{ item }}\n"}, "loop": [1, "a", 3], "ignore_errors": True},
        {"file": {"path": at + "site/inner", "state": "absent"}},
        {"file": {"path": at + "site", "state": "absent"}},
        {"copy": {"dest": at + "site", "content": "a file now\n"}},
        {"file": {"path": at + "touched", "state": "touch"}, "changed_when": False},
        {"copy": {"dest": at + "never", "content": "x"}, "when": "false"},
        {"block": [{"copy": {"dest": at + "in1", "content": "1"}}, {"file": {"path": at + "bad", "state": "hard", "src": "/proc/version"}},
                   {"copy": {"dest": at + "in2", "content": "2"}}],
         "rescue": [{"copy": {"dest": at + "rescued", "content": "r"}}, {"file": {"path": at + "in1", "state": "absent"}}]},
        {"copy": {"dest": at + "last", "content": "l"}}, {"file": {"path": at + "bad", "state": "hard", "src": "/proc/version"}},
        {"copy": {"dest": at + "beyond", "content": "x"}},
    ]
    def each(list):
        for task in list:
            for key in ("block", "rescue"):
                each(task.get(key, []))
            if register and "block" not in task:
                task["register"] = "r"
    each(list)
    return [{"hosts": "all", "gather_facts": False, "force_handlers": True, "tasks": list,
             "handlers": [{"name": "h", "copy": {"dest": at + "handled", "content": "h"}}]}]
for name in "single", "joined":
    json.dump(tasks(name == "single"), open(name + ".json", "w"))
PY
for options in "" "--diff"; do
	for way in single joined; do
		rm -rf "$root"/* "$way.tree"
		neap run $way.json -i one.json $options
		status 2
		grep -v '^    at: ' out >"$way.out"
		cp -a "$root" "$way.tree"
	done
	cmp single.out joined.out || fault "they tell different things: $(diff single.out joined.out | head -n 20)"
	same_files single.tree joined.tree
	[ ! -e "$root/beyond" ] && [ ! -e "$root/in2" ] || fault "it went on behind a failure"
	equal "$(find "$root" -name '.*' ! -path "$root" | wc -l)" 0
done

it "decides by files of this machine as they are when a task's turn comes, where it is the target too"
rm -rf "$root"/*
echo old >"$root/source"
play "{\"copy\": {\"dest\": \"$root/source\", \"content\": \"new\\n\"}}, {\"copy\": {\"src\": \"$root/source\", \"dest\": \"$root/by_src\"}},
	{\"copy\": {\"dest\": \"$root/made\", \"content\": \"x\"}}, {\"copy\": {\"dest\": \"$root/by_test\", \"content\": \"{{ '$root/made' is exists }}\"}},
	{\"copy\": {\"dest\": \"$root/text\", \"content\": \"t\"}}, {\"copy\": {\"dest\": \"$root/by_lookup\", \"content\": \"{{ lookup('file', '$root/text') }}\"}},
	{\"copy\": {\"dest\": \"$root/t.j2\", \"content\": \"rendered\"}}, {\"template\": {\"src\": \"$root/t.j2\", \"dest\": \"$root/by_template\"}}"
for connection in ssh local; do
	neap run play.json -i one.json -c "$connection"
	status 0
	equal "$(cat "$root/by_src" "$root/by_test" "$root/by_lookup" "$root/by_template" | tr '\n' ' ')" "new Truetrendered"
	rm -rf "$root"/by_* "$root/made" "$root/text" "$root/t.j2"
	echo old >"$root/source"
done

it "lets no host go ahead of another under linear"
sshd_inventory two.json 2 loopback
rm -rf "$root"/* "$SSHD_DIR/roots/h002"/*
play '{"copy": {"dest": "{{ root_dir }}/first", "content": "1"}}, {"copy": {"dest": "{{ root_dir }}/second", "content": "2"}}'
neap run play.json -i two.json
status 0
for host in h001 h002; do
	for other in h001 h002; do
		[ ! "$SSHD_DIR/roots/$host/second" -ot "$SSHD_DIR/roots/$other/first" ] || fault "$host was ahead of $other"
	done
done

it "stops exactly where a step fails, and leaves nothing beside what was written"
rm -rf "$root"/*
mkdir "$root/taken"
play "{\"copy\": {\"dest\": \"$root/one\", \"content\": \"1\"}}, {\"copy\": {\"dest\": \"$root/two\", \"content\": \"2\", \"owner\": \"4294967294\"}},
	{\"copy\": {\"dest\": \"$root/three\", \"content\": \"3\"}}"
neap run play.json -i one.json
if [ "$(id -u)" = 0 ]; then status 0; else
	status 2
	recap h001 ok=1 changed=1 failed=1
	equal "$(ls -A "$root" | tr '\n' ' ')" "one taken "
fi
play "{\"copy\": {\"dest\": \"$root/four\", \"content\": \"4\"}}, {\"file\": {\"path\": \"$root/five\", \"state\": \"hard\", \"src\": \"/proc/version\"}},
	{\"copy\": {\"dest\": \"$root/six\", \"content\": \"6\"}}"
neap run play.json -i one.json
status 2
recap h001 ok=1 changed=1 failed=1
equal "$(cat "$root/four")" 4
[ ! -e "$root/six" ] || fault "it went on behind a failure"
equal "$(ls -A "$root" | grep -c '^\.')" 0
done_testing
