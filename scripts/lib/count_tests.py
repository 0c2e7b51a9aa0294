"""Reads event streams of Swift Testing, and reports of pytest (`.xml`), and says how a run went.

Prints what was skipped and why, what failed and where, and last of all `N passed, N failed`.
The exit status is 0 only if something passed and nothing failed. A test that began and never ended counts as failed:
the process died in it.
"""

import json
import re
import sys
from xml.etree import ElementTree


def read(paths):
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    try:
                        yield json.loads(line)
                    except ValueError:
                        # The last line of a process that died may be half a line.
                        continue
        except FileNotFoundError:
            continue


def place(payload):
    location = payload.get("sourceLocation") or {}
    return f"{location.get('fileID', '?')}:{location.get('line', '?')}"


def read_report(path):
    """Of pytest's report: the names that passed, the failures with their texts, the skipped with their reasons."""
    passed, failed, skipped = [], {}, {}
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (FileNotFoundError, ElementTree.ParseError) as error:
        return [], {path: [f"no report of these tests: {error}"]}, {}
    for case in cases:
        name = f"{case.get('classname')}.{case.get('name')}"
        faults = case.findall("failure") + case.findall("error")
        skip = case.find("skipped")
        if faults:
            failed[name] = [fault.text or fault.get("message") or "" for fault in faults]
        elif skip is not None:
            skipped.setdefault(skip.get("message") or "no reason given", []).append(name)
        else:
            passed.append(name)
    return passed, failed, skipped


def main(status, paths):
    reports = [read_report(path) for path in paths if path.endswith(".xml")]
    paths = [path for path in paths if not path.endswith(".xml")]
    names, started, ended, skipped, issues = {}, set(), set(), {}, {}
    for record in read(paths):
        payload = record.get("payload", {})
        if record.get("kind") == "test":
            if payload.get("kind") == "function":
                names[payload["id"]] = f"{payload['name']} at {place(payload)}"
            continue
        test, kind = payload.get("testID"), payload.get("kind")
        text = next((message["text"] for message in payload.get("messages", [])), "")
        if kind == "testStarted":
            started.add(test)
        elif kind == "testEnded":
            ended.add(test)
        elif kind == "testSkipped":
            skipped[test] = text
        elif kind == "issueRecorded":
            issue = payload.get("issue", {})
            if not issue.get("isKnown") and issue.get("isFailure", True):
                issues.setdefault(test, []).append(f"{place(issue)}: {text}")

    reasons = {}
    for test, text in skipped.items():
        if test in names:
            said = re.search(r'skipped(?:: "(.*)")?\.?$', text, re.DOTALL)
            reasons.setdefault(said and said[1] or "no reason given", []).append(names[test])
    for _, _, skips in reports:
        for reason, tests in skips.items():
            reasons.setdefault(reason, []).extend(tests)
    for reason, tests in sorted(reasons.items()):
        print(f"Skipped {len(tests)} ({reason}): " + ", ".join(name.split(" at ")[0] for name in sorted(tests)))

    ran = {test for test in started if test in names}
    failed = {test for test in ran if test in issues or test not in ended}
    # An issue outside of any test, or a suite that could not be made, is a failure too.
    others = [test for test in issues if test not in names]
    for test in sorted(failed, key=lambda test: names[test]):
        print(f"Failed: {names[test]}")
        for line in issues.get(test, ["the process ended while it ran"])[:5]:
            print("    " + line.replace("\n", "\n    "))
    for test in others:
        print(f"Failed outside of a test ({test}):")
        for line in issues[test][:5]:
            print("    " + line.replace("\n", "\n    "))
    for _, failures, _ in reports:
        for name, texts in sorted(failures.items()):
            print(f"Failed: {name}")
            # The last lines of a traceback say what was wrong.
            for line in "\n".join(texts).splitlines()[-8:]:
                print("    " + line)
    count = len(failed) + len(others) + sum(len(failures) for _, failures, _ in reports)
    passed = len(ran) - len(failed) + sum(len(names) for names, _, _ in reports)
    if count == 0 and status != 0:
        print(f"Failed: no test did, but the run ended with status {status}")
        count = 1
    if not passed and count == 0:
        print("Failed: not one test ran")
        count = 1
    print(f"{passed} passed, {count} failed")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
