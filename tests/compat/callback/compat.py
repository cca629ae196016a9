"""A stdout callback for ansible-playbook that writes what each task gave on each host, one JSON object a line, to $COMPAT_OUT."""
from __future__ import annotations

import json
import os

from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins.callback import CallbackBase, strip_internal_keys

DOCUMENTATION = """
name: compat
type: stdout
short_description: results as JSON lines
description: results as JSON lines
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "compat"

    def __init__(self):
        super().__init__()
        self.out = open(os.environ["COMPAT_OUT"], "w", encoding="utf-8")

    def write(self, line):
        self.out.write(json.dumps(line, cls=AnsibleJSONEncoder, sort_keys=True) + "\n")
        self.out.flush()

    def result(self, result, status):
        values = strip_internal_keys(dict(result._result))
        self.write({"task": result._task.get_name(), "host": result._host.get_name(), "status": status, "result": values})

    def v2_runner_on_ok(self, result):
        self.result(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result(result, "failed")

    def v2_runner_on_skipped(self, result):
        self.result(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self.result(result, "unreachable")

    def v2_playbook_on_stats(self, stats):
        self.write({"stats": {host: stats.summarize(host) for host in stats.processed}})
