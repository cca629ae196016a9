#!/usr/bin/python3
"""Runs the playbooks of cases/ by neap and compares what they leave with what ansible-core left: results of every task on every
host, recap, exit status, files.

    run.py --neap NEAP [--live N|all] [NAME...]   TAP; compares with record/, and runs N cases (10; or $NEAP_COMPAT_LIVE) by Ansible
                                                  too, to check the record
    run.py --record [NAME...]                     runs Ansible and writes record/

A case is cases/NAME.json, a playbook, or a folder cases/NAME/ with playbook.json and what it needs. case.json in it may say:
    args       more words for the command line         playbooks   instead of ["playbook.json"]
    faulty     neap must refuse the playbook (exit 1); Ansible must fail somehow
    yaml       Ansible gets YAML made from the JSON files, where it reads JSON badly
    messages   false: the text of failures differs on purpose and is not compared
    failures   false: of failed results only that they failed, changed and their message is compared: the rest is told otherwise on purpose
    differs    keys of results that are told otherwise on purpose in this case: docs/migrating.md names each, cover.py sees to that
    dump       false: the registered values are not shown at the end
    env        more environment variables              stdin       what is typed
    stdout     true: what is printed is compared (--list-tasks and the like)
    ssh        true: the hosts are reached through a throwaway sshd (with_sshd.sh)
    machine    true: everything runs on a small Debian of its own, made of namespaces (machine/enter.sh): what the host "one" changes
               in /etc, /home, /var, ... is compared. Where the kernel allows no namespace, the case is shown as skipped, with its reason
    accounts   true: files get several owners; shown as skipped where there is just one account to be had
    web        true: a web server runs (web.py)
A plain user runs all of this as the root of a user namespace, so that owners are as in the record; accounts and sshd take root itself.
Files of a case may say @W@ for the folder of the run, @HTTP@, @HTTPS@ and @MUTUAL@ for the web servers; each host's own folder is
{{ root }}.
"""
import argparse
import atexit
import concurrent.futures
import copy
import difflib
import functools
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import tree  # noqa: E402 pylint: disable=wrong-import-position
import web  # noqa: E402 pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
RECORD = os.path.join(HERE, "record")
LIMIT_S = 120

HOSTS = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3",
                 "root": "@W@/root/{{ inventory_hostname }}"},
        "children": {
            "web": {"hosts": {"one": {}, "two": {}}},
            "db": {"hosts": {"three": {}}},
        },
    }
}

ONE = {"all": {"vars": HOSTS["all"]["vars"], "hosts": {"one": {}}}}
BY_SSH = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": "@PORT@", "ansible_user": getpass.getuser(),
          "ansible_ssh_private_key_file": "@W@/sshd/user_key",
          "ansible_ssh_common_args": "-o UserKnownHostsFile=@W@/sshd/known_hosts -o IdentitiesOnly=yes -o ControlMaster=no"}


def case_names():
    names = set()
    for name in os.listdir(CASES):
        names.add(name[:-5] if name.endswith(".json") else name)
    return sorted(names)


def read_json(path, otherwise=None):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        if otherwise is None:
            raise
        return otherwise


def volatile_keys():
    with open(os.path.join(HERE, "volatile.txt"), encoding="utf-8") as file:
        keys = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    assert len(keys) <= 20, "volatile.txt has more than 20 keys"
    return keys


VOLATILE = volatile_keys()
MESSAGES = ("msg", "failed_when_result", "changed_when_result")


# ---- where a case runs ----

def no_namespace():
    """Why this user cannot be the root of a user namespace."""
    return os.environ.get("COMPAT_NO_NAMESPACE", "")


def become_root():
    """Starts this script again as the root of a user namespace; where there is none, it goes on and skips all cases."""
    done = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", sys.executable, *sys.argv])
    os.environ["COMPAT_NO_NAMESPACE"] = done.stderr.strip() or "unshare failed"


def single_account():
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split()[2] == "1"


def namespaces(work, env):
    """What runs a command on a machine of its own. The name of its first process tells who manages services there."""
    first = os.path.join(work, "init" if "COMPAT_SYSV" in env else "systemd")
    os.symlink("/bin/sh", first)
    return ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", first, os.path.join(HERE, "machine", "enter.sh"), work]


@functools.lru_cache
def machine_fault():
    """Why no machine can be made here; nothing if it can."""
    with tempfile.TemporaryDirectory(prefix="neap-compat-", dir="/tmp") as work:
        os.mkdir(os.path.join(work, "book"))
        try:
            done = subprocess.run([*namespaces(work, {}), "true"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return "there is no unshare"
    return (done.stderr.strip().splitlines() or ["unshare failed"])[-1] if done.returncode else ""


@functools.lru_cache
def web_places():
    """The web servers of this process, which are started when the first case needs them."""
    folder = tempfile.mkdtemp(prefix="neap-compat-tls-", dir="/tmp")
    atexit.register(shutil.rmtree, folder)
    return web.Web(os.path.join(folder, "tls")).places | {"@TLS@": os.path.join(folder, "tls")}


WEB_LOCK = threading.Lock()


def places(case, work):
    """What names in the files of a case stand for in this run."""
    found = {"@W@": work}
    if case.about.get("web"):
        with WEB_LOCK:
            found |= web_places()
    return found


def put_places(text, found):
    for name, value in found.items():
        text = text.replace(name, value)
    return text


# ---- a run ----

class Case:
    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(CASES, name)
        self.single = not os.path.isdir(self.folder)
        self.about = {} if self.single else read_json(os.path.join(self.folder, "case.json"), {})
        self.playbooks = self.about.get("playbooks", ["playbook.json"])

    def skipped(self):
        """Why the case cannot run here; nothing if it can."""
        if no_namespace():
            return no_namespace()
        if (self.about.get("accounts") or self.about.get("ssh")) and single_account():
            return "it takes several accounts: run it as root"
        return machine_fault() if self.about.get("machine") else ""

    def inventory(self):
        hosts = copy.deepcopy(ONE if self.about.get("machine") else HOSTS)
        if self.about.get("ssh"):
            hosts["all"]["vars"].update(BY_SSH)
        return hosts


def prepare(case, work, found):
    """The case's files, the inventory and the play that shows the registered values, in a fresh folder."""
    book = os.path.join(work, "book")
    if case.single:
        os.makedirs(book)
        shutil.copy(case.folder + ".json", os.path.join(book, "playbook.json"))
    else:
        shutil.copytree(case.folder, book, symlinks=True)
    for folder in ("home", "root", "remote"):
        os.makedirs(os.path.join(work, folder))
    for host in ("one", "two", "three"):
        os.makedirs(os.path.join(work, "root", host))
    if not any(name.startswith("hosts") or name == "inventory" for name in os.listdir(book)):
        with open(os.path.join(book, "hosts.json"), "w", encoding="utf-8") as file:
            json.dump(case.inventory(), file)
    registered = set()
    for folder, _, files in os.walk(book):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            if b"@" in data:
                for at, value in found.items():
                    data = data.replace(at.encode(), value.encode())
                with open(path, "wb") as file:
                    file.write(data)
            if name.endswith(".json"):
                registered |= {found.decode() for found in re.findall(rb'"register"\s*:\s*"(\w+)"', data)}
    if registered and case.about.get("dump", True):
        tasks = [{"name": "registered", "debug": {"var": name}} for name in sorted(registered)]
        with open(os.path.join(book, "registered.json"), "w", encoding="utf-8") as file:
            json.dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}], file)
        return ["registered.json"]
    return []


def make_yaml(book, names):
    """A YAML twin of each JSON playbook, for Ansible."""
    import yaml
    for folder, _, files in os.walk(book):
        for name in files:
            if not name.endswith(".json") or name in ("case.json", "hosts.json"):
                continue
            path = os.path.join(folder, name)
            values = read_json(path)
            os.remove(path)
            with open(path[:-5] + ".yml", "w", encoding="utf-8") as file:
                yaml.safe_dump(values, file, sort_keys=False, allow_unicode=True)
    return [name[:-5] + ".yml" for name in names]


def environment(case, work):
    env = {"PATH": os.environ["PATH"], "HOME": os.path.join(work, "home"), "LANG": "C.UTF-8", "TERM": "dumb", "TZ": "UTC"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "USER", "LOGNAME"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update({key: put_places(value, places(case, work)) for key, value in case.about.get("env", {}).items()})
    return env


def inventory_of(book):
    for name in ("hosts.json", "hosts.ini", "hosts", "inventory"):
        if os.path.exists(os.path.join(book, name)):
            return name
    raise FileNotFoundError(book)


def run_program(case, work, words, env):
    if case.about.get("ssh"):
        words = ["sh", os.path.join(HERE, "with_sshd.sh"), work, *words]
    if case.about.get("machine"):
        words = [*namespaces(work, env), *words]
    with open(os.path.join(work, "stdout"), "wb") as out, open(os.path.join(work, "stderr"), "wb") as err:
        done = subprocess.run(words, cwd=os.path.join(work, "book"), env=env, stdout=out, stderr=err, timeout=LIMIT_S,
                              input=case.about.get("stdin", "").encode(), check=False)
    return done.returncode


def read_text(work, name):
    with open(os.path.join(work, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def run_ansible(case, work, more):
    book = os.path.join(work, "book")
    playbooks = case.playbooks + more
    if case.about.get("yaml"):
        playbooks = make_yaml(book, playbooks)
    open(os.path.join(work, "ansible.cfg"), "w", encoding="utf-8").close()
    env = environment(case, work)
    env.update({
        "ANSIBLE_CONFIG": os.path.join(work, "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "compat", "ANSIBLE_CALLBACK_PLUGINS": os.path.join(HERE, "callback"),
        "COMPAT_OUT": os.path.join(work, "events"), "ANSIBLE_PIPELINING": "1", "ANSIBLE_JINJA2_NATIVE": "1", "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_RETRY_FILES_ENABLED": "0", "ANSIBLE_NOCOLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
    })
    env.update({key: put_places(value, places(case, work)) for key, value in case.about.get("env", {}).items()})
    if case.about.get("machine"):
        env["ANSIBLE_REMOTE_TEMP"] = os.path.join(work, "remote")
    words = ["ansible-playbook", "-i", inventory_of(book), *playbooks, *[put_places(word, places(case, work)) for word in case.about.get("args", [])]]
    status = run_program(case, work, words, env)
    hosts, stats = {}, {}
    if os.path.exists(os.path.join(work, "events")):
        for line in read_text(work, "events").splitlines():
            line = json.loads(line)
            if "stats" in line:
                stats = line["stats"]
            elif "include_args" not in json.dumps(line["result"]) and line["task"] != "meta": # told of some only
                hosts.setdefault(line["host"], []).append([line["task"], line["status"], line["result"]])
    return {"status": status, "hosts": hosts, "stats": stats}


def run_neap(case, work, more, neap):
    book = os.path.join(work, "book")
    words = [neap, "run", "-i", inventory_of(book), *case.playbooks, *more, *[put_places(word, places(case, work)) for word in case.about.get("args", [])]]
    if not case.about.get("stdout"):
        words += ["--format", "jsonl"]
    status = run_program(case, work, words, environment(case, work))
    hosts, stats = {}, {}
    if not case.about.get("stdout"):
        for line in read_text(work, "stdout").splitlines():
            line = json.loads(line)
            event = line["_event"]
            if event == "v2_playbook_on_stats":
                stats = line["stats"]
            elif event.startswith("v2_runner_on_") and event != "v2_runner_on_start":
                for host, result in line["hosts"].items():
                    if "include_args" in json.dumps(result): # as of Ansible's
                        continue
                    for key in ("action", "failed", "skipped"): # Ansible tells its callbacks these by the event's name only
                        result.pop(key, None)
                    hosts.setdefault(host, []).append([line["task"]["name"], event[len("v2_runner_on_"):], result])
    return {"status": status, "hosts": hosts, "stats": stats}


# ---- what is compared ----

def left(work):
    """Everything below root/, and what a machine of the case's own has now."""
    found = tree.tree(os.path.join(work, "root"))
    if os.path.exists(os.path.join(work, "machine.json")):
        found |= {"/" + path: what for path, what in read_json(os.path.join(work, "machine.json")).items()}
    return found


def is_temporary(value):
    """The path of a temporary file of Ansible's on the host."""
    return isinstance(value, str) and re.search("/ansible-(moduletmp|tmp|local)-", value) and " " not in value


def without_facts(got):
    """What Gathering Facts found is this moment's, and the tool's own environment."""
    for results in got["hosts"].values():
        for result in results:
            if result[0] == "Gathering Facts":
                result[2] = {}
    return got


def nameless(text, found):
    for name, value in found.items():
        text = text.replace(value, name)
    return text


def plain(value, found):
    """With names for the places of this run."""
    if isinstance(value, dict):
        return {nameless(key, found): plain(item, found) for key, item in value.items()}
    return nameless(value, found) if isinstance(value, str) else value


def machine_keys(value):
    """Keys that tell of the file system, not of the file."""
    if "isdir" in value: # of stat
        return ("blocks", "block_size", *(("size", "nlink") if value["isdir"] else ()))
    return ("size",) if value.get("state") == "directory" else ()


class Cleaning:
    """What makes two results comparable: no volatile keys, and names for the places of this run."""

    def __init__(self, case, found):
        self.found = found
        self.messages = case.about.get("messages", True)
        self.failures = case.about.get("failures", True)
        differs = case.about.get("differs", [])
        self.dropped = VOLATILE | set(differs) | {key + "_lines" for key in differs}

    def keeps(self, key, item):
        return key not in self.dropped and not key.startswith("_ansible_") and not is_temporary(item)

    def dictionary(self, value, failed):
        fails = value.get("failed") is True or value.get("unreachable") is True
        if fails and "msg" in value: # Ansible leaves it out where a keyword could not be evaluated
            value.setdefault("changed", False)
        if "md5sum" in value and "dest" in value: # of copy: Ansible's is a temporary file
            value.pop("src", None)
        for key in machine_keys(value):
            value.pop(key, None)
        failed = failed or fails
        if fails and not self.failures:
            value = {key: item for key, item in value.items() if key in ("changed", "failed", "msg", "results")}
        hidden = MESSAGES if failed and not self.messages else ()
        return {nameless(key, self.found): "(a message)" if key in hidden and isinstance(item, str) and item else self.clean(item, failed)
                for key, item in value.items() if self.keeps(key, item)}

    def clean(self, value, failed=False):
        if isinstance(value, dict):
            return self.dictionary(value, failed)
        if isinstance(value, list):
            if len(value) == 3 and value[1] in ("failed", "unreachable"): # a task's name, status and result
                value[2].setdefault("failed", True)
                cleaned = [value[0], value[1], self.dictionary(value[2], True)]
                cleaned[2].setdefault("changed", False)
                cleaned[2].pop("failed", None)
                return cleaned
            return [self.clean(item, failed) for item in value]
        return nameless(value, self.found) if isinstance(value, str) else value


def outcome(case, tool, neap=None):
    """What the tool leaves, on a fresh folder."""
    work = tempfile.mkdtemp(prefix="neap-compat-", dir="/tmp")
    try:
        found = places(case, work)
        more = prepare(case, work, found)
        got = run_ansible(case, work, more) if tool == "ansible" else run_neap(case, work, more, neap)
        got["stats"] = {host: counts for host, counts in got["stats"].items() if any(counts.values())}
        got["tree"] = left(work)
        if case.about.get("ssh"):
            found |= {":@PORT@": ":" + read_text(work, "port").strip(), " @PORT@": " " + read_text(work, "port").strip()}
        if case.about.get("stdout"):
            got["stdout"] = read_text(work, "stdout")
        said = read_text(work, "stderr")
        got = {key: plain(value, found) for key, value in without_facts(got).items() if key != "hosts"} | {
            "hosts": Cleaning(case, found).clean(got["hosts"])}
        return got, said
    finally:
        shutil.rmtree(work, ignore_errors=True)


def as_text(value, depth=0):
    """JSON with one line for each result and each file."""
    if depth < 3 and value and isinstance(value, (dict, list)):
        pad = " " * (depth + 1)
        if isinstance(value, dict):
            parts = [f"{pad}{json.dumps(key)}: {as_text(item, depth + 1)}" for key, item in sorted(value.items())]
        else:
            parts = [pad + as_text(item, depth + 1) for item in value]
        return ("{" if isinstance(value, dict) else "[") + "\n" + ",\n".join(parts) + "\n" + pad[1:] + ("}" if isinstance(value, dict) else "]")
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def only_known(want, got):
    """In check mode a result of neap's may say more than Ansible's, which often is "changed" alone."""
    for host, results in got["hosts"].items():
        for mine, theirs in zip(results, want["hosts"].get(host, [])):
            mine[2] = {key: item for key, item in mine[2].items() if key in theirs[2]}
    for counts in got["stats"].values():
        counts.pop("uncertain", None)


def compare(case, want, got):
    """The differences as text lines, none if they are equal."""
    want, got = copy.deepcopy(want), copy.deepcopy(got)
    want.pop("command", None)
    want["hosts"] = Cleaning(case, {}).clean(want["hosts"])
    if case.about.get("faulty"):
        if want["status"] == 0:
            return ["Ansible does not fail"]
        return [] if got["status"] == 1 else [f"exit status {got['status']} instead of 1"]
    if "--check" in case.about.get("args", []):
        only_known(want, got)
    return list(difflib.unified_diff(as_text(want).splitlines(), as_text(got).splitlines(), "ansible", "neap", n=0, lineterm=""))


# ---- the command ----

def version():
    return subprocess.run(["ansible-playbook", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def record_one(name):
    case = Case(name)
    if case.skipped():
        return f"{name}: not recorded: {case.skipped()}"
    got, said = outcome(case, "ansible")
    got["command"] = " ".join(["ANSIBLE_JINJA2_NATIVE=1 ansible-playbook -i INVENTORY", *case.playbooks, *case.about.get("args", [])])
    with open(os.path.join(RECORD, name + ".json"), "w", encoding="utf-8") as file:
        file.write(as_text(got) + "\n")
    return f"{name}: {got['status']}" + (f"\n{said.rstrip()}" if said.strip() and got["status"] not in (0, 2) else "")


def record(names, whole):
    os.makedirs(RECORD, exist_ok=True)
    if whole:
        for name in os.listdir(RECORD):
            os.remove(os.path.join(RECORD, name))
    with open(os.path.join(HERE, "record-version.txt"), "w", encoding="utf-8") as file:
        file.write(version() + "\nsh tests/compat/record.sh\n")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for line in pool.map(record_one, names):
            print(line, flush=True)


def live_names(names, live):
    """All, or as many as asked for: other ones each day."""
    if live == "all":
        return set(names)
    count = min(int(live), len(names))
    first = int(time.time() // 86400) * count
    return {names[(first + i) % len(names)] for i in range(count)}


def test_one(name, neap, live):
    case = Case(name)
    path = os.path.join(RECORD, name + ".json")
    if not os.path.exists(path):
        return ["there is no record; run tests/compat/record.sh " + name]
    recorded = read_json(path)
    lines = []
    if live:
        now, said = outcome(case, "ansible")
        lines = compare(case, recorded, now) if not case.about.get("faulty") else []
        if lines:
            return ["Ansible itself now gives something else than the record (\"neap\" is Ansible here)", *lines, *said.splitlines()]
    got, said = outcome(case, "neap", neap)
    lines = compare(case, recorded, got)
    return lines + (said.splitlines() if lines else [])


def main():
    if os.geteuid() != 0:
        become_root()
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--live", default=os.environ.get("NEAP_COMPAT_LIVE", "10"))
    parser.add_argument("--neap")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    names = options.names or case_names()
    if options.record:
        record(names, not options.names)
        return 0
    if options.live != "0" and not shutil.which("ansible-playbook"):
        print("# ansible-playbook is not here: only the record is compared")
        options.live = "0"
    live = live_names(names, options.live)
    print(f"1..{len(names)}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        skipped = {name: Case(name).skipped() for name in names}
        jobs = [None if skipped[name] else pool.submit(test_one, name, os.path.abspath(options.neap), name in live) for name in names]
        for number, (name, job) in enumerate(zip(names, jobs), 1):
            if skipped[name]:
                print(f"ok {number} - {name} # SKIP {skipped[name]}", flush=True)
                continue
            lines = job.result()
            failed += bool(lines)
            print(f"{'not ok' if lines else 'ok'} {number} - {name}{' (live)' if name in live else ''}", flush=True)
            for line in lines:
                print("# " + line)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
