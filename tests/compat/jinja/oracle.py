"""What Ansible's own templar makes of an expression or a template.

An expression is evaluated by the environment that the templar uses and its value is kept with its type; a template goes
through the templar and gives text. "error" stands where Ansible gives one, whatever it says.
"""
import datetime
import json
import math
import os

from ansible import __version__ as VERSION
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


class Oracle:
    def __init__(self):
        with open(os.path.join(HERE, 'variables.json'), encoding='utf-8') as source:
            self.variables = source.read()
        self.loader = DataLoader()
        self.loader.set_basedir(HERE)

    def expression(self, text):
        templar = Templar(loader=self.loader, variables=json.loads(self.variables))
        compiled = templar.environment.compile_expression(text, undefined_to_none=False)
        names = dict(templar.environment.globals, lookup=templar._lookup, query=templar._query_lookup, q=templar._query_lookup,
                     now=templar._now_datetime, omit='omit')
        names.update(templar.available_variables)
        return plain(compiled(names))

    def template(self, text):
        templar = Templar(loader=self.loader, variables=json.loads(self.variables))
        return str(templar.template(text, convert_data=False, escape_backslashes=False, preserve_trailing_newlines=True))

    def evaluate(self, case):
        """The case ({'expression': ...} or {'template': ...}) with a result or an error."""
        case = dict(case)
        try:
            if 'expression' in case:
                case['result'] = self.expression(case['expression'])
            else:
                case['result'] = self.template(case['template'])
        except RecursionError:
            case['error'] = 'recursion'
        except Exception as error:
            case['error'] = str(error).split('\n')[0][:200]
        return case
