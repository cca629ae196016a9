"""Many hosts at once: each is an sshd of its own, with OpenSSH's own limit on newcomers."""
import atexit
import os
import shutil
import subprocess
import sys
import time

import measure
from measure import (KEY, KNOWN, LONG, NEAP, SSH_OPTIONS, USER, WORK, compare, peers, playbook, root_of, row, ssh, tree_digest, under,
                     write_inventory)
from tasks import mixed

HANDSHAKES = "128"  # at once, as in core/wire/hub.c
farm = None


def end_farm():
    global farm
    if farm:
        farm.terminate()
        farm.wait()
    farm = None


atexit.register(end_farm)


def ports_of(count):
    """The ports of that many servers; those of the last call may be among them."""
    global farm
    path = os.path.join(WORK, f"ports{count}")
    if not os.path.exists(path):
        end_farm()
        farm = subprocess.Popen([os.path.join(os.path.dirname(__file__), "farm.py"), os.environ["BENCH_SSHD"],
                                 os.environ["BENCH_SSHD_CONFIG"], str(count), path], stdin=subprocess.DEVNULL)
        while not os.path.exists(path):
            if farm.poll() is not None:
                sys.exit("the servers do not start")
            time.sleep(0.05)
    with open(path) as file:
        ports = file.read().split()
    with open(path + ".pids") as file:
        measure.servers = [int(pid) for pid in file]
    with open(os.environ["BENCH_HOST_KEY"]) as file:
        key = " ".join(file.read().split()[:2])
    with open(KNOWN, "a") as file:
        file.writelines(f"[127.0.0.1]:{port} {key}\n" for port in ports)
    return path, ports


def done_with_farm():
    end_farm()
    measure.servers = [measure.SSHD_PID]
    for name in os.listdir(WORK):
        if name.startswith("ports"):
            os.remove(os.path.join(WORK, name))


def write(name, lines):
    path = os.path.join(WORK, name)
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def ssh_tools(ports, command):
    """OpenSSH's client for each host, started by tools that do that in parallel."""
    rows = {}
    names = [f"h{i:04}" for i in range(1, len(ports) + 1)]
    words = [word for word in SSH_OPTIONS if word not in ("-F", "none")]
    config = write("ssh_config", [line for name, port in zip(names, ports) for line in
                                  (f"Host {name}", f" HostName 127.0.0.1\n Port {port}\n User {USER}")])
    pssh = shutil.which("parallel-ssh")
    if pssh:
        list_of = write("pssh-hosts", [f"127.0.0.1:{port} {USER}" for port in ports])
        rows["pssh"] = ([pssh, "-h", list_of, "-p", HANDSHAKES, "-t", "0", "-x", " ".join(SSH_OPTIONS), command], None, None)
    pdsh = shutil.which("pdsh")
    if pdsh:
        rows["pdsh"] = ([pdsh, "-R", "ssh", "-f", HANDSHAKES, "-w", ",".join(names), command],
                        {"PDSH_SSH_ARGS": " ".join(["-F", config, *words, "-l", "%u", "%h"])}, None)
    return rows


def work_hosts():
    """One command on many hosts, which leaves something else on each. All of them at once."""
    place = os.path.join(WORK, "reached")
    command = f"touch {place}/${{SSH_CONNECTION##* }}" # the server's port
    def fresh():
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
    for count in [int(n) for n in os.environ.get("BENCH_HOSTS", "100,500,1000").split(",")]:
        path, ports = ports_of(count)
        hosts = write_inventory(f"hosts{count}", {f"h{i:04}": {"ansible_port": int(port)} for i, port in enumerate(ports, 1)})
        all_there = lambda name: set(os.listdir(place)) == set(ports) or sys.exit(
            f"{name} has reached {len(os.listdir(place))} of {count} hosts")
        rows = {"neap": ([NEAP, "exec", "all", "-i", hosts, "-m", "shell", "-a", command, "--forks", str(count)], None, fresh),
                "bare libssh": ([os.environ["BENCH_BARE"], path, USER, KEY, os.environ["BENCH_HOST_KEY"], HANDSHAKES, command], None, fresh)}
        rows.update({name: (argv, env, fresh) for name, (argv, env, _) in ssh_tools(ports, command).items()})
        if LONG or count <= 100:
            book = playbook("one", [{"shell": command}])
            rows.update({name: one for name, one in peers(book, hosts, fresh, forks=50).items() if name != "neap"})
        medians = compare(f"1 command on {count:,} hosts", rows, rounds=None if count < 1000 else 1, check=all_there)
        wall, cpu, peak, there = medians["neap"]
        under("of each host", "program", "CPU here, ms", "CPU there, ms", "memory beyond 20 MB, kB")
        for name, (wall, cpu, peak, there) in medians.items():
            row(f"1 command on {count:,} hosts", name, f"{1000 * cpu / count:.2f}", f"{1000 * there / count:.2f}",
                f"{max(0, peak - 20 * 1024) / count:.0f}")
    done_with_farm()


def work_converge_hosts():
    """10 tasks on 100 hosts: the first run, and one that changes nothing."""
    count = int(os.environ.get("BENCH_CONVERGE_HOSTS", "100"))
    _, ports = ports_of(count)
    hosts = write_inventory(f"hosts{count}", {f"h{i:04}": {"ansible_port": int(port)} for i, port in enumerate(ports, 1)})
    book = playbook("ten", [{"file": {"path": "{{ root_dir }}/conf", "state": "directory", "mode": "0750"}}] + [
        [{"copy": {"dest": "{{ root_dir }}/conf/f%d" % i, "content": "{{ inventory_hostname }} %d\n" % i, "mode": "0644"}},
         {"lineinfile": {"path": "{{ root_dir }}/conf/l%d" % i, "line": "{{ inventory_hostname }}", "create": True, "mode": "0600"}},
         {"template": {"src": "host.j2", "dest": "{{ root_dir }}/conf/t%d" % i, "mode": "0640"}}][i % 3] for i in range(9)])
    os.makedirs(os.path.join(WORK, "templates"), exist_ok=True)
    write("templates/host.j2", ["{{ inventory_hostname }} of {{ groups.all | length }}"])
    def fresh():
        for i in range(1, count + 1):
            shutil.rmtree(os.path.join(root_of(f"h{i:04}"), "conf"), ignore_errors=True)
    roots = os.path.dirname(root_of("h0001"))
    state = {}
    def same(name):
        found = tree_digest(roots)
        if state.setdefault("made", found) != found:
            sys.exit(f"{name} has made something else")
    shutil.rmtree(roots)
    for i in range(1, count + 1):
        os.makedirs(root_of(f"h{i:04}"))
    compare(f"first run of 10 tasks on {count} hosts", peers(book, hosts, fresh, forks=100), rounds=1, check=same)
    compare(f"no-op of 10 tasks on {count} hosts", peers(book, hosts, forks=100), rounds=1, check=same)
    done_with_farm()


def work_template():
    """A template on 500 hosts."""
    count = int(os.environ.get("BENCH_TEMPLATE_HOSTS", "500"))
    _, ports = ports_of(count)
    hosts = write_inventory(f"hosts{count}", {f"h{i:04}": {"ansible_port": int(port)} for i, port in enumerate(ports, 1)})
    os.makedirs(os.path.join(WORK, "templates"), exist_ok=True)
    write("templates/page.conf.j2", ["# {{ inventory_hostname }}", "{% for host in groups.all[:50] %}", "server {{ host }} {{ loop.index }};",
                                     "{% endfor %}"])
    book = playbook("page", [{"template": {"src": "page.conf.j2", "dest": "{{ root_dir }}/page.conf", "mode": "0644"}}])
    paths = [os.path.join(root_of(f"h{i:04}"), "page.conf") for i in range(1, count + 1)]
    def fresh():
        measure.remove(*paths)
    def right(name):
        for i, path in enumerate(paths, 1):
            with open(path) as file:
                if not file.read().startswith(f"# h{i:04}\nserver h0001 1;\n"):
                    sys.exit(f"{name}: {path} is wrong")
    rows = peers(book, hosts, fresh, forks=100)
    if not LONG:
        rows.pop("ansible")
    compare(f"a template on {count} hosts", rows, rounds=1, check=right)
    done_with_farm()
