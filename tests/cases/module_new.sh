#!/bin/sh
# neap module new writes a module that passes its own cases, and does not write over one that is there.
#   module_new.sh NEAP
set -eu
neap=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$neap" module new greeting >/dev/null
"$neap" module test library/greeting.lua | grep -qx '4 passed, 0 failed'
"$neap" module doc library/greeting.lua | grep -q 'Keeps a note in a file'
sed -i 's/if old == new/if old ~= new/' library/greeting.lua
if "$neap" module test library/greeting.lua >/dev/null; then
	echo 'a broken module passes its cases'
	exit 1
fi
if "$neap" module new greeting 2>/dev/null; then
	echo 'a module was written over'
	exit 1
fi
