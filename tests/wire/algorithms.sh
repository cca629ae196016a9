#!/bin/sh
# Ciphers, MACs, key exchange, host keys and signatures as the configuration chooses them; sshd's log says what was used.
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

ssh-keygen -q -t ecdsa -N '' -f "$SSHD_DIR/ecdsa_host"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$SSHD_DIR/rsa"
start web "LogLevel DEBUG" "HostKey $SSHD_DIR/ecdsa_host" "Ciphers +aes128-cbc" "MACs +hmac-sha1"
awk -v host="[127.0.0.1]:$(sshd_port web)" '{ print host, $1, $2 }' "$SSHD_DIR/ecdsa_host.pub" >>"$SSHD_DIR/known_hosts"
cat "$SSHD_DIR/rsa.pub" >>"$SSHD_DIR/authorized_keys"

# A folder of programs without ssh: the options are then read by neap itself.
mkdir "$SSHD_DIR/no_ssh"

# each EXPECTED-LINE OPTION...: with the ssh program and without it
each() {
	each_line=$1
	shift
	for each_path in "$PATH" "$SSHD_DIR/no_ssh"; do
		: >"$(sshd_log web)"
		TRY_OPTIONS="$*" TRY_PATH=$each_path try web 'echo hello'
		status 0
		logged web "$each_line"
	done
}

it "uses the cipher and MAC that Ciphers and MACs name"
each "kex: client->server cipher: aes256-ctr MAC: hmac-sha2-512 compression: none" \
	"-o Ciphers=aes256-ctr -o MACs=hmac-sha2-512"
logged web "kex: server->client cipher: aes256-ctr MAC: hmac-sha2-512 compression: none"

it "takes -c and -m"
each "kex: client->server cipher: aes192-ctr MAC: hmac-sha2-256 " "-c aes192-ctr -m hmac-sha2-256"

it "takes names away with a minus, by patterns too"
each "kex: client->server cipher: aes128-ctr " "-o Ciphers=-chacha20*,*-gcm@openssh.com,aes256-ctr,aes192-ctr"

it "puts names in front with a circumflex, and those that are not usual"
each "kex: client->server cipher: aes128-cbc MAC: hmac-sha1 " "-o Ciphers=^aes128-cbc -o MACs=^hmac-sha1"

it "adds names behind with a plus"
each "kex: client->server cipher: chacha20-poly1305@openssh.com " "-o Ciphers=+aes128-cbc"

it "exchanges keys as KexAlgorithms says"
each "kex: algorithm: ecdh-sha2-nistp384" "-o KexAlgorithms=ecdh-sha2-nistp384"

it "asks for the host key that HostKeyAlgorithms names, of several that are known"
each "kex: host key algorithm: ecdsa-sha2-nistp256" "-o HostKeyAlgorithms=ecdsa-sha2-nistp256"
each "kex: host key algorithm: ssh-ed25519" "-o HostKeyAlgorithms=-ecdsa*"

# The log does not name signatures: each server takes one kind only.
it "signs with the algorithm that PubkeyAcceptedAlgorithms names"
for signature in rsa-sha2-256 rsa-sha2-512; do
	start "$signature" "PubkeyAcceptedAlgorithms $signature"
	for asked in rsa-sha2-256 rsa-sha2-512; do
		TRY_OPTIONS="-o PubkeyAcceptedAlgorithms=$asked -o IdentityFile=$SSHD_DIR/rsa" try "$signature" true
		status "$([ "$asked" = "$signature" ] && echo 0 || echo 204)"
	done
	logged "$signature" "Accepted publickey for $SSHD_USER"
done

it "does not offer a key whose algorithm is not accepted"
TRY_OPTIONS="-o PubkeyAcceptedAlgorithms=rsa-sha2-256" try web true
status 204
unlogged web "Accepted"

it "compresses when told to, both ways"
each "compression: zlib@openssh.com" "-C"
same "$(grep -c 'kex: .* compression: zlib@openssh.com' "$(sshd_log web)")" 2
each "compression: zlib@openssh.com" "-o Compression=yes"

it "says which option leaves nothing, and what there is"
TRY_OPTIONS="-o Ciphers=rot13" TRY_PATH=$SSHD_DIR/no_ssh try web true
status 201
said "error: INPUT"
said "Ciphers: libssh can do none of rot13"
said "chacha20-poly1305@openssh.com"
TRY_OPTIONS="-o MACs=umac-64@openssh.com" try web true
status 201
said "MACs: libssh can do none of umac-64@openssh.com"
said "hmac-sha2-256"

it "does not connect where the server shares nothing"
start strict "Ciphers aes256-gcm@openssh.com"
TRY_OPTIONS="-o Ciphers=aes128-ctr" try strict true
status 204
unlogged strict Accepted
done_testing
