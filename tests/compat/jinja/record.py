#!/usr/bin/python3
"""Records what Ansible's own templar makes of expressions.txt and templates.txt: record.py writes recorded.json.

An expression is evaluated by the environment that Ansible's templar uses and its value is kept with its type; a template
goes through the templar and gives text. "error" stands where Ansible gives one, whatever it says. differences.json
names the cases in which neap gives something else on purpose.
"""
import datetime
import json
import math
import os
import sys

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from jinja2.runtime import Undefined

HERE = os.path.dirname(os.path.abspath(__file__))


def plain(value):
    """The value as JSON has it; raises where it has none."""
    if isinstance(value, Undefined):
        str(value)
    if value is None or isinstance(value, (bool, int, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, float):
        if math.isinf(value) or math.isnan(value):
            raise ValueError('no JSON')
        return value
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): plain(member) for key, member in value.items()}
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return str(value)
    if isinstance(value, (list, tuple, set, range)) or hasattr(value, '__next__') or type(value).__name__.startswith('dict_'):
        return [plain(element) for element in value]
    raise ValueError(f'no JSON: {type(value)}')


def cases(name, separator):
    with open(os.path.join(HERE, name), encoding='utf-8') as source:
        text = source.read()
    if separator == '\n':
        return [line for line in text.split('\n') if line and not line.startswith('#')]
    return [case for case in text.split(separator) if case]


def expression(templar, text):
    compiled = templar.environment.compile_expression(text, undefined_to_none=False)
    names = dict(templar.environment.globals, lookup=templar._lookup, query=templar._query_lookup, q=templar._query_lookup,
                 now=templar._now_datetime, omit='omit')
    names.update(templar.available_variables)
    return plain(compiled(names))


def main():
    os.environ['TZ'] = 'UTC'
    with open(os.path.join(HERE, 'variables.json'), encoding='utf-8') as source:
        variables = json.load(source)
    loader = DataLoader()
    loader.set_basedir(HERE)
    recorded = []
    for text in cases('expressions.txt', '\n'):
        templar = Templar(loader=loader, variables=json.loads(json.dumps(variables)))
        case = {'expression': text}
        try:
            case['result'] = expression(templar, text)
        except Exception as error:
            case['error'] = str(error).split('\n')[0][:200]
        recorded.append(case)
    for text in cases('templates.txt', '\n=====\n'):
        templar = Templar(loader=loader, variables=json.loads(json.dumps(variables)))
        case = {'template': text}
        try:
            case['result'] = str(templar.template(text, convert_data=False, escape_backslashes=False, preserve_trailing_newlines=True))
        except Exception as error:
            case['error'] = str(error).split('\n')[0][:200]
        recorded.append(case)
    with open(os.path.join(HERE, 'recorded.json'), 'w', encoding='utf-8') as out:
        json.dump(recorded, out, indent=0, ensure_ascii=True)
        out.write('\n')
    errors = sum('error' in case for case in recorded)
    print(f'{len(recorded)} cases, {errors} of them errors', file=sys.stderr)


main()
