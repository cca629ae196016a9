#!/usr/bin/python3
"""Benchmarks: neap and its peers on the same throwaway sshd, alternately in one run, end states compared.

  sh tests/bench/run.sh [WORKLOAD...]      all, or some of them (see the functions named work_*)
  BENCH_ROUNDS=5 BENCH_DELAY=25            runs of each (median counts), ms each way of the delaying proxy

Each row is a ratio: the peer's time divided by neap's (above 1: neap is faster), with medians, CPU seconds of the
controller's processes and of the target's sessions, and peak memory of the controller's process tree. Nothing here fails a
test: times are shown, never asserted."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
DELAY = os.environ.get("BENCH_DELAY", "25")
NEAP = os.environ["NEAP"]
WORK = os.environ["BENCH_DIR"]
SSH_CONFIG = os.environ["BENCH_SSH_CONFIG"]
PORTS = {"no delay": os.environ["BENCH_PORT"], f"{2 * int(DELAY)} ms": os.environ["BENCH_SLOW_PORT"]}
TRIP_PORTS = {"100 ms": os.environ["BENCH_PORT_100"], "200 ms": os.environ["BENCH_PORT_200"]}
SSHD_PID = int(os.environ["BENCH_SSHD_PID"])
KEY = os.environ["BENCH_KEY"]
KNOWN = os.environ["BENCH_KNOWN_HOSTS"]
USER = os.environ["BENCH_USER"]

SSH_OPTIONS = ["-F", "none", "-o", f"UserKnownHostsFile={KNOWN}", "-o", "IdentitiesOnly=yes", "-i", KEY]


def inventory(port, count=1):
    """An inventory of count hosts on one server, each with a root_dir of its own."""
    path = os.path.join(WORK, f"inventory-{port}-{count}.json")
    hosts = {f"h{i:04}": {"root_dir": os.path.join(WORK, "roots", f"h{i:04}")} for i in range(1, count + 1)}
    for host in hosts.values():
        os.makedirs(host["root_dir"], exist_ok=True)
    with open(path, "w") as file:
        json.dump({"all": {"vars": {
            "ansible_host": "127.0.0.1", "ansible_port": int(port), "ansible_user": USER,
            "ansible_ssh_private_key_file": KEY,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={KNOWN} -o IdentitiesOnly=yes -F none",
        }, "hosts": hosts}}, file)
    return path


def playbook(name, tasks, **play):
    path = os.path.join(WORK, name + ".json")
    with open(path, "w") as file:
        json.dump([{"hosts": "all", "gather_facts": False, "tasks": tasks, **play}], file)
    return path


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def tree_kb(pid):
    """What a process and its descendants hold in memory."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            own = int(file.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except (OSError, IndexError):
        return 0
    return own + sum(tree_kb(child) for child in children_of(pid))


def wait_sampling(pid):
    """As wait4, and the most that the process tree was seen to hold."""
    peak = 0
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage, max(peak, usage.ru_maxrss)
        peak = max(peak, tree_kb(pid))
        time.sleep(0.002 if peak < 1024 else 0.01)


def target_cpu():
    """CPU seconds of all sessions that the sshd has seen the end of, with all that ran in them."""
    for _ in range(200):
        if not children_of(SSHD_PID):
            break
        time.sleep(0.01)
    with open(f"/proc/{SSHD_PID}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def measure(argv, env=None, prepare=None, good=(0,)):
    """Wall seconds, CPU seconds here, peak KB of the process tree, CPU seconds on the target."""
    if prepare:
        prepare()
    log = open(os.path.join(WORK, "last.log"), "w")
    there = target_cpu()
    before = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, {**os.environ, **(env or {})}, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)])
    status, usage, peak = wait_sampling(pid)
    wall = time.monotonic() - before
    if os.waitstatus_to_exitcode(status) not in good:
        sys.exit(f"{argv}: status {os.waitstatus_to_exitcode(status)}\n" + open(log.name).read()[-2000:])
    return wall, usage.ru_utime + usage.ru_stime, peak, target_cpu() - there


def compare(title, contestants, rounds=ROUNDS, check=None):
    """contestants: name -> (argv, env, prepare); the first is neap. Runs them in turn and prints the ratios."""
    results = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (argv, env, prepare) in contestants.items():
            results[name].append(measure(argv, env, prepare))
            if check:
                check(name)
    base = statistics.median(row[0] for row in next(iter(results.values())))
    for name, rows in results.items():
        wall, cpu, peak, there = (statistics.median(row[i] for row in rows) for i in range(4))
        print(f"{title:44} {name:22} {wall:8.3f} s  {wall / base:7.2f} x  cpu {cpu:6.2f} s  there {there:6.2f} s"
              f"  {peak / 1024:6.1f} MB", flush=True)


def round_trips(title, make, rounds=3):
    """make(port): contestants. How much longer the best run takes with 200 ms than with 100, in hundredths of a second."""
    best = {}
    for wire in ("100 ms", "200 ms"):
        for name, (argv, env, prepare) in make(TRIP_PORTS[wire]).items():
            best.setdefault(name, []).append(min(measure(argv, env, prepare)[0] for _ in range(rounds)))
    for name, (near, far) in best.items():
        print(f"{title:44} {name:22} {round((far - near) * 10):5} round trips", flush=True)


ANSIBLE_ENV = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_FORKS": "50", "ANSIBLE_HOST_KEY_CHECKING": "False",
               "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s", "ANSIBLE_RETRY_FILES_ENABLED": "0",
               "ANSIBLE_GATHERING": "explicit", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}


def mitogen_env():
    import glob
    found = glob.glob("/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy")
    return {**ANSIBLE_ENV, "ANSIBLE_STRATEGY_PLUGINS": found[0], "ANSIBLE_STRATEGY": "mitogen_linear"} if found else None


def peers(book, hosts):
    rows = {"neap": ([NEAP, "run", book, "-i", hosts], None, None),
            "ansible": (["/usr/bin/ansible-playbook", book, "-i", hosts], ANSIBLE_ENV, None)}
    env = mitogen_env()
    if env:
        rows["ansible, mitogen"] = (["/usr/bin/ansible-playbook", book, "-i", hosts], env, None)
    return rows


def noop_tasks(count):
    tasks = [{"file": {"path": "{{ root_dir }}/conf", "state": "directory", "mode": "0755"}}]
    for i in range(count // 3):
        tasks.append({"file": {"path": "/tmp", "state": "directory"}})
        tasks.append({"copy": {"dest": "{{ root_dir }}/conf/f%d" % i, "content": "{{ text }} %d\n" % i, "mode": "0644"}})
        tasks.append({"lineinfile": {"path": "{{ root_dir }}/conf/l%d" % i, "line": "line %d" % i, "create": True}})
    return tasks


def work_noop():
    """A run that changes nothing, beside `ssh host true`."""
    for count in (30, 300):
        book = playbook(f"noop{count}", noop_tasks(count), vars={"text": "hello"})
        for wire, port in PORTS.items():
            hosts = inventory(port)
            measure([NEAP, "run", book, "-i", hosts])
            rows = peers(book, hosts) if count == 30 else {"neap": ([NEAP, "run", book, "-i", hosts], None, None)}
            rows["ssh host true"] = (["ssh", *SSH_OPTIONS, "-p", port, f"{USER}@127.0.0.1", "true"], None, None)
            compare(f"no-op of {count} tasks, {wire}", rows)


def work_converge():
    """The first run of 30 tasks."""
    book = playbook("converge", noop_tasks(30), vars={"text": "hello"})
    for wire, port in PORTS.items():
        hosts = inventory(port)
        fresh = lambda: shutil.rmtree(os.path.join(WORK, "roots", "h0001", "conf"), ignore_errors=True)
        rows = {name: (argv, env, fresh) for name, (argv, env, _) in peers(book, hosts).items()}
        compare(f"first run of 30 tasks, {wire}", rows)


def work_commands():
    """20 commands on one host."""
    book = playbook("commands", [{"command": f"echo {i}"} for i in range(20)])
    for wire, port in PORTS.items():
        compare(f"20 commands, {wire}", peers(book, inventory(port)))


def digest_of(path):
    return subprocess.check_output(["sha256sum", path]).split()[0]


def remove(*paths):
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def work_file():
    """One big file up and down. The peers' time includes that it is on the disk where it arrives, and its hash on the target, as
    neap's copy and fetch have it; "alone" is the transfer only."""
    size = int(os.environ.get("BENCH_MB", "512"))
    source, there, back = (os.path.join(WORK, name) for name in ("big", "big.there", "big.back"))
    subprocess.check_call(["dd", "if=/dev/urandom", f"of={source}", "bs=1M", f"count={size}"], stderr=subprocess.DEVNULL)
    os.sync()
    wanted = digest_of(source)
    up = playbook("up", [{"copy": {"src": source, "dest": there, "mode": "0644"}}])
    down = playbook("down", [{"fetch": {"src": source, "dest": back, "flat": True}}])
    gone = lambda: remove(there, back)
    for wire, port in PORTS.items():
        hosts, at = inventory(port), f"{USER}@127.0.0.1"
        ssh = " ".join(["ssh", *SSH_OPTIONS, "-p", port])
        scp = " ".join(["scp", "-q", *SSH_OPTIONS, "-P", port])
        sftp = " ".join(["sftp", "-q", "-b", "-", *SSH_OPTIONS, "-P", port])
        shell = lambda *parts: (["sh", "-c", " && ".join(parts)], None, gone)
        check = lambda path: lambda name: digest_of(path) == wanted or sys.exit(f"{name}: {path} differs")
        rounds = ROUNDS if port == PORTS["no delay"] else min(ROUNDS, 2)
        ups = {"scp": f"{scp} {source} {at}:{there}", "sftp": f"echo put {source} {there} | {sftp} {at}",
               "rsync": f"rsync -e '{ssh}' {source} {at}:{there}"}
        downs = {"scp": f"{scp} {at}:{source} {back}", "sftp": f"echo get {source} {back} | {sftp} {at}",
                 "rsync": f"rsync -e '{ssh}' {at}:{source} {back}"}
        compare(f"{size} MB up, {wire}", {
            "neap": ([NEAP, "run", up, "-i", hosts], None, gone),
            **{name: shell(text, f"{ssh} {at} 'sync {there}; sha256sum {there}'") for name, text in ups.items()},
            "scp alone": shell(ups["scp"])}, rounds=rounds, check=check(there))
        compare(f"{size} MB down, {wire}", {
            "neap": ([NEAP, "run", down, "-i", hosts], None, gone),
            **{name: shell(text, f"sync {back}", f"{ssh} {at} sha256sum {source}") for name, text in downs.items()},
            "scp alone": shell(downs["scp"])}, rounds=rounds, check=check(back))
    gone()
    remove(source)


def tree_digest(path):
    return subprocess.check_output(f"cd {path} && find . -type f | LC_ALL=C sort | xargs -d '\\n' sha1sum | sha1sum",
                                   shell=True)


def tree_make(source, count):
    for i in range(count):
        folder = os.path.join(source, f"d{i % max(20, count // 100)}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"f{i}"), "wb") as file:
            file.write(os.urandom(1500 + i % 1000))


def tree_change(source):
    """To another size too: rsync looks no further where size and second are the same."""
    path = os.path.join(source, "d7", "f7")
    size = 1000 + (os.path.getsize(path) + 1) % 1000
    with open(path, "wb") as file:
        file.write(os.urandom(size))


def work_tree():
    """Trees of small files: first, unchanged, and with one file changed."""
    for count in [int(n) for n in os.environ.get("BENCH_FILES", "1000,20000").split(",")]:
        source, there = os.path.join(WORK, f"tree{count}"), os.path.join(WORK, f"tree{count}.there")
        tree_make(source, count)
        book = playbook("tree", [{"copy": {"src": source + "/", "dest": there + "/"}}])
        gone = lambda: shutil.rmtree(there, ignore_errors=True)
        change = lambda: tree_change(source)
        same = lambda name: tree_digest(there) == tree_digest(source) or sys.exit(f"{name}: the tree differs")
        def contestants(port, prepare=None, tar=False):
            at, ssh = f"{USER}@127.0.0.1", " ".join(["ssh", *SSH_OPTIONS, "-p", port])
            pipe = f"tar -C {source} -cf - . | {ssh} {at} 'mkdir -p {there} && tar -C {there} -xf -'"
            rows = {"neap": ([NEAP, "run", book, "-i", inventory(port)], None, prepare),
                    "rsync": (["rsync", "-a", "-e", ssh, source + "/", f"{at}:{there}/"], None, prepare)}
            return {**rows, "tar over ssh": (["sh", "-c", pipe], None, prepare)} if tar else rows
        for wire, port in PORTS.items():
            compare(f"{count:,} small files, first, {wire}", contestants(port, gone, tar=True), check=same)
            compare(f"{count:,} small files, unchanged, {wire}", contestants(port), check=same)
            compare(f"{count:,} small files, one changed, {wire}", contestants(port, change), check=same)
        if count <= 1000:
            round_trips(f"{count:,} small files, first", lambda port: contestants(port, gone, tar=True))
            round_trips(f"{count:,} small files, unchanged", contestants)
        gone()
        shutil.rmtree(source)


def work_hosts():
    """One command on many hosts."""
    for count in [int(n) for n in os.environ.get("BENCH_HOSTS", "100").split(",")]:
        hosts = inventory(PORTS["no delay"], count)
        book = playbook("one", [{"command": "touch {{ root_dir }}/was-here"}])
        def fresh():
            for i in range(1, count + 1):
                path = os.path.join(WORK, "roots", f"h{i:04}", "was-here")
                if os.path.exists(path):
                    os.remove(path)
        def all_there(name):
            for i in range(1, count + 1):
                os.path.exists(os.path.join(WORK, "roots", f"h{i:04}", "was-here")) or sys.exit(f"{name}: h{i:04}")
        rows = {name: (argv, env, fresh) for name, (argv, env, _) in peers(book, hosts).items()}
        compare(f"1 command on {count} hosts", rows, rounds=1, check=all_there)


def work_start():
    """Starting with nothing to do, and checking a playbook of 2,000 tasks."""
    book = playbook("big", noop_tasks(2000), vars={"text": "hello"})
    hosts = inventory(PORTS["no delay"], 1000)
    compare("start-up with nothing to do", {"neap": ([NEAP, "--version"], None, None)}, rounds=9)
    compare("2,000 tasks for 1,000 hosts, checked",
            {"neap": ([NEAP, "run", book, "-i", hosts, "--syntax-check"], None, None)})


def main():
    works = {name[5:]: work for name, work in globals().items() if name.startswith("work_")}
    for name in sys.argv[1:] or works:
        if name not in works:
            sys.exit(f"no workload is called {name}; there are {', '.join(works)}")
        works[name]()


main()
