#!/usr/bin/python3
"""Runs the recipes of docs/scale.md as their schedulers would: each job's lines by sh, with the variables that it is given.

    recipes.py NEAP SOURCE

The playbook and the inventory are those of the page. Of each recipe the shards together must have done each host once, and
`neap report merge` must find all of them. (That Slurm itself sets these variables so is shown by tests/e2e/slurm.sh.)"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.S | re.M)
HOSTS = ["db1", "db2", "web1", "web2", "web3", "web4"]


def sh(text, folder, env):
    done = subprocess.run(["sh", "-ec", text], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    if done.returncode or done.stderr:
        sys.exit(f"{text}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def recap(text, recipe):
    hosts = re.findall(r"^(\S+) +: ok=1 +changed=0 +unreachable=0 +failed=0", text, re.M)
    if hosts != HOSTS:
        sys.exit(f"{recipe}: the recap has {hosts}\n{text}")
    print(f"{recipe}: ok")


def gitlab(recipe, folder, env):
    jobs = yaml.safe_load(recipe)
    deploy, report = jobs["deploy"], jobs["report"]
    for index in range(1, deploy["parallel"] + 1):
        sh("\n".join(deploy["script"]), folder, {**env, "CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(deploy["parallel"])})
    kept = sorted(path.name for pattern in deploy["artifacts"]["paths"] for path in folder.glob(pattern))
    if len(kept) != deploy["parallel"]:
        sys.exit(f"gitlab: the artifacts are {kept}")
    recap(sh("\n".join(report["script"]), folder, {**env, "CI_NODE_TOTAL": "1"}), "gitlab")


def kubernetes(recipe, folder, env):
    spec = yaml.safe_load(recipe)["spec"]
    assert spec["completionMode"] == "Indexed"
    container = spec["template"]["spec"]["containers"][0]
    volumes = {mount["mountPath"]: folder / mount["name"] for mount in container["volumeMounts"]}
    [(place, results)] = volumes.items()
    results.mkdir()
    given = {row["name"]: row["value"] for row in container["env"]}
    assert container["command"] == ["sh", "-c"]
    for index in range(spec["completions"]):
        for text in container["args"]:
            sh(text.replace(place, str(results)), folder, {**env, **given, "JOB_COMPLETION_INDEX": str(index)})
    recap(sh(f"neap report merge {results}/*.jsonl", folder, env), "kubernetes")


def slurm(recipe, folder, env):
    first, last = map(int, re.search(r"^#SBATCH --array=(\d+)-(\d+)$", recipe, re.M).groups())
    for index in range(first, last + 1):
        sh(recipe, folder, {**env, "SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_TASK_MIN": str(first),
                            "SLURM_ARRAY_TASK_MAX": str(last), "SLURM_ARRAY_TASK_STEP": "1",
                            "SLURM_ARRAY_TASK_COUNT": str(last - first + 1)})
    recap(sh("neap report merge results/*.jsonl", folder, env), "slurm")


def main():
    neap, page = os.path.realpath(sys.argv[1]), pathlib.Path(sys.argv[2], "docs/scale.md")
    blocks = dict(BLOCK.findall(page.read_text()))
    env = {"PATH": os.path.dirname(neap) + ":" + os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    for kind, recipe in (("yaml gitlab", gitlab), ("yaml kubernetes", kubernetes), ("sh slurm", slurm)):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "site.json").write_text(blocks["json playbook"])
            (folder / "hosts.json").write_text(blocks["json inventory"])
            recipe(blocks[kind], folder, env)


main()
