"""Writes facts.sh as a C string without its comments and indentation: facts_embed.py OUTPUT INPUT"""
import sys


def main(output, source):
    with open(source, encoding='ascii') as script:
        lines = [line.strip() for line in script]
    rows = []
    for line in lines:
        if line and not line.startswith('#'):
            rows.append('\t"' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"')
    text = ['/* Generated from facts.sh. */', '#include "run/facts.h"', '', 'const char facts_text[] =', '\n'.join(rows) + ';', '']
    with open(output, 'w', encoding='ascii') as out:
        out.write('\n'.join(text))


main(*sys.argv[1:])
