#!/bin/sh
# Where no ssh program is installed, neap reads ssh_config by itself. Each way of saying a thing is tried against a server.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

start web
start bastion
port=$(sshd_port web)
TRY_PATH=$SSHD_DIR/no_ssh
own=$SSHD_DIR/home/.ssh/config

# config LINE...: ~/.ssh/config, behind which stands how to reach the servers
config() {
	{ printf '%s\n' "$@"; cat "$SSHD_DIR/ssh_config"; } >"$own"
}
# go [flag...] HOST: by ~/.ssh/config
go() {
	TRY_STATUS=0
	HOME=$SSHD_DIR/home timeout 200 env PATH="$TRY_PATH" "$WIRE_TRY" -T 60000 ${TRY_OPTIONS:+-a "$TRY_OPTIONS"} "$@" 'echo hello' \
		>"$SSHD_DIR/out" 2>"$SSHD_DIR/err" </dev/null || TRY_STATUS=$?
}
web="route $SSHD_USER@127.0.0.1 port $port"

it "reads a host of ~/.ssh/config"
config
go web
status 0
output "$web"
logged web "$(fingerprint "$SSHD_KEY.pub")"

it "takes patterns, exceptions from them, and the first value that it meets"
config "Host *.example !not.example" "HostName 127.0.0.1" "Port $port" "User=$SSHD_USER" "IdentityFile = $SSHD_KEY" \
	"UserKnownHostsFile $SSHD_DIR/known_hosts" "Host *" "Port 1" "HostName 127.0.0.1"
go one.example
status 0
output "$web"
go not.example
status 204
said "127.0.0.1 port 1"

it "lets options win over files"
config "Host web" "Port 1"
TRY_OPTIONS="-o Port=$port" go web
status 0
go -p "$port" web
status 0
go web
status 204

it "reads flags as ssh does, glued to their values or not"
config "Host web" "Port 1" "User nobody-here"
TRY_OPTIONS="-l$SSHD_USER -p $port -vv -C" go web
status 0

it "includes other files, by pattern, relative to ~/.ssh"
mkdir "$SSHD_DIR/home/.ssh/config.d"
printf 'Host inner\n\tHostName 127.0.0.1\n\tPort %s\n' "$port" >"$SSHD_DIR/home/.ssh/config.d/one"
config "Include config.d/*" "Host inner" "User $SSHD_USER" "IdentityFile $SSHD_KEY" "UserKnownHostsFile $SSHD_DIR/known_hosts"
go inner
status 0
output "$web"

it "stops where files include each other"
printf 'Include config\n' >"$SSHD_DIR/home/.ssh/config.d/round"
config "Include config.d/round"
go web
status 201
said "Include goes deeper than"
rm -r "$SSHD_DIR/home/.ssh/config.d"

it "refuses Match, with file and line"
config "# a comment" "Match exec \"touch $SSHD_DIR/ran\"" "Port 1"
go web
status 201
said "$own:2: Match is not understood without the ssh program"
[ ! -e "$SSHD_DIR/ran" ] || try_problem "the command was run"
config "Match all" "Compression yes"
go web
status 0

it "tries several identities, with quotes and signs in their paths"
ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/stranger"
mkdir "$SSHD_DIR/home/a folder"
cp "$SSHD_KEY" "$SSHD_DIR/home/a folder/key"
config "Host quoted" "HostName 127.0.0.1" "Port $port" "IdentityFile $SSHD_DIR/stranger" "IdentityFile \"%d/a folder/key\"" \
	"IdentitiesOnly yes" "UserKnownHostsFile \"$SSHD_DIR/none\" \"$SSHD_DIR/known_hosts\""
go quoted
status 0
output "method publickey $SSHD_DIR/home/a folder/key"

it "knows ~ and what HOST is called"
cp "$SSHD_KEY" "$SSHD_DIR/home/.ssh/key-of-127.0.0.1"
config "Host tilde" "HostName 127.0.0.1" "Port $port" "IdentityFile ~/.ssh/key-of-%h" \
	"UserKnownHostsFile $SSHD_DIR/known_hosts"
go tilde
status 0
output "method publickey $SSHD_DIR/home/.ssh/key-of-127.0.0.1"

it "goes by ProxyJump and by ProxyCommand"
config "Host web" "ProxyJump bastion"
go web
status 0
output "$web by bastion"
config "Host web" "ProxyCommand /bin/sh -c 'echo no way to %h:%p >&2; exit 7'"
go web
status 204
said "no way to 127.0.0.1:$port"

it "heeds StrictHostKeyChecking, HostKeyAlias and HashKnownHosts"
config "Host web" "UserKnownHostsFile $SSHD_DIR/saved" "StrictHostKeyChecking accept-new" "HostKeyAlias alias" "HashKnownHosts no"
go web
status 0
same "$(cut -d' ' -f1 "$SSHD_DIR/saved")" alias

it "heeds PreferredAuthentications and PubkeyAuthentication"
config "Host web" "PubkeyAuthentication no"
go web
status 204
unlogged web "Accepted"

it "reads no file with -F none, and one file only with another"
config
TRY_OPTIONS="-F none" go web
status 204
said "resolving web"
printf 'Host web\n\tPort 1\n\tHostName 127.0.0.1\n' >"$SSHD_DIR/other"
TRY_OPTIONS="-F $SSHD_DIR/other" go web
status 204
said "127.0.0.1 port 1"
done_testing
