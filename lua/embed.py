"""Writes Lua sources as one C table: embed.py OUTPUT ROOT FILE..."""
import os
import sys


def rows(data):
    for start in range(0, len(data), 24):
        yield '\t' + ', '.join(str(b) for b in data[start:start + 24]) + ','


def main(output, root, *files):
    lines = ['/* Generated from the sources named below. */', '#include "lua/vm.h"', '']
    table = []
    for number, path in enumerate(sorted(files, key=lambda f: os.path.relpath(f, root))):
        with open(path, 'rb') as source:
            data = source.read()
        lines += [f'static const unsigned char source_{number}[] = {{', *rows(data + b'\0'), '};', '']
        name = os.path.relpath(path, root).replace(os.sep, '/')
        table.append(f'\t{{"{name}", (const char *)source_{number}, {len(data)}}},')
    lines += ['const struct vm_source vm_sources[] = {', *table, '\t{0},', '};', '']
    with open(output, 'w', encoding='utf-8') as out:
        out.write('\n'.join(lines))


main(*sys.argv[1:])
