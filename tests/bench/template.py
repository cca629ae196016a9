#!/usr/bin/python3
"""Templates and conditions by neap, by bare Jinja2 and by Ansible's templar, by turns: processor time, as ratios.

  template.py BUILD/tests/bench/template
"""
import subprocess
import sys
import time

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
import jinja2

CONDITION = "ansible_os_family == 'Debian' and enabled | bool and result.rc == 0 and result is not changed"
ITEMS = ('{% for item in items %}\n{% if item.up %}\nserver {{ item.name }}-{{ item.id }} {{ item.name | upper }}'
         '{% if not loop.last %},{% endif %}\n\n{% endif %}\n{% endfor %}\n')
VARIABLES = {'items': [{'id': i, 'name': 'host', 'up': bool(i % 2)} for i in range(10000)], 'ansible_os_family': 'Debian',
             'enabled': True, 'result': {'rc': 0, 'changed': False}}
ROUNDS = 5


def neap(what, count):
    return float(subprocess.run([sys.argv[1], what, str(count)], check=True, capture_output=True, text=True).stdout)


def timed(act, count):
    start = time.process_time()
    for _ in range(count):
        act()
    return time.process_time() - start


def main():
    bare = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True).from_string(ITEMS)
    templar = Templar(loader=DataLoader(), variables=VARIABLES)
    best = {}

    def keep(name, seconds):
        best[name] = min(best.get(name, seconds), seconds)

    for _ in range(ROUNDS):
        keep('neap items', neap('items', 5) / 5)
        keep('jinja2 items', timed(lambda: bare.render(VARIABLES), 5) / 5)
        keep('templar items', timed(lambda: templar.template(ITEMS, convert_data=False), 2) / 2)
        keep('neap when', neap('when', 100000))
        keep('templar when', timed(lambda: templar.template('{% if ' + CONDITION + ' %}True{% else %}False{% endif %}'), 200) * 500)
    print(f"10,000 items: neap {best['neap items'] * 1000:.1f} ms; Jinja2 takes {best['jinja2 items'] / best['neap items']:.2f} of that, "
          f"Ansible's templar {best['templar items'] / best['neap items']:.1f} times that")
    print(f"100,000 conditions: neap {best['neap when']:.2f} s; Ansible's templar {best['templar when'] / best['neap when']:.0f} times that")


main()
