# --shard: each host is in one part of a run, and `neap report merge` makes one report of the parts.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
unset CI_NODE_INDEX CI_NODE_TOTAL JOB_COMPLETION_INDEX NEAP_SHARD NEAP_SHARD_TOTAL SLURM_ARRAY_TASK_ID

cat >hosts.json <<'END'
{ "all": { "vars": { "ansible_connection": "local" }, "children": {
  "web": { "hosts": { "web1": {}, "web2": {}, "web3": {}, "web4": {}, "web5": {}, "web6": {} } },
  "db": { "hosts": { "db1": { "port": 5432 }, "db2": { "port": 5433 } } } } } }
END
cat >site.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "Where it is", "copy": { "dest": "{{ playbook_dir }}/{{ inventory_hostname }}",
      "content": "{{ neap_shard_index }}/{{ neap_shard_count }} {{ ansible_play_hosts | length }} {{ groups.all | length }} {{ hostvars.db1.port }}\n" } },
  { "name": "Said once", "command": "touch {{ playbook_dir }}/once-{{ neap_shard_index }}", "run_once": true },
  { "name": "Once in all", "command": "touch {{ playbook_dir }}/first", "run_once": true, "when": "neap_shard_index == 1" }
] }]
END
hosts='db1 db2 web1 web2 web3 web4 web5 web6'
listed() { sed -n 's/^ *\(web[0-9]\|db[0-9]\)$/\1/p' out; }

it "does each host in one of the shards"
for index in 1 2 3; do
	neap run site.json -i hosts.json --shard "$index/3" --list-hosts
	listed >"names-$index"
	neap run site.json -i hosts.json --shard "$index/3" --format json
	status 0
	cp out "shard-$index.json"
	for host in $(cat "names-$index"); do
		equal "$(cat "$host")" "$index/3 $(wc -l <"names-$index") 8 5432"
	done
done
equal "$(sort names-1 names-2 names-3 | tr '\n' ' ')" "$hosts "
equal "$(ls -d once-* first | tr '\n' ' ')" "first once-1 once-2 once-3 "

it "splits what --limit leaves"
for index in 1 2 3; do
	neap run site.json -i hosts.json -l web --shard "$index/3" --list-hosts
	equal "$(listed)" "$(grep web "names-$index")"
done

it "joins the results to those of one run"
neap report merge shard-1.json shard-2.json shard-3.json
status 0
silent
for host in $hosts; do
	recap "$host" failed=0 unreachable=0
done
neap report merge --format json shard-1.json shard-2.json shard-3.json
equal "$(python3 -c '
import json
run = json.load(open("out"))
print([(task["task"]["name"], len(task["hosts"])) for task in run["plays"][0]["tasks"]], len(run["stats"]))')" \
	"[('Where it is', 8), ('Said once', 3), ('Once in all', 3)] 8"

it "misses a shard"
neap report merge shard-1.json shard-3.json
status 1
said "the results are not complete: no shard 2/3"
recap "$(head -n 1 names-1)" failed=0

it "ends as one run of all hosts would have"
cat >fails.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "name": "Only db2 minds", "fail": { "msg": "db2 does" }, "when": "inventory_hostname == 'db2'" } ] }]
END
for index in 1 2; do
	neap run fails.json -i hosts.json --shard "$index/2" --format jsonl
	cp out "shard-$index.jsonl"
done
neap report merge shard-1.jsonl shard-2.jsonl
status 2
output "fatal: [db2]: FAILED! => db2 does"
recap db2 failed=1
recap web1 failed=0 skipped=1

it "hears of its shard from the environment"
export CI_NODE_INDEX=2 CI_NODE_TOTAL=3
neap run site.json -i hosts.json --shard auto --list-hosts
unset CI_NODE_INDEX CI_NODE_TOTAL
equal "$(listed)" "$(cat names-2)"
export JOB_COMPLETION_INDEX=1 NEAP_SHARD_TOTAL=3
neap run site.json -i hosts.json --shard auto --list-hosts
unset JOB_COMPLETION_INDEX NEAP_SHARD_TOTAL
equal "$(listed)" "$(cat names-2)"
export NEAP_SHARD=2/3
neap run site.json -i hosts.json --list-hosts
unset NEAP_SHARD
equal "$(listed)" "$(cat names-2)"

it "says what is wrong with a shard"
neap run site.json -i hosts.json --shard 4/3
status 5
said "there is no shard 4 of 3"
neap run site.json -i hosts.json --shard auto
status 5
said "SLURM_ARRAY_TASK_ID"
done_testing
