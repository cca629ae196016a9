#!/bin/sh
# Runs the cases by the installed ansible-core and writes what came out to record/: all of them, or those that are named.
set -eu
cd "$(dirname "$0")"
exec /usr/bin/python3 run.py --record "$@"
