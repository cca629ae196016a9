"""Mistakes that people make, and what neap says of each before it connects to anything.

    mistakes.py NEAP FILE [--record]     TAP; --record writes what is said now into FILE

FILE has blocks "=== NAME", a playbook (or what stands in the file that follows the name after a bar:
"=== NAME | hosts.ini", and after another bar more options), "--- STATUS", and what is said on standard error.
"""
import os
import re
import subprocess
import sys
import tempfile

FILES = {
    "hosts.ini": "[web]\nw1\n",
    "site.json": '[{ "hosts": "all", "gather_facts": false, "roles": ["web"], "vars_files": ["words.json"], "tasks": [] }]\n',
    "words.json": '{ "x": "1" }\n',
    "inner.json": '[{ "debug": { "msg": "x" }, "loop": [1] }]\n',
    "roles/web/tasks/main.json": '[{ "debug": { "msg": "x" } }]\n',
    "roles/web/handlers/main.json": '[{ "name": "restart nginx", "ping": null }]\n',
    "templates/open.j2": "{% if x %}\nopen\n",
    "templates/nginx.conf.j2": "ok {{ x }}\n",
    "files/motd": "x\n",
    "roles/app/meta/argument_specs.json": '{ "argument_specs": { "main": { "options": { "port": { "type": "int" }, "mode": '
                                          '{ "choices": ["fast", "safe"] } } } } }\n',
    "roles/app/tasks/main.json": '[{ "debug": { "msg": "x" } }]\n',
}


def run(neap, content, name, options):
    with tempfile.TemporaryDirectory(prefix="neap-mistakes-") as work:
        for path, text in {**FILES, name: content}.items():
            path = os.path.join(work, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([neap, "run", "--syntax-check", *options.split(), "-i", "hosts.ini", name if name.startswith("site.") else "site.json"], cwd=work, capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "HOME": work}, stdin=subprocess.DEVNULL)
        return done.returncode, done.stderr


def main():
    neap, path = os.path.abspath(sys.argv[1]), sys.argv[2]
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"^=== ([^\n|]*?)(?: \| (\S+))?(?: \| ([^\n]+))?\n(.*?)^--- ?(\d*)\n(.*?)(?=^===|\Z)", file.read(), re.M | re.S)
    failed, recorded = False, ""
    print(f"1..{len(blocks)}")
    for number, (name, where, options, content, status, said) in enumerate(blocks, 1):
        got_status, got = run(neap, content, where or "site.json", options)
        recorded += f"=== {name}{' | ' + where if where else ''}{' | ' + options if options else ''}\n{content}--- {got_status}\n{got}"
        good = (str(got_status), got) == (status, said)
        failed = failed or not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print("".join(f"# {line}\n" for line in f"status {got_status}\n{got}instead of {status}\n{said}".splitlines()), end="")
    if "--record" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write(recorded)
    return failed


if __name__ == "__main__":
    sys.exit(main())
