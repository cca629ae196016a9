#!/bin/sh
# Copies over SSH: a connection that is cut after any number of bytes leaves each file old or new and nothing beside it.
set -u
. "${SOURCE_ROOT:-.}/tests/lib/sshd.sh"
unset SSH_AUTH_SOCK
sshd_setup
trap sshd_cleanup EXIT
trap 'exit 129' HUP INT TERM
mkdir -p "$SSHD_DIR/home" "$SSHD_DIR/there"
sshd_start web "SetEnv HOME=$SSHD_DIR/home"
number=0 failed=0
result() { # result STATUS NAME
	number=$((number + 1))
	if [ "$1" = 0 ]; then echo "ok $number - $2"; else
		echo "not ok $number - $2"; failed=1; sed 's/^/# /' "$SSHD_DIR/out" "$SSHD_DIR/err"; fi
}
copy() { # copy PORT WORDS...
	copy_port=$1
	shift
	HOME=$SSHD_DIR/home timeout 100 "$WIRE_COPY" -p "$copy_port" -i "$SSHD_KEY" \
		-a "-o UserKnownHostsFile=$SSHD_DIR/known_hosts -o IdentitiesOnly=yes" "$@" >"$SSHD_DIR/out" 2>"$SSHD_DIR/err"
}
value() { sed -n "s/^$1 //p" "$SSHD_DIR/out"; }
port=$(sshd_port web)
there=$SSHD_DIR/there

head -c 300000 /dev/urandom >"$SSHD_DIR/new"
copy "$port" put "$SSHD_DIR/new" "$there/f" && cmp -s "$SSHD_DIR/new" "$there/f"
result $? "a file is put over SSH"
total=$(value sent)
copy "$port" get "$there/f" "$SSHD_DIR/back" && cmp -s "$SSHD_DIR/new" "$SSHD_DIR/back"
result $? "and got back"
rm -f "$there"/*

# The cuts lie between the first bytes and the last; those of the handshake matter less than those of the copy.
steps=${CUT_STEPS:-7} step=0 bad=0 cuts=0
start=$((total - 306000))
while [ "$step" -lt "$steps" ]; do
	echo old >"$there/f"
	if [ "$step" -lt 4 ]; then cut=$((start + step * 1200)); else cut=$((total - 303000 + 303000 * (step - 3) / (steps - 3))); fi
	proxy_start "$port" -u "$cut" -1
	copy "$PROXY_PORT" put "$SSHD_DIR/new" "$there/f"
	status=$?
	proxy_stop
	[ "$status" = 0 ] || cuts=$((cuts + 1))
	if ! cmp -s "$SSHD_DIR/new" "$there/f"; then
		[ "$status" != 0 ] && [ "$(cat "$there/f")" = old ] || { bad=1; echo "# cut at $cut: neither old nor new"; }
	fi
	[ "$(ls -A "$there")" = f ] || { bad=1; echo "# cut at $cut of $total left: $(ls -A "$there")"; sed 's/^/# /' "$SSHD_DIR/err"; rm -f "$there"/.[!.]*; }
	step=$((step + 1))
done
result "$bad" "a cut connection leaves the file old or new and nothing else"
[ "$cuts" -ge 3 ]
result $? "connections were really cut ($cuts times)"

rm -f "$there"/*
small=$(head -c 3000 /dev/zero | tr '\0' x)
copy "$port" -n -v "$small" many 200 "$there"
result $? "many new files are put as one stream"
total=$(value sent) step=0 bad=0 cuts=0
while [ "$step" -lt "$steps" ]; do
	rm -f "$there"/*
	cut=$((total - 730000 + 740000 * step / steps))
	proxy_start "$port" -u "$cut" -1
	copy "$PROXY_PORT" -n -v "$small" many 200 "$there" || cuts=$((cuts + 1))
	proxy_stop
	for file in "$there"/* "$there"/.[!.]*; do
		case $file in */.*) [ ! -e "$file" ];; */\*) true;; *) [ "$(wc -c <"$file")" = 3000 ];; esac ||
			{ bad=1; echo "# cut at $cut of $total: $file"; rm -rf "$file"; }
	done
	step=$((step + 1))
done
result "$bad" "a cut stream leaves whole files and nothing else"
[ "$cuts" -ge 3 ]
result $? "streams were really cut ($cuts times)"

rm -rf "$there"/*
copy "$port" -v "$small" tree 200 "$there/new" && [ "$(ls "$there/new" | wc -l)" = 200 ]
result $? "a new folder is put as one stream"
total=$(value sent) step=0 bad=0 cuts=0
while [ "$step" -lt "$steps" ]; do
	rm -rf "$there"/*
	proxy_start "$port" -u "$((total - 730000 + 740000 * step / steps))" -1
	copy "$PROXY_PORT" -v "$small" tree 200 "$there/new" || cuts=$((cuts + 1))
	proxy_stop
	case $(ls -A "$there") in "") ;; new) [ "$(cat "$there"/new/* | wc -c)" = 600000 ];; *) false;; esac ||
		{ bad=1; echo "# step $step left: $(ls -A "$there")"; rm -rf "$there"/.[!.]*; }
	step=$((step + 1))
done
result "$bad" "a cut stream leaves the folder whole or not there"
[ "$cuts" -ge 3 ]
result $? "streams of folders were really cut ($cuts times)"

# One round trip for each would take 200 s, and copy gives up after 100.
proxy_start "$port" -d 100
rm -f "$there"/*
copy "$PROXY_PORT" many 1000 "$there" && [ "$(ls "$there" | wc -l)" = 1000 ] && [ "$(cat "$there/999")" = small ]
result $? "a thousand small files arrive at a round trip of 200 ms, in a number of round trips that does not depend on theirs"
echo "# took $(value ms) ms"
proxy_stop

# ---- a big file that is there already, over a line that is slow enough to look at its blocks ----

rm -rf "$there"/*
slow=15 # ms each way: the first MB cannot be there in less than 30
head -c 6291456 /dev/urandom >"$SSHD_DIR/new"
change() { printf change | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
sends() { # sends PORT FROM AT-LEAST AT-MOST: bytes that are sent to put it at $there/f
	copy "$1" put "$2" "$there/f" && cmp -s "$2" "$there/f" && [ "$(value sent)" -ge "$3" ] && [ "$(value sent)" -le "$4" ] &&
		[ "$(ls -A "$there" | grep -c '^\.')" = 0 ]
}
proxy_start "$port" -d "$slow"
cat "$SSHD_DIR/new" "$SSHD_DIR/new" "$SSHD_DIR/new" | head -c 16777216 >"$SSHD_DIR/big"
cp "$SSHD_DIR/big" "$there/f"
ln "$there/f" "$there/linked"
change "$there/f" 7000000
sends "$PROXY_PORT" "$SSHD_DIR/big" 1000000 3000000 && ! cmp -s "$SSHD_DIR/big" "$there/linked"
result $? "of 16 MB with a change in one place less than 3 MB are sent, and another link to the old file keeps it"
chmod 0640 "$there/f"
head -c 15000000 "$SSHD_DIR/big" >"$there/f"
sends "$PROXY_PORT" "$SSHD_DIR/big" 2000000 4000000
result $? "of a file that was appended to only what was"
cat "$SSHD_DIR/big" "$SSHD_DIR/out" >"$there/f"
sends "$PROXY_PORT" "$SSHD_DIR/big" 1000000 2000000
result $? "of one that became shorter nothing but the probe"
head -c 16777216 /dev/urandom >"$there/f"
sends "$PROXY_PORT" "$SSHD_DIR/big" 16777216 17616076
result $? "of one that is wholly different not more than 1.05 of its size"
chmod 0777 "$there"
cp "$SSHD_DIR/new" "$there/f"
change "$there/f" 3000000
sends "$PROXY_PORT" "$SSHD_DIR/new" 6291456 7400000
result $? "where others may change the folder all is sent"
chmod 0755 "$there"
proxy_stop

# A target whose tools say what is wrong: all blocks are the same, but the whole is not.
mkdir "$SSHD_DIR/liar"
printf '#!/bin/sh\nexec head -c 1048576 /dev/zero\n' >"$SSHD_DIR/liar/dd"
chmod 0755 "$SSHD_DIR/liar/dd"
sshd_start liar "SetEnv HOME=$SSHD_DIR/home PATH=$SSHD_DIR/liar:$PATH"
proxy_start "$(sshd_port liar)" -d "$slow"
head -c 6291456 /dev/zero >"$SSHD_DIR/zeroes"
cp "$SSHD_DIR/new" "$there/f"
sends "$PROXY_PORT" "$SSHD_DIR/zeroes" 7340032 9000000
result $? "a target that is wrong about its blocks gets the whole file after all"
proxy_stop

if [ -x /usr/bin/busybox ]; then
	mkdir "$SSHD_DIR/busybox"
	/usr/bin/busybox --install -s "$SSHD_DIR/busybox"
	sshd_start small "SetEnv HOME=$SSHD_DIR/home PATH=$SSHD_DIR/busybox"
	proxy_start "$(sshd_port small)" -d "$slow"
	cp "$SSHD_DIR/new" "$there/f"
	change "$there/f" 3000000
	sends "$PROXY_PORT" "$SSHD_DIR/new" 1000000 3000000
	result $? "busybox can compare blocks too"
	proxy_stop
fi

# Cuts before, in and behind the blocks that differ: 1 MB of probe and 1 MB of them are sent.
bad=0 cuts=0
cp "$SSHD_DIR/new" "$SSHD_DIR/before"
change "$SSHD_DIR/before" 3000000
for cut in 400000 1056000 1400000 2103000; do
	cp "$SSHD_DIR/before" "$there/f"
	proxy_start "$port" -d "$slow" -u "$cut" -1
	copy "$PROXY_PORT" put "$SSHD_DIR/new" "$there/f" || cuts=$((cuts + 1))
	proxy_stop
	cmp -s "$SSHD_DIR/new" "$there/f" || cmp -s "$SSHD_DIR/before" "$there/f" || { bad=1; echo "# cut at $cut: neither old nor new"; }
	[ "$(ls -A "$there" | grep -c '^\.')" = 0 ] || { bad=1; echo "# cut at $cut left: $(ls -A "$there")"; rm -f "$there"/.[!.]*; }
done
result "$bad" "a cut leaves the old file or the new one where only blocks were sent"
[ "$cuts" -ge 3 ]
result $? "connections were really cut among blocks ($cuts times)"
echo "1..$number"
exit "$failed"
