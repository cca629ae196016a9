#!/usr/bin/python3
"""Fails on a keyword of Ansible's, or a parameter of a module that neap has, which no case uses and docs/migrating.md does not list;
and on a key of results that a case does not compare ("differs" in its case.json) and docs/migrating.md does not list either.

    cover.py --neap NEAP

A parameter is listed by a row of a table in docs/migrating.md: the first cell names modules (empty: those of the row above; "all ...":
all modules), the second the parameters. A keyword is listed if its name stands in backticks anywhere.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MIGRATING = os.path.join(HERE, "..", "..", "docs", "migrating.md")
GONE = {"accelerate", "accelerate_ipv6", "accelerate_port"}  # ansible-doc still names them; ansible-core knows them no more


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def walk(value, keywords, modules, known):
    """Notes every key of a case's files as a keyword, and of a module's arguments as parameters."""
    if isinstance(value, list):
        for item in value:
            walk(item, keywords, modules, known)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        keywords.add(key)
        module = key.removeprefix("ansible.builtin.")
        if module in known:
            used = modules.setdefault(module, set())
            used |= set(item) if isinstance(item, dict) else {"free_form", "free-form", "key_value"} if item is not None else set()
            if isinstance(value.get("args"), dict):
                used |= set(value["args"])
            if module == "set_fact":
                used.add("key_value")
        walk(item, keywords, modules, known)


def used_by_cases(known):
    keywords, modules = set(), {}
    for folder, _, files in os.walk(os.path.join(HERE, "cases")):
        for name in files:
            if name.endswith(".json") and name != "case.json":
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    walk(json.load(file), keywords, modules, known)
    return keywords, modules


def listed(known):
    """Parameters by module, and all words in backticks."""
    parameters = {}
    with open(MIGRATING, encoding="utf-8") as file:
        text = file.read()
    names = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) < 2:
            continue
        if cells[0].startswith("all "):
            names = sorted(known)
        elif cells[0]:
            names = [name.strip(" `") for name in cells[0].split(",")]
        for name in names:
            parameters.setdefault(name, set()).update(re.findall(r"`([\w-]+)`", cells[1]))
    return parameters, set(re.findall(r"`([\w-]+)`", text))


def keys_that_differ():
    """The keys of "differs" in the cases, and where."""
    for case in sorted(os.listdir(os.path.join(HERE, "cases"))):
        path = os.path.join(HERE, "cases", case, "case.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for key in json.load(file).get("differs", []):
                    yield key, case


def options_of(names):
    found = json.loads(run("ansible-doc", "-j", *names))
    return {name.rsplit(".", 1)[-1]: set((about.get("doc") or {}).get("options") or {}) for name, about in found.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--neap", required=True)
    options = parser.parse_args()
    if not shutil.which("ansible-doc"):
        print("1..0 # SKIP ansible-doc is not here")
        return 0
    known = set(run(options.neap, "doc", "--names").split())
    keywords, modules = used_by_cases(known)
    parameters, words = listed(known)
    missing = []
    for line in run("ansible-doc", "-t", "keyword", "-l").splitlines():
        name = line.split(":")[0].strip()
        if re.fullmatch(r"\w+", name) and name not in GONE | keywords | words:
            missing.append(f"keyword {name}")
    for module, names in sorted(options_of(sorted(known)).items()):
        for name in sorted(names - modules.get(module, set()) - parameters.get(module, set())):
            missing.append(f"{module}: {name}")
    missing += [f"{case}: the key {key} of results" for key, case in keys_that_differ() if key not in words]
    print("1..1")
    print(f"{'not ok' if missing else 'ok'} 1 - every keyword, parameter and key of results is compared by a case, or listed in docs/migrating.md")
    for line in missing:
        print("# " + line)
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
