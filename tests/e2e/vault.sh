# Ansible Vault: neap vault and ansible-vault read each other; playbooks with sealed files and values; secrets show nowhere.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback

# In python of the system, whatever pyenv is there.
ansible_vault() { env HOME="$SSHD_DIR/home" PATH=/usr/bin:/bin ansible-vault "$@" 2>>"$WORK/ansible.err"; }
mode_of() { stat -c %a "$1"; }

printf 'secretpw\n' >pw
printf '  another one\n\n' >pw2
printf '#!/bin/sh\n[ "$1 $2" = "--vault-id dev" ] && echo secretpw && exit\necho "who is $2?" >&2; exit 2\n' >my-client.sh
printf '#!/bin/sh\necho secretpw\n' >program
chmod +x my-client.sh program
printf 'a: "plain"\n\377\000binary' >plain

if command -v ansible-vault >/dev/null; then
	it "what ansible-vault seals, neap opens: 1.1, 1.2, binary"
	cp plain a && cp plain b
	ansible_vault encrypt --vault-password-file pw a || fault "ansible-vault failed"
	ansible_vault encrypt --vault-id dev@pw b || fault "ansible-vault failed"
	neap vault view --vault-password-file pw a
	status 0
	cmp -s out plain || fault "a differs"
	neap vault view --vault-id prod@pw2 --vault-id other@program b
	status 0
	cmp -s out plain || fault "b differs"

	it "what neap seals, ansible-vault opens: files, ids, standard input"
	cp plain a && cp plain b
	neap vault encrypt --vault-password-file program a
	status 0
	neap vault encrypt --vault-id dev@my-client.sh b
	status 0
	equal "$(head -n 1 a) $(head -n 1 b)" '$ANSIBLE_VAULT;1.1;AES256 $ANSIBLE_VAULT;1.2;AES256;dev'
	for file in a b; do
		ansible_vault decrypt --output - --vault-id dev@pw "$file" >out || fault "ansible-vault failed"
		cmp -s out plain || fault "$file differs"
	done
	"$NEAP" vault encrypt --vault-password-file pw <plain | ansible_vault decrypt --vault-password-file pw >out
	cmp -s out plain || fault "standard input differs"

	it "passwords are cut to size as Ansible cuts them"
	cp plain a
	ansible_vault encrypt --vault-password-file pw2 a || fault "ansible-vault failed"
	neap vault view --vault-password-file pw2 a
	status 0

	it "single values go both ways"
	neap vault encrypt-string --vault-id dev@pw --format yaml --name word 'it is "so"'
	status 0
	cp out values.yml
	equal "$(env HOME="$SSHD_DIR/home" PATH=/usr/bin:/bin ansible localhost -m debug -a var=word -e @values.yml --vault-id dev@pw 2>/dev/null | grep word)" '    "word": "it is \"so\""'
	ansible_vault encrypt_string --vault-password-file pw --name word 'it is "so"' >values.yml
	echo '[{"hosts": "all", "gather_facts": false, "vars_files": ["values.yml"], "tasks": [{"assert": {"that": ["word == '"'it is \\\\\"so\\\\\"'"'"]}}]}]' >site.json
	neap run site.json -i hosts.json --vault-password-file pw
	status 0
else
	it_skip "ansible-vault and neap read each other" "ansible-vault is not installed"
fi

it "a file keeps its mode, and is the link's target where it is a link"
cp plain real && chmod 640 real && ln -s real link
neap vault encrypt --vault-password-file pw link
equal "$(mode_of real) $(test -L link && echo link)" "640 link"
neap vault rekey --vault-password-file pw --new-vault-id prod@pw2 link
status 0
equal "$(mode_of real) $(head -n 1 real)" '640 $ANSIBLE_VAULT;1.2;AES256;prod'
neap vault decrypt --vault-password-file pw2 link
status 0
cmp -s real plain || fault "it differs"
equal "$(mode_of real) $(ls -A | grep -c '^\.')" "640 0"
neap vault encrypt --vault-password-file pw --output new plain
equal "$(mode_of new)" 600

it "a wrong password, a missing one and a harmed file are refused, and the file stays"
cp new before
neap vault decrypt --vault-password-file pw2 new
status 1
said 'none of the vault secrets ("default") opens it'
neap vault decrypt new
status 5
said "no terminal to ask on"
sed '3s/^./0/;3s/^\(.\)./\10/;4s/^./1/' new >harmed
neap vault decrypt --vault-password-file pw harmed
status 1
cmp -s new before || fault "the file was changed"
neap vault encrypt --vault-password-file pw new
said "it is sealed already"
neap vault encrypt --vault-id a@pw --vault-id b@pw2 plain
status 5
said "--encrypt-vault-id"

it "edit works on a private copy that is gone afterwards, with all the editor leaves beside it"
printf '#!/bin/sh\nfolder=$(dirname "$1")\nstat -c "%%a %%n" "$folder" "$1" >%s/seen\ncp "$1" "$1~"\nmkdir "$folder/more" && cp "$1" "$folder/more/.swp"\nprintf "edited\\n" >>"$1"\nexit "${EDITOR_STATUS:-0}"\n' "$WORK" >editor
chmod +x editor
printf 'first\n' >text.yml
neap vault encrypt --vault-id dev@pw text.yml
EDITOR="$WORK/editor" neap vault edit --vault-id dev@pw text.yml
status 0
equal "$(cut -d ' ' -f 1 seen | tr '\n' ' ')" "700 600 "
case "$(tail -n 1 seen)" in *.yml) ;; *) fault "the editor does not see the extension" ;; esac
[ ! -e "$(head -n 1 seen | cut -d ' ' -f 2)" ] || fault "the folder is still there"
neap vault view --vault-id dev@pw text.yml
equal "$(cat out)" "first
edited"
equal "$(head -n 1 text.yml)" '$ANSIBLE_VAULT;1.2;AES256;dev'

it "an editor that fails changes nothing and leaves nothing"
cp text.yml before
EDITOR_STATUS=3 EDITOR="$WORK/editor" neap vault edit --vault-id dev@pw text.yml
status 1
cmp -s text.yml before || fault "the file was changed"
[ ! -e "$(head -n 1 seen | cut -d ' ' -f 2)" ] || fault "the folder is still there"

it "an editor that crashes, or is left by Ctrl-C, changes nothing and leaves nothing"
for signal in SEGV KILL INT; do
	printf '#!/bin/sh\ndirname "$1" >%s/seen\necho half >>"$1"\nkill -%s $$\n' "$WORK" "$signal" >crashing
	chmod +x crashing
	EDITOR="$WORK/crashing" neap vault edit --vault-id dev@pw text.yml
	status 1
	cmp -s text.yml before || fault "the file was changed after $signal"
	[ ! -e "$(cat seen)" ] || fault "the folder is still there after $signal"
done

it "a signal during edit leaves nothing"
printf '#!/bin/sh\ndirname "$1" >%s/seen.new\nmv %s/seen.new %s/seen\nexec sleep 60\n' "$WORK" "$WORK" "$WORK" >slow_editor
chmod +x slow_editor
rm -f seen
EDITOR="$WORK/slow_editor" "$NEAP" vault edit --vault-id dev@pw text.yml 2>/dev/null &
pid=$!
while [ ! -s seen ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
kill -TERM "$pid"
wait "$pid"
equal $? 99
[ -s seen ] && [ ! -e "$(cat seen)" ] || fault "the folder is still there"

# answer ANSWER... -- COMMAND...: runs it on a terminal of its own, where each answer is typed at the next prompt; fills out.
answer() {
	python3 - "$@" >out 2>err <<'END_OF_FILE'
import os, pty, sys
cut = sys.argv.index("--")
answers = [a.encode() + b"\n" for a in sys.argv[1:cut]]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[cut + 1], sys.argv[cut + 1:])
seen = b""
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        got = b""
    if not got:
        break
    seen += got
    if seen.endswith(b": ") and answers:
        os.write(fd, answers.pop(0))
        seen += b"|"
print(seen.decode("latin-1"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END_OF_FILE
	STATUS=$?
}

it "passwords are asked for on the terminal, twice for a new one, and are not echoed"
printf 'asked\n' >asked
answer typed typed -- "$NEAP" vault encrypt --vault-id dev@prompt asked
status 0
output_has "New vault password (dev): "
output_has "Confirm new vault password (dev): "
output_lacks typed
answer typed -- "$NEAP" vault view --ask-vault-pass asked
status 0
output_has "Vault password: "
output_has asked
answer typed tipped -- "$NEAP" vault encrypt plain
status 5
output_has "the two vault passwords differ"
answer secretpw bare hidden -- "$NEAP" vault encrypt-string --vault-id a@prompt --vault-id b@pw --encrypt-vault-id b -p
output_lacks hidden

it "create makes a new file and does not touch one that is there"
EDITOR="$WORK/editor" neap vault create --vault-password-file pw created.json
status 0
equal "$(mode_of created.json)" 600
neap vault view --vault-password-file pw created.json
equal "$(cat out)" edited
EDITOR="$WORK/editor" neap vault create --vault-password-file pw created.json
status 1
said "is there already"

# ---- playbooks ----

seal() { neap vault encrypt --vault-password-file pw "$@"; [ "$STATUS" = 0 ] || fault "sealing $*: $(cat err)"; }
# sealed TEXT: it as a value in JSON, on one line.
sealed() { printf '%s' "$1" | "$NEAP" vault encrypt-string --vault-password-file pw | tr '\n' ' '; }

it "sealed group_vars, vars files, values, sources of copy, template and script"
mkdir -p group_vars files/tree templates
echo '{"from_group": "group secret"}' >group_vars/all.json
echo '{"from_file": "file secret of {{ inventory_hostname }}"}' >vars.json
printf 'file content\n' >files/one && cp files/one files/tree/inner && printf 'open\n' >files/tree/open
printf 'rendered for {{ inventory_hostname }}\n' >templates/t.j2
printf '#!/bin/sh\necho script ran with "$1"\n' >files/run.sh
seal group_vars/all.json vars.json files/one files/tree/inner templates/t.j2 files/run.sh
printf '[{"hosts": "all", "gather_facts": false, "vars_files": ["vars.json"], "vars": {"root": "%s", "single": %s, "many": [%s], "unused": {"__ansible_vault": "nonsense"}}, "tasks": [
 {"assert": {"that": ["from_group == (%s)", "from_file == \\"file secret of h001\\"", "single == \\"no {\\" ~ \\"{ template }}\\"", "many[0] ~ many | length == \\"in a list1\\""]}},
 {"copy": {"src": "one", "dest": "{{ root }}/to-one", "mode": "0600"}},
 {"copy": {"src": "one", "dest": "{{ root }}/to-one-sealed", "decrypt": false}},
 {"copy": {"src": "tree/", "dest": "{{ root }}/to-tree"}},
 {"copy": {"content": "{{ single }}", "dest": "{{ root }}/to-content"}},
 {"template": {"src": "t.j2", "dest": "{{ root }}/to-template"}},
 {"script": "run.sh word", "register": "ran", "changed_when": false},
 {"assert": {"that": ["ran.stdout_lines[0] == \\"script ran with word\\""]}}]}]' "$WORK" "$(sealed 'no {{ template }}')" "$(sealed 'in a list')" "\\\"group secret\\\"" >site.json
neap run site.json -i hosts.json --vault-password-file pw
status 0
equal "$(cat to-one) $(cat to-tree/inner to-tree/open | tr '\n' ' ')$(cat to-content) $(cat to-template)" "file content file content open no {{ template }} rendered for h001"
equal "$(head -c 14 to-one-sealed)" '$ANSIBLE_VAULT'

it "a second run changes nothing, and asks nothing of what is not used"
neap run site.json -i hosts.json --vault-password-file pw
status 0
recap h001 changed=0 failed=0

it "sealed values as arguments, connection variables, environment, loop items; lookups open files"
printf '{"all": {"hosts": {"here": {"ansible_connection": "local", "ansible_user": %s, "port": %s}}}}' "$(sealed root)" "$(sealed 8080)" >sealed_hosts.json
printf 'looked up' >looked && seal looked
printf '[{"hosts": "all", "gather_facts": false, "vars": {"d": {"a": %s, "b": "{{ other }}"}, "other": %s}, "environment": {"TOKEN": %s}, "tasks": [
 {"file": {"path": %s, "state": "touch", "mode": %s}},
 {"shell": "test \"$TOKEN\" = token && echo {{ d.b }}", "register": "r"},
 {"set_fact": {"kept": "{{ d }}"}},
 {"assert": {"that": ["r.stdout == other", "kept.a == \"inner\"", "kept.b == other", "hostvars.here.port | int == 8080"]}},
 {"assert": {"that": ["item == \"first\""]}, "loop": [%s]},
 {"assert": {"that": ["lookup(\"file\", \"looked\") == \"looked \" ~ \"up\""]}}]}]' "$(sealed inner)" "$(sealed another)" "$(sealed token)" "$(sealed "$WORK/touched")" "$(sealed 0640)" "$(sealed first)" >everywhere.json
neap run everywhere.json -i sealed_hosts.json --vault-password-file pw
status 0
equal "$(mode_of touched)" 640

it "without the secret the files are named, and nothing runs"
neap run site.json -i hosts.json
status 1
said "vars.json: error: it is sealed by Ansible Vault and no vault secret was given"
output_lacks PLAY

it "a value that cannot be opened is an error with its place, only where it is used"
printf '[{"hosts": "all", "gather_facts": false,\n "vars": {"bad": %s},\n "tasks": [{"debug": {"msg": "fine"}}, {"debug": {"msg": "{{ bad }}"}}]}]' "$(sealed secret)" >bad.json
rm group_vars/all.json
neap run bad.json -i hosts.json --vault-password-file pw2
status 2
output_has "bad.json:2:18: this value: none of the vault secrets"
recap h001 ok=1 failed=1

it "a source of copy that cannot be opened fails its task"
printf '[{"hosts": "all", "gather_facts": false, "tasks": [{"copy": {"src": "one", "dest": "%s/never"}}]}]' "$WORK" >bad.json
neap run bad.json -i hosts.json --vault-password-file pw2
status 2
output_has "none of the vault secrets"
[ ! -e never ] || fault "it was written"

it "templates seal and open by a password of their own, as Ansible does; what they open is masked"
printf 'unsealed text  ' >looked && seal looked
printf '{"from_included": "included secret"}' >included.json && seal included.json
printf 'of ansible' >of_ansible
if command -v ansible-vault >/dev/null; then
	ansible_vault encrypt --vault-password-file pw2 of_ansible || fault "ansible-vault failed"
else
	neap vault encrypt --vault-password-file pw2 of_ansible
fi
cat >filters.json <<'END_OF_FILE'
[{"hosts": "all", "gather_facts": false, "vars": {"other": "another one", "salt": "abcdefghijklmnopqrstuvwxyz012345", "raw": "{{ lookup('pipe', 'cat of_ansible') }}"}, "tasks": [
 {"assert": {"that": ["lookup('unvault', 'looked') == 'unsealed text  '", "raw | unvault(other) == 'of ansible'", "'open' | unvault(other) == 'open'",
  "('x y' | vault('k')) | unvault('k') == 'x y'", "('x' | vault('k', salt)) == ('x' | vault('k', salt))",
  "('x' | vault('k')).startswith('$ANSIBLE_VAULT;1.2;AES256;filter_default')", "('x' | vault('k', vaultid='a')).split()[0] == '$ANSIBLE_VAULT;1.2;AES256;a'"]}},
 {"debug": {"msg": "it is <{{ raw | unvault(other) }}>"}},
 {"include_vars": "included.json"}, {"assert": {"that": ["from_included == 'included ' ~ 'secret'"]}}, {"debug": {"var": "from_included"}},
 {"debug": {"msg": "{{ 'x' | vault('k') | unvault('wrong') }}"}, "ignore_errors": true},
 {"copy": {"content": "{{ 'for ansible' | vault(other, vaultid='default') }}", "dest": "sealed_here"}, "delegate_to": "localhost"}]}]
END_OF_FILE
neap run filters.json -i hosts.json -v --vault-password-file pw
status 0
output_has 'it is <********>'
output_has 'none of the vault secrets'
output_lacks 'of ansible'
output_lacks 'included secret'
neap vault view --vault-password-file pw2 sealed_here
equal "$(cat out)" "for ansible"
if command -v ansible-vault >/dev/null; then
	equal "$(ansible_vault view --vault-password-file pw2 sealed_here)" "for ansible"
fi

it "a sealed playbook, inventory and extra variables"
printf '[{"hosts": "all", "gather_facts": false, "tasks": [{"assert": {"that": ["x == 1", "y == 2"]}}]}]' >whole.json
printf '[all]\nlocalhost ansible_connection=local y=2\n' >hosts.ini
echo '{"x": 1}' >extra.json
seal whole.json hosts.ini extra.json
neap run whole.json -i hosts.ini -e @extra.json --vault-password-file pw
status 0
neap inventory -i hosts.ini --host localhost --vault-password-file pw
output '    "y": 2'

# ---- canaries ----

key='-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABC4
cAnAryKeYmAteriAlThatMustNotBeSeenAnywhereInAnyOutputOfTheRun0000
-----END OPENSSH PRIVATE KEY-----'
quoted='ca"na'"'"'ry%s<&>
second li\ne'
# canary NAME VALUE PIECE...: sealed as a value, in a vars file and as a file; no piece shows in any output.
canary() {
	canary_name=$1 canary_value=$2
	shift 2
	it "a sealed secret shows nowhere: $canary_name"
	printf '%s' "$canary_value" | python3 -c 'import json, sys; json.dump({"filed": sys.stdin.read()}, open("secret.json", "w"))'
	printf '%s\n' "$canary_value" >files/secret
	seal secret.json files/secret
	rm -f "$WORK"/to-canary*
	printf '[{"hosts": "all", "gather_facts": false, "vars_files": ["secret.json"], "vars": {"root": "%s", "single": %s}, "tasks": [
 {"name": "a name with {{ single }}", "debug": {"var": "single"}},
 {"debug": {"msg": "<{{ filed }}> {{ filed | to_json }} {{ filed | b64encode }} {{ filed | urlencode }} {{ filed | quote }}"}},
 {"command": {"argv": ["printf", "%%%%s", "{{ single }}"]}, "register": "r", "changed_when": false},
 {"debug": {"var": "r"}}, {"debug": {"msg": "{{ item }}"}, "loop": ["{{ single }}", "{{ filed }}"]},
 {"set_fact": {"kept": "{{ filed }}"}}, {"debug": {"var": "kept"}},
 {"copy": {"content": "{{ single }}\\n", "dest": "{{ root }}/to-canary1"}},
 {"copy": {"src": "secret", "dest": "{{ root }}/to-canary2"}},
 {"command": {"argv": ["sh", "-c", "printf %%%%s \\"$1\\" >&2; exit 3", "sh", "{{ filed }}"]}, "ignore_errors": true},
 {"fail": {"msg": "because of {{ single }}"}}]}]' "$WORK" "$(sealed "$canary_value")" | sed 's/%%/%/g' >canary.json
	for how in "" "-vvvv" "--check --diff" "--format json -vvvv" "--format jsonl -vvvv" "--diff -vvvv" "--check --diff --format json"; do
		# shellcheck disable=SC2086
		neap run canary.json -i hosts.json --vault-password-file pw $how
		status 2
		for piece; do
			! grep -qF -- "$piece" out err || fault "with ${how:-no options}: $piece shows: $(grep -F -m 1 -- "$piece" out err)"
		done
	done
	[ -e to-canary2 ] || fault "the secret did not arrive"
	equal "$(cat to-canary2)" "$canary_value"
	equal "$(cat to-canary1)" "$canary_value"
}
canary "plain letters" canaryseven canaryseven Y2FuYXJ5c2V2ZW4 "$(printf secretpw)"
canary "quotes, newline, percent, less-than" "$quoted" 'ca"na' 'ry%s<' 'second li' 'ca%22na' 'ca\"na'
canary "a PEM key" "$key" b3BlbnNzaC1rZXktdjE cAnAryKeY BeSeenAnywhere
canary "three letters" qzx "qzx"

it "tasks that are sealed are included as they are imported"
echo '[{ "debug": { "msg": "sealed task" } }]' >tasks.json
"$NEAP" vault encrypt --vault-password-file pw tasks.json
echo '[{ "hosts": "all", "gather_facts": false, "tasks": [{ "include_tasks": "tasks.json" }, { "import_tasks": "tasks.json" }] }]' >including.json
neap run including.json -i hosts.json --vault-password-file pw
status 0
recap h001 ok=3
neap run including.json -i hosts.json
status 1
said 'no vault secret was given'

it "no password is in argv or the environment of what neap starts"
printf '#!/bin/sh\ntr "\\0" "\\n" </proc/$PPID/environ >%s/environ; tr "\\0" " " </proc/$PPID/cmdline >>%s/environ; env >>%s/environ; echo secretpw\n' "$WORK" "$WORK" "$WORK" >program
neap run whole.json -i hosts.ini -e @extra.json --vault-id dev@program
status 0
! grep -q secretpw environ || fault "the password shows"

done_testing
