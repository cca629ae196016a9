#!/bin/sh
if [ "$1" = --list ]; then echo '{"sg": {"hosts": ["s1","s2"]}}'; else echo "{\"me\": \"$2\"}"; fi
