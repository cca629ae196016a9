#!/bin/sh
# neap and its peers, measured alternately in one run: ratios, not promises (docs/performance.md). Prints markdown tables.
#   sh tests/bench/run.sh [noop converge commands start hosts converge_hosts template file tree]
# All of it takes about half an hour; the variables that make it shorter or longer are in tests/bench/bench.py.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/packages.sh
. tests/lib/sshd.sh
packages_need meson ninja-build gcc libc6-dev pkgconf libssh-dev libjansson-dev liblua5.4-dev libpcre2-dev libyaml-dev libssl-dev \
	openssh-server openssh-client openssh-sftp-server python3 rsync ansible-core ansible-mitogen pssh pdsh sudo >&2

build=${NEAP_BUILD:-build-bench}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dbuildtype=release >/dev/null
ninja -C "$build" neap tests/lib/delay_proxy tests/bench/template >/dev/null
build=$(cd "$build" && pwd)
if [ "${1:-}" = templates ]; then
	exec /usr/bin/python3 tests/bench/template.py "$build/tests/bench/template"
fi
# shellcheck disable=SC2046
cc -O2 -o "$build/bare" tests/bench/bare.c $(pkgconf --cflags --libs libssh) -pthread

trap 'sshd_cleanup' EXIT
trap 'exit 130' INT TERM
sshd_setup
sshd_start bench "MaxStartups 1000" "MaxSessions 100"
DELAY_PROXY=$build/tests/lib/delay_proxy
BENCH_PORT=$SSHD_PORT
proxy_start "$BENCH_PORT" -d 50
BENCH_PORT_100=$PROXY_PORT
proxy_start "$BENCH_PORT" -d 100
BENCH_PORT_200=$PROXY_PORT
proxy_start "$BENCH_PORT" -d "${BENCH_DELAY:-25}"
# What the servers of many hosts have in common: nothing but OpenSSH's own limits.
grep -vE '^(ListenAddress|MaxStartups|MaxSessions) ' "$SSHD_DIR/bench/sshd_config" >"$SSHD_DIR/farm_config"
export BENCH_PORT_100 BENCH_PORT_200 BENCH_SSHD_PID="$(cat "$SSHD_DIR/bench/pid")"
export NEAP="$build/neap" BENCH_PORT BENCH_SLOW_PORT="$PROXY_PORT" BENCH_BARE="$build/bare" BENCH_SSHD="$SSHD_BINARY" \
	BENCH_SSHD_CONFIG="$SSHD_DIR/farm_config" BENCH_HOST_KEY="$SSHD_DIR/bench/host_key.pub" BENCH_KEY="$SSHD_KEY" \
	BENCH_KNOWN_HOSTS="$SSHD_DIR/known_hosts" BENCH_USER="$SSHD_USER" BENCH_DIR="$SSHD_DIR/work"
mkdir -p "$BENCH_DIR"
ulimit -n "$(ulimit -Hn)"
/usr/bin/python3 tests/bench/bench.py "$@"
