#!/usr/bin/python3
"""Records what Ansible's own templar makes of expressions and templates that generate.py makes.

  chance.py --seed N --expressions N --templates N FILE

Without a seed each run has other cases. Those in which Ansible has an error are left out: neap may have a value there (what is in
docs/migrating.md), and so are those whose result has what is named there as different: anchors in YAML, text marked as escaped.
"""
import argparse
import os
import random
import re
import sys
import time

import generate
import oracle
import record


def cases(generator, templar, kind, count):
    make = generator.expression if kind == 'expression' else generator.template
    while count > 0:
        text = make()
        if len(text) > 600:
            continue
        case = templar.evaluate({kind: text})
        if 'error' not in case and not re.search(r'[&*]id\d|Markup\(', str(case['result'])):
            count -= 1
            yield case


def main():
    os.environ['TZ'] = 'UTC'
    time.tzset()
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(10 ** 9))
    parser.add_argument('--expressions', type=int, default=600)
    parser.add_argument('--templates', type=int, default=100)
    parser.add_argument('file')
    options = parser.parse_args()
    generator, templar = generate.Generator(options.seed), oracle.Oracle()
    recorded = list(cases(generator, templar, 'expression', options.expressions))
    recorded += cases(generator, templar, 'template', options.templates)
    command = f'tests/compat/jinja/chance.py --seed {options.seed} --expressions {options.expressions} --templates {options.templates}'
    record.write(options.file, command, recorded)
    print(f'# seed {options.seed}: {len(recorded)} cases', file=sys.stderr)


main()
