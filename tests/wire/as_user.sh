#!/bin/sh
# Some connection tests once more as a plain user, where they are run by root: a user who exists in a mount namespace only,
# by a password file of our own, and who can read nothing of ours but copies.
set -u
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP all tests are run by a plain user"; exit 0; }
unshare -m true 2>/dev/null || { echo "1..0 # SKIP a password file of its own needs a mount namespace"; exit 0; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/neap-user.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP INT TERM
uid=52317
mkdir -p "$folder/home" "$folder/tmp" "$folder/source/tests/lib" "$folder/source/tests/wire"
{
	cat /etc/passwd
	echo "plainuser:x:$uid:$uid::$folder/home:/bin/sh"
} >"$folder/passwd"
cp "$SOURCE_ROOT"/tests/lib/*.sh "$folder/source/tests/lib"
cp "$SOURCE_ROOT"/tests/wire/*.sh "$SOURCE_ROOT"/tests/wire/*.supp "$folder/source/tests/wire"
cp "$WIRE_TRY" "$folder/wire_try"
cp "$DELAY_PROXY" "$folder/delay_proxy"
chown -R "$uid:$uid" "$folder"

number=0 failed=0
for name in auth route pty; do
	number=$((number + 1))
	if unshare -m sh -c 'mount --bind "$1/passwd" /etc/passwd && cd "$1" && exec setpriv --reuid "$2" --regid "$2" --clear-groups \
		env -i PATH="$PATH" HOME="$1/home" TMPDIR="$1/tmp" SOURCE_ROOT="$1/source" WIRE_TRY="$1/wire_try" DELAY_PROXY="$1/delay_proxy" \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} ${TSAN_OPTIONS:+TSAN_OPTIONS="$TSAN_OPTIONS"} \
		sh "$1/source/tests/wire/$3.sh"' sh "$folder" "$uid" "$name" >"$folder/out" 2>&1 && grep -q '^1\.\.[1-9]' "$folder/out"; then
		echo "ok $number - $name, as a plain user"
	else
		failed=1
		echo "not ok $number - $name, as a plain user"
		sed 's/^/# /' "$folder/out"
	fi
done
echo "1..$number"
exit "$failed"
