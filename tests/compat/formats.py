#!/usr/bin/python3
"""Runs formats/play.json with --format json and jsonl and compares the reports, key by key, with what Ansible's own callbacks
ansible.posix.json and ansible.posix.jsonl wrote of the same playbook.

    formats.py --neap NEAP               TAP; compares with formats/record.json and formats/record.jsonl
    formats.py --record COLLECTIONS      runs Ansible and writes the records; COLLECTIONS is a folder that has
                                         ansible_collections/ansible/posix (it is in Debian's package ansible)

Not compared: what differs from run to run (times, ids, folders of temporary files), Ansible's internal keys (_ansible_*),
"invocation", "path" (Ansible has none of JSON), and the words of a connection that failed.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "formats")
TIMES = ("start", "end", "delta", "_timestamp")
FORMATS = ("json", "jsonl")


def run(words, env=None):
    """The playbook on fresh folders; what was written to standard output."""
    work = tempfile.mkdtemp(prefix="neap-formats-")
    try:
        for name in ("play.json", "more.json"):
            shutil.copy(os.path.join(FOLDER, name), work)
        for host in ("one", "two", "gone"):
            os.makedirs(os.path.join(work, "root", host))
        inventory = {"all": {
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3",
                     "root": work + "/root/{{ inventory_hostname }}"},
            "hosts": {"one": {}, "two": {}, "gone": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}}}}
        with open(os.path.join(work, "hosts.json"), "w", encoding="utf-8") as file:
            json.dump(inventory, file)
        done = subprocess.run([*words, "-i", "hosts.json", "play.json"], cwd=work, text=True, capture_output=True, timeout=120, check=False,
                              env={**os.environ, "HOME": work, "ANSIBLE_NOCOLOR": "1", **(env or {})}, stdin=subprocess.DEVNULL)
        return done.stdout.replace(work, "@W@"), f"status {done.returncode}\n{done.stderr}"
    finally:
        shutil.rmtree(work, ignore_errors=True)


def clean(value, key=""):
    """Without what is not compared; of what differs from run to run the type stays."""
    if isinstance(value, dict):
        kept = {name: clean(item, name) for name, item in value.items()
                if not name.startswith("_ansible_") and name not in ("invocation", "path", "before_header", "after_header")}
        if kept.get("unreachable") is True and "msg" in kept:
            kept["msg"] = "(a message)"
        if "md5sum" in kept:
            kept.pop("src", None)
        return kept
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, str) and (key in TIMES or key == "id"):
        return f"({key})"
    return value


def host_of(line):
    return next(iter(line.get("hosts", {})), "")


def order_of(line):
    return line["task"]["name"], host_of(line)


def cleaned(text, kind):
    """The report as values. Results that may come in any order are put in one: of JSON Lines those of a task, and all tasks of the
    play whose hosts go their own way."""
    if kind == "json":
        value = clean(json.loads(text))
        value["plays"][0]["tasks"].sort(key=lambda task: (host_of(task), task["task"]["name"]))
        return value
    lines, results = [], []
    for line in text.splitlines():
        line = clean(json.loads(line))
        if line["_event"].startswith("v2_runner_on_"):
            results.append(line)
            continue
        lines += sorted(results, key=order_of) + [line]
        results = []
    return lines + results


def differences(want, got, place=""):
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(set(want) | set(got)):
            if key not in got:
                yield f"{place}.{key} is missing: {json.dumps(want[key])}"
            elif key not in want:
                yield f"{place}.{key} is too much: {json.dumps(got[key])}"
            else:
                yield from differences(want[key], got[key], f"{place}.{key}")
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{place} has {len(got)} members, not {len(want)}"
        for i, (one, other) in enumerate(zip(want, got)):
            yield from differences(one, other, f"{place}[{i}]")
    elif type(want) is not type(got) or want != got:
        yield f"{place} is {json.dumps(got)}, not {json.dumps(want)}"


def record_path(kind):
    return os.path.join(FOLDER, "record." + kind)


def record(collections):
    for kind in FORMATS:
        text, said = run(["ansible-playbook"], {"ANSIBLE_COLLECTIONS_PATHS": collections, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix." + kind})
        print(said)
        with open(record_path(kind), "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--neap")
    parser.add_argument("--record")
    options = parser.parse_args()
    if options.record:
        record(os.path.abspath(options.record))
        return 0
    print(f"1..{len(FORMATS)}")
    failed = False
    for number, kind in enumerate(FORMATS, 1):
        text, said = run([os.path.abspath(options.neap), "run", "--format", kind])
        with open(record_path(kind), encoding="utf-8") as file:
            want = cleaned(file.read(), kind)
        faults = list(differences(want, cleaned(text, kind)))
        failed = failed or bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} - --format {kind} has the keys and values of Ansible's callback")
        for line in faults + (said.splitlines() if faults else []):
            print("# " + line)
    return failed


if __name__ == "__main__":
    sys.exit(main())
