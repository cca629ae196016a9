#!/bin/sh
# See neap at work in two minutes, without a machine to spare:
#   sh playbooks/try.sh [PLAYBOOK]
# builds neap (and installs what that needs on Debian 12), starts a throwaway SSH server on loopback with keys of its own, and
# runs a playbook on several "hosts" of it, twice. All they have is in one temporary folder, which is removed at the end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
playbook=${1:-$here/site.json}
build=${NEAP_BUILD:-$source/build}

. "$source/tests/lib/packages.sh"
packages_need meson ninja-build gcc libc6-dev pkgconf libssh-dev libjansson-dev liblua5.4-dev libpcre2-dev libyaml-dev \
	libssl-dev openssh-server openssh-client openssh-sftp-server

echo "== building neap in $build"
[ -f "$build/build.ninja" ] || meson setup "$build" "$source" -Dtests=false >/dev/null
ninja -C "$build" neap | tail -n 1

. "$source/tests/lib/sshd.sh"
sshd_setup
trap sshd_cleanup EXIT
trap 'exit 129' HUP INT TERM
sshd_start loopback
sshd_inventory "$SSHD_DIR/hosts.json" "${NEAP_HOSTS:-3}" loopback
echo "== an SSH server on 127.0.0.1:$SSHD_PORT; its hosts' files are in $SSHD_DIR/roots"

for time in first second; do
	echo
	echo "== the $time run: neap run $playbook -i $SSHD_DIR/hosts.json"
	{
		"$build/neap" run "$playbook" -i "$SSHD_DIR/hosts.json" -e "backup_dir=$SSHD_DIR/backups" || echo $? >"$SSHD_DIR/failed"
	} | tee "$SSHD_DIR/output"
	[ ! -f "$SSHD_DIR/failed" ] || exit "$(cat "$SSHD_DIR/failed")"
done

echo
echo "== what is on the first host now"
(cd "$SSHD_DIR/roots/h001" && find . ! -name . -printf '%M %8s %P\n' | sort -k 3)
echo
if grep -qE '^h[0-9]+ .*changed=[1-9]' "$SSHD_DIR/output"; then
	echo "The second run should have found nothing to do; what it changed is above."
	exit 1
fi
echo "The first run made it so; the second found nothing to do (changed=0 on every host)."
echo "Now read $here/site.json, change something, and run it again."
