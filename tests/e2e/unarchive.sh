# Archives of each kind, unpacked by the target's tools: once, and not again.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback

mkdir -p made files "in/top/s p"
echo one >in/top/a.txt
echo two >"in/top/s p/b'\$c.txt"
chmod 0750 in/top/a.txt
ln -s a.txt in/top/l
(cd in && tar cf ../files/t.tar top && tar czf ../files/t.tgz top)
kinds="tar tgz"
for kind in bzip2:-j:tbz xz:-J:txz zstd:--zstd:tzst zip::zip; do
	IFS=: read -r tool flag end <<END
$kind
END
	command -v "$tool" >/dev/null || continue
	[ "$tool" != zip ] || command -v unzip >/dev/null || continue
	if [ "$tool" = zip ]; then (cd in && zip -qry ../files/t.zip top); else (cd in && tar $flag -cf "../files/t.$end" top); fi
	kinds="$kinds $end"
done

for kind in $kinds; do
	cat >site.json <<END
[{"hosts": "all", "gather_facts": false, "tasks": [
  {"file": {"path": "$WORK/made/$kind", "state": "directory"}},
  {"unarchive": {"src": "t.$kind", "dest": "$WORK/made/$kind"}, "register": "first"},
  {"unarchive": {"src": "t.$kind", "dest": "$WORK/made/$kind"}, "register": "second"},
  {"unarchive": {"src": "$WORK/files/t.$kind", "dest": "$WORK/made/$kind", "remote_src": true, "list_files": true}, "register": "third"},
  {"copy": {"content": "other", "dest": "$WORK/made/$kind/top/a.txt"}},
  {"unarchive": {"src": "$WORK/files/t.$kind", "dest": "$WORK/made/$kind", "remote_src": true}, "register": "fourth"},
  {"assert": {"that": ["first.changed", "not second.changed", "not third.changed", "'top/l' in third.files", "fourth.changed"]}}]}]
END
	it "a $kind is unpacked once"
	neap run site.json -i hosts.json
	status 0
	same_files in "made/$kind"
done

it "nothing stays in the folder for temporary files"
equal "$(find /tmp -maxdepth 1 -name 'tmp.*' -newer files -exec test -e '{}/source' \; -print | wc -l)" 0

it "names, owners and modes are chosen"
cat >site.json <<END
[{"hosts": "all", "gather_facts": false, "tasks": [
  {"file": {"path": "$WORK/made/{{ item }}", "state": "directory"}, "loop": ["in", "ex", "strip"]},
  {"unarchive": {"src": "t.tgz", "dest": "$WORK/made/in", "include": ["top/a.txt"], "mode": "0600"}},
  {"unarchive": {"src": "t.tgz", "dest": "$WORK/made/ex", "exclude": ["top/s p/", "l"]}},
  {"unarchive": {"src": "t.tgz", "dest": "$WORK/made/strip", "extra_opts": ["--strip-components=1"]}},
  {"unarchive": {"src": "t.tgz", "dest": "$WORK/made/strip", "extra_opts": ["--strip-components=1"]}, "register": "again"},
  {"assert": {"that": "not again.changed"}}]}]
END
neap run site.json -i hosts.json
status 0
equal "$(stat -c %a made/in/top/a.txt)" 600
equal "$(cd made/in && find . -type f)" ./top/a.txt
equal "$(cd made/ex && find . ! -type d)" ./top/a.txt
equal "$(cat made/strip/a.txt)" one

it "what is no archive is refused"
echo junk >files/junk
echo '[{"hosts": "all", "gather_facts": false, "tasks": [{"unarchive": {"src": "junk", "dest": "/tmp"}}]}]' >site.json
neap run site.json -i hosts.json
status 2
output_has "Failed to find handler for"
done_testing
