#!/usr/bin/python3
"""Records what Ansible's own loader reads from scalars.txt and documents.txt: record.py writes recorded.json.

Each line of scalars.txt is a value, read as "a: LINE"; some hundred more are made at random from the characters of numbers,
dates and words. documents.txt holds whole files with a line ===== between them. A value is kept as JSON, and for each
dictionary, list and text where it begins; "error" stands where Ansible gives one, whatever it says. What has no form in JSON
stands as the text that Python prints for it. differences.json names the cases in which neap gives something else on purpose.
"""
import datetime
import json
import math
import os
import random
import sys
import tempfile

import ansible.release
from ansible import constants
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode
from ansible.utils.unsafe_proxy import AnsibleUnsafe

HERE = os.path.dirname(os.path.abspath(__file__))
constants.DUPLICATE_YAML_DICT_KEY = 'ignore'


def plain(value):
    """The value as neap has it."""
    if isinstance(value, AnsibleVaultEncryptedUnicode):
        return {'__ansible_vault': value._ciphertext.decode()}
    if isinstance(value, AnsibleUnsafe) and isinstance(value, str):
        return {'__ansible_unsafe': str(value)}
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -2**63 <= value < 2**63 else str(value)
    if isinstance(value, float):
        return str(value) if math.isinf(value) or math.isnan(value) else value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(element) for element in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value)
    raise ValueError(f'no JSON: {type(value)}')


def places(value, into):
    """Line and column of what Ansible knows them of, in the order of the document; 0:0 for the rest."""
    position = getattr(value, 'ansible_pos', None)
    into.append('%d:%d' % position[1:] if position else '')
    if isinstance(value, dict):
        for member in value.values():
            places(member, into)
    elif isinstance(value, (list, tuple)):
        for element in value:
            places(element, into)
    return into


def read(text):
    with tempfile.NamedTemporaryFile('w', suffix='.yml', encoding='utf-8', newline='', delete=False) as file:
        file.write(text)
    try:
        loader = DataLoader()
        loader.set_vault_secrets([('default', None)])
        return loader.load_from_file(file.name, cache=False)
    finally:
        os.unlink(file.name)


def record(text, with_places):
    case = {'text': text}
    try:
        value = read(text)
        case['result'] = plain(value)
        if with_places and '*' not in text and '!!' not in text:
            case['places'] = ' '.join(places(value, []))
    except Exception as error:  # pylint: disable=broad-except
        case.pop('result', None)
        case['error'] = (str(error).strip().split('\n') or ['?'])[0][:60]
    return case


def random_scalars(count):
    """Texts from the characters that numbers, dates, booleans and indicators are made of."""
    chance = random.Random(2026)
    alphabets = ['01:.', '0123456789_', '0123456789.eE+-', '-+.0123456789_:', '0x1aFb_', '01234567o_', '2019-:. tTzZ+0', 'yesYESnoNOtrue~',
                 '.infaNINF+-', 'a:# \'"\\', 'a,[]{}: ', 'a!&*|>%@`?-: ', '0b1_+-']
    return [''.join(chance.choice(alphabet) for _ in range(chance.randint(1, 11)))
            for alphabet in alphabets for _ in range(count // len(alphabets))]


def main():
    with open(os.path.join(HERE, 'scalars.txt'), encoding='utf-8') as source:
        scalars = [line for line in source.read().split('\n') if line]
    with open(os.path.join(HERE, 'documents.txt'), encoding='utf-8', newline='') as source:
        documents = source.read().split('=====\n')
    texts = [f'a: {scalar}\n' for scalar in dict.fromkeys(scalars + random_scalars(1300))]
    cases = [record(text, False) for text in texts] + [record(text, True) for text in documents]
    with open(os.path.join(HERE, 'recorded.json'), 'w', encoding='utf-8') as out:
        json.dump({'ansible': ansible.release.__version__, 'cases': cases}, out, indent=0)
        out.write('\n')
    print(f'{len(cases)} cases', file=sys.stderr)


if __name__ == '__main__':
    main()
