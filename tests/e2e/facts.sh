# Facts: the values of Ansible's own setup on this machine, gathered where a play asks or as needed, cached when asked.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 2 loopback
mkdir -p facts.d roles/r/templates roles/r/tasks
printf '#!/bin/sh\necho x >>%s/gathered\necho "{\\"port\\": 80}"\n' "$WORK" >facts.d/web.fact
chmod +x facts.d/web.fact
printf '{{ ansible_os_family }} {{ ansible_facts.system }}' >roles/r/templates/t.j2
echo '[{"template": {"src": "t.j2", "dest": "{{ root }}/rendered-{{ inventory_hostname }}"}}]' >roles/r/tasks/main.json

# play KEYWORDS TASK...: a playbook with gathering as the keywords say.
play() { printf '[{"hosts": "all", "fact_path": "%s/facts.d", "vars": {"root": "%s"}, %s "tasks": [%s]}]' "$WORK" "$WORK" "$1" "$2" >site.json; }
gathered() { if [ -e gathered ]; then wc -l <gathered | tr -d ' '; else echo 0; fi; rm -f gathered; }

it "setup gives the names and values that Ansible's gives"
if command -v ansible >/dev/null && command -v python3 >/dev/null; then
	cat >same.py <<'END'
import json, subprocess, sys
VOLATILE = {"date_time", "loadavg", "memfree_mb", "memory_mb", "swapfree_mb", "uptime_seconds", "env"}
ABSENT = {"discovered_interpreter_python", "module_setup", "gather_subset"}
text = subprocess.run(["ansible", "-m", "setup", "-c", "local", "-i", "localhost,", "all"], capture_output=True, text=True).stdout
theirs = json.loads(text[text.index("{"):])["ansible_facts"]
ours = json.load(open("ours.json"))


def plain(name, value):
    if isinstance(value, list) and name in ("interfaces", "mounts", "all_ipv6_addresses", "virtualization_tech_guest"):
        return sorted(value, key=json.dumps)
    if name == "mounts":
        return [{k: v for k, v in m.items() if not k.endswith(("available", "used"))} for m in value]
    if isinstance(value, dict):  # of interfaces: what ethtool(8) says
        return {k: v for k, v in value.items() if k not in ("features", "timestamping", "hw_timestamp_filters", "phc_index")}
    return value


def steady(facts):
    for mount in facts.get("ansible_mounts", []):
        for key in [k for k in mount if k.endswith(("available", "used"))]:
            mount[key] = 0
    return facts


theirs, ours = steady(theirs), steady(ours)
names = {n for n in set(theirs) | set(ours) if n.removeprefix("ansible_") not in VOLATILE and n not in ABSENT}
bad = [n for n in sorted(names) if plain(n.removeprefix("ansible_"), theirs.get(n)) != plain(n.removeprefix("ansible_"), ours.get(n))]
for name in VOLATILE:
    theirs_value, ours_value = theirs.get("ansible_" + name), ours.get("ansible_" + name)
    if type(theirs_value) != type(ours_value) or (isinstance(ours_value, dict) and name != "env" and set(theirs_value) != set(ours_value)):
        bad.append(name)
for name in bad:
    print(name, json.dumps(theirs.get(name))[:300], json.dumps(ours.get(name))[:300])
sys.exit(bool(bad) or len(names) < 80)
END
	printf '[{"hosts": "localhost", "connection": "local", "gather_facts": false, "tasks": [{"setup": {}, "register": "r"},
		{"copy": {"content": "{{ r.ansible_facts | to_json }}", "dest": "%s/ours.json"}}]}]' "$WORK" >own.json
	neap run own.json -i localhost,
	status 0
	differences=$(python3 same.py) || fault "differs: $differences"
else
	it_skip "setup gives the names and values that Ansible's gives" "no ansible here"
fi

it "a play that needs no fact gathers none"
play '' '{"command": "true"}, {"debug": {"msg": "{{ inventory_hostname }} {{ ansible_host }} {{ ansible_check_mode }}"}}'
neap run site.json -i hosts.json
status 0
equal "$(gathered)" 0
recap h001 ok=2 changed=1

it "a fact that is needed is there: in conditions, arguments, loops, names and templates of roles"
play '"roles": ["r"],' '{"name": "on {{ ansible_system }}", "command": "true", "when": "ansible_os_family != \"x\""},
	{"debug": {"msg": "port {{ item }}"}, "loop": "{{ [ansible_local.web.port] }}"}, {"debug": {"msg": "{{ ansible_facts.kernel }}"}}'
neap run site.json -i hosts.json
status 0
output_has "TASK [on $(uname -s)]"
output_has "port 80"
output_has "\"msg\": \"$(uname -r)\""
recap h001 ok=4 failed=0
equal "$(cat rendered-h001 | cut -d' ' -f2)" "$(uname -s)"
rm -f gathered

it "gather_facts: false gathers nothing, and what needs a fact says so"
play '"gather_facts": false,' '{"debug": {"msg": "{{ ansible_local.web.port | default(\"none\") }}"}}, {"debug": {"msg": "{{ ansible_kernel }}"}}'
neap run site.json -i hosts.json
status 2
output_has '"msg": "none"'
output_has "ansible_kernel"
equal "$(gathered)" 0

it "gather_facts: true has a task of its own, first, and --start-at-task does not leave it out"
play '"gather_facts": true, "gather_subset": ["!all", "!min", "local"],' '{"name": "one", "debug": {"msg": "{{ ansible_local.web.port }} {{ ansible_kernel | default(\"no kernel\") }}"}}, {"name": "two", "ping": {}}'
neap run site.json -i hosts.json --start-at-task two
status 0
output_has "TASK [Gathering Facts]"
recap h001 ok=2
equal "$(gathered)" 2
neap run site.json -i hosts.json
output_has "80 no kernel"
rm -f gathered

it "what is looked up through hostvars is gathered in a play before"
cat >site.json <<'END'
[{"hosts": "h001", "tasks": [{"ping": {}}]},
 {"hosts": "h002", "gather_facts": false, "tasks": [{"debug": {"msg": "it is {{ hostvars.h001.ansible_system }}"}}]}]
END
neap run site.json -i hosts.json
status 0
output_has "it is $(uname -s)"

it "play vars hide facts, facts hide the inventory, and facts never choose how a host is reached"
cat >site.json <<'END'
[{"hosts": "h001", "vars": {"ansible_kernel": "mine"}, "tasks": [{"debug": {"msg": "{{ ansible_kernel }} {{ ansible_facts.kernel != 'mine' }} {{ ansible_machine }}"}}]}]
END
neap run site.json -i hosts.json -e ansible_machine=given
output_has "mine True given"

it "cached facts spare the gathering, in the form that Ansible's cache has"
play '' '{"debug": {"msg": "{{ ansible_local.web.port }}"}}'
neap run site.json -i hosts.json --fact-cache cache
equal "$(gathered)" 2
equal "$(stat -c %a cache cache/h001 | tr '\n' ' ')" "700 600 "
neap run site.json -i hosts.json --fact-cache cache
status 0
equal "$(gathered)" 0
output_has '"msg": 80'
ANSIBLE_CACHE_PLUGIN=jsonfile ANSIBLE_CACHE_PLUGIN_CONNECTION=cache neap run site.json -i hosts.json
equal "$(gathered)" 0
neap run site.json -i hosts.json --fact-cache cache --flush-cache
equal "$(gathered)" 2
echo 'no json' >cache/h001
neap run site.json -i hosts.json --fact-cache cache
status 0
said "cached facts"

done_testing
