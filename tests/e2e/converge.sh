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
done_testing
