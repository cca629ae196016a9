#!/bin/sh
# Host keys: what known_hosts files can say, and what each policy makes of it. A key that does not pass stops everything
# before the user's name is sent.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

ssh-keygen -q -t ecdsa -N '' -f "$SSHD_DIR/ecdsa_host"
ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/other_host"
start web "HostKey $SSHD_DIR/ecdsa_host" "MaxStartups 100"
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
ssh-keygen -q -H -f "$known" >/dev/null 2>&1
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

it "saves each key once however many processes see it at once"
rm -f "$known"
processes=
for process in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	HOME=$SSHD_DIR/home "$WIRE_TRY" -T 60000 -a "-F none -o UserKnownHostsFile=$known -o GlobalKnownHostsFile=none" -p "$port" \
		-u "$SSHD_USER" -i "$SSHD_KEY" -k accept-new 127.0.0.1 true >"$SSHD_DIR/out.$process" 2>"$SSHD_DIR/err.$process" &
	processes="$processes $!"
done
for process in $processes; do wait "$process" || try_problem "one of them failed"; done
cat "$SSHD_DIR"/err.* >"$SSHD_DIR/err"
same "$(cat "$known")" "$name $ed25519"
same "$(grep -c '^warning: the new host key' "$SSHD_DIR/err")" 1

it "does not accept a key when another process has saved another meanwhile"
rm -f "$known"
: >"$known"
exec 9<"$known" # who waits for the lock has found the host unknown
flock 9
(go -k accept-new; echo "$TRY_STATUS" >"$SSHD_DIR/status") 9<&- &
waits() { # it has the file open for writing, and cannot have the lock
	for comm in $(grep -lx wire_try /proc/[0-9]*/comm 2>/dev/null); do
		for fd in "${comm%comm}"fd/*; do
			[ "$(readlink "$fd")" = "$known" ] && grep -q '^flags:.*2$' "${comm%comm}fdinfo/${fd##*/}" && return 0
		done
	done 2>/dev/null
	return 1
}
tries=0
until waits || [ "$tries" -ge 1500 ]; do tries=$((tries + 1)); sleep 0.02; done
waits || try_problem "nobody waits for the lock"
printf '%s\n' "$name $other" >>"$known"
exec 9<&-
wait $!
TRY_STATUS=$(cat "$SSHD_DIR/status")
refused
said "has changed"
same "$(cat "$known")" "$name $other"

it "passes anything with a warning when checking is off"
knows "$name $other"
go -k off
status 0
said "warning: the host key of $name"

# ---- authorities ----

ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/authority"
ssh-keygen -q -t ecdsa -N '' -f "$SSHD_DIR/ec_authority"
ssh-keygen -q -t rsa -b 3072 -N '' -f "$SSHD_DIR/rsa_authority"
# certified NAME AUTHORITY [ssh-keygen flag...]: a server with a host certificate
certified() {
	certified_name=$1 certified_by=$2
	shift 2
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/$certified_name.key"
	ssh-keygen -q -s "$SSHD_DIR/$certified_by" -h -I "host $certified_name" "$@" "$SSHD_DIR/$certified_name.key.pub"
	start "$certified_name" "HostKey $SSHD_DIR/$certified_name.key" \
		"HostCertificate $SSHD_DIR/$certified_name.key-cert.pub"
	port=$(sshd_port "$certified_name")
	name="[127.0.0.1]:$port"
}
authority=$(cut -d' ' -f1,2 "$SSHD_DIR/authority.pub")

certified good authority -n 127.0.0.1 -V +1h
it "passes a host that a known authority vouches for"
knows "@cert-authority [127.0.0.1]:* $authority"
go
status 0
output hello

it "passes it by a jump host too"
sshd_start bastion
cat >"$SSHD_DIR/jump_config" <<END
Host bastion
	HostName 127.0.0.1
	Port $(sshd_port bastion)
	User $SSHD_USER
	IdentityFile $SSHD_KEY
	UserKnownHostsFile $SSHD_DIR/known_hosts
Host *
	UserKnownHostsFile $known
END
try -a "-F $SSHD_DIR/jump_config -J bastion" -p "$port" -u "$SSHD_USER" -i "$SSHD_KEY" 127.0.0.1 'echo hello'
status 0

it "stops where the authority is not the one that is known"
knows "@cert-authority [127.0.0.1]:* $(cut -d' ' -f1,2 "$SSHD_DIR/ec_authority.pub")"
go
refused
said "of an authority that is not known"

it "stops where the authority is revoked"
knows "@cert-authority * $authority" "@revoked * $authority"
go
refused
said "revoked"

it "stops where the authority is for other hosts"
knows "@cert-authority *.example $authority"
go
refused
said "is not known"

for kind in ec_authority rsa_authority; do
	certified "by_$kind" "$kind" -n '127.0.0.*'
	it "verifies the signature of an $kind, and a pattern as its principal"
	knows "@cert-authority * $(cut -d' ' -f1,2 "$SSHD_DIR/$kind.pub")"
	go
	status 0
done

certified elsewhere authority -n other.example
it "stops at a certificate for another host"
knows "@cert-authority * $authority"
go
refused
said "for another host"

certified expired authority -n 127.0.0.1 -V 20200101:20200201
it "stops at a certificate that has expired"
knows "@cert-authority * $authority"
go
refused
said "has expired"

start bare
port=$(sshd_port bare)
name="[127.0.0.1]:$port"
it "stops at a host without a certificate where an authority is known"
knows "@cert-authority * $authority"
go
refused
said "the server has no host certificate"

done_testing
