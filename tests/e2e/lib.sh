# What the end-to-end tests share: to be sourced by scripts that meson runs, with $NEAP, $DELAY_PROXY, $SOURCE_ROOT. TAP.
#
#   . "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
#   e2e_setup                              # a folder $WORK, keys, and all that tests/lib/sshd.sh has; cleaned up at exit
#   it "says changed=0 the second time"    # starts a test
#   neap run site.json -i hosts.json       # runs it; sets STATUS, fills $WORK/out and $WORK/err
#   status 0; output "a whole line"; output_has "a piece"; said "a piece of stderr"; recap h001 changed=0 failed=0
#   equal "$(cat file)" "content"
#   done_testing

set -u
. "${SOURCE_ROOT:-.}/tests/lib/sshd.sh"
e2e_number=0 e2e_failed=0 e2e_name= e2e_faults= STATUS=

e2e_setup() {
	sshd_setup || exit 99
	trap sshd_cleanup EXIT
	trap 'exit 129' HUP INT TERM
	WORK=$SSHD_DIR/work
	# A loaded machine is slow to answer; what is to time out has -T or ansible_timeout.
	export ANSIBLE_TIMEOUT=100
	mkdir -p "$WORK" "$SSHD_DIR/home"
	cd "$WORK" || exit 99
}

# Ends the test before this one.
e2e_result() {
	[ -n "$e2e_name" ] || return 0
	e2e_number=$((e2e_number + 1))
	if [ -z "$e2e_faults" ]; then
		echo "ok $e2e_number - $e2e_name"
		return 0
	fi
	e2e_failed=1
	echo "not ok $e2e_number - $e2e_name"
	printf '%s' "$e2e_faults" | sed 's/^/# /'
	[ -z "$STATUS" ] || { sed 's/^/#   out: /' "$WORK/out" | tail -n 40; sed 's/^/#   err: /' "$WORK/err" | tail -n 40; }
}

it() {
	e2e_result
	e2e_name=$1 e2e_faults= STATUS=
}

# it_skip NAME REASON: a test that cannot run here.
it_skip() {
	e2e_result
	e2e_name=
	e2e_number=$((e2e_number + 1))
	echo "ok $e2e_number - $1 # SKIP $2"
}

fault() { e2e_faults="$e2e_faults$*
"; }

# In a home of its own, so that nobody's keys, agent and configuration take part.
neap() {
	STATUS=0
	env -u SSH_AUTH_SOCK HOME="$SSHD_DIR/home" timeout "${NEAP_TIMEOUT:-120}" "$NEAP" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || STATUS=$?
}

status() { [ "$STATUS" = "$1" ] || fault "status $STATUS, not $1"; }
output() { grep -qxF -- "$1" "$WORK/out" || fault "stdout lacks the line: $1"; }
output_has() { grep -qF -- "$1" "$WORK/out" || fault "stdout lacks: $1"; }
output_lacks() { ! grep -qF -- "$1" "$WORK/out" || fault "stdout has: $1"; }
said() { grep -qF -- "$1" "$WORK/err" || fault "stderr lacks: $1"; }
silent() { [ ! -s "$WORK/err" ] || fault "stderr is not empty"; }
equal() { [ "$1" = "$2" ] || fault "$1 is not $2"; }
less() { [ "$1" -le "$2" ] || fault "${3:-}$1 is more than $2"; }

# recap HOST WORD...: the host's line in the recap has each word (ok=3 changed=0 ...).
recap() {
	recap_line=$(grep -E "^$1 +: " "$WORK/out" | tail -n 1)
	[ -n "$recap_line" ] || fault "no recap for $1"
	shift
	for recap_word; do
		case " $recap_line " in *" $recap_word "*) ;; *) fault "the recap lacks $recap_word: $recap_line" ;; esac
	done
}

# same_files A B: two folders hold the same names, types, modes and contents.
folder_list() {
	(cd "$1" && find . -printf '%P %y %m %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k 2)
}
same_files() {
	folder_list "$1" >"$WORK/list-a"
	folder_list "$2" >"$WORK/list-b"
	cmp -s "$WORK/list-a" "$WORK/list-b" || fault "$1 and $2 differ:
$(diff "$WORK/list-a" "$WORK/list-b" | head -n 10)"
}

# Milliseconds on the clock.
now_ms() { echo $(($(date +%s%N) / 1000000)); }

done_testing() {
	e2e_result
	echo "1..$e2e_number"
	exit "$e2e_failed"
}
