#!/usr/bin/python3
"""Benchmarks: neap and its peers on the same throwaway servers, alternately in one run, end states compared. Markdown tables.

  sh tests/bench/run.sh [WORKLOAD...]      all, or some of them (see the functions named work_* here, in hosts.py and transfers.py)
  BENCH_ROUNDS=5 BENCH_DELAY=25            runs of each (the median counts), ms each way of the delaying proxy
  BENCH_LONG=1                             Ansible also where it takes minutes

"to neap" is the program's time divided by neap's: above 1, neap is faster. CPU is that of the controller's processes, and of the
target's sessions with all that ran in them; memory is the most that the controller's process tree was seen to hold. Nothing here
fails a test: times are shown, never asserted; but a wrong end state ends the run."""
import os
import shutil
import sys

import hosts
import transfers
from measure import (LONG, NEAP, PORTS, SSH_OPTIONS, USER, WORK, compare, inventory, measure, peers, playbook, root_of, round_trips,
                     ssh, tree_digest)
from tasks import mixed


def run(book, hosts_file):
    return {"neap": ([NEAP, "run", book, "-i", hosts_file], None, None)}


def work_noop():
    """A run that changes nothing, beside `ssh host true`."""
    for count in (30, 300):
        for plain in (False, True):
            kind = f"{count} tasks" + (" without chains and become" if plain else "")
            book = mixed(f"noop{count}{'plain' if plain else ''}", count, plain)
            shutil.rmtree(root_of("h0001"), ignore_errors=True)
            measure([NEAP, "run", book, "-i", inventory(PORTS["no delay"])])
            state = tree_digest(root_of("h0001"))
            same = lambda name: tree_digest(root_of("h0001")) == state or sys.exit(f"{name} changed something")
            for wire, port in PORTS.items():
                with_peers = not plain and (LONG or count == 30)
                rows = peers(book, inventory(port)) if with_peers else run(book, inventory(port))
                rows["ssh host true"] = (ssh(port, "true"), None, None)
                compare(f"no-op of {kind}, {wire}", rows, check=same)
            round_trips(f"no-op of {kind}", lambda port: {**run(book, inventory(port)), "ssh host true": (ssh(port, "true"), None, None)})


def work_converge():
    """The first run."""
    fresh = lambda: shutil.rmtree(root_of("h0001"), ignore_errors=True) or os.makedirs(root_of("h0001"))
    for count in (30, 300):
        book = mixed(f"converge{count}", count)
        fresh()
        measure([NEAP, "run", book, "-i", inventory(PORTS["no delay"])])
        state = tree_digest(root_of("h0001"))
        same = lambda name: tree_digest(root_of("h0001")) == state or sys.exit(f"{name} made something else")
        for wire, port in PORTS.items():
            rows = peers(book, inventory(port), fresh)
            if count > 30 and not LONG:
                del rows["ansible"]
            compare(f"first run of {count} tasks, {wire}", rows, rounds=None if count == 30 else 1, check=same)
        round_trips(f"first run of {count} tasks", lambda port: {"neap": ([NEAP, "run", book, "-i", inventory(port)], None, fresh)})


def with_master(port, commands):
    """OpenSSH with a control master: one connection, a session for each command."""
    path = os.path.join(WORK, "master")
    words = " ".join(["ssh", *SSH_OPTIONS, "-S", path, "-p", port, f"{USER}@127.0.0.1"])
    return ["sh", "-c", f"{words} -M -N -f && " + " && ".join(f"{words} {command}" for command in commands) + f"; {words} -O exit"]


def work_commands():
    """20 commands on one host."""
    place = os.path.join(root_of("h0001"), "commands")
    lines = [f"touch {place}/{i}" for i in range(20)]
    book = playbook("commands", [{"command": line} for line in lines])
    def fresh():
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
    def done(name):
        return len(os.listdir(place)) == 20 or sys.exit(f"{name} has not run all commands")
    def rows_of(port):
        return {"neap": ([NEAP, "run", book, "-i", inventory(port)], None, fresh),
                "ssh, control master": (with_master(port, lines), None, fresh),
                "ssh, one script": (ssh(port, " && ".join(lines)), None, fresh)}
    for wire, port in PORTS.items():
        compare(f"20 commands, {wire}", {**peers(book, inventory(port), fresh), **rows_of(port)}, check=done)
    round_trips("20 commands", rows_of)


def work_start():
    """Starting with nothing to do, and checking a playbook of 2,000 tasks."""
    empty = playbook("empty", [])
    compare("start-up with nothing to do", {"neap": ([NEAP, "run", empty, "-i", "localhost,", "-c", "local"], None, None),
                                            "neap --version": ([NEAP, "--version"], None, None)}, rounds=9)
    book, many = mixed("big", 2000), inventory(PORTS["no delay"], 1000)
    rows = {"neap": ([NEAP, "run", book, "-i", many, "--syntax-check"], None, None)}
    compare("2,000 tasks for 1,000 hosts, checked", rows)


def main():
    works = {name[5:]: work for module in (sys.modules[__name__], hosts, transfers)
             for name, work in vars(module).items() if name.startswith("work_")}
    for name in sys.argv[1:]:
        if name not in works:
            sys.exit(f"no workload is called {name}; there are {', '.join(works)}")
    for name in sys.argv[1:] or works:
        works[name]()


main()
