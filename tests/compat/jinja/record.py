#!/usr/bin/python3
"""Records what Ansible's own templar makes of expressions.txt and templates.txt: record.py writes recorded.json.

differences.json names the cases in which neap gives something else on purpose.
"""
import json
import os
import sys
import time

import oracle


def cases(name, separator):
    with open(os.path.join(oracle.HERE, name), encoding='utf-8') as source:
        text = source.read()
    if separator == '\n':
        return [line for line in text.split('\n') if line and not line.startswith('#')]
    return [case for case in text.split(separator) if case]


def write(path, command, recorded):
    """The cases with the version of Ansible and the command that made them."""
    with open(path, 'w', encoding='utf-8') as out:
        json.dump({'ansible': oracle.VERSION, 'command': command, 'cases': recorded}, out, indent=0, ensure_ascii=True)
        out.write('\n')


def main():
    os.environ['TZ'] = 'UTC'
    time.tzset()
    templar = oracle.Oracle()
    recorded = [templar.evaluate({'expression': text}) for text in cases('expressions.txt', '\n')]
    recorded += [templar.evaluate({'template': text}) for text in cases('templates.txt', '\n=====\n')]
    write(os.path.join(oracle.HERE, 'recorded.json'), 'tests/compat/jinja/record.py', recorded)
    errors = sum('error' in case for case in recorded)
    print(f'{len(recorded)} cases, {errors} of them errors', file=sys.stderr)


if __name__ == '__main__':
    main()
