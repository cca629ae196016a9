# Secrets of four kinds in each place where one can be show in no report at any verbosity, in no program's arguments or
# environment, and in no file that others could read at any moment. canary.py makes the playbook, and looks.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
canary() { python3 "$SOURCE_ROOT/tests/e2e/canary.py" "$@"; }
mkdir bin tmp log
printf 'vaultpassword\n' >vault_password
# Stand-ins: sudo asks as the real one does, and says what it was told when that was wrong; curl tells its configuration.
cat >sudo <<'END_OF_FILE'
#!/bin/sh
while :; do case $1 in -H|-S|-n) shift ;; -p) prompt=$2; shift 2 ;; -u) user=$2; shift 2 ;; --) shift; break ;; *) break ;; esac; done
printf %s "$prompt" >&2
IFS= read -r given
[ "$user" != wrong ] || { echo "sudo: \"$given\" is not the password" >&2; exit 1; }
exec "$@"
END_OF_FILE
printf '#!/bin/sh\ncat >&2\necho "curl: (7) cannot connect" >&2\nexit 7\n' >bin/curl
chmod +x sudo bin/curl
sftp=/usr/lib/openssh/sftp-server
environment="SetEnv PATH=$WORK/bin:$PATH HOME=$SSHD_DIR/home"
sshd_start plain "$environment" "Subsystem sftp $sftp" || exit 99
sshd_inventory hosts.json 1 plain
canary make "$WORK" || exit 99

export TMPDIR="$WORK/tmp"
# The files are made by whoever is asked to, with no help from a umask.
umask 000
# shows_nothing OPTION...: runs the playbook, and looks at all that it said.
shows_nothing() {
	rm -rf kept && mkdir kept
	ANSIBLE_CACHE_PLUGIN=jsonfile ANSIBLE_CACHE_PLUGIN_CONNECTION="$WORK/facts" \
		neap run play.json -i hosts.json --vault-password-file vault_password "$@"
	status 0
	fault_lines "$(canary output out err)"
	equal "$(ls -A tmp)" ""
}
fault_lines() { [ -z "$1" ] || fault "$1"; }

for how in "-vvvv --diff" "--check --diff -v" "--format jsonl -vvvv --check --diff" "--format json -vvvv --diff"; do
	it "no secret shows with $how"
	# shellcheck disable=SC2086
	shows_nothing $how
done

it "what was to arrive has arrived"
for kind in letters quotes pem; do
	[ -s "kept/${kind}_value" ] && [ -s "kept/${kind}_argument" ] && [ -s "kept/${kind}_no_log" ] ||
		fault "no secret of $kind arrived: $(ls -l kept; grep -o '"msg": "[^"]*"' out | sort | uniq -c)"
done
equal "$(grep -c QbbZq kept/letters_value)" 1
if [ "$(id -u)" = 0 ]; then
	ssh-keygen -y -P "$(cat kept/letters_argument)" -f kept/letters_argument.key >key || fault "the passphrase does not open the key"
	cut -d ' ' -f 1,2 kept/letters_argument.key.pub >public
	[ "$(cut -d ' ' -f 1,2 key)" = "$(cat public)" ] || fault "it is another key"
fi

it "what is kept for later is its owner's alone"
grep -q QbbZq facts/h001 || fault "no secret is in the fact cache: nothing was tried"
fault_lines "$(canary files facts tmp "$SSHD_DIR/home")"

name="no secret is among the words or in the environment of a program, and no file is made that others could read"
if [ -n "${ASAN_OPTIONS:-}" ]; then
	it_skip "$name" "it is looked for where there is no sanitizer, which adds calls of its own"
elif strace -o /dev/null true 2>/dev/null; then
	it "$name"
	traces="-D -f -qq -v -xx -s 100000 -e trace=execve,open,openat,creat,umask,clone,clone3,fork,vfork"
	sshd=$SSHD_BINARY
	SSHD_BINARY=$WORK/traced_sshd
	printf '#!/bin/sh\n[ "$1" != -t ] || exec %s "$@"\nexec strace %s -o %s/log/target %s "$@"\n' "$sshd" "$traces" "$WORK" "$sshd" >"$SSHD_BINARY"
	printf '#!/bin/sh\nexec strace %s -o %s/log/controller %s "$@"\n' "$traces" "$WORK" "$NEAP" >traced_neap
	chmod +x traced_sshd traced_neap
	sshd_start traced "$environment" "Subsystem sftp $sftp" || exit 99
	NEAP=$WORK/traced_neap LSAN_OPTIONS=detect_leaks=0 shows_nothing -vv -e "ansible_port=$SSHD_PORT"
	sshd_stop traced
	fault_lines "$(canary trace log/controller log/target)"
else
	it_skip "$name" "strace may not trace here"
fi
done_testing
