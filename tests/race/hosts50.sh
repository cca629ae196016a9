# 50 hosts at once under ThreadSanitizer, changed and then unchanged, linear and free.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
sshd_inventory hosts.json 50 loopback
for strategy in linear free; do
	cat >site.json <<END
[{
  "hosts": "all", "gather_facts": false, "strategy": "$strategy",
  "tasks": [
    { "file": { "path": "{{ root_dir }}/$strategy", "state": "directory", "mode": "0755" } },
    { "copy": { "dest": "{{ root_dir }}/$strategy/name", "content": "{{ inventory_hostname }}\n", "mode": "0644" } },
    { "lineinfile": { "path": "{{ root_dir }}/$strategy/list", "line": "{{ inventory_hostname }}", "create": true } },
    { "command": "cat {{ root_dir }}/$strategy/name", "register": "name", "changed_when": false },
    { "debug": { "msg": "{{ name.stdout }}" } },
    { "file": { "path": "{{ root_dir }}/$strategy/link", "src": "name", "state": "link" }, "notify": "told" }
  ],
  "handlers": [{ "name": "told", "copy": { "dest": "{{ root_dir }}/$strategy/told", "content": "yes\n" } }]
}]
END
	it "brings 50 hosts to their states, $strategy"
	NEAP_TIMEOUT=280 neap run site.json -i hosts.json
	status 0
	equal "$(cat "$SSHD_DIR"/roots/h*/"$strategy"/name | sort -u | wc -l)" 50
	it "finds nothing to do the second time, $strategy"
	NEAP_TIMEOUT=280 neap run site.json -i hosts.json
	status 0
	equal "$(grep -cE '^h[0-9]+ .*changed=0 ' out)" 50
done
done_testing
