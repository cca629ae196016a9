"""The playbooks of the workloads: a third of their tasks with literal arguments, a third templated or looped, a third from included
roles; lineinfile, template, a become block, and five stat -> when chains among them."""
import json
import os
import shutil

from measure import WORK, playbook, root_of

CHAINS = 5


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def may_become():
    """Whether this user becomes root without a password."""
    return shutil.which("sudo") and os.system("sudo -n true </dev/null >/dev/null 2>&1") == 0


def literal(i, conf):
    return [{"file": {"path": f"{conf}/literal-{i}", "state": "directory", "mode": "0750"}},
            {"copy": {"dest": f"{conf}/literal-{i}.conf", "content": f"number = {i}\n", "mode": "0644"}},
            {"lineinfile": {"path": f"{conf}/literal-{i}.list", "line": f"line {i}", "create": True, "mode": "0600"}}][i % 3]


def templated(i, conf):
    return [{"copy": {"dest": "{{ conf }}/%d.txt" % i, "content": "{{ text }} %d {{ inventory_hostname }}\n" % i, "mode": "0644"}},
            {"file": {"path": "{{ conf }}/loop-%d-{{ item }}" % i, "state": "directory", "mode": "0755"}, "loop": ["a", "b", "c"]},
            {"template": {"src": "page.j2", "dest": "{{ conf }}/page-%d" % i, "mode": "0644"}, "vars": {"number": i}}][i % 3]


def in_role(i):
    return [{"template": {"src": "role.j2", "dest": "{{ conf }}/role-%d.conf" % i, "mode": "0640"}, "vars": {"number": i}},
            {"lineinfile": {"path": "{{ conf }}/role-%d.list" % i, "line": "{{ text }} %d" % i, "create": True, "mode": "0644"}},
            {"file": {"path": "{{ conf }}/role-%d" % i, "state": "directory", "mode": "{{ mode }}"}}][i % 3]


def roles(count, size=20):
    """Tasks that include roles with count tasks in all."""
    tasks = []
    for first in range(0, count, size):
        name = f"part{first}"
        write(os.path.join(WORK, "roles", name, "tasks", "main.yml"), json.dumps([in_role(i) for i in range(first, min(first + size, count))]))
        write(os.path.join(WORK, "roles", name, "templates", "role.j2"), "# {{ ansible_managed | default('') and '' }}\nnumber = {{ number }}\n")
        write(os.path.join(WORK, "roles", name, "defaults", "main.yml"), json.dumps({"mode": "0711"}))
        tasks.append({"include_role": {"name": name}})
    return tasks


def mixed(name, count, plain=False):
    """A playbook of count tasks; plain: without chains and become. The files that its hosts are to have come from it alone."""
    write(os.path.join(WORK, "templates", "page.j2"), "{% for n in range(number % 7) %}<p>{{ n }} of {{ number }}</p>\n{% endfor %}\n")
    conf = root_of("h0001") + "/conf"
    third = count // 3
    chains = 0 if plain or count < 3 * CHAINS else CHAINS
    become = 3 if not plain and may_become() else 0
    tasks = [{"file": {"path": "{{ conf }}", "state": "directory", "mode": "0755"}}]
    tasks += [{"stat": {"path": "/etc/passwd" if i % 2 else conf}, "register": f"seen{i}"} for i in range(chains)]
    tasks += [literal(i, conf) for i in range(third - become - len(tasks))]
    if become:
        tasks.append({"become": True, "block": [literal(1000 + i, conf) for i in range(become)]})
    tasks += [{**templated(2000 + i, conf), "when": f"seen{i}.stat.exists"} for i in range(chains)]
    tasks += [templated(i, conf) for i in range(third - chains)]
    tasks += roles(count - 2 * third)
    return playbook(name, tasks, vars={"text": "hello", "conf": "{{ root_dir }}/conf"})
