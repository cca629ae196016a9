# 200 hosts in one run, behind one sshd with MaxStartups as OpenSSH has it: all are reached and each is left as it should be.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
hosts=200
sshd_inventory hosts.json "$hosts" loopback
cat >site.json <<'END'
[{
  "hosts": "all", "gather_facts": false,
  "tasks": [
    { "file": { "path": "{{ root_dir }}/etc", "state": "directory", "mode": "0750" } },
    { "copy": { "dest": "{{ root_dir }}/etc/name", "content": "{{ inventory_hostname }}\n", "mode": "0640" } },
    { "lineinfile": { "path": "{{ root_dir }}/etc/list", "line": "{{ inventory_hostname }}", "create": true, "mode": "0600" } }
  ]
}]
END
checked() {
	sshd_index=0
	good=0
	while [ "$sshd_index" -lt "$hosts" ]; do
		sshd_index=$((sshd_index + 1))
		host=$(printf 'h%03d' "$sshd_index")
		root=$SSHD_DIR/roots/$host
		[ "$(cat "$root/etc/name")" = "$host" ] && [ "$(cat "$root/etc/list")" = "$host" ] &&
			[ "$(stat -c %a "$root/etc" "$root/etc/name" "$root/etc/list" | tr '\n' ' ')" = "750 640 600 " ] && good=$((good + 1))
	done
}

it "brings 200 hosts to 200 different states"
NEAP_TIMEOUT=280 neap run site.json -i hosts.json
status 0
equal "$(grep -cE '^h[0-9]{3} .*ok=3 +changed=3 +unreachable=0 +failed=0' out)" "$hosts"
checked
equal "$good" "$hosts"

it "finds nothing to do on all of them the second time"
NEAP_TIMEOUT=280 neap run site.json -i hosts.json
status 0
equal "$(grep -cE '^h[0-9]{3} .*ok=3 +changed=0 +unreachable=0 +failed=0' out)" "$hosts"

it "did so with the server's own limit on new connections"
equal "$(grep -ciE '^ *MaxStartups' "$SSHD_DIR/loopback/sshd_config")" 0
equal "$("$SSHD_BINARY" -T -f "$SSHD_DIR/loopback/sshd_config" | grep -i '^maxstartups')" "maxstartups 10:30:100"
done_testing
