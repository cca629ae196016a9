# Playbooks, roles, variables and inventories in YAML run as their twins in JSON do, and so does what neap convert makes of them.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
roots=$SSHD_DIR/roots
umask 022

# The inventory of sshd_inventory, in YAML.
yaml_inventory() {
	sshd_inventory hosts.json 2 loopback
	cat >"$1" <<END
# $1
all:
  vars: &all
    ansible_host: 127.0.0.1
    ansible_port: $(sshd_port loopback)
    ansible_user: $SSHD_USER
    ansible_ssh_private_key_file: $SSHD_KEY
    ansible_ssh_common_args: -o UserKnownHostsFile=$SSHD_DIR/known_hosts -o IdentitiesOnly=yes
  children:
    web:
      hosts:
        h001: {root_dir: $roots/h001}
        h002:
          root_dir: $roots/h002
END
}

# What a run leaves, but for a file with a date in it.
keep() {
	rm -rf "$1"
	cp -a "$roots/h001" "$1"
	rm -f "$1/reloads"
}

cp -a "$SOURCE_ROOT/tests/e2e/yaml" project
mkdir -p project/library project/roles/website/files
cp "$SOURCE_ROOT/playbooks/library/ini_option.lua" project/library
cp -r "$SOURCE_ROOT/playbooks/roles/website/files/assets" project/roles/website/files
yaml_inventory hosts.yml

it "reads an inventory in YAML as the one in JSON"
neap inventory -i hosts.yml --host h002
cp out yaml.out
neap inventory -i hosts.json --host h002
equal "$(cat yaml.out)" "$(cat out)"

it "reads one without an extension, too"
cp hosts.yml hosts
neap inventory -i hosts --host h002
equal "$(cat yaml.out)" "$(cat out)"

it "leaves with YAML what it leaves with JSON"
neap run "$SOURCE_ROOT/playbooks/site.json" -i hosts.json
status 0
keep by_json
grep '^h00' out >json.recap
rm -rf "$roots"/h00?
mkdir "$roots/h001" "$roots/h002"
neap run project/site.yml -i hosts.yml
status 0
silent
keep by_yaml
same_files "$WORK/by_json" "$WORK/by_yaml"
equal "$(grep '^h00' out)" "$(cat json.recap)"

it "changes nothing the second time"
neap run project/site.yml -i hosts.yml
status 0
recap h001 changed=0 failed=0 unreachable=0
recap h002 changed=0 failed=0 unreachable=0

it "runs what neap convert makes of a whole project"
cp -a project converted
neap convert --write --remove converted
status 0
equal "$(find converted -name '*.y*ml')" ""
said "converted/roles/website/tasks/links.json: written from converted/roles/website/tasks/links.yaml"
neap run converted/site.json -i hosts.yml
status 0
recap h001 changed=0 failed=0 unreachable=0

it "keeps comments, and leaves them out for strict JSON"
neap convert project/site.yml
status 0
silent
output "// The twin of playbooks/site.json, as people write it in YAML."
output '        "changed_when": false // it only looks'
neap convert --plain project/site.yml
python3 -c 'import json, sys; json.load(sys.stdin)' <out || fault "this is not JSON"

it "writes no file when one of several cannot be read"
mkdir broken
printf 'a: 1\n' >broken/a.yml
printf 'a: b: c\n' >broken/b.yml
neap convert --write broken
status 1
said "broken/b.yml:1:5: error: a colon is not expected here"
equal "$(ls broken)" "a.yml
b.yml"

it "writes over nothing unless told to"
printf 'b: 2\n' >broken/b.yml
: >broken/a.json
neap convert --write broken/a.yml
status 1
said "broken/a.json: error: the file is there already; --force writes over it"
neap convert --write --force broken/a.yml
status 0
equal "$(cat broken/a.json)" '{
  "a": 1
}'

it "does not make one file of two"
printf 'a: 1\n' >broken/c.yml
printf 'a: 2\n' >broken/c.yaml
neap convert --write --force --remove broken/c.yml broken/c.yaml
status 1
said "broken/c.yaml: error: broken/c.yml would be broken/c.json, too"
equal "$(cat broken/c.yml broken/c.yaml)" "a: 1
a: 2"

it "names what it cannot know in the files it names"
mkdir -p named/tasks
printf -- '- include_tasks: "{{ x }}.yml"\n- import_tasks: ./b.yml\n- include_tasks: {file: gone.yml}\n' >named/tasks/main.yml
: >named/tasks/b.yml
printf '$ANSIBLE_VAULT;1.1;AES256\n3132\n' >named/sealed.yml
neap convert --write --remove named
status 0
said 'named/tasks/main.yml:1:18: warning: which file this names is known when it runs'
said 'named/sealed.yml: warning: left as it is: it is an Ansible vault'
equal "$(cat named/tasks/main.json)" '[
  { "include_tasks": "{{ x }}.yml" },
  { "import_tasks": "./b.json" },
  { "include_tasks": { "file": "gone.yml" } }
]'
equal "$(cat named/tasks/b.json)" null
[ -f named/sealed.yml ] || fault "the sealed file is gone"

it "tells where a fault is in YAML"
cat >fault.yml <<'END'
- hosts: all
  tasks:
    - name: one
      file:
        path: /tmp
        ownr: www
    - file:
        path: /tmp
        mode: 644
END
neap run fault.yml -i hosts.yml
status 1
said 'fault.yml:6:9: error: unknown argument "ownr" of module file'
said 'fault.yml:9:15: error:'
said '"0644"'

it "warns of a key that is given twice, and takes the last"
printf -- '- hosts: h001\n  gather_facts: no\n  vars: {a: 1, a: 2}\n  tasks:\n    - debug: msg=is{{ a }}\n' >twice.yml
neap run twice.yml -i hosts.yml
status 0
said 'twice.yml:3:16: warning: the key "a" is given twice'
output_has is2

it "takes -e in YAML, from the line and from a file"
printf 'a: 5\nb: [x, yes]\n' >more.yml
neap run twice.yml -i hosts.yml -e '{a: 7}'
output_has is7
neap run twice.yml -i hosts.yml -e @more.yml
output_has is5

done_testing
