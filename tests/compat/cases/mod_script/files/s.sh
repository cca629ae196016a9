#!/bin/sh
echo "$1|$2"
basename "$PWD" > /dev/null
