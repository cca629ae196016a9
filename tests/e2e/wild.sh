# Playbooks as people write them (roles, templates, handlers, sealed variables, blocks, includes) do the same as JSON.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
umask 022
cp -a "$SOURCE_ROOT/tests/e2e/wild" yaml
cp -a yaml json

# run_all FOLDER NAME: those of a folder on the hosts' folders in NAME; plays, tasks and counts are kept.
run_all() {
	export WILD_BASE="$WORK/$2"
	mkdir -p "$WILD_BASE"
	(cd "$1" && "$NEAP" run [01]*) >out 2>err </dev/null
	echo $? >status
	grep -E '^(PLAY|TASK|RUNNING|[a-z0-9]+ +:) ' out >"$2.said"
}

it "does what playbooks in YAML say"
run_all yaml by_yaml
equal "$(cat status)" 0
silent
equal "$(cat by_yaml/w1/etc/nginx/sites/www)" "server {
    listen 443 ssl;
    server_name www.example.org;
    location / { root /srv/www; }
    location /api { proxy_pass http://127.0.0.1:8080; }
}"
equal "$(cat by_yaml/w1/var/log/reloads by_yaml/w1/var/log/sites)" "reload
2"
equal "$(cat by_yaml/w2/srv/shop/failed)" "check it: 1"
equal "$(cat by_yaml/db1/sealed.txt by_yaml/db1/my.cnf)" "sealed text
[client]
user=root
password=\"s3\\\"cret\"
key=k3y-with-\"quotes\"
port=3306"
equal "$(cat by_yaml/w1/notes)" "noted"
equal "$(cat by_yaml/w1/idioms by_yaml/w1/node.yml)" "9.2 9.2 True
db-a,db-b
[] ['w1']
- targets:
  - w1
  - w2"

it "does the same in JSON"
(cd json && "$NEAP" convert --write --remove .) >out 2>err
equal "$(find json -name '*.y*ml')" json/vars/secrets.yml # which is sealed
run_all json by_json
equal "$(cat status)" 0
silent
equal "$(cat by_json.said)" "$(cat by_yaml.said)"
same_files "$WORK/by_yaml" "$WORK/by_json"

done_testing
