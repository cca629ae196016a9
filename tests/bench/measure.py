"""What the workloads share: hosts, playbooks, and how time, CPU, memory and round trips are taken."""
import glob
import json
import os
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LONG = os.environ.get("BENCH_LONG", "") not in ("", "0")
DELAY = os.environ.get("BENCH_DELAY", "25")
NEAP = os.environ["NEAP"]
WORK = os.environ["BENCH_DIR"]
PORTS = {"no delay": os.environ["BENCH_PORT"], f"{2 * int(DELAY)} ms": os.environ["BENCH_SLOW_PORT"]}
TRIP_PORTS = {"100 ms": os.environ["BENCH_PORT_100"], "200 ms": os.environ["BENCH_PORT_200"]}
SSHD_PID = int(os.environ["BENCH_SSHD_PID"])
KEY = os.environ["BENCH_KEY"]
KNOWN = os.environ["BENCH_KNOWN_HOSTS"]
USER = os.environ["BENCH_USER"]

SSH_OPTIONS = ["-F", "none", "-o", f"UserKnownHostsFile={KNOWN}", "-o", "IdentitiesOnly=yes", "-i", KEY]


# ---- hosts and playbooks ----

def root_of(host):
    return os.path.join(WORK, "roots", host)


def write_inventory(name, hosts, **more):
    """hosts: name -> variables. Each gets a root_dir of its own."""
    path = os.path.join(WORK, name + ".json")
    for host, variables in hosts.items():
        variables["root_dir"] = root_of(host)
        os.makedirs(variables["root_dir"], exist_ok=True)
    with open(path, "w") as file:
        json.dump({"all": {"vars": {
            "ansible_host": "127.0.0.1", "ansible_user": USER, "ansible_ssh_private_key_file": KEY,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={KNOWN} -o IdentitiesOnly=yes -F none", **more}, "hosts": hosts}}, file)
    return path


def inventory(port, count=1):
    """An inventory of count hosts on one server."""
    return write_inventory(f"inventory-{port}-{count}", {f"h{i:04}": {} for i in range(1, count + 1)}, ansible_port=int(port))


def playbook(name, tasks, **play):
    path = os.path.join(WORK, name + ".json")
    with open(path, "w") as file:
        json.dump([{"hosts": "all", "gather_facts": False, "tasks": tasks, **play}], file)
    return path


# ---- processes ----

def children_of(pid):
    """Of all its threads."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as file:
                found += map(int, file.read().split())
        except OSError:
            pass
    return found


def tree_kb(pid):
    """What a process and its descendants hold in memory, each page counted in each process that has it."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            own = int(file.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except (OSError, IndexError):
        return 0
    return own + sum(tree_kb(child) for child in children_of(pid))


def own_peak_kb(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def wait_sampling(pid):
    """As wait4, and the most that the process tree was seen to hold. (Not ru_maxrss: it begins with what this program holds.) Looking
    takes a tenth of the time, so that it does not slow down what it looks at."""
    peak = 0
    while True:
        begun = time.monotonic()
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage, peak
        peak = max(peak, tree_kb(pid), own_peak_kb(pid))
        time.sleep(max(0.002 if peak < 1024 else 0.01, 9 * (time.monotonic() - begun)))


servers = [SSHD_PID]  # whose sessions count as the target's CPU


def server_cpu(pid):
    """CPU seconds of all sessions that an sshd has seen the end of, with all that ran in them."""
    for _ in range(200):
        if not children_of(pid):
            break
        time.sleep(0.01)
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def target_cpu():
    return sum(map(server_cpu, servers))


def end_masters():
    """Ends what ControlPersist keeps: each run opens its connections, as neap does, and the target has seen their end."""
    for path in glob.glob(os.path.join(WORK, "cp", "*")):
        subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={path}", "any"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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
    end_masters()
    if os.waitstatus_to_exitcode(status) not in good:
        said = open(log.name).read()
        sys.exit(f"{argv}: status {os.waitstatus_to_exitcode(status)}\n{said[:2000]}\n...\n{said[-1000:]}")
    return wall, usage.ru_utime + usage.ru_stime, peak, target_cpu() - there


# ---- tables ----

def head(*columns):
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * 2 + "--:|" * (len(columns) - 2), flush=True)


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


headed = None


def under(*columns):
    """Begins a table with these columns, unless it is the one in hand."""
    global headed
    if headed != columns:
        head(*columns)
        headed = columns


def compare(title, contestants, rounds=None, check=None):
    """contestants: name -> (argv, env, prepare); the first is neap. Runs them in turn and prints the ratios; what took longer than
    10 seconds is not run again. Returns the medians: name -> (wall, cpu, peak, there)."""
    results = {name: [] for name in contestants}
    for _ in range(rounds or ROUNDS):
        for name, (argv, env, prepare) in contestants.items():
            if results[name] and results[name][0][0] > 10:
                continue
            results[name].append(measure(argv, env, prepare))
            if check:
                check(name)
    medians = {name: tuple(statistics.median(one[i] for one in rows) for i in range(4)) for name, rows in results.items()}
    base = next(iter(medians.values()))[0]
    under("workload", "program", "seconds", "to neap", "CPU here, s", "CPU there, s", "memory, MB")
    for name, (wall, cpu, peak, there) in medians.items():
        row(title, name, f"{wall:.3f}", f"{wall / base:.2f}", f"{cpu:.2f}", f"{there:.2f}", f"{peak / 1024:.1f}")
    return medians


def round_trips(title, make, rounds=3):
    """make(port): contestants. How much longer the best run takes with 200 ms than with 100, in hundredths of a second."""
    best = {}
    for wire in ("100 ms", "200 ms"):
        for name, (argv, env, prepare) in make(TRIP_PORTS[wire]).items():
            best.setdefault(name, []).append(min(measure(argv, env, prepare)[0] for _ in range(rounds)))
    under("workload", "program", "round trips")
    for name, (near, far) in best.items():
        row(title, name, str(round((far - near) * 10)))


# ---- peers ----

ANSIBLE_ENV = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_FORKS": "50", "ANSIBLE_HOST_KEY_CHECKING": "False",
               "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s", "ANSIBLE_RETRY_FILES_ENABLED": "0",
               "ANSIBLE_GATHERING": "explicit", "ANSIBLE_TIMEOUT": "120", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
               "ANSIBLE_CONFIG": os.path.join(WORK, "ansible.cfg"), "ANSIBLE_HOME": os.path.join(WORK, "ansible"),
               "ANSIBLE_SSH_CONTROL_PATH_DIR": os.path.join(WORK, "cp")}

with open(ANSIBLE_ENV["ANSIBLE_CONFIG"], "w"):
    pass


def ssh(port, *command):
    """OpenSSH's client, a connection for each."""
    return ["ssh", *SSH_OPTIONS, "-p", str(port), f"{USER}@127.0.0.1", *command]


def peers(book, hosts, prepare=None, forks=50):
    """neap, Ansible and Ansible with Mitogen on the same playbook and inventory."""
    env = {**ANSIBLE_ENV, "ANSIBLE_FORKS": str(forks)}
    command = ["/usr/bin/ansible-playbook", book, "-i", hosts]
    rows = {"neap": ([NEAP, "run", book, "-i", hosts, "--forks", str(forks)], None, prepare), "ansible": (command, env, prepare)}
    for plugins in glob.glob("/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy"):
        rows["ansible, Mitogen"] = (command, {**env, "ANSIBLE_STRATEGY_PLUGINS": plugins, "ANSIBLE_STRATEGY": "mitogen_linear"}, prepare)
    return rows


# ---- end states ----

def remove(*paths):
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def tree_digest(path):
    """Names, types, modes and contents."""
    return subprocess.check_output(f"cd {path} && find . -printf '%P %y %m\\n' | LC_ALL=C sort && find . -type f | LC_ALL=C sort | "
                                   "xargs -r -d '\\n' sha1sum", shell=True)
