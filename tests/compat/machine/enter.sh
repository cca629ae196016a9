# Makes a small Debian of its own out of the one it runs on, and runs a command in it: what is written to /etc, /home, /opt, /root,
# /srv and /var stays in memory, /run is empty, the packages are those of base/status, /usr/bin has the stand-ins of bin/ before all
# else, and the host's name is its own.
#   unshare --mount --uts --ipc --pid --fork [--map-root-user] sh enter.sh WORK COMMAND...
# The command runs in WORK/book; at its end WORK/machine.json tells what it changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
shift
mkdir -p "$work/machine"
mount -t proc proc /proc
mount -t tmpfs -o mode=0755 machine "$work/machine"
cd "$work/machine"
cp -R "$here/base" base
(cd base && mkdir -p home opt root srv etc/init.d etc/cron.d etc/apt/apt.conf.d etc/apt/preferences.d etc/apt/sources.list.d var/spool/cron/crontabs)
find base -type d -exec chmod 0755 {} +
find base -type f -exec chmod 0644 {} +
chmod 0640 base/etc/shadow base/etc/gshadow
chmod 0700 base/root

# laid PATH LOWER: PATH is LOWER, and what is written there goes to changed/PATH.
laid() {
	mkdir -p "changed/$1" ".work/$1"
	chmod --reference="base/$1" "changed/$1"
	mount -t overlay -o "lowerdir=$2,upperdir=changed/$1,workdir=.work/$1" machine "/$1"
}
for folder in etc home opt root srv var; do laid "$folder" "base/$folder:/$folder"; done
for folder in etc/apt etc/cron.d etc/init.d etc/skel etc/systemd var/spool/cron; do
	mkdir -p "/$folder"
	laid "$folder" "base/$folder"
done
for folder in var/lib/dpkg var/lib/apt var/cache/apt var/log run; do mount -t tmpfs -o mode=0755 machine "/$folder"; done
mkdir -p /var/lib/dpkg/updates /var/lib/dpkg/info /var/lib/apt/lists/partial /var/cache/apt/archives/partial /var/log/apt /run/sshd /run/systemd/system
cp base/dpkg-status /var/lib/dpkg/status
: >/var/lib/dpkg/available
: >/var/lib/dpkg/info/base-files.list
mount -t overlay -o "lowerdir=$here/bin:/usr/bin" machine /usr/bin
if [ -n "${COMPAT_SYSV:-}" ]; then # a host of System V's scripts
	mkdir -p sbin bin
	ln -s /bin/true sbin/init
	mount -t overlay -o lowerdir=sbin:/usr/sbin machine /usr/sbin
	mount --bind /bin/false /usr/bin/systemctl
	rmdir /run/systemd/system
fi
hostname compat

cd "$work/book"
status=0
"$@" || status=$?
/usr/bin/python3 "$here/../tree.py" "$work/machine/changed" >"$work/machine.json"
exit "$status"
