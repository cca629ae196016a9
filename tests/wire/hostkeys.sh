#!/bin/sh
# Host keys: what known_hosts files can say, and what each policy makes of it. A key that does not pass stops everything
# before the user's name is sent.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

ssh-keygen -q -t ecdsa -N '' -f "$SSHD_DIR/ecdsa_host"
ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/other_host"
start web "HostKey $SSHD_DIR/ecdsa_host"
port=$(sshd_port web)
ed25519=$(cut -d' ' -f1,2 "$SSHD_DIR/web/host_key.pub")
ecdsa=$(cut -d' ' -f1,2 "$SSHD_DIR/ecdsa_host.pub")
other=$(cut -d' ' -f1,2 "$SSHD_DIR/other_host.pub")
name="[127.0.0.1]:$port"
known=$SSHD_DIR/known

# knows LINE...: the known_hosts file of the next try
knows() {
	printf '%s\n' "$@" >"$known"
}
go() {
	try -a "-F none -o UserKnownHostsFile=$known -o GlobalKnownHostsFile=${GLOBAL:-none} ${TRY_OPTIONS:-}" \
		-p "$port" -u "$SSHD_USER" -i "$SSHD_KEY" "$@" "${TRY_HOST:-127.0.0.1}" 'echo hello'
}
refused() {
	status 204
	said "error: HOSTKEY"
	unlogged web "for $SSHD_USER"
	unlogged web "authenticating user"
}

it "passes a key that is known"
knows "$name $ed25519"
go
status 0

it "asks the server for a key of the type that is known"
knows "$name $ecdsa"
go
status 0

it "stops at an unknown host and says how to add it"
knows "[127.0.0.1]:1 $ed25519"
go
refused
said "the host key of $name is not known"
said "ssh-keyscan -p $port 127.0.0.1 >> $known"

it "stops at a changed key, with file and line"
knows "# a comment" "$name $other"
go
refused
said "has changed"
said "$known:2"

it "stops at a key of another type"
knows "$name $(ssh-keygen -q -t rsa -b 2048 -N '' -f "$SSHD_DIR/rsa_host" && cut -d' ' -f1,2 "$SSHD_DIR/rsa_host.pub")"
go
refused
said "knows it by a key of another type"

it "stops at a revoked key, even where checking is off"
knows "$name $ed25519" "@revoked * $ed25519"
go
refused
said "revoked"
go -k off
refused

it "looks hashed names up"
knows "$name $ed25519"
ssh-keygen -q -H -f "$known" 2>/dev/null
grep -q '^|1|' "$known" || try_problem "not hashed"
go
status 0

it "matches patterns, and exceptions from them"
knows "[127.0.*]:* $ed25519"
go
status 0

it "heeds exceptions from patterns"
knows "[127.0.*]:*,!$name $ed25519"
go
refused

it "reads system and further files"
knows ""
printf '%s\n' "$name $ed25519" >"$SSHD_DIR/global"
GLOBAL=$SSHD_DIR/global
go
status 0
GLOBAL=

it "reads several user files"
knows ""
TRY_OPTIONS="-o 'UserKnownHostsFile=$SSHD_DIR/empty $SSHD_DIR/global'"
try -a "-F none $TRY_OPTIONS" -p "$port" -u "$SSHD_USER" -i "$SSHD_KEY" 127.0.0.1 true
status 0
TRY_OPTIONS=

it "looks up the alias"
knows "the-alias $ed25519"
TRY_OPTIONS="-o HostKeyAlias=the-alias"
go
status 0
TRY_OPTIONS=

it "passes over lines that it does not understand"
knows "garbage" "@unknown-mark $name $ed25519" "$name ssh-ed25519 !!!" "" "$name $ed25519"
go
status 0

it "accepts and saves a new key when told to"
rm -f "$known"
go -k accept-new
status 0
said "warning: the new host key of $name"
same "$(cut -d' ' -f1-3 "$known")" "$name $ed25519"
go
status 0
unsaid warning

it "does not accept a changed key as a new one"
knows "$name $other"
go -k accept-new
refused

it "takes StrictHostKeyChecking=accept-new, and hashes the name when told to"
rm -rf "$SSHD_DIR/new"
known=$SSHD_DIR/new/known_hosts
TRY_OPTIONS="-o StrictHostKeyChecking=accept-new -o HashKnownHosts=yes"
go
status 0
grep -q '^|1|' "$known" || try_problem "not hashed: $(cat "$known")"
TRY_OPTIONS=
go
status 0
known=$SSHD_DIR/known

it "adds a newline where the last line lacks it"
printf 'x.example %s' "$other" >"$known"
go -k accept-new
status 0
same "$(wc -l <"$known")" 2

it "saves each key once however many wires see it"
rm -f "$known"
go -k accept-new -w 8
status 0
same "$(wc -l <"$known")" 1

it "passes anything with a warning when checking is off"
knows "$name $other"
go -k off
status 0
said "warning: the host key of $name"

done_testing
