# What --check says would change is what then changes, task by task, with the same differences; it changes nothing itself.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_start plain "Subsystem none /bin/false" || exit 99
mkdir -p tree/sub
printf 'one\n' >tree/one
printf 'two\n' >tree/sub/two
printf 'lf\n' >"tree/a
b"

cat >play.json <<'END'
[{ "hosts": "all", "gather_facts": false, "vars": { "d": "{{ root_dir }}" }, "tasks": [
  { "name": "new folder", "file": { "path": "{{ d }}/new/deep", "state": "directory", "mode": "0750" } },
  { "name": "new file in it", "copy": { "content": "x=1\n", "dest": "{{ d }}/new/deep/conf" } },
  { "name": "edits the new file", "lineinfile": { "path": "{{ d }}/new/deep/conf", "regexp": "^x=", "line": "x=2" } },
  { "name": "sees the new file", "stat": { "path": "{{ d }}/new/deep/conf" }, "register": "conf" },
  { "name": "decides by it", "debug": { "msg": "there" }, "when": "conf.stat.exists and conf.stat.size == 4" },
  { "name": "sets a mode", "file": { "path": "{{ d }}/old", "mode": "0600" } },
  { "name": "has that mode already", "file": { "path": "{{ d }}/old", "mode": "u=rw,go=" } },
  { "name": "edits what has got a mode", "lineinfile": { "path": "{{ d }}/old", "line": "more" } },
  { "name": "has that mode still", "file": { "path": "{{ d }}/old", "mode": "0600" } },
  { "name": "edits what keeps its mode", "lineinfile": { "path": "{{ d }}/private", "line": "more" } },
  { "name": "has kept its mode", "file": { "path": "{{ d }}/private", "mode": "0640" } },
  { "name": "links a folder", "file": { "path": "{{ d }}/current", "src": "folder", "state": "link" } },
  { "name": "writes through the link", "copy": { "content": "t", "dest": "{{ d }}/current/through" } },
  { "name": "edits through the link", "lineinfile": { "path": "{{ d }}/current/inside", "line": "more" } },
  { "name": "finds it without the link", "file": { "path": "{{ d }}/folder/through", "mode": "0604" } },
  { "name": "copies a tree", "copy": { "src": "tree/", "dest": "{{ d }}/copy" } },
  { "name": "has that tree already", "copy": { "src": "tree/", "dest": "{{ d }}/copy" } },
  { "name": "copies it there", "copy": { "src": "{{ d }}/copy/", "dest": "{{ d }}/again", "remote_src": true } },
  { "name": "edits a file of the tree", "replace": { "path": "{{ d }}/copy/sub/two", "regexp": "two", "replace": "three" } },
  { "name": "closes the tree", "file": { "path": "{{ d }}/copy", "state": "directory", "recurse": true, "mode": "u=rwX,go=" } },
  { "name": "hard link", "file": { "path": "{{ d }}/hard", "src": "{{ d }}/old", "state": "hard" } },
  { "name": "removes", "file": { "path": "{{ d }}/doomed", "state": "absent" } },
  { "name": "is gone", "file": { "path": "{{ d }}/doomed", "state": "absent" } },
  { "name": "nothing is under it", "stat": { "path": "{{ d }}/doomed/file" }, "register": "doomed" },
  { "name": "decides by that", "debug": { "msg": "gone" }, "when": "not doomed.stat.exists" },
  { "name": "is made already", "command": { "cmd": "touch {{ d }}/never", "creates": "{{ d }}/new/deep/conf" } },
  { "name": "has an owner", "file": { "path": "{{ d }}/folder/through", "owner": "{{ owner }}" } },
  { "name": "has a group", "file": { "path": "{{ d }}/folder/through", "group": "{{ group }}" } },
  { "name": "has that group already", "file": { "path": "{{ d }}/folder/through", "group": "{{ gid }}" } },
  { "name": "fetches", "fetch": { "src": "{{ d }}/private", "dest": "fetched/", "flat": true } }
] }]
END

prepare() {
	sshd_inventory hosts.json 1 "$1"
	root=$SSHD_DIR/roots/h001
	rm -rf "$root"
	mkdir -p "$root/folder" "$root/doomed"
	echo old >"$root/old"
	echo in >"$root/folder/inside"
	echo file >"$root/doomed/file"
	(umask 027 && echo private >"$root/private")
}

# One line for each task: its name, what became of it, its differences without times.
tasks() {
	python3 - "$1" <<'END'
import json, sys
def plain(d):
    if isinstance(d, list): return [plain(x) for x in d]
    return {k: plain(v) for k, v in d.items() if k not in ("atime", "mtime", "ctime")} if isinstance(d, dict) else d
for play in json.load(open(sys.argv[1]))["plays"]:
    for task in play["tasks"]:
        for result in task["hosts"].values():
            said = {k: result.get(k, False) for k in ("changed", "failed", "skipped", "msg")}
            print(task["task"]["name"], said if task["task"]["name"] != "is made already" else "", json.dumps(plain(result.get("diff"))))
END
}

# Root may give files away; others can only keep them.
accounts="-e owner=$(id -un) -e group=$(id -gn) -e gid=$(id -g)"
[ "$(id -u)" != 0 ] || accounts="-e owner=daemon -e group=daemon -e gid=$(getent group daemon | cut -d: -f3)"

for server in loopback plain; do
	it "--check predicts the run ($server)"
	prepare "$server"
	find "$root" -printf '%p %i %m %T@ %C@\n' | sort >before
	neap run play.json -i hosts.json --check --diff --format json $accounts
	status 0
	tasks out >predicted
	find "$root" -printf '%p %i %m %T@ %C@\n' | sort >after
	cmp -s before after || fault "--check changed: $(diff before after | head -n 4)"
	neap run play.json -i hosts.json --diff --format json $accounts
	status 0
	tasks out >done
	equal "$(wc -l <done)" 30
	cmp -s predicted done || fault "predicted and done differ:
$(diff predicted done)"
done
done_testing
