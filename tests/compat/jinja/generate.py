"""Expressions and templates by chance: the same ones for the same seed.

They are made by type, so that most of them give a value. What changes from run to run (time, chance without a seed) or is named
as a difference in docs/migrating.md (integers beyond 64 bits, sets) is left out.
"""
import random

INTEGERS = ['n', 'zero', 'neg', '0', '1', '2', '3', '7', '10', '-1', 'd.a', 'users[0].uid', 'result.rc', 'packages.nginx.port', 'l[1]', 'l | length']
FLOATS = ['f', '0.5', '1.0', '2.25', '-3.75', '1e3', '100.0']
TEXTS = ['s', 'u', 'blank', 'quoted', 'lines', 'csv', 'path', 'html', 'num', 'fnum', 'yes', 'upper', 'key', 'long', 'empty', "'x'", "''", "'a-b_c.d'",
         "'Straße'", '"it\'s"', 'users[1].name', 'ls[0]', "'  pad '", "'1.2.3'", "'%s-%s'", "'a,b;c'", "'tab\\tnl\\n'", "'0x1f'", "'/a/b/../c/'", "'Hello'"]
BOOLS = ['t', 'no', 'true', 'false', 'users[0].admin', 'result.changed']
LISTS = ['l', 'ls', 'mixed', 'nested', 'el', 'dup', 'sdup', 'users', '[]', '[1, 2, 3]', "['b', 'a', 'C']", '[3.5, 1, 2]', 'users[0].groups',
         'd.b.c', "[[1, 2], [3, 4]]", "['a', 'a', 'b']", '(1, 2)', "['x', none, '']", 'range(5) | list', 'range(2, 10, 3) | list', "csv.split(',')"]
WORDS = ['ls', "['b', 'a', 'C']", "['a', 'a', 'b']", 'users[0].groups', 'sdup', "csv.split(',')", 's.split()', "users | map(attribute='name')"]
NUMBERS = ['l', 'dup', '[1, 2, 3]', '[3.5, 1, 2]', 'range(5) | list', 'range(2, 10, 3) | list', "users | map(attribute='uid')"]
DICTS = ['d', 'users[0]', 'result', 'packages', 'ed', '{}', "{'a': 1, 'b': 2}", "{'b': [1], 'a': {'c': 2}}", "{'x': 'y', 'k': none}", 'packages.nginx',
         "{'one': 1, 'Two': 'two', 'three': 3.0}"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, choices):
        return choices[self.random.randrange(len(choices))]

    def chance(self, of):
        return self.random.randrange(of) == 0

    # Values by type; depth is how many more expressions may be inside.

    def integer(self, depth):
        if depth <= 0 or self.chance(4):
            return self.pick(INTEGERS)
        d = depth - 1
        return self.pick([
            lambda: f'({self.integer(d)} {self.pick(["+", "-", "*"])} {self.integer(d)})',
            lambda: f'({self.integer(d)} {self.pick(["//", "%"])} {self.pick(["2", "3", "-4", "n"])})',
            lambda: f'{self.sized(d)} | {self.pick(["length", "count"])}',
            lambda: f'{self.text(d)} | int{self.pick(["", "(7)", "(base=16)", "(default=-1)"])}',
            lambda: f'{self.floating(d)} | int',
            lambda: f'({self.integer(d)}) | abs',
            lambda: f'{self.numbers(d)} | {self.pick(["sum", "max", "min", "first", "last"])}',
            lambda: f'{self.text(d)} | wordcount',
            lambda: f'({self.text(d)}).{self.pick(["count", "find", "rfind"])}({self.pick(TEXTS)})',
            lambda: f'(-{self.integer(d)})',
            lambda: f'({self.integer(d)} if {self.boolean(d)} else {self.integer(d)})',
            lambda: f'{self.boolean(d)} | int',
            lambda: f'({self.items(d)} | list).count({self.value(d)})',
            lambda: f"{self.pick(['100', '60', '17'])} | random(seed={self.text(d)})",
            lambda: f"({self.datetime()}).{self.pick(['year', 'month', 'day', 'hour', 'weekday()', 'isoweekday()', 'toordinal()'])}",
            lambda: f"(({self.datetime()}) - ({self.datetime()})).{self.pick(['days', 'seconds'])}",
            lambda: f'({self.integer(d)}) | pow({self.pick(["0", "1", "2", "3"])}) | int',
            lambda: f"{self.pick(['10 MB', '1K', '2.5 GB', '7']) !r} | human_to_bytes",
        ])()

    def datetime(self):
        return self.pick(["'2020-02-29 03:04:05' | to_datetime", "'1999-12-31' | to_datetime('%Y-%m-%d')", "'01/Feb/2021 10:20' | to_datetime('%d/%b/%Y %H:%M')"])

    def floating(self, depth):
        if depth <= 0 or self.chance(4):
            return self.pick(FLOATS)
        d = depth - 1
        return self.pick([
            lambda: f'({self.integer(d)} / {self.pick(["2", "4", "n", "8.0"])})',
            lambda: f'({self.floating(d)} {self.pick(["+", "-", "*"])} {self.number(d)})',
            lambda: f'({self.floating(d)}) | round({self.pick(["", "1", "2", "0, " + repr("floor"), "1, " + repr("ceil")])})',
            lambda: f'{self.text(d)} | float{self.pick(["", "(1.5)"])}',
            lambda: f'{self.integer(d)} | float',
            lambda: f'{self.pick(["2", "n", "f", "9"])} | {self.pick(["pow(2)", "pow(0.5)", "root", "root(3)", "log", "log(10)", "log(2)"])}',
        ])()

    def number(self, depth):
        return self.pick([self.integer, self.integer, self.floating])(depth)

    def boolean(self, depth):
        if depth <= 0 or self.chance(6):
            return self.pick(BOOLS)
        d = depth - 1
        comparison = ['==', '!=', '<', '<=', '>', '>=']
        return self.pick([
            lambda: f'({self.number(d)} {self.pick(comparison)} {self.number(d)})',
            lambda: f'({self.text(d)} {self.pick(comparison)} {self.text(d)})',
            lambda: f'({self.value(d)} {self.pick(["==", "!="])} {self.value(d)})',
            lambda: f'({self.integer(d)} < {self.integer(d)} <= {self.integer(d)})',
            lambda: f'(not {self.boolean(d)})',
            lambda: f'({self.boolean(d)} {self.pick(["and", "or"])} {self.boolean(d)})',
            lambda: f'({self.value(d)} {self.pick(["in", "not in"])} {self.items(d)})',
            lambda: f'({self.text(d)} {self.pick(["in", "not in"])} {self.text(d)})',
            lambda: f'({self.text(d)} in {self.mapping(d)})',
            lambda: f'({self.value(d)} is {self.pick(["", "not "])}' + self.pick([
                'defined', 'none', 'string', 'number', 'integer', 'float', 'boolean', 'mapping', 'sequence', 'iterable', 'true', 'false', 'truthy',
                'falsy', 'truthy(convert_bool=True)', 'callable', 'sameas(none)']) + ')',
            lambda: f'({self.integer(d)} is {self.pick(["even", "odd", "divisibleby(3)", "divisibleby 2", "eq(2)", "gt 1", "ge(0)", "le 5", "lt(n)", "ne 3"])})',
            lambda: f'({self.text(d)} is {self.pick(["lower", "upper", "abs", "in(long)", "match(" + repr("[a-z]+") + ")", "search(" + repr("o") + ")", "regex(" + repr("^[A-Z]") + ")", "match(" + repr("h") + ", ignorecase=True)"])})',
            lambda: f"({self.pick(['fnum', repr('1.2.3'), repr('1.10'), repr('2.0'), repr('1.0.0')])} is version({self.pick([repr('1.2'), repr('1.9'), repr('2'), repr('1.2.3')])}, {self.pick([repr('<'), repr('>='), repr('=='), repr('ne'), repr('lt'), repr('gt')])}))",
            lambda: f'({self.words(d)} is {self.pick(["subset", "superset"])}({self.words(d)}))',
            lambda: f'({self.items(d)} is contains({self.value(d)}))',
            lambda: f'({self.items(d)} is {self.pick(["any", "all"])})',
            lambda: f'({self.pick(["result", "bad", "skippedr", "looped"])} is {self.pick(["failed", "succeeded", "changed", "skipped", "success"])})',
            lambda: f'{self.value(d)} | bool',
            lambda: f'({self.text(d)}).{self.pick(["startswith", "endswith"])}({self.text(0)})',
            lambda: f'({self.text(d)}).{self.pick(["isdigit", "isalpha", "isalnum", "isupper", "islower", "isspace", "isidentifier", "istitle"])}()',
            lambda: f'({self.items(d)} {self.pick(["==", "!="])} {self.items(d)})',
            lambda: f'({self.mapping(d)} {self.pick(["==", "!="])} {self.mapping(d)})',
        ])()

    def text(self, depth):
        if depth <= 0 or self.chance(4):
            return self.pick(TEXTS)
        d = depth - 1
        return self.pick([
            lambda: f'{self.text(d)} | ' + self.pick([
                'upper', 'lower', 'capitalize', 'title', 'trim', 'string', 'escape', 'e', 'striptags', 'urlencode', 'urldecode', 'quote', 'basename',
                'dirname', 'b64encode', 'hash', "hash('md5')", 'md5', 'sha1', 'checksum', 'reverse', 'regex_escape', 'to_uuid', 'to_json', 'tojson', 'pprint',
                'type_debug', 'comment', "comment('c')", "comment('cblock')", "comment('xml')", 'wordwrap(10)', 'wordwrap(7, false)', 'indent', 'indent(2, true)',
                "indent('> ')", 'indent(3, blank=true)', 'center(20)', 'truncate(9)', 'truncate(9, true)', "truncate(12, false, '..', 0)", 'expanduser',
                'win_basename', 'win_dirname', "default('dflt')", "default('dflt', true)", "d('x')", 'safe', 'forceescape', "trim('/')", 'urlize', 'to_yaml', 'to_nice_yaml']),
            lambda: f"{self.text(d)} | replace({self.pick([repr('a'), repr(''), repr(' '), repr('l')])}, {self.pick([repr('-'), repr(''), 'key'])}{self.pick(['', ', 1'])})",
            lambda: f"{self.text(d)} | regex_replace({self.pick([repr('[aeiou]'), repr('(.)o'), repr('^'), repr('$'), repr('(?i)H(.)'), repr('[0-9]+')])}, {self.pick([repr(''), repr('_'), repr('<') + ' ~ ' + repr('>')])})",
            lambda: self.text(d) + " | regex_replace('(\\\\w)(\\\\w)', " + self.pick(["'\\\\2\\\\1'", "'\\\\g<1>'", "'[\\\\1]'"]) + ')',
            lambda: f"{self.text(d)} | regex_search({self.pick([repr('[a-z]+'), repr('[0-9]+'), repr('o.'), repr('^.*$') + ', multiline=True', repr('WORLD') + ', ignorecase=True'])}) | string",
            lambda: f'({self.text(d)} ~ {self.value(d)})',
            lambda: f'({self.text(d)} + {self.text(d)})',
            lambda: f'({self.text(d)} * {self.pick(["2", "0", "3"])})',
            lambda: f'({self.text(d)} if {self.boolean(d)} else {self.text(d)})',
            lambda: f'{self.words(d)} | join({self.pick(["", repr(","), repr(", "), "key"])})',
            lambda: f'{self.items(d)} | join({self.pick([repr("-"), repr("")])})',
            lambda: f'({self.text(d)})[{self.slice()}]',
            lambda: f'({self.text(d)}).' + self.pick(['upper()', 'lower()', 'strip()', "strip('ax')", 'lstrip()', 'rstrip()', 'title()', 'swapcase()', 'capitalize()',
                                                  "replace('o', '0')", "replace('l', '', 1)", 'zfill(8)', "ljust(12, '.')", 'rjust(12)', "center(15, '*')",
                                                  "removeprefix('H')", "removesuffix('x')", "join(ls)", 'expandtabs(4)', 'casefold()', "format(1, x=2)"]),
            lambda: f"'%s|%s' | format({self.value(d)}, {self.value(d)})",
            lambda: f"'{self.pick(['%d', '%05d', '%x', '%+d', '%o', '%-6d|', '%3d'])}' | format({self.integer(d)})",
            lambda: f"'{self.pick(['%.2f', '%e', '%g', '%8.3f', '%-10.1f|', '%+f'])}' % ({self.floating(d)})",
            lambda: f"'{self.pick(['%r', '%s', '%10s', '%-10s|', '%.3s'])}' % [{self.value(d)}]" if self.chance(2) else f"'%s' % ({self.value(d)} | string)",
            lambda: f"'{{:{self.pick(['>10', '<10', '^10', '*^12', '.3'])}}}'.format({self.text(d)})",
            lambda: f"'{{:{self.pick(['d', '05d', ',', 'x', '>6', '+d', 'b', '#x'])}}}'.format({self.integer(d)})",
            lambda: f"'{{:{self.pick(['.2f', '8.1f', 'e', 'g', '%', ',.2f'])}}}'.format({self.floating(d)})",
            lambda: f"'{{0}}-{{x}}-{{1!r}}'.format({self.value(d)}, {self.value(d)}, x={self.value(d)})",
            lambda: f'{self.value(d)} | {self.pick(["string", "to_json", "to_nice_json", "type_debug", "tojson", "to_json(sort_keys=True)", "to_nice_json(indent=2)", "pprint"])}',
            lambda: f'{self.tree(d)} | {self.pick(["to_yaml", "to_nice_yaml", "to_nice_yaml(indent=2)", "to_json(indent=1)", "to_nice_yaml(width=30)", "to_yaml(sort_keys=False)"])}',
            lambda: f'{self.boolean(d)} | ternary({self.text(d)}, {self.text(d)})',
            lambda: f'{self.integer(d)} | {self.pick(["filesizeformat", "filesizeformat(true)", "human_readable", "human_readable(isbits=True)"])}',
            lambda: f"{self.integer(d)} | human_readable(unit='{self.pick('KMG')}')",
            lambda: f'{self.pick(WORDS)} | {self.pick(["first", "last", "max", "min"])}',
            lambda: f"{self.pick(['ls', 'sdup'])} | random(seed={self.pick(TEXTS)})",
            lambda: f"['{self.pick(['/a', 'b', ''])}', '{self.pick(['c/d', '/e', 'f'])}'] | path_join",
            lambda: f"{self.pick(['path', repr('/a/b/c')])} | {self.pick(['relpath(' + repr('/etc') + ')', 'splitext | first', 'dirname | basename'])}",
            lambda: f"({self.datetime()}){self.pick(['', '.isoformat()', '.date()'])} | string",
            lambda: f"({self.datetime()}).strftime({self.pick(['%Y/%m/%d', '%H:%M:%S', '%a %b %j', '%y%W%U', '%I %p', '%%'])!r})",
            lambda: f"{self.pick(['%Y-%m-%d', '%H:%M', '%A %d %B', '%s'])!r} | strftime({self.pick(['0', '86400', '1600000000', '951782400'])}, utc=true)",
            lambda: f"{self.pick(['one', repr('x')[1:-1], 'secret'])!r} | password_hash({self.pick(['sha512', 'sha256'])!r}, {self.pick(['saltsalt', 'abcdefgh'])!r}{self.pick(['', ', rounds=5000'])})" if self.chance(4) else f"{self.text(d)} | hash({self.pick(['sha1', 'sha256', 'sha512', 'md5'])!r})",
            lambda: self.text(d) + " | regex_replace(" + self.pick(["'(?P<first>\\\\w)(?P<rest>\\\\w*)', '\\\\g<rest>\\\\g<first>'", "'(?<=[a-z])[A-Z ]', '_'", "'(?<!l)l', 'L'", "'\\\\b(\\\\w)', '<\\\\1>'", "'(a|b)|(c)', '[\\\\1\\\\2]'", "'\\\\s+$', ''", "'(?m)^', '# '", "'[^\\\\x00-\\\\x7f]', '?'", "'(\\\\d+)', '\\\\g<1>0'", "'x*', '-'"]) + self.pick(['', ', ignorecase=true', ', multiline=true']) + ')',
            lambda: self.text(d) + " | regex_search(" + self.pick(["'(\\\\w+) (\\\\w+)', '\\\\2', '\\\\1'", "'(?P<k>[a-z]+)', '\\\\g<k>'", "'l+$'", "'(?i)HELLO'"]) + ') | string',
            lambda: f"{self.text(d)} | truncate(length={self.pick(['5', '10', '3'])}, killwords={self.pick(['true', 'false'])}, end={self.pick(['...', '', '…'])!r}, leeway={self.pick(['0', '2'])})",
            lambda: f"{self.text(d)} | wordwrap(width={self.pick(['5', '12', '20'])}, break_long_words={self.pick(['true', 'false'])}, wrapstring={self.pick([chr(10), '|'])!r}, break_on_hyphens={self.pick(['true', 'false'])})",
            lambda: f"{self.text(d)} | indent(width={self.pick(['2', '4'])}, first={self.pick(['true', 'false'])}, blank={self.pick(['true', 'false'])})",
            lambda: f"{self.text(d)} | center(width={self.pick(['7', '16'])})",
            lambda: f"{self.text(d)} | comment({self.pick(['plain', 'c', 'erlang', 'cblock', 'xml'])!r}{self.pick(['', ', prefix=' + repr('#'), ', decoration=' + repr('! '), ', postfix=' + repr('end')])})",
            lambda: f"{self.text(d)} | urlize({self.pick(['', '10', 'nofollow=true', 'target=' + repr('_blank'), 'rel=' + repr('me')])})",
            lambda: f"{self.pick(['see http://a.example/x?y=1&z, www.b.org.', 'mail a.b@c.de (http://x.y/z(1))', '<https://1.2.3.4:80/>'])!r} | urlize",
            lambda: f"{self.text(d)} | b64encode(encoding={self.pick(['utf-8', 'utf-16-le'])!r})",
            lambda: f"'{self.pick(['%s', '%5s', '%-7s|', '%.2s', '%r', '%%s'])} {self.pick(['%d', '%03d', '%x', '%+d', '%c'])}' % ({self.text(d)}, {self.pick(['65', '97', 'n', '7'])})",
            lambda: f"'%(a)s/%(b){self.pick(['s', 'r', '05d', 'x'])}' % {{'a': {self.value(d)}, 'b': {self.pick(['1', 'n', '255'])}}}",
            lambda: f"({self.text(d)}).{self.pick(['partition', 'rpartition'])}({self.pick(['o', ' ', 'xx'])!r}) | join('|')",
            lambda: f"({self.integer(d)}, {self.floating(d)}, {self.text(d)}) | string",
            lambda: f"ls | map({self.pick(['truncate', 'indent', 'wordwrap', 'title', 'quote', 'hash', 'basename'])!r}) | join(',')",
            lambda: f"{self.mapping(d)} | xmlattr" if self.chance(4) else f"{self.text(d)} | b64encode | b64decode",
        ])()

    def slice(self):
        return self.pick(['0', '-1', '1:', ':2', '::2', '::-1', '1:-1', '-3:', ':-2', '2:1', '0:100', '::3', '5:1:-2'])

    def words(self, depth):
        if depth <= 0 or self.chance(3):
            return self.pick(WORDS)
        d = depth - 1
        return self.pick([
            lambda: f'{self.text(d)}.split({self.pick(["", repr(","), repr("o"), "none, 1", repr(" ") + ", 1"])})',
            lambda: f'{self.text(d)}.{self.pick(["splitlines()", "rsplit(none, 1)", "rsplit(" + repr("l") + ", 1)", "partition(" + repr("o") + ")", "rpartition(" + repr("l") + ")"])}',
            lambda: f'{self.words(d)} | map({self.pick([repr("upper"), repr("lower"), repr("regex_replace") + ", " + repr("[a-c]") + ", " + repr("X"), repr("trim"), repr("string"), repr("center") + ", 5", repr("replace") + ", " + repr("a") + ", " + repr("")])}) | list',
            lambda: f'{self.words(d)} | {self.pick(["sort", "sort(reverse=true)", "sort(case_sensitive=true)", "unique", "unique(case_sensitive=true)", "reverse | list", "list"])}',
            lambda: f"{self.words(d)} | {self.pick(['select', 'reject'])}({self.pick([repr('match') + ', ' + repr('[ab]'), repr('in') + ', ls', repr('equalto') + ', key', repr('string'), repr('search') + ', ' + repr('c')])}) | list",
            lambda: f"{self.text(d)} | regex_findall({self.pick([repr('[a-z]+'), repr('o'), repr('[0-9]'), repr('[A-Z]') + ', ignorecase=True'])})",
            lambda: f"users | {self.pick(['selectattr', 'rejectattr'])}({self.pick([repr('admin'), repr('admin') + ', ' + repr('defined'), repr('uid') + ', ' + repr('gt') + ', 1001', repr('name') + ', ' + repr('match') + ', ' + repr('[ab]'), repr('groups') + ', ' + repr('contains') + ', ' + repr('wheel'), repr('address.city') + ', ' + repr('eq') + ', ' + repr('Paris')])}) | map(attribute='name') | list",
        ])()

    def numbers(self, depth):
        if depth <= 0 or self.chance(3):
            return self.pick(NUMBERS)
        d = depth - 1
        return self.pick([
            lambda: f'[{self.number(d)}, {self.number(d)}]',
            lambda: f'({self.numbers(d)}) | map({self.pick([repr("int"), repr("float"), repr("abs"), repr("string") + ") | map(" + repr("int")])}) | list',
            lambda: f"({self.numbers(d)}) | {self.pick(['select', 'reject'])}({self.pick([repr('odd'), repr('gt') + ', 1', repr('divisibleby') + ', 2', repr('lt') + ', n'])}) | list",
            lambda: f'({self.numbers(d)}) | {self.pick(["sort", "sort(reverse=true)", "unique | list", "reverse | list", "shuffle(seed=" + repr("q") + ")"])}',
        ])()

    def items(self, depth):
        if depth <= 0 or self.chance(4):
            return self.pick(LISTS)
        d = depth - 1
        return self.pick([
            lambda: self.words(d),
            lambda: self.numbers(d),
            lambda: f'[{self.value(d)}, {self.value(d)}]',
            lambda: f'({self.items(d)} | list + {self.items(d)} | list)',
            lambda: f'({self.items(d)} | list)[{self.pick(["1:", ":2", "::-1", "::2", "-2:", "1:-1"])}]',
            lambda: f'{self.items(d)} | {self.pick(["unique", "flatten", "flatten(levels=1)", "flatten(skip_nulls=False)", "list", "reverse | list", "batch(2) | list", "slice(2) | list", "batch(3, " + repr("-") + ") | list", "slice(3, 0) | list"])}',
            lambda: f'{self.words(d)} | {self.pick(["union", "intersect", "difference", "symmetric_difference"])}({self.words(d)}) | sort',
            lambda: f'{self.items(d)} | zip({self.items(d)}) | list',
            lambda: f"{self.items(d)} | zip_longest({self.items(d)}, fillvalue='-') | list",
            lambda: f'{self.mapping(d)} | {self.pick(["dict2items", "list", "dictsort", "items | list", "dict2items(key_name=" + repr("k") + ")", "dictsort(false, " + repr("key") + ")"])}',
            lambda: f'({self.mapping(d)}).{self.pick(["keys()", "values()", "items()"])} | list',
            lambda: f"users | {self.pick(['map(attribute=' + repr('address.city') + ')', 'sort(attribute=' + repr('uid') + ')', 'groupby(' + repr('admin') + ', default=false)', 'groupby(' + repr('address.city') + ')', 'subelements(' + repr('groups') + ')', 'map(attribute=' + repr('shell') + ', default=' + repr('sh') + ')', 'sort(attribute=' + repr('name') + ', reverse=true)', 'sum(attribute=' + repr('groups') + ', start=[])', 'unique(attribute=' + repr('address.city') + ')'])} | list",
            lambda: f'{self.pick(["l", "ls", "[1, 2]"])} | {self.pick(["product([0, 1])", "combinations(2)", "permutations(2)"])} | list',
            lambda: f"{self.items(d)} | {self.pick(['select', 'reject', 'select(' + repr('defined') + ')', 'reject(' + repr('none') + ')', 'select(' + repr('string') + ')', 'reject(' + repr('mapping') + ')', 'select(' + repr('number') + ')'])} | list",
            lambda: f"{self.mapping(d)} | to_json | from_json | list",
            lambda: f'({self.items(d)} | list)[{self.pick(["-1:-4:-1", "3:0:-1", ":-1", "::-2", "-1::-1", "1:3:2"])}]',
            lambda: f"{self.mapping(d)} | dictsort({self.pick(['case_sensitive=true', 'by=' + repr('key'), 'reverse=true', 'false, ' + repr('key') + ', true'])})",
            lambda: f"{self.words(d)} | sort({self.pick(['case_sensitive=true', 'reverse=true, case_sensitive=true', 'true', 'false, true'])})",
            lambda: f"{self.words(d)} | {self.pick(['unique(case_sensitive=true)', 'groupby(0)', 'slice(slices=2) | list', 'batch(linecount=2, fill_with=none) | list', 'map(' + repr('length') + ') | list', 'map(' + repr('first') + ') | list'])}" if self.chance(2) else f"{self.words(d)} | map('upper') | unique | list",
            lambda: f"users | groupby(attribute={self.pick(['name', 'admin', 'address.city'])!r}, default={self.pick(['false', repr('x')])}) | {self.pick(['map(attribute=0) | list', 'map(attribute=' + repr('list') + ') | map(' + repr('length') + ') | list', 'map(' + repr('first') + ') | list'])}",
            lambda: f"users | {self.pick(['selectattr', 'rejectattr'])}({self.pick([repr('admin') + ', ' + repr('none'), repr('shell') + ', ' + repr('undefined'), repr('uid') + ', ' + repr('in') + ', [1000, 1001]', repr('name') + ', ' + repr('search') + ', ' + repr('o'), repr('uid') + ', ' + repr('lessthan') + ', 1002'])}) | map(attribute='uid') | list",
            lambda: f"{self.mapping(d)} | dict2items(key_name='k', value_name='v') | map(attribute='k') | list",
            lambda: self.text(d) + ' | regex_findall(' + self.pick(["'(\\\\w)(\\\\w)'", "'(?i)[aeiou]'", "'\\\\b\\\\w'", "'(?P<x>l)'"]) + ')',
            lambda: f"[1, 2, 3, 4] | {self.pick(['map(' + repr('extract') + ', [9, 8, 7, 6, 5]) | list', 'product([1], [2]) | list', 'combinations(3) | list', 'zip(ls, l) | list'])}",
            lambda: f"range({self.pick(['17', '20, 3, -2', '-2, 3', '16'])}) | list",
            lambda: f'({self.items(d)} if {self.boolean(d)} else {self.items(d)})',
        ])()

    def mapping(self, depth):
        if depth <= 0 or self.chance(3):
            return self.pick(DICTS)
        d = depth - 1
        return self.pick([
            lambda: f"{{'k': {self.value(d)}, 'j': {self.value(d)}}}",
            lambda: f'{self.mapping(d)} | combine({self.mapping(d)}{self.pick(["", ", recursive=True", ", list_merge=" + repr("append"), ", recursive=True, list_merge=" + repr("prepend_rp")])})',
            lambda: f'{self.mapping(d)} | dict2items | items2dict',
            lambda: f"{self.mapping(d)} | combine({self.mapping(d)}, {self.mapping(d)}, recursive={self.pick(['true', 'false'])}, list_merge={self.pick(['replace', 'keep', 'append', 'prepend', 'append_rp', 'prepend_rp'])!r})",
            lambda: f"[{self.mapping(d)}, {self.mapping(d)}] | combine{self.pick(['', '(recursive=true)'])}",
            lambda: f"[{{'n': {self.text(0)}, 'm': {self.value(d)}}}] | items2dict(key_name='n', value_name='m')",
            lambda: f"dict({self.words(d)} | zip({self.items(d)}))",
            lambda: f'dict(a={self.value(d)}, b={self.value(d)})',
            lambda: f"{self.mapping(d)} | to_{self.pick(['json', 'nice_json'])} | from_json",
            lambda: f"{self.mapping(d)} | to_nice_yaml | from_yaml",
            lambda: "'http://u:p@h.example:8080/a/b?q=1#f' | urlsplit",
            lambda: f'{self.mapping(d)} | dict2items | rejectattr({repr("value")}) | list | items2dict',
        ])()

    def tree(self, depth):
        return self.pick([self.mapping, self.items])(depth)

    def sized(self, depth):
        return self.pick([self.text, self.items, self.mapping])(depth)

    def value(self, depth):
        return self.pick([self.integer, self.floating, self.text, self.boolean, self.items, self.mapping, lambda _: 'none', self.optional])(depth)

    def optional(self, depth):
        """Something that may be undefined, and what stands for it."""
        return self.pick([
            lambda: f"nope | default({self.value(depth - 1)})" if depth > 0 else "nope | default('dflt')",
            lambda: "d.nope.deeper | default('dflt')",
            lambda: f"(d.nope | default({{}})).x | default({self.pick(TEXTS)})",
            lambda: f"users[{self.pick(['0', '1', '7'])}].name | default('nobody')",
            lambda: f"d.get('{self.pick(['a', 'zz'])}', {self.pick(TEXTS)})",
            lambda: f"({self.value(depth - 1)} if {self.boolean(depth - 1)} else none)" if depth > 0 else 'nothing',
        ])()

    def expression(self):
        return self.pick([self.value, self.text, self.items, self.boolean])(self.random.randrange(1, 5))

    # Templates

    def tag(self, inside):
        left, right = self.pick(['', '', '', '-', '+']), self.pick(['', '', '', '-'])
        return f'{{%{left} {inside} {right}%}}'

    def words_of_text(self):
        return self.pick(['a ', 'line\n', '\n', '  ', ' b', 'x: ', '\n\n', '\t', '# c\n', '}} ', '{ ', 'é\n'])

    def output(self, names, depth):
        value = self.pick(names) if names and self.chance(2) else self.value(depth)
        left, right = self.pick(['', '', '', '-']), self.pick(['', '', '', '-'])
        return f'{{{{{left} {value} {right}}}}}'

    def body(self, depth, names, loops):
        return ''.join(self.piece(depth, names, loops) for _ in range(self.random.randrange(1, 4)))

    def loop(self, depth, names, loops):
        target, items = self.pick([('i', f'range({self.pick(["16", "20", "3"])})'), ('i', f'({self.items(1)}) | list * 9'), ('u', 'users * 8'), ('i', self.items(1)), ('i', self.numbers(1)), ('k, v', f'{self.mapping(1)}.items()'), ('u', 'users'), ('w', self.words(1))])
        condition = self.pick(['', '', '', ' if loop is defined' if loops else '', ' if ' + target.split(',')[0]])
        if self.chance(6):
            return self.recursion()
        inner = names + target.split(', ') + [f'loop.{name}' for name in ['index', 'index0', 'first', 'last', 'length', 'revindex']]
        inner += ["loop.cycle('odd', 'even')"] + (['u.name', 'u.groups | length'] if target == 'u' else [])
        other = self.tag('else') + self.body(depth - 1, names, loops) if self.chance(3) else ''
        return self.tag(f'for {target} in {items}{condition}') + self.body(depth - 1, inner, loops + 1) + other + self.tag('endfor')

    def recursion(self):
        """A loop that calls itself."""
        return ("{% for node in [{'v': 1, 'c': [{'v': 2, 'c': [{'v': 3}]}, {'v': 4}]}, {'v': 5}] recursive %}{{ loop.depth" + self.pick(['', '0']) + ' }}'
                + self.output(['node.v', 'loop.index', 'loop.first', 'loop.last', 'loop.length'], 1) + self.tag('if node.c is defined') + '[{{ loop(node.c) }}]' + self.tag('endif')
                + self.tag('endfor'))

    def macro(self, depth, names):
        """A macro with some of what macros can have, and calls of it."""
        inside = self.pick(['{{ varargs }}', '{{ kwargs }}', "{{ caller('q', w=n) if caller else '-' }}", self.body(depth, ['a', 'b'], 0)])
        call = self.pick(["{{ mm(1) }}", "{{ mm(s, b=n) }}", "{{ mm(*[1, 2]) }}", "{{ mm(**{'a': 1, 'b': 2}) }}", "{{ mm(a=d) }}"]
                         + (["{{ mm(1, 2, 3, 'x') }}"] if 'varargs' in inside else []) + (["{{ mm(1, 2, z=3, y=s) }}"] if 'kwargs' in inside else [])
                         + (["{% call(p, w, o=9) mm(1) %}{{ p }}{{ w }}{{ o }}{% endcall %}"] if 'caller' in inside else []))
        return self.tag(f'macro mm(a, b={self.pick(["2", "a", "none", "n + 1"])})') + inside + '{{ a }}' + self.tag('endmacro') + call + self.pick(['', '{{ mm.name }}{{ mm.arguments }}'])

    def others(self):
        """Other templates, with and without the names around."""
        return self.pick(["{% include 'part.j2' %}", "{% include ['nope.j2', 'part.j2'] %}", "{% include 'nope.j2' ignore missing %}", "{% import 'macros.j2' as mac %}{{ mac.greet(s) }}{{ mac.constant }}",
                          "{% from 'macros.j2' import greet as g with context %}{{ g('x', word=key) }}", "{% set local = 'there' %}{% include 'part.j2' with context %}",
                          "{% for local in [1, 2] %}{% include 'part.j2' %}{% endfor %}"])

    def extension(self):
        """A template that extends another."""
        return (self.pick(["{% extends 'base.j2' %}", "{% extends 'middle.j2' %}", "{% set parent = 'base.j2' %}{% extends parent %}"]) + self.words_of_text()
                + self.tag('block body') + self.body(1, [], 0) + self.pick(['', '{{ super() }}', '[{{ super() | upper }}]']) + self.tag('endblock'))

    def piece(self, depth, names, loops=0):
        if depth <= 0:
            return self.pick([self.words_of_text, lambda: self.output(names, 1)])()
        d = depth - 1
        name = self.pick(['v', 'w1', 'acc', 'n', 's'])
        return self.pick([
            self.words_of_text,
            self.words_of_text,
            lambda: self.output(names, 2),
            lambda: self.output(names, 2),
            lambda: self.tag(f'if {self.boolean(1)}') + self.body(d, names, loops) + (self.tag('else') + self.body(d, names, loops) if self.chance(2) else '') + self.tag('endif'),
            lambda: self.tag(f'if {self.boolean(1)}') + self.body(d, names, loops) + self.tag(f'elif {self.boolean(1)}') + self.body(d, names, loops) + self.tag('endif'),
            lambda: self.loop(depth, names, loops),
            lambda: self.tag(f'set {name} = {self.value(1)}') + self.body(d, names + [name], loops),
            lambda: self.tag(f'set {name}') + self.body(d, names, loops) + self.tag('endset') + self.output([name], 0),
            lambda: self.tag(f'with {name} = {self.value(1)}') + self.body(d, names + [name], loops) + self.tag('endwith'),
            lambda: self.tag(f'filter {self.pick(["upper", "trim", "indent(2)", "replace(" + repr("a") + ", " + repr("b") + ")"])}') + self.body(d, names, loops) + self.tag('endfilter'),
            lambda: '{#' + self.pick(['', '-']) + ' a comment ' + self.pick(['', '-']) + '#}',
            lambda: '{% raw %}{{ not }} {% this %}{% endraw %}',
            lambda: self.tag('macro m(a, b=2)') + 'a={{ a }} b={{ b }}' + self.tag('endmacro') + self.pick(["{{ m(1) }}", "{{ m(n, b='x') }}", "{{ m(s, 3) | upper }}"]),
            lambda: self.tag('set ns = namespace(x=0)') + self.tag('for i in l') + self.tag('set ns.x = ns.x + i') + self.tag('endfor') + '{{ ns.x }}',
            lambda: self.macro(d, names),
            lambda: self.others(),
            lambda: self.tag(f'set {name} | {self.pick(["upper", "trim", "replace(" + repr("a") + ", " + repr("b") + ")"])}') + self.body(d, names, loops) + self.tag('endset') + self.output([name], 0),
            lambda: self.tag('set p, q = ' + self.value(0) + ', ' + self.value(0)) + '{{ p }}{{ q }}',
            lambda: self.tag('with a = 1, b = n') + self.body(d, names + ['a', 'b'], loops) + self.tag('endwith'),
            lambda: '{% set box = namespace(c=0, seen=[]) %}' + self.tag('for i in ' + self.numbers(1)) + self.tag('if i is number and i > 1') + self.tag('set box.c = box.c + 1')
            + self.tag('set box.seen = box.seen + [i]') + self.tag('endif') + self.tag('endfor') + '{{ box.c }}{{ box.seen }}',
            lambda: self.tag('macro box()') + '[{{ caller() }}]' + self.tag('endmacro') + self.tag('call box()') + self.body(d, names, loops) + self.tag('endcall'),
        ])()

    def template(self):
        if self.chance(12):
            return self.extension()
        return ''.join(self.piece(3, []) for _ in range(self.random.randrange(1, 5)))
