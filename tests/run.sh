#!/bin/sh
# Builds neap and passes all its tests; installs what it needs on Debian 12. The last line is "N passed, N failed".
#   sh tests/run.sh                       everything
#   sh tests/run.sh all                   everything, all playbooks of tests/compat by Ansible as well, and a Slurm array
#   sh tests/run.sh plain                 only that: plain, sanitized, race or fuzz, one or several
# plain: units, wire, end to end. sanitized: the same under ASan, UBSan and LSan, but for what measures or looks at texts only. race: neap under TSan. fuzz: libFuzzer.
# Builds go to build-*/ here, or to $NEAP_BUILD-*.
set -eu
cd "$(dirname "$0")/.."

live=10
[ "${1:-}" != all ] || { live=all; shift; }
stages=${*:-plain sanitized race fuzz}
build=${NEAP_BUILD:-build}
. tests/lib/packages.sh
needed="meson ninja-build gcc libc6-dev pkgconf libssh-dev libjansson-dev liblua5.4-dev libpcre2-dev libyaml-dev
	libssl-dev libcriterion-dev openssh-server openssh-client openssh-sftp-server python3 rsync"
# The oracles: what neap is compared with, and the shells and tools a target may have; groff reads the man page.
needed="$needed ansible-core busybox mksh zsh fish tcsh curl wget git openssl python3-apt unzip bzip2 xz-utils strace sudo opendoas groff-base"
case " $stages " in *" fuzz "*) needed="$needed clang llvm libclang-rt-14-dev" ;; esac
# ajv, which reads the JSON Schema, comes by npm.
command -v npm >/dev/null || needed="$needed npm"
# A cluster of this machine alone, for tests/e2e/slurm.sh.
if [ "$live" = all ]; then
	needed="$needed slurmctld slurmd slurm-client"
	export NEAP_TEST_ALL=1
fi
# All at once, because each time takes its time.
# shellcheck disable=SC2086
packages_need $needed

passed=0 failed=0
# Most tests wait for a server or for time to pass: more of them than there are processors.
jobs=$((2 * $(nproc)))
# What a sanitizer's report needs: lines, but no variables. Half of the time of a build goes into the rest.
light="-Db_lundef=false -Dwerror=false -Dbuildtype=plain -Doptimization=1 -Dc_args=-g1"

# count BUILD: adds up meson's log; a program that tells of its own tests counts as many.
count() {
	counted=$(python3 tests/lib/count.py "$1/meson-logs/testlog.json")
	passed=$((passed + ${counted% *}))
	failed=$((failed + ${counted#* }))
}

# How many playbooks of tests/compat are run by Ansible now, too.
export NEAP_COMPAT_LIVE=$live

# stage NAME SETUP-OPTIONS TEST-OPTIONS [TARGET...]: all targets are built where none is named
stage() {
	stage_build=$build-$1 stage_tests=$3
	echo "== $1"
	[ -f "$stage_build/build.ninja" ] || (eval "meson setup '$stage_build' $2" >/dev/null)
	shift 3
	ninja -C "$stage_build" "$@" >"$stage_build/ninja.log" 2>&1 || { tail -n 60 "$stage_build/ninja.log"; failed=$((failed + 1)); return 0; }
	(eval "meson test -C '$stage_build' --no-rebuild --print-errorlogs --num-processes $jobs $stage_tests") || true
	count "$stage_build"
}

# A sanitizer that speaks in a forked child does not fail the test by itself: each report is a failure.
reports() {
	for report in "$1"/report.*; do
		[ -f "$report" ] || continue
		echo "FAILED: a sanitizer reports:"
		head -n 60 "$report"
		failed=$((failed + 1))
	done
}

for name in $stages; do
	case $name in
	plain)
		stage plain "" "--no-suite race"
		;;
	sanitized)
		mkdir -p "$build-sanitized"
		rm -f "$build-sanitized"/report.*
		where=$(cd "$build-sanitized" && pwd)
		ASAN_OPTIONS=log_path=$where/report:detect_stack_use_after_return=1:allocator_may_return_null=1
		UBSAN_OPTIONS=log_path=$where/report:print_stacktrace=1
		export ASAN_OPTIONS UBSAN_OPTIONS
		NEAP_COMPAT_LIVE=0
		stage sanitized "-Db_sanitize=address,undefined $light" \
			"--no-suite race --no-suite measure --no-suite once --timeout-multiplier 4"
		unset ASAN_OPTIONS UBSAN_OPTIONS
		NEAP_COMPAT_LIVE=$live
		reports "$where"
		;;
	race)
		mkdir -p "$build-race"
		rm -f "$build-race"/report.*
		where=$(cd "$build-race" && pwd)
		TSAN_OPTIONS="log_path=$where/report halt_on_error=0 second_deadlock_stack=1"
		export TSAN_OPTIONS
		stage race "-Db_sanitize=thread $light" "--suite race --timeout-multiplier 4" \
			neap tests/lib/delay_proxy tests/race/race_event_stream
		unset TSAN_OPTIONS
		reports "$where"
		;;
	fuzz)
		echo "== fuzz"
		NEAP_BUILD=$build-fuzz sh tests/fuzz/run.sh "${NEAP_FUZZ_SECONDS:-5}" >"$build-fuzz.log" 2>&1 || true
		cat "$build-fuzz.log"
		last=$(tail -n 1 "$build-fuzz.log")
		case $last in
		*" passed, "*" failed")
			passed=$((passed + ${last%% *}))
			last=${last#* passed, }
			failed=$((failed + ${last%% *}))
			;;
		*) failed=$((failed + 1)) ;;
		esac
		;;
	*)
		echo "run.sh: no stage is called \"$name\"; there are plain, sanitized, race and fuzz" >&2
		exit 5
		;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
