#!/bin/sh
# Proving who we are: every method and kind of key, with sshd's log as the witness.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

start web
port=$(sshd_port web)
keys=$SSHD_DIR/keys
mkdir "$keys"
ssh-keygen -q -t ecdsa -b 256 -N '' -f "$keys/ecdsa"
ssh-keygen -q -t rsa -b 3072 -N '' -f "$keys/rsa"
ssh-keygen -q -t rsa -b 2048 -m PEM -N 'open sesame' -f "$keys/pem"
ssh-keygen -q -t ed25519 -N 'open sesame' -f "$keys/locked"
ssh-keygen -q -t ed25519 -N '' -f "$keys/stranger"
cat "$keys/ecdsa.pub" "$keys/rsa.pub" "$keys/locked.pub" "$keys/pem.pub" >>"$SSHD_DIR/authorized_keys"
cp "$SSHD_DIR/authorized_keys" "$SSHD_DIR/all_keys"

# with KEY [flag...]: that key only
with() {
	with_key=$1
	shift
	try -a "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts -o IdentitiesOnly=yes ${TRY_OPTIONS:-}" \
		-p "$port" -u "$SSHD_USER" -i "$with_key" "$@" 127.0.0.1 'echo hello'
}

for kind in ecdsa rsa; do
	it "logs in with an $kind key"
	with "$keys/$kind"
	status 0
	output "method publickey $keys/$kind"
	logged web "Accepted publickey for $SSHD_USER"
	logged web "$(fingerprint "$keys/$kind.pub")"
done

it "offers the key at once, without asking what the server takes"
with "$SSHD_KEY"
status 0
unlogged web "Failed none"
unlogged web "Postponed publickey"
same "$(grep -c 'Accepted key' "$(sshd_log web)")" 1

it "opens a key with the passphrase that is given"
with "$keys/locked" -K 'open sesame'
status 0
logged web "$(fingerprint "$keys/locked.pub")"
unsaid prompt:

it "asks for the passphrase of a key, after the server has said that it takes it"
with "$keys/locked" -A 'open sesame'
status 0
said "prompt: Passphrase for the key $keys/locked"
logged web "$(fingerprint "$keys/locked.pub")"

it "opens an encrypted PEM key"
with "$keys/pem" -K 'open sesame'
status 0
logged web "$(fingerprint "$keys/pem.pub")"

it "asks once for all hosts"
with "$keys/locked" -A 'open sesame' -w 8
status 0
same "$(grep -c prompt: "$SSHD_DIR/err")" 1
same "$(grep -c '^hello' "$SSHD_DIR/out")" 8

it "does not ask about a key that the server does not take"
ssh-keygen -q -t ed25519 -N 'other' -f "$keys/other"
with "$keys/other" -A wrong
status 204
unsaid prompt:
said "error: AUTH"

it "says that a key needs a passphrase"
with "$keys/locked"
status 204
said "$keys/locked needs a passphrase"

it "says what it tried when it is not let in"
with "$keys/stranger"
status 204
said "error: AUTH: host 127.0.0.1: authenticating as $SSHD_USER on 127.0.0.1 port $port: permission denied; tried publickey $keys/stranger; the server takes publickey"
logged web "$(fingerprint "$keys/stranger.pub")"

it "tries several identities in order"
TRY_OPTIONS="-o IdentityFile=$keys/stranger -o IdentityFile=$keys/ecdsa" with "$keys/absent"
status 0
logged web "$(fingerprint "$keys/ecdsa.pub")"

# ---- certificates ----

ssh-keygen -q -t ed25519 -N '' -f "$keys/authority"
cp "$keys/stranger" "$keys/certified"
cp "$keys/stranger.pub" "$keys/certified.pub"
ssh-keygen -q -s "$keys/authority" -I "deploy certificate" -n "$SSHD_USER" -V +1h "$keys/certified.pub"
start ca "TrustedUserCAKeys $keys/authority.pub" "AuthorizedKeysFile none"
it "logs in with a certificate beside the key"
port=$(sshd_port ca)
with "$keys/certified"
status 0
output "method publickey $keys/certified with its certificate"
logged ca "ID deploy certificate"

it "logs in with a certificate that CertificateFile names"
mv "$keys/certified-cert.pub" "$keys/elsewhere.pub"
TRY_OPTIONS="-o CertificateFile=$keys/elsewhere.pub" with "$keys/certified"
status 0
logged ca "ID deploy certificate"

it "does not pass with a certificate that has ended"
ssh-keygen -q -s "$keys/authority" -I "old certificate" -n "$SSHD_USER" -V 20200101:20200201 "$keys/certified.pub"
with "$keys/certified"
status 204
port=$(sshd_port web)

# ---- the agent ----

eval "$(ssh-agent -a "$SSHD_DIR/agent.sock")" >/dev/null
agent_pid=$SSH_AGENT_PID
trap 'kill $agent_pid; sshd_cleanup' EXIT
for i in 1 2 3 4 5 6 7; do
	ssh-keygen -q -t ed25519 -N '' -C "noise $i" -f "$keys/noise$i"
	ssh-add -q "$keys/noise$i" 2>/dev/null
done
printf 'open sesame\n' >"$SSHD_DIR/askpass.txt"
printf '#!/bin/sh\ncat %s\n' "$SSHD_DIR/askpass.txt" >"$SSHD_DIR/askpass"
chmod +x "$SSHD_DIR/askpass"
SSH_ASKPASS=$SSHD_DIR/askpass SSH_ASKPASS_REQUIRE=force ssh-add -q "$keys/locked" </dev/null 2>/dev/null
agent=$SSH_AUTH_SOCK
unset SSH_AUTH_SOCK

it "takes the configured key from the agent, and no other of its keys"
TRY_OPTIONS="-o IdentityAgent=$agent" with "$keys/locked"
status 0
unsaid prompt:
logged web "$(fingerprint "$keys/locked.pub")"
unlogged web "$(fingerprint "$keys/noise1.pub")"
unlogged web "Failed publickey"

it "finds the agent by SSH_AUTH_SOCK, and a key by its public half"
cp "$keys/locked.pub" "$keys/public_only.pub"
export SSH_AUTH_SOCK=$agent
with "$keys/public_only.pub"
unset SSH_AUTH_SOCK
status 0
logged web "$(fingerprint "$keys/locked.pub")"

it "offers no key of the agent that is not configured when it must not"
TRY_OPTIONS="-o IdentityAgent=$agent" with "$keys/stranger"
status 204
unlogged web "$(fingerprint "$keys/noise1.pub")"

it "offers all keys of the agent when it may"
SSH_AUTH_SOCK=$agent ssh-add -q -D 2>/dev/null
SSH_AUTH_SOCK=$agent ssh-add -q "$keys/noise1" "$keys/rsa" 2>/dev/null
try -a "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts -o IdentityAgent=$agent" -p "$port" -u "$SSHD_USER" 127.0.0.1 'echo hello'
status 0
logged web "$(fingerprint "$keys/rsa.pub")"

it "goes on without an agent that does not answer"
TRY_OPTIONS="-o IdentityAgent=$SSHD_DIR/no-agent" with "$SSHD_KEY"
status 0

# ---- the key that another host took ----

refusals() { grep -c "^Failed publickey" "$(sshd_log "$1")"; }

it "offers first what the host before took, and other keys only where that is refused"
start same
start other "AuthorizedKeysFile $keys/rsa.pub"
sed "/IdentityFile/d" "$SSHD_DIR/ssh_config" >"$SSHD_DIR/many_keys"
printf 'Host *\n\tIdentityFile %s\n\tIdentityFile %s\n\tIdentityFile %s\n\tIdentityFile %s\n' \
	"$keys/noise1" "$keys/noise2" "$keys/ecdsa" "$keys/rsa" >>"$SSHD_DIR/many_keys"
try -a "-F $SSHD_DIR/many_keys" web,same,web,other,other 'echo hello'
status 0
same "$(grep -c '^hello' "$SSHD_DIR/out")" 5
logged other "Accepted publickey for $SSHD_USER"
same "$(refusals web)" 2
same "$(refusals same)" 0
same "$(refusals other)" 3 # the likely one and the two before the right one, none twice, and then none
logged web "$(fingerprint "$keys/ecdsa.pub")"
logged other "$(fingerprint "$keys/rsa.pub")"

it "offers first what the host before took of the agent"
TRY_OPTIONS="-o IdentityAgent=$agent -o IdentitiesOnly=no"
SSH_AUTH_SOCK=$agent ssh-add -q -D 2>/dev/null
SSH_AUTH_SOCK=$agent ssh-add -q "$keys/noise1" "$keys/noise2" "$keys/noise3" "$keys/rsa" 2>/dev/null
sed "/IdentityFile/d; /IdentitiesOnly/d" "$SSHD_DIR/ssh_config" >"$SSHD_DIR/no_keys"
try -a "-F $SSHD_DIR/no_keys -o IdentityAgent=$agent -o IdentityFile=$keys/noise4" web,same,web 'echo hello'
TRY_OPTIONS=
status 0
same "$(grep -c '^hello' "$SSHD_DIR/out")" 3
same "$(refusals web)" 4
same "$(refusals same)" 0

# ---- several at once ----

it "satisfies a server that wants two methods"
start two "AuthenticationMethods publickey,publickey"
port=$(sshd_port two)
TRY_OPTIONS="-o IdentityFile=$keys/ecdsa" with "$SSHD_KEY"
status 0
logged two "Partial publickey for $SSHD_USER"
port=$(sshd_port web)

it "keeps to PreferredAuthentications"
TRY_OPTIONS="-o PreferredAuthentications=password" with "$SSHD_KEY"
status 204
unlogged web "Accepted key"

done_testing
