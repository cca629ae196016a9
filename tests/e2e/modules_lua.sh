# Modules in Lua through a real server: what changes the first time stays the second time. Programs that would change this
# machine are stand-ins, first in the server's PATH, which keep their state in files beside them.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
bin=$WORK/bin state=$WORK/state
mkdir -p "$bin" "$state" web
sshd_start hosts "SetEnv PATH=$bin:$PATH" || exit 99
sshd_inventory hosts.json 1
root=$SSHD_DIR/roots/h001

# program NAME: a stand-in with what is on stdin for its body; its calls are in a log.
program() {
	{ printf '#!/bin/sh\nstate=%s\necho "%s $*" >>$state/log\n' "$state" "$1"; cat; } >"$bin/$1"
	chmod 755 "$bin/$1"
}

program crontab <<'END'
case $1 in -l) cat $state/crontab 2>/dev/null || { echo 'no crontab' >&2; exit 1; } ;; -) cat >$state/crontab ;; *) exit 9 ;; esac
END
program systemctl <<'END'
is() { cat "$state/$1" 2>/dev/null || echo "$2"; }
case $1 in
show) printf 'Id=tides.service\nLoadState=loaded\nActiveState=%s\n' "$(is active inactive)" ;;
is-enabled) is enabled disabled; [ "$(is enabled disabled)" = enabled ] ;;
list-unit-files | daemon-reload) ;;
start | restart) echo active >$state/active ;;
stop) echo inactive >$state/active ;;
enable) echo enabled >$state/enabled ;;
disable) echo disabled >$state/enabled ;;
*) exit 9 ;;
esac
END
program apk <<'END'
case $1 in
info) grep -qx "$3" $state/packages 2>/dev/null ;;
add) shift; for p; do echo "$p" >>$state/packages; done ;;
del) shift; for p; do sed -i "/^$p\$/d" $state/packages; done ;;
*) exit 9 ;;
esac
END

echo 'from the web' >web/page
echo '{"tide": "high"}' >web/tide.json
python3 -u -m http.server --bind 127.0.0.1 --directory "$WORK/web" 0 >web.log 2>&1 &
web_pid=$!
trap 'kill $web_pid 2>/dev/null; sshd_cleanup' EXIT
while ! grep -q 'port [0-9]' web.log; do sleep 0.05; done
url=http://127.0.0.1:$(sed -n 's/.*port \([0-9]*\).*/\1/p' web.log | head -n 1)

(mkdir repository && cd repository && git init -q -b main && echo one >file && git add file &&
	git -c user.name=t -c user.email=t@example.org commit -q -m one) || exit 99

# twice NAME TASKS CHANGED: the first run changes so many tasks, the second none.
twice() {
	it "$1"
	printf '[{"hosts": "all", "gather_facts": false, "tasks": [%s]}]\n' "$2" >play.json
	neap run play.json -i hosts.json --check
	status 0
	neap run play.json -i hosts.json
	status 0
	recap h001 "changed=$3" failed=0
	neap run play.json -i hosts.json
	status 0
	recap h001 changed=0 failed=0
}

printf 'a=1\nb=2\n' >"$root/conf"
twice "lineinfile, blockinfile and replace edit a file" '
  {"lineinfile": {"path": "{{ root_dir }}/conf", "regexp": "^a=", "line": "a=3"}},
  {"blockinfile": {"path": "{{ root_dir }}/conf", "block": "c=4\nd=5"}},
  {"replace": {"path": "{{ root_dir }}/conf", "regexp": "b=(\\d)", "replace": "B=\\1"}}' 3
equal "$(cat "$root/conf")" "a=3
B=2
# BEGIN ANSIBLE MANAGED BLOCK
c=4
d=5
# END ANSIBLE MANAGED BLOCK"

twice "sysctl keeps a value in a file" '
  {"sysctl": {"name": "vm.swappiness", "value": "10", "sysctl_file": "{{ root_dir }}/sysctl.conf", "reload": false}}' 1
equal "$(cat "$root/sysctl.conf")" "vm.swappiness=10"

twice "cron keeps a job, in a crontab and in a file" '
  {"cron": {"name": "tide", "minute": "5", "job": "/bin/true"}},
  {"cron": {"name": "MAILTO", "env": true, "job": "ops"}},
  {"cron": {"name": "tide", "cron_file": "{{ root_dir }}/cron-d", "user": "root", "special_time": "daily", "job": "/bin/true"}}' 3
equal "$(cat "$state/crontab")" 'MAILTO="ops"
#Ansible: tide
5 * * * * /bin/true'
equal "$(cat "$root/cron-d")" '#Ansible: tide
@daily root /bin/true'

key=$(cat "$SSHD_DIR/user_key.pub")
hostkey="tide.example $(cut -d' ' -f1,2 "$SSHD_DIR/hosts/host_key.pub")"
twice "authorized_key and known_hosts keep keys" '
  {"authorized_key": {"user": "'"$SSHD_USER"'", "key": "'"$key"'", "path": "{{ root_dir }}/keys", "manage_dir": false}},
  {"known_hosts": {"name": "tide.example", "key": "'"$hostkey"'", "path": "{{ root_dir }}/known"}},
  {"known_hosts": {"name": "gone.example", "state": "absent", "path": "{{ root_dir }}/known"}}' 2
equal "$(cat "$root/keys")" "$key"
equal "$(cat "$root/known")" "$hostkey"

twice "systemd enables and starts a unit" '
  {"systemd": {"name": "tides", "state": "started", "enabled": true, "daemon_reload": true}}' 1
equal "$(cat "$state/active" "$state/enabled")" "active
enabled"

twice "package installs by the host's manager" '
  {"package": {"name": ["tide", "moon"], "state": "present", "use": "apk"}},
  {"package": {"name": "sun", "state": "absent", "use": "apk"}}' 1
equal "$(cat "$state/packages")" "tide
moon"

twice "get_url fetches, uri asks" '
  {"get_url": {"url": "'"$url"'/page", "dest": "{{ root_dir }}/page"}},
  {"uri": {"url": "'"$url"'/tide.json"}, "register": "r", "check_mode": false},
  {"assert": {"that": ["r.json.tide == \"high\"", "r.status == 200"]}},
  {"uri": {"url": "'"$url"'/nothing", "status_code": 404}}' 1
equal "$(cat "$root/page")" "from the web"

it "get_url and uri write through no link that waits where they fetch to"
echo precious >victim
for name in got asked; do
	ln -s "$WORK/victim" "$root/.neap-$(printf '%s\0%s' "$url/page" "$root/$name" | sha256sum | cut -c1-24)"
done
echo '[{"hosts": "all", "gather_facts": false, "tasks": [
  {"get_url": {"url": "'"$url"'/page", "dest": "{{ root_dir }}/got"}}, {"uri": {"url": "'"$url"'/page", "dest": "{{ root_dir }}/asked"}}]}]' >play.json
neap run play.json -i hosts.json
status 0
equal "$(cat victim)" precious
equal "$(cat "$root/got" "$root/asked")" "from the web
from the web"
equal "$(find "$root" -name ".neap-*")" ""

twice "git checks a repository out" '
  {"git": {"repo": "'"$WORK"'/repository", "dest": "{{ root_dir }}/checkout", "version": "main"}}' 1
equal "$(cat "$root/checkout/file")" "one"

twice "facts of accounts and packages" '
  {"getent": {"database": "passwd", "key": "root"}},
  {"assert": {"that": ["getent_passwd.root[1] == \"0\""]}},
  {"getent": {"database": "passwd", "key": "no-such-account", "fail_key": false}},
  {"assert": {"that": ["getent_passwd[\"no-such-account\"] is none"]}}' 0

it "accounts and packages are predicted in check mode only"
echo '[{"hosts": "all", "gather_facts": false, "tasks": [
  {"group": {"name": "neap-no-such-group"}}, {"user": {"name": "neap-no-such-user", "create_home": false}}]}]' >play.json
neap run play.json -i hosts.json --check
status 0
recap h001 changed=2 failed=0
if command -v dpkg-query >/dev/null; then
	echo '[{"hosts": "all", "gather_facts": false, "tasks": [{"apt": {"name": "dpkg"}}, {"package_facts": {}},
	  {"assert": {"that": ["packages.dpkg[0].name == \"dpkg\""]}}]}]' >play.json
	neap run play.json -i hosts.json --check
	status 0
	recap h001 changed=0 failed=0
fi
done_testing
