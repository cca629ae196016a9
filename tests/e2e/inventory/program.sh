#!/bin/sh
if [ "$1" = --list ]; then echo '{"sg": {"hosts": ["s1","s2"], "vars": {"a": 1}, "children": ["sub"]}, "sub": ["s3"], "s4": {"ansible_host": "1.2.3.4"}, "_meta": {"hostvars": {"s1": {"m": 1}}}}'; else echo '{}'; fi
