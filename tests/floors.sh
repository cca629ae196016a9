#!/bin/sh
# Keeps the tree as docs/architecture.md draws it: who may include whom, one home for each library, and sizes that can be read.
#   sh tests/floors.sh [FOLDER]
set -eu
cd "${1:-$(dirname "$0")/..}"

longest_function=80
longest_file=900
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT

# folder: the folders it may include from. Its own floor or a lower one; plan and wire do not know each other.
floors='
core/base: base
core/model: base model
core/plan: base model plan
core/wire: base model wire
lua: base model plan lua
modules: base model plan modules
core/run: base model plan wire lua modules run
core/report: base model plan wire lua modules run report
core/cli: base model plan wire lua modules run report cli
'
echo "$floors" | while IFS=: read -r folder allowed; do
	[ -n "$folder" ] || continue
	pattern=$(echo "$allowed" | sed 's/^ //; s/ /|/g')
	grep -nE '^[[:space:]]*#[[:space:]]*include "[a-z]+/' "$folder"/*.[ch] /dev/null |
		grep -vE "include \"($pattern)/" | sed 's/$/   <- a floor above it, or one it does not know/' >>"$faults" || true
done

# library header: folders or files that may include it.
only_in() {
	grep -rnE "^[[:space:]]*#[[:space:]]*include <($1)" core lua modules --include='*.[ch]' | grep -vE "^($2)" |
		awk -v homes="$2" '{ print $0 "   <- only in " homes }' >>"$faults" || true
}
only_in 'yaml\.h' 'core/model/yaml|lua/native_yaml\.c'
only_in 'libssh/' 'core/wire/'
only_in 'lua\.h|lauxlib\.h|lualib\.h|lua5\.4/|luajit' 'lua/'
only_in 'openssl/' 'core/base/|core/model/vault|core/wire/|lua/native_system\.c'
# The hub of jump hosts, the shared host keys and what they lean on, and the vault that all threads open values with hold a mutex;
# everything else about threads is the runner's.
only_in 'pthread\.h|threads\.h|semaphore\.h' 'core/run/|core/wire/|core/model/vault\.c'
# A jump host's session is pumped by a thread of its own, because several targets lean on it; so is the filter before an agent.
grep -rnE '\bpthread_create\b|\bthrd_create\b' core lua modules --include='*.[ch]' |
	grep -vE '^(core/run/|core/wire/jump\.c|core/wire/agent\.c)' |
	sed 's/$/   <- threads start in core\/run only/' >>"$faults" || true

find core lua modules -name '*.[ch]' | sort | while read -r file; do
	awk -v most="$longest_function" -v longest="$longest_file" -v file="$file" '
		/^\{/ { start = NR }
		/^\}/ { if (start && NR - start - 1 > most) printf "%s:%d: a function of %d lines (%d fit)\n", file, start, NR - start - 1, most; start = 0 }
		END { if (NR > longest) printf "%s: a file of %d lines (%d fit)\n", file, NR, longest }' "$file" >>"$faults"
	head -n 1 "$file" | grep -q '^/\*' || echo "$file:1: a file opens with a sentence of purpose" >>"$faults"
done

# Comments send readers to files that are there.
grep -rnoE '\b[a-z_0-9]+\.[ch]\b' core lua modules --include='*.[ch]' | grep -vE "$(
	{ find core lua modules -name '*.[ch]' | sed 's|.*/||'; grep -rhoE '#[[:space:]]*include <[^>]*' core lua modules | sed 's|.*[</]||'; } |
		sort -u | sed 's/\./[.]/; s/^/:/; s/$/$/' | paste -sd '|')" |
	sed 's/$/   <- there is no such file/' >>"$faults" || true

if [ -s "$faults" ]; then
	sort -u "$faults"
	echo "$(sort -u "$faults" | wc -l) faults"
	exit 1
fi
