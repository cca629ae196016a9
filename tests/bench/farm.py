#!/usr/bin/python3
"""Many sshds on loopback, each on a port of its own with its own limit on newcomers, as many machines would have.

    farm.py SSHD CONFIG COUNT PORTS      writes the ports to PORTS when all listen, and keeps them until it is ended

CONFIG is without a port or an address. The processes are "sshd -D"; their ids go to PORTS.pids."""
import os
import random
import signal
import subprocess
import sys
import time

FIRST, LAST = 10000, 31000 # below what the system gives to clients


def listening():
    """The ports of 127.0.0.1 that somebody listens on."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}


def main():
    sshd, config, count, path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    servers = {}  # port: process
    try:
        taken = listening()
        ports = iter(random.sample([port for port in range(FIRST, LAST) if port not in taken], min(LAST - FIRST - len(taken), 2 * count)))
        while len(servers) < count:
            new = [next(ports) for _ in range(min(50, count - len(servers)))]
            for port in new:
                servers[port] = subprocess.Popen([sshd, "-D", "-q", "-f", config, "-o", f"ListenAddress=127.0.0.1:{port}"],
                                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while any(servers[port].poll() is None for port in set(new) - listening()):
                time.sleep(0.05)
            for port in new:
                if servers[port].poll() is not None: # somebody else was first
                    del servers[port]
        with open(path + ".pids", "w") as file:
            file.writelines(f"{server.pid}\n" for server in servers.values())
        with open(path + ".new", "w") as file:
            file.writelines(f"{port}\n" for port in servers)
        os.rename(path + ".new", path)
        signal.pause()
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            server.wait()


main()
