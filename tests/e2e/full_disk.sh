# A target's disk that is full or read-only: the task fails and names the reason, the file stays as it was, and no temporary
# file is left. Mounting needs root.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 1 loopback
mkdir full locked
unmount() { umount "$WORK/full" "$WORK/locked" 2>/dev/null; }
trap 'unmount; sshd_cleanup' EXIT
if ! mount -t tmpfs -o size=1m tmpfs full 2>/dev/null || ! mount -t tmpfs -o size=1m,ro tmpfs locked 2>/dev/null; then
	it_skip "says that the disk is full" "tmpfs cannot be mounted"
	done_testing
fi
head -c 2000000 /dev/urandom >large

copies() {
	printf '[{ "hosts": "all", "tasks": [{ "copy": { "src": "%s/large", "dest": "%s" } }] }]' "$WORK" "$WORK/$1" >play.json
	neap run play.json -i hosts.json
}

it "says that the disk is full, and leaves nothing behind"
echo old >full/file
copies full/file
status 2
output_has 'No space left on device'
equal "$(cat full/file)" old
equal "$(find full -mindepth 1 | wc -l)" 1

it "says that the file system is read-only"
copies locked/file
status 2
output_has 'Read-only file system'

it "says that the controller's disk is full, and leaves nothing behind"
printf '[{ "hosts": "all", "tasks": [{ "fetch": { "src": "%s/large", "dest": "%s/" } }] }]' "$WORK" "$WORK/full" >play.json
neap run play.json -i hosts.json
status 2
output_has 'No space left on device'
equal "$(find full -type f | wc -l)" 1

it "does not fetch what is no file"
printf '[{ "hosts": "all", "tasks": [{ "fetch": { "src": "/dev/zero", "dest": "%s/" } }] }]' "$WORK" >play.json
neap run play.json -i hosts.json
status 2
output_has 'remote file is not a regular file'
done_testing
