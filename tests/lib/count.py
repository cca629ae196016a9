"""Counts tests in meson's testlog.json: prints "PASSED FAILED". A program that writes TAP counts each of its tests."""
import json
import re
import sys

passed = failed = 0
for line in open(sys.argv[1]):
    test = json.loads(line)
    tap = re.findall(r"^(not ok|ok)\b(.*)$", test.get("stdout", ""), re.M)
    good = sum(1 for word, rest in tap if word == "ok" and "# SKIP" not in rest)
    bad = sum(1 for word, rest in tap if word == "not ok")
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        passed += good or (0 if tap else 1)
    elif test["result"] != "SKIP":
        passed += good
        failed += bad or 1
print(passed, failed)
