# The template module: files that include, import and extend others, settings, marks, and where an error is.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback
mkdir -p templates/sub roles/r/templates roles/r/tasks

cat >templates/page.j2 <<'END_OF_FILE'
{% import 'lib.j2' as lib %}
{% extends 'base.j2' %}
{% block body %}
{% for user in users %}
{{ lib.show(user) }}
{% endfor %}
{% include 'sub/note.j2' %}
{% endblock %}
END_OF_FILE
printf '<{%% block body %%}nothing{%% endblock %%}>\n{{ ansible_managed }} {{ template_path }} {{ template_run_date.year > 2000 }}\n' >templates/base.j2
printf '{%% macro show(name) %%}* {{ name }}{%% endmacro %%}' >templates/lib.j2
printf 'note of {{ inventory_hostname }}\n' >templates/sub/note.j2
printf 'a << x >> {{ x }}[%% if x %%]\nyes\n[%% endif %%]\n(* c *)end\n' | sed 's/%%/%/g' >templates/marks.j2
printf '#jinja2: trim_blocks:False, variable_start_string:"[["\n{%% if x %%}\n[[ x }}\n{%% endif %%}\n' >templates/override.j2
printf 'one\ntwo {{ x }}\n{%% include "broken.j2" %%}\n' >templates/includes_broken.j2
printf 'fine\n{{ nobody.name }}\n' >templates/broken.j2
printf 'fine\n\n{%% if %%}\n' >templates/syntax.j2
printf 'of {{ role_name }} {%% include "inner.j2" %%}\n' >roles/r/templates/outer.j2
printf 'inner {{ x }}' >roles/r/templates/inner.j2
echo '[{"template": {"src": "outer.j2", "dest": "{{ root }}/role"}}]' >roles/r/tasks/main.json

# play TASK...: a playbook of these tasks.
play() { printf '[{"hosts": "all", "gather_facts": false, "vars": {"x": "X", "users": ["ann", "bob"], "root": "%s"}, "tasks": [%s]}]' "$WORK" "$1" >site.json; }

it "templates include, import and extend one another"
play '{"template": {"src": "page.j2", "dest": "{{ root }}/page"}, "register": "r"}, {"assert": {"that": ["r.changed", "r.size == 56"]}}'
neap run site.json -i hosts.json
status 0
equal "$(cat page)" '<* ann
* bob
note of h001>
Ansible managed page.j2 True'

it "a second run changes nothing"
neap run site.json -i hosts.json -e expected=false
recap h001 changed=0

it "marks, newlines and the settings of the first line"
play '{"template": {"src": "marks.j2", "dest": "{{ root }}/marks", "variable_start_string": "<<", "variable_end_string": ">>", "block_start_string": "[%", "block_end_string": "%]", "comment_start_string": "(*", "comment_end_string": "*)", "newline_sequence": "\\r\\n"}}, {"template": {"src": "override.j2", "dest": "{{ root }}/override"}}'
neap run site.json -i hosts.json
status 0
printf 'a X {{ x }}yes\r\nend\r\n' >expected
cmp expected marks || fault "marks differ: $(od -c marks | head -n 5)"
printf '\nX\n' >expected
cmp expected override || fault "override differs: $(od -c override | head -n 5)"

it "a role's template includes what is beside it"
play '{"include_role": {"name": "r"}}'
neap run site.json -i hosts.json
equal "$(cat role)" "of r inner X"

it "an error names the file and the line, also of an included template"
for file in broken includes_broken; do
	play '{"template": {"src": "'$file'.j2", "dest": "{{ root }}/never"}}'
	neap run site.json -i hosts.json
	status 2
	output_has "templates/broken.j2:2:1: 'nobody' is undefined"
done
play '{"template": {"src": "syntax.j2", "dest": "{{ root }}/never"}}'
neap run site.json -i hosts.json
status 1
said "template: templates/syntax.j2:3:7: "
[ ! -e never ] || fault "a file was written"

it "validation keeps the old file"
echo old >kept
play '{"template": {"src": "marks.j2", "dest": "{{ root }}/kept", "validate": "grep -q nothing %s"}}'
neap run site.json -i hosts.json
status 2
equal "$(cat kept)" old
done_testing
