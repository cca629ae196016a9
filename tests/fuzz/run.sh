#!/bin/sh
# Builds the fuzz targets with clang (libFuzzer, ASan, UBSan) and runs each over its corpus and for a while beyond it, then
# measures what lines of its parsers the corpus reaches.
#   sh tests/fuzz/run.sh              all, 10 seconds each
#   sh tests/fuzz/run.sh 600 document some, for longer; what they find is left in $NEAP_BUILD/found/NAME
# A target says in a line "covers: FILE..." whose lines it is to reach: at least 85 of 100 of each.
# The last line is "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."

seconds=${1:-10}
[ $# -eq 0 ] || shift
build=${NEAP_BUILD:-build-fuzz}
least=85
[ -f "$build/build.ninja" ] || CC=clang meson setup "$build" -Dfuzz=true -Dbuildtype=plain -Doptimization=1 -Dc_args=-g1 -Dwerror=false -Db_lundef=false \
	>/dev/null
ninja -C "$build" >"$build/ninja.log" 2>&1 || { cat "$build/ninja.log"; exit 1; }

llvm() {
	tool=$1
	shift
	command -v "$tool" >/dev/null || tool=$(ls /usr/bin/"$tool"-* | sort -V | tail -n 1)
	"$tool" "$@"
}

# Lines of a file that were reached, in percent, rounded down.
percent() {
	llvm llvm-cov export -summary-only -instr-profile="$1" "$2" | python3 -c '
import json, sys
files = json.load(sys.stdin)["data"][0]["files"]
print(max([int(f["summary"]["lines"]["percent"]) for f in files if f["filename"].endswith("/" + sys.argv[1])], default=0))' "$3"
}

pass() { echo "ok     $1"; }
fail() { echo "FAILED $1"; }

# run_target SOURCE: says a line for each thing that is wanted.
run_target() {
	target=$(basename "$1" .c)
	name=${target#fuzz_}
	corpus=tests/fuzz/corpus/$name
	found=$build/found/$name
	mkdir -p "$found"
	[ -d "$corpus" ] || { fail "$name has no corpus: $corpus"; return; }
	program=$build/tests/fuzz/$target
	if LLVM_PROFILE_FILE=/dev/null "$program" -seed="${NEAP_FUZZ_SEED:-1}" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=0 \
		-artifact_prefix="$found/" "$found" "$corpus" >"$build/$name.log" 2>&1; then
		pass "$name: ran $seconds s beyond its corpus"
	else
		fail "$name: see $build/$name.log"
		tail -n 40 "$build/$name.log"
		return
	fi
	LLVM_PROFILE_FILE="$build/$name.profraw" "$program" -runs=0 "$corpus" >/dev/null 2>&1
	llvm llvm-profdata merge -sparse "$build/$name.profraw" -o "$build/$name.profdata"
	for file in $(sed -n 's/.*covers: \([^*]*\).*/\1/p' "$1"); do
		reached=$(percent "$build/$name.profdata" "$program" "$file")
		if [ "$reached" -ge "$least" ]; then
			pass "$name: $reached % of the lines of $file"
		else
			fail "$name: $reached % of the lines of $file ($least are wanted)"
		fi
	done
}

# As many at once as there are processors.
rm -f "$build"/*.result
jobs=$(nproc) started=0
for source in tests/fuzz/fuzz_*.c; do
	name=${source#*/fuzz_}
	name=${name%.c}
	[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
	(run_target "$source" || fail "$name: it did not end") >"$build/$name.result" 2>&1 &
	started=$((started + 1))
	[ $((started % jobs)) -ne 0 ] || wait
done
wait
cat "$build"/*.result
passed=$(cat "$build"/*.result | grep -c '^ok ' || true) failed=$(cat "$build"/*.result | grep -c '^FAILED' || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
