# Settings: ansible.cfg and the environment, where an option was not given.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
unset $(env | sed -n 's/^\(ANSIBLE_[A-Z_]*\)=.*/\1/p')
mkdir -p conf/roles/greet/tasks home etc
chmod 755 "$WORK"
cat >conf/hosts.json <<'END'
{"all": {"hosts": {"a": {}, "b": {}}, "vars": {"ansible_connection": "local"}}}
END
echo '[{"debug": {"msg": "greetings"}}]' >conf/roles/greet/tasks/main.json
cat >site.json <<'END'
[{"hosts": "all", "gather_facts": false, "roles": ["greet"], "tasks": [
  {"debug": {"msg": "forks={{ ansible_forks }}"}},
  {"debug": {"msg": "tagged"}, "tags": "some"}]}]
END

it "the file stands in for options, and paths in it are relative to it"
cat >conf/ansible.cfg <<'END'
; a comment
[defaults]
inventory = hosts.json
roles_path: roles
# another
forks = 7 ; not 8
Host_Key_Checking = "False"
END
ANSIBLE_CONFIG=$WORK/conf/ansible.cfg neap run site.json
status 0
silent
output_has greetings
output_has "forks=7"
recap a ok=3
recap b ok=3

it "the environment wins over the file, and an option over both"
export ANSIBLE_CONFIG="$WORK/conf"
ANSIBLE_FORKS=8 neap run site.json
output_has "forks=8"
ANSIBLE_FORKS=8 neap run site.json -f 9
output_has "forks=9"
ANSIBLE_INVENTORY=c, neap run site.json -c local
recap c ok=3
neap run site.json -i d, -c local
recap d ok=3
output_lacks "a   "

it "the file in the working folder counts before that of the home, but not where all may write"
unset ANSIBLE_CONFIG
mkdir -p "$SSHD_DIR/home"
printf '[defaults]\nforks = 3\n' >"$SSHD_DIR/home/.ansible.cfg"
printf '[defaults]\nforks = 4\n' >ansible.cfg
neap config
output "ANSIBLE_FORKS = 4    # $WORK/ansible.cfg:2"
chmod 777 "$WORK"
neap config
output "ANSIBLE_FORKS = 3    # $SSHD_DIR/home/.ansible.cfg:2"
said "ansible.cfg in $WORK is not read, because everybody may write there"
neap run site.json -i a, -c local
said "ansible.cfg in $WORK is not read"
chmod 755 "$WORK"
rm ansible.cfg "$SSHD_DIR/home/.ansible.cfg"

it "what neap does not have is named once"
cat >conf/ansible.cfg <<'END'
[defaults]
inventory = hosts.json
roles_path = roles
nocows = 1
cowpath = /usr/games/cowsay
retry_files_enabled = False
jinja2_native = yes
hash_behaviour = replace
[ssh_connection]
pipelining = True
control_path = /tmp/x
END
export ANSIBLE_CONFIG="$WORK/conf/ansible.cfg"
ANSIBLE_LOG_FILTER=x neap run site.json
status 0
said "settings of Ansible's that neap does not have are ignored: cowpath, control_path, ANSIBLE_LOG_FILTER"
equal "$(wc -l <"$WORK/err")" 1
neap doc ping
silent

it "settings of a run: tags, format, strategy, verbosity, handlers"
cat >conf/ansible.cfg <<'END'
[defaults]
inventory = hosts.json
roles_path = nowhere:roles
stdout_callback = ansible.posix.jsonl
strategy = free
[tags]
run = some, other
END
neap run site.json
status 0
output_has '"_event"'
output_has tagged
output_lacks greetings
neap run site.json --format text
output_has "TASK [debug]"
ANSIBLE_STRATEGY=linear ANSIBLE_STDOUT_CALLBACK=yaml neap run site.json
output_has "TASK [debug]"
ANSIBLE_STRATEGY=brisk neap run site.json
status 1
said 'strategy "brisk" is not one of'

it "any_errors_fatal is for all plays"
echo '[{"hosts": "all", "gather_facts": false, "tasks": [{"fail": {"msg": "x"}, "when": "inventory_hostname == '"'a'"'"}, {"debug": {"msg": "reached"}}]}]' >fails.json
ANSIBLE_STRATEGY=linear ANSIBLE_ANY_ERRORS_FATAL=1 neap run fails.json --format text -t all
status 2
output_lacks reached

it "the text shows what it is asked to show, in a log too, with times and the hosts that were lost"
export ANSIBLE_CONFIG=/dev/null
mkdir -p lost/roles/quick/tasks
echo '[{"name": "in a role", "command": "true", "changed_when": false}]' >lost/roles/quick/tasks/main.json
cat >lost/site.json <<'END'
[{"hosts": "all", "gather_facts": false, "roles": ["quick"], "tasks": [
  {"name": "skipped", "debug": {"msg": "x"}, "when": false},
  {"name": "half", "command": "true", "when": "inventory_hostname == 'b'"},
  {"name": "lost", "shell": "echo {{ secret }}; false", "when": "inventory_hostname == 'a'", "vars": {"secret": {"__ansible_unsafe": "hush-hush"}}, "no_log": true}]}]
END
ANSIBLE_DISPLAY_SKIPPED_HOSTS=false ANSIBLE_DISPLAY_OK_HOSTS=no ANSIBLE_LOG_PATH=run.log ANSIBLE_RETRY_FILES_ENABLED=yes \
	ANSIBLE_CALLBACKS_ENABLED=timer,ansible.posix.profile_tasks,profile_roles neap run lost/site.json -i b,a, -c local
status 2
equal "$(grep -E '^(TASK|ok|changed|skipping|fatal)' out | cut -d: -f1 | tr -d '*')" 'TASK [half] 
changed
TASK [lost] 
fatal'
equal "$(grep -cE '^(quick : in a role|quick|command|shell|debug|skipped|lost|half) -+ [0-9]+[.][0-9]+s$' out)" 8
output_has 'Playbook run took 0 days, 0 hours, '
said 'to retry, use: --limit @lost/site.retry'
equal "$(cat lost/site.retry)" a
equal "$(stat -c %a run.log)" 600
equal "$(grep -cE '^[0-9-]+ [0-9:]+,[0-9]{3} p=[0-9]+ u=[^ ]+ n=neap \| (changed: \[b\]|skipping: \[b\]|ok: \[a\]|PLAY RECAP .*)$' run.log)" 5
! grep -q hush-hush run.log || fault "the log has what no_log hides"
ANSIBLE_RETRY_FILES_ENABLED=yes ANSIBLE_RETRY_FILES_SAVE_PATH=$WORK/retries neap run lost/site.json -i b,a, -c local --limit @lost/site.retry
equal "$(cat retries/site.retry)" a
recap a failed=1
output_lacks '[b]'
ANSIBLE_LOG_PATH=none/x.log neap run lost/site.json -i a, -c local
status 5
said 'log_path none/x.log'

it "keywords have the values of settings where a playbook does not say"
mkdir -p said/roles/r/vars said/roles/r/tasks
echo '{"own": 1}' >said/roles/r/vars/main.json
echo '[{"debug": {"msg": "own {{ own }}"}}]' >said/roles/r/tasks/main.json
cat >said/site.json <<'END'
[{"hosts": "all:nobody", "gather_facts": false, "roles": ["r"], "tasks": [
  {"debug": {"msg": "<{{ own | default('private') }}>"}, "no_log": false},
  {"command": "sleep 20", "ignore_errors": true, "register": "slept"},
  {"debug": {"msg": "<{{ slept is failed }}>"}, "no_log": false}]},
 {"hosts": "all", "gather_facts": true, "tasks": [{"debug": {"msg": "<{{ ansible_facts.hostname is defined }} {{ ansible_facts.mounts is defined }}>"}, "no_log": false}]}]
END
ANSIBLE_NO_LOG=yes ANSIBLE_TASK_TIMEOUT=1 ANSIBLE_PRIVATE_ROLE_VARS=true ANSIBLE_GATHER_SUBSET='!all,!hardware' ANSIBLE_HOST_PATTERN_MISMATCH=ignore \
	neap run said/site.json -i a, -c local
status 0
silent
equal "$(grep -o '<.*>' out | cut -c1-9)" '<private>
<True>
<True Fal'
output_lacks 'own 1'
ANSIBLE_HOST_PATTERN_MISMATCH=error neap run said/site.json -i a, -c local
status 1
said 'the pattern "nobody" names no host or group'
echo '[{"hosts": "localhost", "gather_facts": false, "tasks": []}]' >said/here.json
ANSIBLE_LOCALHOST_WARNING=false neap run said/here.json
silent
printf 'a\nb\nc\nd\n' >said/old
ANSIBLE_DIFF_CONTEXT=1 neap exec all -i a, -c local -m copy -a "content='a\nb\nc\nX\n' dest=$WORK/said/old" --diff
output '@@ -3,2 +3,2 @@'
export ANSIBLE_CONFIG="$WORK/conf/ansible.cfg"

it "a line that is no setting is named with its place"
printf '[defaults]\nforks = 1\nwhat is this\n' >conf/ansible.cfg
neap run site.json -i a, -c local
status 1
said "conf/ansible.cfg:3: this is no setting: what is this"
printf '[defaults]\nforks = many\n' >conf/ansible.cfg
neap run site.json -i a, -c local
status 5
said "conf/ansible.cfg:2: --forks: \"many\" is no whole number"

if command -v ansible-config >/dev/null; then
	it "values are what ansible-config reads"
	cat >conf/ansible.cfg <<'END'
[defaults]
forks=  12   ; twelve
remote_user : "me; and you" 
timeout = 33
private_key_file = ~/keys/${KIND}/id
roles_path = a:/b/c:~/d
vault_password_file = ../pass
inventory = one,two.json
become_password_file = $KIND/x
[privilege_escalation]
become_flags = -H -S
	-n
become_user = 'root'
[ssh_connection]
ssh_args = -o A=b -o "C=d e"
[diff]
always = yes
END
	export KIND=rsa
	cat >compare <<'END'
import json, subprocess, sys
names = {"forks": "DEFAULT_FORKS", "remote_user": "DEFAULT_REMOTE_USER", "timeout": "DEFAULT_TIMEOUT", "private_key_file": "DEFAULT_PRIVATE_KEY_FILE",
         "roles_path": "DEFAULT_ROLES_PATH", "inventory": "DEFAULT_HOST_LIST", "become_password_file": "BECOME_PASSWORD_FILE",
         "become_flags": "DEFAULT_BECOME_FLAGS", "become_user": "DEFAULT_BECOME_USER", "vault_password_file": "DEFAULT_VAULT_PASSWORD_FILE"}
variables = {"become_flags": "ANSIBLE_BECOME_FLAGS", "become_user": "ANSIBLE_BECOME_USER"}
import os
from ansible import constants
neap = {}
for line in open(sys.argv[1]).read().replace("\n-n", " -n").splitlines():
    if " = " in line:
        name, value = line.split(" = ", 1)
        neap[name] = value.rsplit("    # ", 1)[0]
for key, constant in names.items():
    want = getattr(constants, constant)
    separator = ":" if key == "roles_path" else ","
    want = separator.join(want) if isinstance(want, list) else str(want).replace("\n", " ")
    got = neap["ANSIBLE_" + key.upper()]
    if key in ("roles_path", "inventory"):
        got = separator.join(os.path.normpath(path) for path in got.split(separator))
    elif want.startswith("/"):
        got = os.path.normpath(got)
    if got != want:
        print(f"{key}: {got!r} is not Ansible's {want!r}")
END
	neap config
	fault_text=$(HOME="$SSHD_DIR/home" /usr/bin/python3 compare "$WORK/out" 2>&1)
	equal "$fault_text" ""
else
	it_skip "values are what ansible-config reads" "there is no ansible-config"
fi
done_testing
