#!/bin/sh
# Ways to a host: addresses, configuration files, jump hosts and their chains, ProxyCommand.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

start web
start bastion
start gate "AllowTcpForwarding yes"

it "goes straight to the host"
try web 'echo hello'
status 0
output hello
output "route $SSHD_USER@127.0.0.1 port $(sshd_port web)"
logged web "Accepted publickey for $SSHD_USER"

it "takes host, port, user and key without a configuration file"
TRY_OPTIONS="-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts" \
	try -p "$(sshd_port web)" -u "$SSHD_USER" -i "$SSHD_KEY" 127.0.0.1 'echo hello'
status 0
logged web "Accepted publickey for $SSHD_USER"

it "reads ~/.ssh/config in the home that \$HOME names"
cp "$SSHD_DIR/ssh_config" "$SSHD_DIR/home/.ssh/config"
TRY_STATUS=0
HOME=$SSHD_DIR/home "$WIRE_TRY" web 'echo hello' >"$SSHD_DIR/out" 2>"$SSHD_DIR/err" || TRY_STATUS=$?
rm "$SSHD_DIR/home/.ssh/config"
status 0
output hello

it "goes by a jump host"
try -a "-F $SSHD_DIR/ssh_config -J bastion" web 'echo hello'
status 0
output hello
output "route $SSHD_USER@127.0.0.1 port $(sshd_port web) by bastion"
logged bastion "Accepted publickey for $SSHD_USER"
logged web "Accepted publickey for $SSHD_USER"

it "goes by a chain of jump hosts"
try -a "-F $SSHD_DIR/ssh_config -o ProxyJump=bastion,gate" web 'echo hello'
status 0
output hello
logged bastion "Accepted publickey for $SSHD_USER"
logged gate "Accepted publickey for $SSHD_USER"
logged web "Accepted publickey for $SSHD_USER"

it "shares one session of a jump host among all hosts behind it"
try -w 12 -a "-F $SSHD_DIR/ssh_config -J bastion" web 'echo hello'
status 0
same "$(grep -c hello "$SSHD_DIR/out")" 12
same "$(grep -c 'Accepted publickey' "$(sshd_log bastion)")" 1
same "$(grep -c 'Accepted publickey' "$(sshd_log web)")" 12

it "moves a megabyte each way by a jump host"
try -q -a "-F $SSHD_DIR/ssh_config -J bastion" web 'head -c 1000000 /dev/zero | tr "\0" x | wc -c' 'yes 1234567 | head -c 1000000 | cksum >/dev/null'
status 0

it "says which host a jump host cannot reach"
closed=$(sshd_random_port)
try -p "$closed" -a "-F $SSHD_DIR/ssh_config -o HostName=127.0.0.1 -J bastion" web true
status 204
said "error: UNREACHABLE"
said "bastion cannot reach 127.0.0.1 port $closed"

it "says that the jump host was not let in"
ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/stranger"
sed "s|$SSHD_KEY|$SSHD_DIR/stranger|" "$SSHD_DIR/ssh_config" >"$SSHD_DIR/strange_config"
try -a "-F $SSHD_DIR/strange_config -J bastion" web true
status 204
said "error: AUTH"
said "the jump host bastion: authenticating as $SSHD_USER"
unlogged web Connection

it "sees jump hosts that lead in a circle"
cat "$SSHD_DIR/ssh_config" - >"$SSHD_DIR/circle" <<END
Host bastion
	ProxyJump gate
Host gate
	ProxyJump bastion
END
try -a "-F $SSHD_DIR/circle -J bastion" web true
status 201
said "lead back to themselves"

it "goes by a ProxyCommand"
try -a "-F $SSHD_DIR/ssh_config -o 'ProxyCommand=ssh -q -F $SSHD_DIR/ssh_config -W %h:%p bastion'" web 'echo hello'
status 0
output hello
logged bastion "Accepted publickey for $SSHD_USER"
logged web "Accepted publickey for $SSHD_USER"

it "shows what a ProxyCommand said when it failed"
try -a "-F $SSHD_DIR/ssh_config -o 'ProxyCommand=echo no way here >&2; exit 7'" web true
status 204
said "no way here"

it "says that nothing listens there, with the address"
try -p "$closed" web true
status 204
said "error: UNREACHABLE"
said "connecting to 127.0.0.1 port $closed: Connection refused"

it "tries all addresses of a name"
TRY_OPTIONS="-o HostName=localhost -o HostKeyAlias=[127.0.0.1]:$(sshd_port web)" try web 'echo hello'
status 0
output "route $SSHD_USER@127.0.0.1 port $(sshd_port web)"

it "keeps to the address family"
TRY_OPTIONS="-o AddressFamily=inet6 -o HostName=localhost" try web true
status 204
unlogged web Connection

it "says that a name does not resolve"
TRY_OPTIONS="-o HostName=no-such-host.invalid" try web true
status 204
said "resolving no-such-host.invalid"

it "refuses an option that ssh does not know"
TRY_OPTIONS="-o NoSuchOption=1" try web true
status 201
said "error: INPUT"

it "compresses when asked to"
try -a "-F $SSHD_DIR/ssh_config -C" web 'head -c 300000 /dev/zero | tr "\0" x | tail -c 5; echo'
status 0
output xxxxx

done_testing
