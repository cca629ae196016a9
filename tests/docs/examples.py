#!/usr/bin/env python3
"""Runs the examples of README.md, docs/guide and docs/scale.md: `json playbook` blocks pass the syntax check, `json inventory` blocks load,
`json broken` blocks are refused, and `console` blocks print what they show.

    examples.py NEAP SOURCE

Blocks of a page share a folder, in which the last playbook is site.json, the last broken one broken.json and the last inventory
hosts.json; `yaml playbook` and `yaml broken` are site.yml and broken.yml. A block whose second word has a slash, as in
`json roles/web/tasks/main.json`, is that file. A console block marked norun is not run. Folders under /tmp that a page's
examples name are removed before and after."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.S | re.M)
FILES = {"json playbook": "site.json", "json broken": "broken.json", "json inventory": "hosts.json",
         "yaml playbook": "site.yml", "yaml broken": "broken.yml"}
failures = []


def run(words, folder, env):
    return subprocess.run(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)


def fail(page, what, text):
    failures.append(page)
    print(f"FAILED {page}: {what}\n{text}")


def check_json(page, kind, neap, folder, env):
    if kind == "json inventory":
        done, wanted = run([neap, "inventory", "-i", "hosts.json", "--list"], folder, env), 0
    else:
        done = run([neap, "run", FILES[kind], "-i", "localhost,", "--syntax-check"], folder, env)
        wanted = 1 if kind.endswith("broken") else 0
    if done.returncode != wanted:
        fail(page, f"{kind} ends with {done.returncode}", done.stdout)


def console_commands(text):
    """[(command, what it prints)]"""
    commands = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            commands.append([line[2:].rstrip("\n"), ""])
        else:
            commands[-1][1] += line
    return commands


def check_console(page, text, folder, env):
    status = 0
    for command, shown in console_commands(text):
        done = run(["bash", "-o", "pipefail", "-c", f"(exit {status}); {command}"], folder, env)
        status = done.returncode
        if done.stdout != shown:
            fail(page, f"$ {command}\n--- shown", f"{shown}--- printed\n{done.stdout}")


def write_file(folder, name, body):
    path = pathlib.Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)


def check_page(page, path, neap, env):
    text = path.read_text()
    count = 0
    made = set(re.findall(r"/tmp/neap-[a-z-]+", text))
    with tempfile.TemporaryDirectory() as folder:
        for one in made:
            shutil.rmtree(one, ignore_errors=True)
        for kind, body in BLOCK.findall(text):
            if kind in FILES:
                write_file(folder, FILES[kind], body)
                check_json(page, kind, neap, folder, env)
                count += 1
            elif "/" in kind:
                write_file(folder, kind.split()[1], body)
            elif kind == "console":
                check_console(page, body, folder, env)
                count += 1
        for one in made:
            shutil.rmtree(one, ignore_errors=True)
    return count


def main():
    neap, source = os.path.realpath(sys.argv[1]), pathlib.Path(sys.argv[2])
    env = {"PATH": os.path.dirname(neap) + ":" + os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    count = 0
    for path in [source / "README.md", source / "docs/scale.md", *sorted((source / "docs/guide").glob("*.md"))]:
        count += check_page(str(path.relative_to(source)), path, neap, env)
    print(f"{count} examples, {len(failures)} failures")
    if count < 10:
        print("fewer examples than there were: are the pages where they should be?")
    sys.exit(1 if failures or count < 10 else 0)


main()
