"""Files and trees of them."""
import os
import shutil
import subprocess
import sys

from measure import (NEAP, PORTS, ROUNDS, SSH_OPTIONS, USER, WORK, compare, inventory, playbook, remove, round_trips)


def digest_of(path):
    return subprocess.check_output(["sha256sum", path]).split()[0]


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
