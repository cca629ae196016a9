#!/bin/sh
# Addresses: IPv4 and IPv6, families, and names that have several addresses of which not all answer.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

start web
port=$(sshd_port web)
key4="[127.0.0.1]:$port"
six=
if grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null; then
	SSHD_ADDRESS=::1
	start web6
	unset SSHD_ADDRESS
	port6=$(sshd_port web6)
	key6="[::1]:$port6"
	six=1
fi

# to HOST PORT ALIAS [flag...]: without the configuration file
to() {
	to_host=$1 to_port=$2 to_alias=$3
	shift 3
	try -a "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts -o HostKeyAlias=$to_alias ${TRY_OPTIONS:-}" \
		-p "$to_port" -u "$SSHD_USER" -i "$SSHD_KEY" "$@" "$to_host" 'echo hello'
}
# The tests that need IPv6 are skipped on a machine that has none.
it6() {
	it "$1"
	[ -n "$six" ] && return 0
	try_number=$((try_number + 1))
	try_name=
	echo "ok $try_number - $1 # SKIP this machine has no IPv6"
	return 1
}

if it6 "connects to an IPv6 address, and knows its key by it"; then
	try -a "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts" -p "$port6" -u "$SSHD_USER" -i "$SSHD_KEY" ::1 'echo hello'
	status 0
	output hello
	output "route $SSHD_USER@::1 port $port6"
	logged web6 "Accepted publickey for $SSHD_USER from ::1"
fi

if it6 "connects to an IPv6 address by a host of the configuration file, by ssh's reading and by its own"; then
	for path in "$PATH" "$SSHD_DIR/no_ssh"; do
		TRY_PATH=$path try web6 'echo hello'
		status 0
		output "route $SSHD_USER@::1 port $port6"
	done
fi

if it6 "takes an address with a zone"; then
	TRY_OPTIONS="" to "::1%1" "$port6" "$key6"
	status 0
	logged web6 "Accepted publickey for $SSHD_USER from ::1"
fi

it "leaves the zone of an address alone, whatever follows its % sign"
for path in "$PATH" "$SSHD_DIR/no_ssh"; do
	TRY_PATH=$path to "fe80::1%hnpdrui9" "$port" x
	status 204
	said "fe80::1%hnpdrui9"
done

it "expands %h in HostName, by ssh's reading and by its own"
for path in "$PATH" "$SSHD_DIR/no_ssh"; do
	TRY_PATH=$path TRY_OPTIONS="-o HostName=%h.0.0.1" to 127 "$port" "$key4"
	status 0
	output "route $SSHD_USER@127.0.0.1 port $port"
done

if it6 "goes by an IPv6 jump host to an IPv6 host"; then
	SSHD_ADDRESS=::1 start behind6
	sed "s|^Host web6|Host ::1|" "$SSHD_DIR/ssh_config" >"$SSHD_DIR/jump6"
	try -a "-F $SSHD_DIR/jump6 -J $SSHD_USER@[::1]:$port6" behind6 'echo hello'
	status 0
	output "route $SSHD_USER@::1 port $(sshd_port behind6) by $SSHD_USER@[::1]:$port6"
	logged web6 "Accepted publickey for $SSHD_USER from ::1"
	logged behind6 "Accepted publickey for $SSHD_USER from ::1"
fi

if it6 "goes on to the next address when one refuses"; then
	export WIRE_TRY_HOSTS="both=::1,127.0.0.1"
	to both "$port" "$key4"
	status 0
	output "route $SSHD_USER@127.0.0.1 port $port"
	WIRE_TRY_HOSTS="both=127.0.0.1,::1" to both "$port6" "$key6"
	status 0
	output "route $SSHD_USER@::1 port $port6"
	unset WIRE_TRY_HOSTS
fi

if it6 "keeps to the address family that AddressFamily, -4 and -6 name"; then
	export WIRE_TRY_HOSTS="both=::1,127.0.0.1"
	for inet in "-o AddressFamily=inet" -4; do
		TRY_OPTIONS=$inet to both "$port" "$key4"
		status 0
		TRY_OPTIONS=$inet to both "$port6" "$key6"
		status 204
		said "connecting to 127.0.0.1 port $port6: Connection refused"
		unsaid "::1"
	done
	for inet6 in "-o AddressFamily=inet6" -6; do
		TRY_OPTIONS=$inet6 to both "$port6" "$key6"
		status 0
		TRY_OPTIONS=$inet6 to both "$port" "$key4"
		status 204
		unsaid "127.0.0.1"
	done
	unset WIRE_TRY_HOSTS
fi

it "goes on to the next address when one is silent, and to the one after it"
export WIRE_TRY_HOSTS="name=192.0.2.1,127.0.0.9,127.0.0.1" WIRE_TRY_SILENT=192.0.2.1
to name "$port" "$key4"
status 0
output "route $SSHD_USER@127.0.0.1 port $port"

it "names each address and what became of it when none answers"
closed=$(sshd_random_port)
WIRE_TRY_HOSTS="name=127.0.0.9,127.0.0.8" to name "$closed" x
status 204
said "127.0.0.9 port $closed: Connection refused; 127.0.0.8 port $closed: Connection refused"

it "gives up on an address that is silent when the time to connect is over"
WIRE_TRY_HOSTS="name=192.0.2.1" to name "$port" x -T 500
status 202
said "error: TIMEOUT"
said "connecting to 192.0.2.1 port $port: Connection timed out"

it "is cancelled while an address is silent"
WIRE_TRY_HOSTS="name=192.0.2.1" to name "$port" x -T 50000 -Z "connecting to 192.0.2.1"
status 43
said "cancelled while connecting to name"
unset WIRE_TRY_HOSTS WIRE_TRY_SILENT

it "connects from the address that BindAddress names"
TRY_OPTIONS="-o BindAddress=127.0.0.7" to 127.0.0.1 "$port" "$key4"
status 0
logged web "Accepted publickey for $SSHD_USER from 127.0.0.7"
done_testing
