#!/bin/sh
# Other expressions and templates in each run, by Ansible's templar and by neap: live.sh TEST_JINJA. Only where all is made live.
set -eu
if [ "${NEAP_COMPAT_LIVE:-10}" != all ]; then
	echo "1..0 # SKIP NEAP_COMPAT_LIVE is not all"
	exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
/usr/bin/python3 "$(dirname "$0")/chance.py" --expressions 2000 --templates 400 "$folder/chance.json"
JINJA_RECORD=$folder/chance.json "$1" --tap
