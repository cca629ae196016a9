#!/bin/sh
# neap and its peers, measured alternately in one run: ratios, not promises (docs/performance.md).
#   sh tests/bench/run.sh [noop converge commands file tree hosts start]
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/packages.sh
. tests/lib/sshd.sh
packages_need meson ninja-build gcc libc6-dev pkgconf libssh-dev libjansson-dev liblua5.4-dev libpcre2-dev libssl-dev \
	openssh-server openssh-client openssh-sftp-server python3 rsync ansible-core ansible-mitogen

build=${NEAP_BUILD:-build-bench}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dbuildtype=release >/dev/null
ninja -C "$build" neap tests/lib/delay_proxy >/dev/null
build=$(cd "$build" && pwd)

trap 'sshd_cleanup' EXIT INT TERM
sshd_setup
sshd_start bench "MaxStartups 1000" "MaxSessions 100"
DELAY_PROXY=$build/tests/lib/delay_proxy
BENCH_PORT=$SSHD_PORT
proxy_start "$BENCH_PORT" -d 50
BENCH_PORT_100=$PROXY_PORT
proxy_start "$BENCH_PORT" -d 100
BENCH_PORT_200=$PROXY_PORT
proxy_start "$BENCH_PORT" -d "${BENCH_DELAY:-25}"
export BENCH_PORT_100 BENCH_PORT_200 BENCH_SSHD_PID="$(cat "$SSHD_DIR/bench/pid")"
export NEAP="$build/neap" BENCH_PORT BENCH_SLOW_PORT="$PROXY_PORT" BENCH_SSH_CONFIG="$SSHD_DIR/ssh_config" \
	BENCH_KEY="$SSHD_KEY" BENCH_KNOWN_HOSTS="$SSHD_DIR/known_hosts" BENCH_USER="$SSHD_USER" BENCH_DIR="$SSHD_DIR/bench"
mkdir -p "$BENCH_DIR"
/usr/bin/python3 tests/bench/bench.py "$@"
