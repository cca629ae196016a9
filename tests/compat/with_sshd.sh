# Runs a command while a throwaway sshd listens on loopback: with_sshd.sh WORK COMMAND...
# The files of WORK/book may say @PORT@; the key is WORK/sshd/user_key, and the server is in WORK/home/.ssh/known_hosts.
set -eu
. "$(dirname "$0")/../lib/sshd.sh"
work=$1
shift
sshd_setup "$work/sshd"
sshd_start host "Subsystem sftp internal-sftp"
trap sshd_cleanup EXIT
mkdir -p -m 0700 "$work/home/.ssh" "$SSHD_DIR/home/.ansible/tmp" # Ansible warns, or not, where two hosts make the latter
cp "$SSHD_DIR/known_hosts" "$work/home/.ssh/known_hosts"
grep -rl @PORT@ "$work/book" | xargs sed -i "s/@PORT@/$SSHD_PORT/g"
echo "$SSHD_PORT" >"$work/port"
status=0
"$@" || status=$?
exit "$status"
