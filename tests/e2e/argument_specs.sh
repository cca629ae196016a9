# A role's argument specs are compared when the role begins, however it is brought in.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback
mkdir -p roles/r/meta roles/r/tasks
cat >roles/r/meta/argument_specs.json <<'END_OF_FILE'
{"argument_specs": {
  "main": {"short_description": "the role", "options": {"listen": {"type": "int", "required": true}, "mode": {"choices": ["fast", "safe"], "default": "safe"}}},
  "other": {"options": {"name": {"type": "list", "elements": "str"}}}}}
END_OF_FILE
echo '[{"debug": {"msg": "port {{ listen | default(0) }}"}}]' >roles/r/tasks/main.json
echo '[{"debug": {"msg": "other"}}]' >roles/r/tasks/other.json

# play MEMBERS: a play with them.
play() { printf '[{"hosts": "all", "gather_facts": false, %s}]' "$1" >site.json; }

it "arguments that are right pass"
play '"roles": [{"role": "r", "listen": "{{ 80 + 1 }}"}]'
neap run site.json -i hosts.json
status 0
output_has "Validating arguments against arg spec 'main' - the role"
output_has "port 81"

it "one that is missing fails before the role's tasks"
play '"roles": ["r"]'
neap run site.json -i hosts.json
status 2
output_has "missing required arguments: listen"
output_lacks "port 0"

it "a variable counts as an argument, for an included role too"
play '"vars": {"listen": "x", "mode": "slow"}, "tasks": [{"include_role": {"name": "r"}}]'
neap run site.json -i hosts.json
status 2
output_has "argument 'listen' is of type <class 'str'> and we were unable to convert to int"
output_has "value of mode must be one of: fast, safe, got: slow"

it "each entry point has its own"
play '"tasks": [{"import_role": {"name": "r", "tasks_from": "other"}, "vars": {"name": ["a"]}}]'
neap run site.json -i hosts.json
status 0
output_has '"msg": "other"'
done_testing
