# The raw material of facts, read with what a POSIX sh and the target's own tools give; facts.c makes values of it.
# Before this text stand: m (a random mark), parts (words, see plan/fact_subset.c), fact_path, seconds.
# Each piece stands behind a line "MARK name". Small files are read by one grep, which names each line's file.
h() { printf '\n%s %s\n' "$m" "$1"; }
w() { case " $parts " in *" $1 "*) return 0 ;; esac; return 1; }
has() { command -v "$1" >/dev/null 2>&1; }
exist() { for p; do [ ! -e "$p" ] || printf '%s\n' "$p"; done; }
# In the form of grep's lines: whether paths are there, and where symlinks lead.
there() { for p; do [ ! -e "$p" ] || printf '%s:1\n' "$p"; done; }
lead() { ls -ld "$@" | sed -n 's/^.* \(\/[^ ]*\) -> \(.*\)$/\1:\2/p'; }

# Before anything is changed: what a task's command would find.
if w env; then
	if [ -r /proc/self/environ ]; then h env0; cat /proc/self/environ; else h env; env; fi
fi
if w user; then
	u=${LOGNAME:-${USER:-${LNAME:-${USERNAME:-}}}}
	[ -n "$u" ] || u=$(id -un)
	h id; id
	h user; printf '%s\n' "$u"
	h passwd
	if has getent; then getent passwd "$u" "$(id -u)"; else cat /etc/passwd; fi
fi
if w date_time; then
	z=${TZ-}
	z=${z#:}
	case $z in '') z=/etc/localtime ;; /*) ;; *) z=/usr/share/zoneinfo/$z ;; esac
	h zone
	if [ -f "$z" ]; then tail -n 1 "$z"; else printf '%s\n' "${TZ-}"; fi
	h date; LC_ALL=C date '+%Y %m %A %w %W %d %H %M %S %s %N %z %Z'
fi
h chroot_name; printf '%s\n' "${debian_chroot-}"
LC_ALL=C
export LC_ALL
PATH=$PATH:/sbin:/usr/sbin:/usr/local/sbin
bound=
if w fqdn || w mounts; then
	! timeout 1 true 2>/dev/null || bound="timeout $seconds"
fi

h uname; uname -s -n -r -v -m
if w platform; then h bits; ! has getconf || getconf LONG_BIT; fi
if w fqdn; then
	n=$(uname -n)
	h fqdn
	if has getent; then
		set -- $($bound getent ahosts "$n")
		[ $# -eq 0 ] || $bound getent hosts "$1"
	elif has hostname; then
		printf '? %s\n' "$($bound hostname -f)"
	fi
fi
if w python || w python_version; then
	for p in /usr/bin/python3 python3 /usr/libexec/platform-python python python2; do
		has "$p" || continue
		h python
		"$p" -S -E -c 'import sys
print(sys.executable)
print("%d %d %d %s %d" % tuple(sys.version_info))
print(getattr(getattr(sys, "implementation", None), "name", "CPython"))' && break
	done
fi
if w lsb && has lsb_release; then h lsb; lsb_release -a; fi
if w caps && has capsh; then h caps; capsh --print; fi
if w chroot; then
	h roots
	for p in / /proc/1/root/.; do stat -c '%d %i' "$p" || echo -; done
	stat -f -c %T /
fi

set -- /dev/null
! w platform || set -- "$@" /var/lib/dbus/machine-id /etc/machine-id
! w distribution || set -- "$@" /etc/os-release /usr/lib/os-release /etc/altlinux-release /etc/oracle-release \
	/etc/slackware-version /etc/centos-release /etc/redhat-release /etc/vmware-release /etc/openwrt_release \
	/etc/system-release /etc/alpine-release /etc/arch-release /etc/SuSE-release /etc/gentoo-release /etc/lsb-release \
	/etc/sourcemage-release /etc/coreos/update.conf /etc/debian_version
! w lsb || set -- "$@" /etc/lsb-release
! w dns || set -- "$@" /etc/resolv.conf
! w cmdline || set -- "$@" /proc/cmdline
! w fips || set -- "$@" /proc/sys/crypto/fips_enabled
! w loadavg || set -- "$@" /proc/loadavg
! w selinux || set -- "$@" /sys/fs/selinux/policyvers /sys/fs/selinux/enforce /etc/selinux/config
! w service_mgr || set -- "$@" /proc/1/comm
! w ssh_pub_keys || for d in /etc/ssh /etc/openssh /etc; do
	for a in dsa rsa ecdsa ed25519; do set -- "$@" "$d/ssh_host_${a}_key.pub"; done
done
! w cpu || set -- "$@" /sys/hypervisor/type /proc/self/status
! w memory || set -- "$@" /proc/meminfo
! w uptime || set -- "$@" /proc/uptime
! w dmi || set -- "$@" /sys/devices/virtual/dmi/id/[bcps]*
! w iscsi || set -- "$@" /etc/iscsi/initiatorname.iscsi
! w nvme || set -- "$@" /etc/nvme/hostnqn
! w fibre_channel_wwn || set -- "$@" /sys/class/fc_host/*/port_name
! w virtual || set -- "$@" /proc/1/cgroup /run/systemd/container /proc/xen/capabilities /proc/self/status \
	/sys/devices/virtual/dmi/id/product_name /sys/devices/virtual/dmi/id/sys_vendor \
	/sys/devices/virtual/dmi/id/product_family /sys/devices/virtual/dmi/id/bios_vendor
if w network; then
	for a in address mtu operstate type speed flags bridge/bridge_id bridge/stp_state bonding/slaves bonding/mode \
		bonding/miimon bonding/lacp_rate bonding/primary bonding/all_slaves_active bonding_slave/perm_hwaddr; do
		set -- "$@" /sys/class/net/*/$a
	done
fi
h files; [ $# -eq 1 ] || grep -as '' "$@"

if w devices; then
	set -- /dev/null
	for a in device/vendor device/model device/sas_address device/sas_device_handle device/serial removable size \
		queue/rotational queue/scheduler queue/logical_block_size queue/hw_sector_size queue/discard_granularity \
		'*/start' '*/size' '*/queue/logical_block_size' 'holders/*/dm/name' '*/holders/*/dm/name'; do
		set -- "$@" /sys/block/*/$a
	done
	h files; grep -as '' "$@"; there /sys/block/*/holders/dm-* /sys/block/*/*/holders/dm-*
	h blocks; ls -l /sys/block
	h slaves; exist /sys/block/*/slaves/*
	h disk; ls -l /dev/disk/by-id/ /dev/disk/by-uuid/ /dev/disk/by-label/
	if has lspci; then h lspci; lspci -D; fi
fi

h exists
! w distribution || exist /etc/vmware-release /etc/arch-release
! w apparmor || exist /sys/kernel/security/apparmor
! w pkg_mgr || exist /usr/bin/rpm-ostree /usr/bin/yum /usr/bin/dnf /usr/bin/apt-get /usr/bin/zypper /usr/sbin/urpmi \
	/usr/bin/pacman /bin/opkg /usr/pkg/bin/pkgin /opt/local/bin/pkgin /opt/tools/bin/pkgin /opt/local/bin/port \
	/usr/local/bin/brew /opt/homebrew/bin/brew /sbin/apk /usr/sbin/pkg /usr/sbin/swlist /usr/bin/emerge \
	/usr/sbin/pkgadd /usr/bin/pkg /usr/bin/xbps-install /usr/local/sbin/pkg /usr/bin/swupd /usr/sbin/sorcery \
	/usr/bin/installp /QOpenSys/pkgs/bin/yum /run/ostree-booted
! w service_mgr || exist /run/systemd/system/ /dev/.run/systemd/ /dev/.systemd/ /etc/init/ /sbin/openrc /etc/init.d/
! w virtual || exist /proc/vz /proc/lve /proc/bc /proc/xen /.dockerenv /.dockerinit /dev/kvm
! w cpu || exist /proc/xen
! w selinux || exist /sys/fs/selinux/enforce
h links
! w service_mgr || [ ! -L /sbin/init ] || printf '/sbin/init %s\n' "$(readlink /sbin/init)"
! w distribution || [ ! -L /etc/products.d/baseproduct ] ||
	printf '/etc/products.d/baseproduct %s\n' "$(readlink /etc/products.d/baseproduct)"
if w service_mgr; then
	h commands
	for c in systemctl initctl; do ! has $c || echo $c; done
fi
if w pkg_mgr && [ -e /usr/bin/apt-get ] && [ -x /usr/bin/rpm ]; then
	h apt_rpm; /usr/bin/rpm -q --whatprovides /usr/bin/apt-get >/dev/null && echo yes
fi

if w cpu || w virtual; then
	h cpuinfo
	k='model name|Processor|vendor_id|cpu|Vendor|processor|physical id|core id|cpu cores|siblings|# processors|ncpus active|machine'
	if [ -e /proc/xen ] || [ -e /sys/hypervisor/type ]; then k="$k|flags"; fi
	grep -aE "^($k)[[:blank:]]*:" /proc/cpuinfo
fi
if w virtual; then
	h init_environment; tr '\0' '\n' </proc/1/environ | grep -aE '^container=|container=lxc|container=podman'
	h modules; grep -aE '^(kvm|vboxdrv|virtio) ' /proc/modules
	if has dmidecode; then h dmidecode; dmidecode -s system-product-name; fi
fi
if w lvm && has vgs && [ "$(id -u)" = 0 ]; then
	for c in vgs lvs pvs; do h $c; ! has $c || $c --noheadings --nosuffix --units g --separator ,; done
fi
if w mounts; then
	t=/etc/mtab
	[ -e $t ] || t=/proc/mounts
	h mounts; cat $t
	h mountinfo; cat /proc/self/mountinfo
	if has lsblk; then
		h files
		lsblk --list --noheadings --paths --output NAME,UUID --exclude 2 | sed -n 's/^\(\/[^ ]*\) \{1,\}\([^ ]*\) *$/\1:\2/p'
	fi
	set --
	while read -r d p y o; do
		case $d in /* | \\* | *:/*) ;; *) continue ;; esac
		[ "$y" != none ] || continue
		case $p in *\\*) p=$(printf '%b.' "$(printf '%s' "$p" | sed 's/\\/\\0/g')"); p=${p%.} ;; esac
		set -- "$@" "$p"
	done <$t
	h statfs
	if [ $# -gt 0 ]; then
		o=$($bound stat -f -c '%s %S %b %a %c %d %n' "$@")
		# A mount whose server is gone must not hide the others.
		if [ $? -eq 124 ]; then
			o=
			for p; do o="$o$($bound stat -f -c '%s %S %b %a %c %d %n' "$p")
"; done
		fi
		printf '%s\n' "$o"
	fi
fi
if w network; then
	h interfaces; exist /sys/class/net/*/
	h files
	there /sys/class/net/*/brif/* /sys/class/net/*/bridge /sys/class/net/*/bonding
	lead /sys/class/net/*/device /sys/class/net/*/device/driver/module
	if has ip; then
		h addresses; ip addr show
		h route4; ip -4 route get 8.8.8.8
		h route6; ip -6 route get 2404:6800:400a:800::1012
	fi
fi
if w local && [ -d "$fact_path" ]; then
	for f in "$fact_path"/*.fact; do
		[ -e "$f" ] || continue
		h fact_name; printf '%s' "${f##*/}"
		if [ ! -f "$f" ]; then
			h fact_bad
		elif [ -x "$f" ]; then
			h fact_ran
			{ e=$("$f" 2>&1 >&3 3>&-); r=$?; } 3>&1
			h fact_status; printf '%s %s' "$r" "$e"
		else
			h fact_text; cat "$f"
		fi
	done
fi
h end
