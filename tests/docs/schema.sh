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
