#!/bin/sh
# Builds neap and passes all its tests; installs what it needs on Debian 12. The last line is "N passed, N failed".
#   sh tests/run.sh        the tests of every change
set -eu
cd "$(dirname "$0")/.."

packages="meson ninja-build gcc pkgconf libssh-dev libjansson-dev liblua5.4-dev libpcre2-dev libcriterion-dev libssl-dev openssh-server openssh-client"
missing=
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
	root=; [ "$(id -u)" = 0 ] || root=sudo
	$root apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $missing
fi

build=${NEAP_BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build" >/dev/null
ninja -C "$build"
status=0
meson test -C "$build" --print-errorlogs || status=$?
log="$build/meson-logs/testlog.json"
passed=$(grep -c '"result": "OK"' "$log" || true)
failed=$(grep -cE '"result": "(FAIL|ERROR|TIMEOUT)"' "$log" || true)
echo "$passed passed, $failed failed"
exit "$status"
