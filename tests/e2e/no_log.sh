# What no_log hides is in no report, at no verbosity, and not in the live output.
. "${SOURCE_ROOT:-.}/tests/e2e/lib.sh"
e2e_setup
cat >play.json <<'END'
[{ "hosts": "all", "gather_facts": false, "tasks": [
  { "shell": "echo 'SECRET'A; echo 'SECRET'B >&2; exit 3", "no_log": true, "ignore_errors": true },
  { "command": "echo SECRET{{ item }}", "no_log": true, "loop": ["C", "D"] },
  { "copy": { "content": "SECRETE\n", "dest": "{{ folder }}/file" }, "no_log": true },
  { "fail": { "msg": "SECRETF" }, "no_log": true, "ignore_errors": true },
  { "file": { "path": "{{ folder }}/file", "mode": "{{ 'SECRETG' }}" }, "no_log": true, "ignore_errors": true },
  { "shell": "echo SECRETH; exit 1", "no_log": true, "until": "false", "retries": 1, "delay": 0, "ignore_errors": true },
  { "command": "/bin/SECRETI", "no_log": true, "ignore_errors": true }
] }]
END
for format in text json jsonl; do
	for verbosity in --diff -vvvv; do
		it "hides all of it ($format, $verbosity)"
		rm -f file
		neap run play.json -i 'localhost,' -c local -e "folder=$WORK" --diff --format "$format" "$verbosity"
		status 0
		equal "$(cat out err | grep -c SECRET)" 0
		equal "$(cat file)" SECRETE
	done
done
done_testing
