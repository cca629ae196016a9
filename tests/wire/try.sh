# What the connection tests share: to be sourced by scripts that meson runs, with $WIRE_TRY, $SOURCE_ROOT, $DELAY_PROXY.
#
#   . "${SOURCE_ROOT:-.}/tests/wire/try.sh"
#   start web                               # a server (sshd_start)
#   it "logs in with an ed25519 key"        # starts a test; TAP goes to stdout
#   try -i "$SSHD_KEY" web 'echo hello'     # runs wire_try against the server web through $SSHD_DIR/ssh_config
#   status 0; output "hello"; logged web "Accepted publickey for $SSHD_USER"; said "what stderr has"
#   done_testing

set -u
. "${SOURCE_ROOT:-.}/tests/lib/sshd.sh"
try_number=0 try_failed=0 try_name=

# As sshd_start. With a home of its own, because login shells may run long rc files.
start() {
	try_server=$1
	shift
	sshd_start "$try_server" "SetEnv HOME=$SSHD_DIR/home" "$@"
}

try_result() {
	[ -n "$try_name" ] || return 0
	try_number=$((try_number + 1))
	if [ -z "$try_problems" ]; then
		echo "ok $try_number - $try_name"
	else
		echo "not ok $try_number - $try_name"
		printf '%s\n' "$try_problems" | sed 's/^/# /'
		sed 's/^/#   out: /' "$SSHD_DIR/out" 2>/dev/null
		sed 's/^/#   err: /' "$SSHD_DIR/err" 2>/dev/null
		try_failed=1
	fi
}

it() {
	try_result
	try_name=$1 try_problems= TRY_STATUS=
	: >"$SSHD_DIR/out"
	: >"$SSHD_DIR/err"
	for try_server in $SSHD_NAMES; do
		: >"$(sshd_log "$try_server")"
	done
}

try_problem() { try_problems="$try_problems$*
"; }

# With time to connect that a busy machine needs. In a home of its own, so that nobody's keys, agent, tickets and configuration take part. TRY_PATH stands in for PATH.
try() {
	TRY_STATUS=0
	HOME=$SSHD_DIR/home timeout 200 env PATH="${TRY_PATH:-$PATH}" "$WIRE_TRY" -T 60000 -a "-F $SSHD_DIR/ssh_config ${TRY_OPTIONS:-}" "$@" \
		>"$SSHD_DIR/out" 2>"$SSHD_DIR/err" </dev/null || TRY_STATUS=$?
}

status() { [ "$TRY_STATUS" = "$1" ] || try_problem "status $TRY_STATUS, not $1"; }
output() { grep -qxF -- "$1" "$SSHD_DIR/out" || try_problem "stdout lacks the line: $1"; }
said() { grep -qF -- "$1" "$SSHD_DIR/err" || try_problem "stderr lacks: $1"; }
unsaid() { ! grep -qF -- "$1" "$SSHD_DIR/err" || try_problem "stderr has: $1"; }
# sshd writes its log a moment after the client has gone on.
logged() {
	for try_wait in $(seq 200); do
		grep -qF -- "$2" "$(sshd_log "$1")" && return 0
		sleep 0.05
	done
	try_problem "the log of $1 lacks: $2"
	try_problem "$(sed 's/^/    log: /' "$(sshd_log "$1")")"
}
unlogged() { ! grep -qF -- "$2" "$(sshd_log "$1")" || try_problem "the log of $1 has: $2"; }
same() { [ "$1" = "$2" ] || try_problem "got \"$1\", not \"$2\""; }

done_testing() {
	try_result
	echo "1..$try_number"
	exit "$try_failed"
}

# Fingerprint of a public key file as sshd logs it.
fingerprint() { ssh-keygen -lf "$1" | cut -d' ' -f2; }

export LSAN_OPTIONS="suppressions=${SOURCE_ROOT:-.}/tests/wire/lsan.supp:print_suppressions=0"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}fast_unwind_on_malloc=0"
unset SSH_AUTH_SOCK KRB5CCNAME
sshd_setup
mkdir -p "$SSHD_DIR/home/.ssh"
trap sshd_cleanup EXIT
trap 'exit 129' HUP INT TERM
