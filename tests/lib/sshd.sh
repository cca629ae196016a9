# Throwaway SSH servers on loopback for tests and examples: POSIX sh, to be sourced.
#
#   . tests/lib/sshd.sh
#   sshd_setup                          # a temporary folder $SSHD_DIR with a user key; removed at exit by sshd_cleanup
#   sshd_start web "MaxSessions 3"      # a server named web, with lines for its sshd_config that win over the defaults
#   ssh -F "$SSHD_DIR/ssh_config" web true
#   sshd_inventory hosts.json 20 web    # 20 inventory hosts h001... on it, each with its own root_dir
#   sshd_log web                        # the path of its log (LogLevel VERBOSE: methods, keys, addresses, commands)
#   sshd_stop web; sshd_cleanup
#
# Works as root and as a plain user, who can only log in as himself. A server has its own ed25519 host key, listens on
# 127.0.0.1 (or $SSHD_ADDRESS) on a free port, knows the user key only, and needs nothing outside the folder (as root,
# OpenSSH insists on /run/sshd). All "hosts" on one server see one file system: give each its own root_dir.

# The folder and the keys. An own folder may be given; it is then the caller's to remove.
sshd_setup() {
	SSHD_BINARY=$(command -v sshd || echo /usr/sbin/sshd)
	[ -x "$SSHD_BINARY" ] || { echo "sshd.sh: no sshd found; install openssh-server" >&2; return 1; }
	if [ -n "${1:-}" ]; then
		SSHD_DIR=$1 SSHD_OWNS_DIR=
		mkdir -p "$SSHD_DIR"
	else
		SSHD_DIR=$(mktemp -d "${TMPDIR:-/tmp}/neap-sshd.XXXXXX") SSHD_OWNS_DIR=1
	fi
	mkdir -p "$SSHD_DIR/home" # empty, so that no test depends on whose rc files a login shell reads, or waits for them
	chmod 700 "$SSHD_DIR"
	SSHD_DIR=$(cd "$SSHD_DIR" && pwd -P)
	SSHD_USER=$(id -un)
	SSHD_KEY=$SSHD_DIR/user_key
	[ -f "$SSHD_KEY" ] || ssh-keygen -q -t ed25519 -N '' -C neap-test -f "$SSHD_KEY" || return 1
	cp "$SSHD_KEY.pub" "$SSHD_DIR/authorized_keys"
	: >"$SSHD_DIR/known_hosts"
	: >"$SSHD_DIR/ssh_config"
	SSHD_NAMES= SSHD_PROXIES=
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
}

# sshd_start NAME [CONFIG-LINE...]: sets SSHD_PORT. A line "Match ..." and those after it go to the end of the file.
sshd_start() {
	sshd_name=$1
	shift
	sshd_home=$SSHD_DIR/$sshd_name
	mkdir -p "$sshd_home"
	[ -f "$sshd_home/host_key" ] || ssh-keygen -q -t ed25519 -N '' -C "$sshd_name" -f "$sshd_home/host_key" || return 1
	sshd_tries=0
	while [ "$sshd_tries" -lt 20 ]; do
		sshd_tries=$((sshd_tries + 1))
		SSHD_PORT=$(sshd_random_port)
		sshd_config "$sshd_home" "$SSHD_PORT" "$@" >"$sshd_home/sshd_config"
		"$SSHD_BINARY" -t -f "$sshd_home/sshd_config" 2>"$sshd_home/config-errors" || {
			cat "$sshd_home/config-errors" >&2
			return 1
		}
		: >"$sshd_home/log"
		"$SSHD_BINARY" -D -f "$sshd_home/sshd_config" -E "$sshd_home/log" </dev/null >/dev/null 2>&1 &
		sshd_pid=$!
		if sshd_listens "$sshd_pid" "$sshd_home/log"; then
			echo "$sshd_pid" >"$sshd_home/pid"
			echo "$SSHD_PORT" >"$sshd_home/port"
			SSHD_NAMES="$SSHD_NAMES $sshd_name"
			sshd_introduce "$sshd_name" "$SSHD_PORT"
			return 0
		fi
		kill "$sshd_pid" 2>/dev/null
		wait "$sshd_pid" 2>/dev/null
	done
	echo "sshd.sh: sshd $sshd_name does not start:" >&2
	cat "$sshd_home/log" >&2
	return 1
}

sshd_random_port() {
	echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

# An IPv6 address stands in brackets where a port follows.
sshd_bracketed() {
	case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac
}

# sshd_config FOLDER PORT [LINE...]: OpenSSH takes the first value it meets, so the caller's lines come first. A Subsystem
# may stand there once only: with one of the caller's ("Subsystem none /bin/false") there is no SFTP server by default.
sshd_config() {
	sshd_config_dir=$1 sshd_config_port=$2
	shift 2
	sshd_match= sshd_subsystem='Subsystem sftp internal-sftp'
	for sshd_line; do
		case $sshd_line in [Mm]atch\ *) sshd_match=1 ;; [Ss]ubsystem\ *) sshd_subsystem= ;; esac
		[ -n "$sshd_match" ] || printf '%s\n' "$sshd_line"
	done
	cat <<END
ListenAddress $(sshd_bracketed "${SSHD_ADDRESS:-127.0.0.1}"):$sshd_config_port
HostKey $sshd_config_dir/host_key
PidFile none
AuthorizedKeysFile $SSHD_DIR/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
LogLevel VERBOSE
PrintMotd no
PrintLastLog no
X11Forwarding no
AcceptEnv LANG LC_*
SetEnv HOME=$SSHD_DIR/home
$sshd_subsystem
END
	sshd_match=
	for sshd_line; do
		case $sshd_line in [Mm]atch\ *) sshd_match=1 ;; esac
		[ -z "$sshd_match" ] || printf '%s\n' "$sshd_line"
	done
}

# Waits until the log says that it listens; fails when the server has ended (the port was taken).
sshd_listens() {
	sshd_waited=0
	while [ "$sshd_waited" -lt 200 ]; do
		grep -q '^Server listening' "$2" && return 0
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.02
		sshd_waited=$((sshd_waited + 1))
	done
	return 1
}

# Adds a server to known_hosts and ssh_config.
sshd_introduce() {
	sshd_address=${SSHD_ADDRESS:-127.0.0.1}
	awk -v host="[$sshd_address]:$2" '{ print host, $1, $2 }' "$SSHD_DIR/$1/host_key.pub" >>"$SSHD_DIR/known_hosts"
	cat >>"$SSHD_DIR/ssh_config" <<END
Host $1
	HostName $sshd_address
	Port $2
	User $SSHD_USER
	IdentityFile $SSHD_KEY
	IdentitiesOnly yes
	UserKnownHostsFile $SSHD_DIR/known_hosts
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
END
}

sshd_port() { cat "$SSHD_DIR/$1/port"; }
sshd_log() { echo "$SSHD_DIR/$1/log"; }

# Child processes of a process, without procps.
sshd_children() {
	for sshd_stat in /proc/[0-9]*/stat; do
		sed -n "s/^\([0-9]*\) (.*) [A-Z] $1 .*/\1/p" "$sshd_stat" 2>/dev/null || true # it may be gone by now
	done
}

# sshd_stop NAME: the server and the sessions it has open.
sshd_stop() {
	[ -f "$SSHD_DIR/$1/pid" ] || return 0
	sshd_pid=$(cat "$SSHD_DIR/$1/pid")
	rm -f "$SSHD_DIR/$1/pid"
	kill -STOP "$sshd_pid" 2>/dev/null || true # it starts no session while they are looked for
	sshd_sessions=$(sshd_children "$sshd_pid")
	kill "$sshd_pid" 2>/dev/null || true
	kill -CONT "$sshd_pid" 2>/dev/null || true
	for sshd_session in $sshd_sessions; do
		kill "$sshd_session" 2>/dev/null || true
	done
	wait "$sshd_pid" 2>/dev/null || true
}

# Stops all servers and proxies and removes the folder. For a trap: trap sshd_cleanup EXIT; trap 'exit 129' HUP INT TERM
sshd_cleanup() {
	for sshd_name in $SSHD_NAMES; do
		sshd_stop "$sshd_name"
	done
	for sshd_pid in $SSHD_PROXIES; do
		kill "$sshd_pid" 2>/dev/null || true
		wait "$sshd_pid" 2>/dev/null || true
	done
	SSHD_NAMES= SSHD_PROXIES=
	[ -z "$SSHD_OWNS_DIR" ] || rm -rf "$SSHD_DIR"
}

# sshd_inventory FILE COUNT [NAME [PORT]]: COUNT hosts h001, h002, ... on the server NAME (the last one started), through
# PORT where a proxy stands before it. Each has a root_dir of its own, which is made.
sshd_inventory() {
	sshd_port_=${4:-}
	[ -n "$sshd_port_" ] || sshd_port_=$(if [ -n "${3:-}" ]; then sshd_port "$3"; else echo "$SSHD_PORT"; fi)
	sshd_address=${SSHD_ADDRESS:-127.0.0.1}
	{
		printf '{\n  "all": {\n    "vars": {\n'
		printf '      "ansible_host": "%s",\n      "ansible_port": %s,\n' "$sshd_address" "$sshd_port_"
		printf '      "ansible_user": "%s",\n      "ansible_ssh_private_key_file": "%s",\n' "$SSHD_USER" "$SSHD_KEY"
		printf '      "ansible_ssh_common_args": "-o UserKnownHostsFile=%s -o IdentitiesOnly=yes"\n' "$SSHD_DIR/known_hosts"
		printf '    },\n    "hosts": {\n'
		sshd_index=0
		while [ "$sshd_index" -lt "$2" ]; do
			sshd_index=$((sshd_index + 1))
			sshd_host=$(printf 'h%03d' "$sshd_index")
			mkdir -p "$SSHD_DIR/roots/$sshd_host"
			sshd_comma=,
			[ "$sshd_index" -lt "$2" ] || sshd_comma=
			printf '      "%s": { "root_dir": "%s/roots/%s" }%s\n' "$sshd_host" "$SSHD_DIR" "$sshd_host" "$sshd_comma"
		done
		printf '    }\n  }\n}\n'
	} >"$1"
}

# proxy_start TARGET-PORT [delay_proxy options...]: sets PROXY_PORT and PROXY_PID. known_hosts learns the proxy's port
# with the keys of every server started so far. $DELAY_PROXY is the program.
proxy_start() {
	proxy_target=$1
	shift
	proxy_out=$SSHD_DIR/proxy.$proxy_target.$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
	"${DELAY_PROXY:?the path of delay_proxy}" "$@" "$proxy_target" >"$proxy_out" 2>"$proxy_out.log" </dev/null &
	PROXY_PID=$!
	SSHD_PROXIES="$SSHD_PROXIES $PROXY_PID"
	while [ ! -s "$proxy_out" ]; do
		kill -0 "$PROXY_PID" 2>/dev/null || { cat "$proxy_out.log" >&2; return 1; }
		sleep 0.02
	done
	PROXY_PORT=$(cat "$proxy_out") PROXY_LOG=$proxy_out.log
	for sshd_name in $SSHD_NAMES; do
		awk -v host="[127.0.0.1]:$PROXY_PORT" '{ print host, $1, $2 }' "$SSHD_DIR/$sshd_name/host_key.pub" >>"$SSHD_DIR/known_hosts"
	done
}

proxy_stop() {
	kill "$PROXY_PID" 2>/dev/null || true
	wait "$PROXY_PID" 2>/dev/null || true
}
