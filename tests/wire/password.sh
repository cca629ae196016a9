#!/bin/sh
# Passwords and keyboard-interactive. The server sees a shadow file of its own, so this needs root (a mount namespace).
. "${SOURCE_ROOT:-.}/tests/wire/try.sh"

if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
	echo "1..0 # SKIP a shadow file of its own needs root"
	exit 0
fi
hash=$(openssl passwd -6 'correct horse')
{
	printf 'root:%s:19000:0:99999:7:::\n' "$hash"
	grep -v '^root:' /etc/shadow
} >"$SSHD_DIR/shadow"
chmod 600 "$SSHD_DIR/shadow"
cat >"$SSHD_DIR/sshd" <<END
#!/bin/sh
exec unshare -m sh -c 'mount --bind $SSHD_DIR/shadow /etc/shadow && exec $SSHD_BINARY "\$@"' sshd "\$@"
END
chmod +x "$SSHD_DIR/sshd"
SSHD_BINARY=$SSHD_DIR/sshd

start pass "PasswordAuthentication yes"
start ask "UsePAM yes" "KbdInteractiveAuthentication yes" "PubkeyAuthentication no"

# to SERVER [flag...]
to() {
	to_port=$(sshd_port "$1")
	shift
	try -a "-F none -o UserKnownHostsFile=$SSHD_DIR/known_hosts" -p "$to_port" -u root "$@" 127.0.0.1 'echo hello'
}

it "logs in with a password, first of all"
to pass -P 'correct horse'
status 0
output "method password"
logged pass "Accepted password for root"
unlogged pass "Failed"

it "says that the password is wrong, and tries it once"
to pass -P 'wrong'
status 204
said "error: AUTH"
said "tried password"
same "$(grep -c 'Failed password' "$(sshd_log pass)")" 1

it "prefers a key that is named over the password"
to pass -P 'correct horse' -i "$SSHD_KEY"
status 0
logged pass "Accepted publickey for root"

it "falls back to the password when the key is not taken"
ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/stranger"
to pass -P 'correct horse' -i "$SSHD_DIR/stranger"
status 0
logged pass "Accepted password for root"

it "answers keyboard-interactive with the password"
to ask -P 'correct horse'
status 0
output "method keyboard-interactive"
logged ask "Accepted keyboard-interactive/pam for root"

it "does not show the password anywhere"
to ask -P 'correct horse' -A x
! grep -qr 'correct horse' "$SSHD_DIR/out" "$SSHD_DIR/err" || try_problem "it shows"

it "gives up on keyboard-interactive with a wrong password"
to ask -P 'wrong'
status 204
said "error: AUTH"

it "wants both factors where the server does"
start both "PasswordAuthentication yes" "AuthenticationMethods publickey,password"
to both -P 'correct horse' -i "$SSHD_KEY"
status 0
logged both "Partial publickey for root"
logged both "Accepted password for root"

done_testing
