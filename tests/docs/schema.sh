#!/bin/sh
# `neap schema` accepts every playbook and example there is and refuses broken ones, by an independent validator: ajv.
#   schema.sh NEAP SOURCE FOLDER      FOLDER: where npm puts ajv
set -eu
neap=$(realpath "$1") source=$(realpath "$2") node=$3
command -v npm >/dev/null || { echo "npm is missing"; exit 77; }
if [ ! -d "$node/node_modules/ajv" ] || [ ! -d "$node/node_modules/jsonc-parser" ]; then
	mkdir -p "$node"
	npm install --silent --no-audit --no-fund --prefix "$node" ajv@8 jsonc-parser@3
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
libraries=$(find "$source/playbooks" -type d -name library 2>/dev/null | paste -sd : -)
(cd / && "$neap" schema ${libraries:+-M "$libraries"} > "$work/schema.json" && "$neap" doc --format json $("$neap" doc --names) > "$work/doc.json")
NODE_PATH="$node/node_modules" node "$(dirname "$0")/schema.js" "$work/schema.json" "$work/doc.json" "$source"
# The check before a run refuses the same. 1: the playbook is faulty.
NODE_PATH="$node/node_modules" node -e '
const wrong = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")), path = require("path")
let number = 0
const write = playbook => require("fs").writeFileSync(path.join(process.argv[2], `wrong-${++number}.json`), JSON.stringify(playbook))
for (const task of Object.values(wrong.tasks)) write([{ hosts: "all", tasks: [task] }])
for (const playbook of Object.values(wrong.playbooks)) write(playbook)
' "$source/tests/docs/wrong.json" "$work"
accepted=0
for file in "$work"/wrong-*.json; do
	status=0
	"$neap" run --syntax-check -i h, "$file" >"$work/out" 2>&1 || status=$?
	[ "$status" = 1 ] || { echo "FAILED neap run --syntax-check ends with $status:"; cat "$file" "$work/out"; accepted=1; }
done
exit "$accepted"
