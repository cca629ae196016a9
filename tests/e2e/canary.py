"""Secrets that must not show. Four kinds of secret in each place where one can be; each secret has tags of its own, which
stay as they are in all quotings, so that whatever shows of it, in whatever form, is found.

    canary.py make FOLDER            play.json, hosts.json to join, password files, library/, and the list of secrets
    canary.py secret KIND PLACE      one of them
    canary.py output FILE...         each secret that shows, and where; nothing is good
    canary.py trace LOG...           of strace: a secret in an argument or environment; a file that others could read
    canary.py files FOLDER...        files that hold a secret, and that others can read
"""
import base64, json, os, re, subprocess, sys

KINDS = ["letters", "quotes", "pem", "three"]
PLACES = ["value", "filed", "argument", "no_log", "failing", "item", "registered", "difference", "become"]
ALPHABET = "bcdfghjkmnpqrstvwxz"


def tag_of(kind, place):
    """Five letters of its own; of a secret of three letters, all it has."""
    number = PLACES.index(place) * len(KINDS) + KINDS.index(kind)
    pair = ALPHABET[number // len(ALPHABET)] + ALPHABET[number % len(ALPHABET)]
    return "Q" + pair if kind == "three" else "Q" + pair + "Zq"


def secret_of(kind, place):
    tag = tag_of(kind, place)
    if kind == "letters":
        return tag + "plainletters" + tag
    if kind == "quotes":
        end = " " if place == "become" else "\n" # a password is one line
        return f"{tag}\"a'{tag}{end}%s{tag}<b&{{{tag}\\{tag}"
    if kind == "pem":
        if place == "become":
            return "MIIB" + tag + "+/" * 20 + tag
        lines = [tag + "AAAA" * 10 + tag + "+/", "BBBB" * 8 + tag + "ab", tag + "=="]
        return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    return tag


def sealed(text):
    answer = subprocess.run([os.environ["NEAP"], "vault", "encrypt-string", "--vault-password-file", "vault_password"],
                            input=text.encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout)


KEEP = """
return {
	name = "keep", doc = "Keeps a secret.",
	args = { secret = { "secret", required = true, doc = "it" }, path = { "path", doc = "where" }, mode = { "str", doc = "how" } },
	decide = function(want, known)
		if want.path then step.put{ path = want.path, content = want.secret, mode = "0644" } end
		local there = need(step.run{ sh = "cat; cat <&0 >&2", stdin = want.secret, changes = false })
		result.said = there.stdout
		if want.mode == "fail" then fail("it is %s, in JSON %s", want.secret, json.encode({ want.secret })) end
	end,
	examples = { { "Keeps one", [[{ "keep": { "secret": "x" } }]] } },
}
"""

# Shows a text in every way that a playbook may.
SHOWN = ("<{{ x }}> {{ x | to_json }} {{ x | b64encode }} {{ ('user:' ~ x) | b64encode if x | length > 3 }} {{ x | urlencode }} "
         "{{ x | quote }} {{ {'k': x} }} {{ [x] | to_nice_json }} {{ {'k': x} | to_nice_yaml }} {{ x | forceescape }} {{ [x, 1] }} {{ [[x] | to_json] | to_json }}")


def tasks_of(kind, place, folder):
    """What a playbook does with that secret. Only the destinations of copy may have it."""
    name = f"{kind}_{place}"
    x = "{{ " + name + " }}"
    path = f"{folder}/kept/{name}"
    shown = SHOWN.replace("x ", name + " ").replace("x)", name + ")").replace(" x}", f" {name}}}").replace("[x", f"[{name}")
    ignored = {"ignore_errors": True}
    cat = {"command": {"argv": ["sh", "-c", "cat; exit 3"], "stdin": x}, "register": "r", **ignored}
    if place in ("value", "filed"):
        return [{"name": f"named {x}", "debug": {"var": name}}, {"debug": {"msg": shown}},
                {"debug": {"msg": {x: x}}}, {"copy": {"content": x, "dest": path}},
                {"lineinfile": {"path": path, "line": "more {{ %s | b64encode }}" % name}},
                {"set_fact": {"kept_" + name: x, "cacheable": True}}, {"debug": {"var": "kept_" + name}},
                {"copy": {"src": f"{kind}_filed.sealed", "dest": path + "_file"}}]
    if place == "argument":
        return [{"keep": {"secret": x, "path": path}, "register": "r"}, {"debug": {"var": "r"}},
                {"keep": {"secret": x, "mode": "fail"}, **ignored},
                {"uri": {"url": "http://127.0.0.1:9/", "url_username": "me", "url_password": x}, **ignored},
                {"get_url": {"url": "http://127.0.0.1:9/", "dest": path, "url_username": "me", "url_password": x}, **ignored},
                {"user": {"name": "neapnobody", "password": x}, "check_mode": True, **ignored},
                {"user": {"name": "{{ lookup('pipe', 'id -un') }}", "generate_ssh_key": True, "ssh_key_type": "ed25519",
                          "ssh_key_file": path + ".key", "ssh_key_passphrase": x}, **ignored}]
    if place == "no_log":
        hidden = {"no_log": True, **ignored}
        return [{**task, **hidden} for task in (
            cat, {"fail": {"msg": shown}}, {"debug": {"msg": "{{ item }}"}, "loop": [x, "other"]},
            {"copy": {"content": x, "dest": path}}, {"file": {"path": path, "mode": x}},
            {"debug": {"msg": "{{ nothing[%s] }}" % name}}, {"keep": {"secret": x, "mode": "fail"}},
            {"command": {"argv": ["cat"], "stdin": x}, "until": "false", "retries": 1, "delay": 0})]
    if place == "failing":
        return [{**task, **ignored} for task in (
            cat, {"fail": {"msg": f"because of {shown}"}}, {"file": {"path": path, "mode": x}},
            {"assert": {"that": ["1 == 2"], "fail_msg": shown}}, {"debug": {"msg": "{{ {}[%s] }}" % name}},
            *({"debug": {"msg": "{{ %s | %s }}" % (name, how)}} for how in
              ("from_json", "from_yaml", "to_datetime", "b64decode", "human_to_bytes", "regex_search('[')", "split(1)",
               "password_hash('nosuch')", "combine(1)", "int(base='x')")), {"debug": {"msg": "{{ %s + 1 }}" % name}},
            {"debug": {"msg": "{{ lookup('file', %s) }}" % name}}, {"copy": {"src": x, "dest": path}},
            {"include_vars": {"file": x}}, {"debug": {"msg": "{{ 'a' | regex_search(%s ~ '(') }}" % name}},
            {"debug": {"msg": "{{ lookup('env', %s)[%s] }}" % (name, name)}}, {"debug": {"msg": "{{ lookup('csvfile', 'x', file=%s) }}" % name}},
            {"debug": {"msg": "{{ hostvars[%s].x }}" % name}},
            {"debug": {"msg": "{{ 'x' | strftime(%s) }}" % name}}, {"debug": {"msg": "{{ {%s: {'a': r.stdout | to_json}} | to_json }}" % name}},
            {"debug": {"msg": "{{ [{'a': %s} | to_json] }} {{ [[%s] | string] | string }}" % (name, name)}},
            {"debug": {"msg": "x"}, "when": name}, {"unarchive": {"src": x, "dest": path}}, {"uri": {"url": x}},
            {"stat": {"path": "/" + x}}, {"slurp": {"src": "/" + x}}, {"group_by": {"key": 1}, "when": "%s | int > %s" % (name, name)}, {"command": {"argv": ["/bin/false"], "chdir": x}},
            *({"file": {"path": path, "mode": "{{ '-' * %d ~ %s }}" % (length, name)}} for length in range(900, 1020, 20)))]
    if place == "item":
        return [{"debug": {"msg": "{{ item }}"}, "loop": [x, {"name": "n", "password": x}]},
                {"debug": {"msg": "{{ item }}"}, "with_dict": {"user": x}},
                {"copy": {"content": "{{ item.text }}", "dest": path}, "loop": [{"text": x}]},
                {"fail": {"msg": "{{ item.p }}"}, "loop": [{"p": x}], "loop_control": {"label": "for {{ item.p }}"}, **ignored}]
    if place == "registered":
        return [{"command": {"argv": ["cat"], "stdin": x}, "register": "r", "changed_when": False}, {"debug": {"var": "r"}},
                {"debug": {"msg": "{{ r.stdout_lines }} {{ r.stdout | b64encode }} {{ r | to_json }} {{ r }}"}},
                {"shell": {"cmd": "cat >&2; exit 1", "stdin": x}, "register": "r", **ignored}, {"debug": {"var": "r.stderr"}},
                {"slurp": {"src": f"{folder}/kept/{kind}_value"}, "register": "r", **ignored}, {"debug": {"var": "r"}},
                {"set_fact": {"one": "{{ r }}"}}, {"debug": {"var": "one"}}]
    if place == "difference":
        return [{"copy": {"content": f"first\n{x}\nlast\n", "dest": path}}, {"copy": {"content": f"{x}\n", "dest": path}},
                {"lineinfile": {"path": path, "line": "password={{ %s | replace('\n', '') }}" % name if kind == "three" else x}},
                {"blockinfile": {"path": path, "block": x}}, {"template": {"src": "t.j2", "dest": path}, "vars": {"x": x}},
                {"replace": {"path": path, "regexp": "rendered", "replace": x}, **ignored}, {"file": {"path": path, "state": "absent"}}]
    return []


def play_of(folder):
    """vars: plain where the task says no_log or the argument is secret, else sealed."""
    variables, filed, tasks = {}, {}, []
    for kind in KINDS:
        for place in PLACES:
            text, name = secret_of(kind, place), f"{kind}_{place}"
            if place == "filed":
                filed[name] = text
                with open(f"{name}.sealed", "w") as file:
                    file.write(text)
            elif place in ("no_log", "argument"):
                variables[name] = {"__ansible_unsafe": text}
            elif place != "become":
                variables[name] = sealed(text)
            tasks += tasks_of(kind, place, folder)
    with open("filed.json", "w") as file:
        json.dump(filed, file)
    return [{"hosts": "h001", "gather_facts": False, "vars_files": ["filed.json"], "vars": variables, "tasks": tasks},
            {"hosts": "becoming", "gather_facts": False, "tasks": [ # nothing has connected to these yet
                {"debug": {"msg": "{{ ansible_become_password }} {{ [ansible_become_password] | to_json }}"}},
                {"debug": {"var": "hostvars[inventory_hostname]"}}, {"debug": {"msg": "{{ lookup('vars', 'ansible_become_password') }}"}}]},
            {"hosts": "becoming", "gather_facts": False, "become": True, "vars": {"ansible_become_exe": f"{folder}/sudo"},
             "tasks": [{"command": {"argv": ["cat"], "stdin": "in"}}, {"debug": {"var": "ansible_become_password"}},
                       {"copy": {"content": "x", "dest": folder + "/kept/{{ inventory_hostname }}"}},
                       {"command": "true", "become_user": "wrong", "ignore_errors": True, "ignore_unreachable": True}]}]


def make(folder):
    os.makedirs("library", exist_ok=True)
    os.makedirs("kept", exist_ok=True)
    with open("library/keep.lua", "w") as file:
        file.write(KEEP)
    with open("t.j2", "w") as file:
        file.write("rendered {{ x }}\n{{ x | to_json }}\n")
    with open("play.json", "w") as file:
        json.dump(play_of(folder), file, indent=1)
    with open("hosts.json") as file:
        hosts = json.load(file)
    everywhere = hosts["all"]["vars"]
    hosts["becoming"] = {"hosts": {f"become_{kind}": {**everywhere, "ansible_become_password": secret_of(kind, "become")}
                                   for kind in KINDS}}
    with open("hosts.json", "w") as file:
        json.dump(hosts, file)
    sealed_files = ["filed.json"] + [f"{kind}_filed.sealed" for kind in KINDS]
    subprocess.run([os.environ["NEAP"], "vault", "encrypt", "--vault-password-file", "vault_password", *sealed_files], check=True)


WORD = rb"A-Za-z0-9_"


def needles():
    for kind in KINDS:
        for place in PLACES:
            yield f"{kind} in {place}", kind, tag_of(kind, place).encode()


def showing(text):
    """(which secret, in what form, around it) of all that the text holds."""
    runs = re.findall(rb"[A-Za-z0-9+/_-]{8,}", text)
    decoded = []
    for run in runs:
        plain = run.replace(b"-", b"+").replace(b"_", b"/")
        for offset in range(4):
            part = plain[offset:]
            decoded.append(base64.b64decode(part[:len(part) // 4 * 4]))
    inside = b"\0".join(decoded)
    for name, kind, tag in needles():
        if kind == "three":
            base = base64.b64encode(tag)
            found = re.search(rb"(?<![%s])(%s|%s)(?![%s])" % (WORD, tag, base, WORD), text)
        else:
            found = re.search(re.escape(tag), text)
        if found:
            yield name, "as it is", text[max(0, found.start() - 60):found.end() + 40]
        elif kind != "three" and tag in inside:
            at = inside.index(tag)
            yield name, "in base64", inside[max(0, at - 20):at + 20]


def traced(paths):
    """Arguments and environments of all programs; modes of all files that are made."""
    string = rb'"((?:\\x[0-9a-f]{2})*)"'
    parent, own_umask, programs = {}, {}, 0

    def umask_of(pid):
        while pid not in own_umask and pid in parent:
            pid = parent[pid]
        return own_umask.get(pid, 0)

    lines = [line for path in paths for line in open(path, "rb")]
    for line in lines:
        born = re.match(rb"(\d+) +(?:clone3?|v?fork|<\.\.\. (?:clone3?|v?fork) resumed>).*\) += (\d+)", line)
        if born:
            parent[born[2]] = born[1]
    for line in lines:
        pid, call = line.split(None, 1)
        if call.startswith(b"umask("):
            own_umask[pid] = int(re.match(rb"umask\(0?([0-7]*)", call)[1] or b"0", 8)
        words = [bytes.fromhex(word.decode().replace("\\x", "")) for word in re.findall(string, call)]
        if call.startswith(b"execve("):
            programs += 1
            for name, form, around in showing(b"\0".join(words)):
                yield f"{name}: {form} among the words of {words[0].decode()}: {around!r}"
        made = re.match(rb"(?:openat|open|creat)\(.*?O_CREAT[^,]*, 0?([0-7]+)", call)
        if made and words and not re.match(rb"/dev/|/proc/|.*\.key\.pub$", words[-1]) and int(made[1], 8) & ~umask_of(pid) & 0o077:
            yield f"others could read {words[-1].decode()}, made with {made[1].decode()} under {umask_of(pid):o}"
    if programs < 20:
        yield f"only {programs} programs were seen to start"


def held(folders):
    for folder in folders:
        for where, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(where, name)
                if not os.path.isfile(path) or os.path.islink(path):
                    continue
                with open(path, "rb") as file:
                    found = next(showing(file.read()), None)
                if found and os.stat(path).st_mode & 0o077:
                    yield f"{path} holds {found[0]} ({found[1]}) and has mode {os.stat(path).st_mode & 0o777:o}"


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "make":
        make(arguments[0])
    elif command == "secret":
        print(secret_of(*arguments), end="")
    elif command == "output":
        for path in arguments:
            with open(path, "rb") as file:
                for name, form, around in showing(file.read()):
                    print(f"{path}: {name} shows {form}: {around!r}")
    else:
        for line in sorted(set((traced if command == "trace" else held)(arguments))):
            print(line)
