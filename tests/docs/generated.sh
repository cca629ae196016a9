#!/bin/sh
# The pages under docs/reference are what the program says of itself today.
#   generated.sh NEAP SOURCE
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$2/docs/generate.sh" "$1" "$work/reference"
if ! diff -r "$2/docs/reference" "$work/reference"; then
	echo "docs/reference is stale: run sh docs/generate.sh build/neap, and commit"
	exit 1
fi
# A check that the comparison can fail, and that every command and option has found its way into the man page.
for option in $("$1" run --help | grep -o -- '--[a-z-]*'); do
	grep -qF -- "$(printf %s "$option" | sed 's/-/\\-/g')" "$work/reference/neap.1" || { echo "not in the man page: $option"; exit 1; }
done
if command -v groff >/dev/null; then
	groff -man -Tutf8 -ww "$work/reference/neap.1" 2>&1 >/dev/null | tee "$work/groff"
	[ ! -s "$work/groff" ]
fi
for shell in bash zsh fish; do
	"$1" completion "$shell" > "$work/completion"
	[ -s "$work/completion" ]
	! command -v "$shell" >/dev/null || "$shell" -n "$work/completion"
done
# Bash offers what the table has.
"$1" completion bash > "$work/completion"
offered=$(bash -c '. "$1"; COMP_WORDS=(neap run --format js); COMP_CWORD=3; _neap; echo "${COMPREPLY[@]}"
	COMP_WORDS=(neap run --syn); COMP_CWORD=2; _neap; echo "${COMPREPLY[@]}"' bash "$work/completion")
[ "$offered" = "json jsonl
--syntax-check" ] || { echo "bash completion offers: $offered"; exit 1; }
