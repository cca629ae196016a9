# Every playbook in playbooks/ runs on several hosts; what it leaves is compared with the same made by hand, and the second run
# changes nothing.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
sshd_start loopback || exit 99
roots=$SSHD_DIR/roots
umask 022

# put MODE PATH: a file with what is on stdin.
put() {
	mkdir -p "$(dirname "$2")"
	cat >"$2"
	chmod "$1" "$2"
}

expect_site() {
	mkdir -p "$1/etc" "$1/www/assets"
	chmod 0750 "$1/etc"
	printf '# Tides\n[server]\nroot = %s/www\nport = 8080\n' "$3" | put 0640 "$1/etc/site.ini"
	printf '<!doctype html>\n<title>Tides</title>\n<h1>Tides on %s</h1>\n' "$2" | put 0644 "$1/www/index.html"
	for asset in style.css tide.svg; do
		put 0644 "$1/www/assets/$asset" <"$SOURCE_ROOT/playbooks/roles/website/files/assets/$asset"
	done
	echo 'User-agent: *' | put 0644 "$1/www/robots.txt"
	ln -s index.html "$1/www/404.html"
	cp -p "$3/reloads" "$1/reloads" # a date is in it
	equal "$(wc -l <"$1/reloads")" 1
}

expect_dotfiles() {
	mkdir -p "$1/home/bin"
	chmod 0700 "$1/home"
	(cd "$SOURCE_ROOT/playbooks/files/dotfiles" && tar cf - .) | (cd "$1/home" && tar xpf - --no-overwrite-dir)
	chmod 0700 "$1/home"
	put 0644 "$1/home/.profile" <<'END'
PATH=$HOME/bin:$PATH
# BEGIN of what neap keeps
EDITOR=vi
export EDITOR
# END of what neap keeps
END
	printf '#!/bin/sh\necho neap\n' | put 0755 "$1/home/bin/tide"
	ln -s tide "$1/home/bin/t"
}

expect_deploy() {
	printf '#!/bin/sh\necho version 1\n' | put 0755 "$1/app/releases/1/run"
	echo 'version 1' | put 0644 "$1/app/releases/1/built"
	ln -s "$3/app/releases/1" "$1/app/current"
	echo 1 | put 0644 "$1/app/restarted-for"
}

expect_backup() {
	echo "$2: all paid" | put 0600 "$1/data/ledger"
	equal "$(cat "$WORK/backups/$2/ledger")" "$2: all paid"
}

for file in "$SOURCE_ROOT"/playbooks/*.json; do
	name=$(basename "$file" .json)
	rm -rf "$roots" "$WORK/backups"
	sshd_inventory hosts.json 3 loopback

	it "$name changes the hosts the first time"
	neap run "$file" -i hosts.json -e "backup_dir=$WORK/backups"
	status 0
	for host in h001 h002 h003; do
		recap "$host" failed=0 unreachable=0
		rm -rf expected
		mkdir expected
		"expect_$name" "$WORK/expected" "$host" "$roots/$host"
		same_files "$WORK/expected" "$roots/$host"
	done
	find "$roots" -printf '%p %i %T@ %C@\n' | sort >before

	it "$name changes nothing the second time"
	neap run "$file" -i hosts.json -e "backup_dir=$WORK/backups"
	status 0
	for host in h001 h002 h003; do
		recap "$host" changed=0 failed=0 unreachable=0
	done
	find "$roots" -printf '%p %i %T@ %C@\n' | sort >after
	cmp -s before after || fault "inodes or times differ: $(diff before after | head -n 4)"

	it "$name predicts what it would change, and changes nothing, with --check"
	rm -rf "$roots"
	sshd_inventory hosts.json 3 loopback
	neap run "$file" -i hosts.json -e "backup_dir=$WORK/backups" --check --diff
	status 0
	equal "$(find "$roots" -mindepth 2 | wc -l)" 0
done

it "a second version is deployed beside the first"
rm -rf "$roots"
sshd_inventory hosts.json 3 loopback
neap run "$SOURCE_ROOT/playbooks/deploy.json" -i hosts.json
neap run "$SOURCE_ROOT/playbooks/deploy.json" -i hosts.json -e version=2
status 0
equal "$("$roots/h002/app/current/run")" "version 2"
equal "$(ls "$roots/h002/app/releases" | tr '\n' ' ')" "1 2 "
done_testing
