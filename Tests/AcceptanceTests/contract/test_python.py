"""Executions: Python. Return values, failures, line numbers, exits, forgery."""
import json

import pytest

from acceptance import brief, returned, run, same, submit, wait_execution

VALUES = [
    "0", "1", "-1", "2**31", "2**53 + 1", "2**63 - 1", "2**63", "2**64", "-2**63 - 1", "10**30", "-10**100", "0.0", "-0.0", "1.0", "0.1", "0.1 + 0.2", "1e308", "5e-324",
    "1/3", "1e22", "1e23", "123456789.123456789", "1e-7", "100000000000000000000.0", "True", "False", "None", "''", "[]", "{}", "[[]]", "[{}]", "{'': ''}", "[None]", "[0, False, '', None, [], {}]",
    "'é'", "'日本語'", "'\\U0001F600'", "'\\u2028\\u2029'", "'\\x00'", "'\\x00\\x01\\x1f\\x7f'", "'\"\\\\/'", "'\\r\\n\\t'", "'a' * 100000", "{'é': {'\\U0001F600': [1.5]}}",
    "'null'", "'0'", "'{\"a\": 1}'", "{'return_value': 1, 'status': 'failed'}", "list(range(1000))", "{str(i): i for i in range(500)}", "'</script>'", "'\\ufeff'", "'\\ufffe\\uffff'",
]


@pytest.mark.parametrize("expression", VALUES)
def test_return_value_is_exactly_that(api, sid, expression):
    got, expected = returned(api, sid, f"def handler(event):\n    return {expression}"), eval(expression)
    assert same(got, expected), (got, expected)


@pytest.mark.parametrize("event", [{}, {"a": None}, {"n": 2**64, "f": 1.0, "z": -0.0, "s": "é𝔸\u0000", "l": [0, False, "", None, [], {}]}, {"": {"": {"": ""}}}, {"text": "x" * 50000}])
def test_event_is_exactly_that(api, sid, event):
    assert same(returned(api, sid, "def handler(event): return event", event=event), event)


@pytest.mark.parametrize("depth", [10, 100, 400])
def test_deep_values(api, sid, depth):
    done = run(api, sid, f"def handler(event):\n    v = []\n    for _ in range({depth}): v = [v]\n    return v")
    if depth <= 100:
        assert done["status"] == "completed", brief(done)
    if done["status"] == "completed":
        assert json.dumps(done["return_value"]).count("[") == depth + 1
    else:
        assert done["status"] == "failed" and done["error_message"]


@pytest.mark.soft
def test_what_json_makes_of_tuples_and_keys(api, sid):
    assert returned(api, sid, "def handler(event): return {1: (1, 2), True: None}") in ({"1": [1, 2], "true": None}, {"1": None})


@pytest.mark.parametrize("expression", ["object()", "{1, 2}", "b'x'", "handler", "1j", "{'a': open}", "{(1, 2): 3}"])
def test_what_json_cannot_hold(api, sid, expression):
    done = run(api, sid, f"def handler(event):\n    return {expression}")
    assert done["status"] == "failed" and done["exit_code"] != 0, brief(done)
    assert done["error_message"] or done["stderr"]


@pytest.mark.parametrize("expression", ["float('nan')", "float('inf')", "[float('-inf')]", "'\\ud800'", "{'\\udfff': 1}"])
def test_what_json_hardly_holds(api, sid, expression):
    """Not JSON (NaN) or not Unicode (a lone surrogate): however it ends, the answer is readable JSON (acceptance.body is strict)."""
    assert run(api, sid, f"def handler(event):\n    return {expression}")["status"] in ("completed", "failed")


def test_circular_value(api, sid):
    assert run(api, sid, "def handler(event):\n    v = []\n    v.append(v)\n    return v")["status"] == "failed"


class TestHandlers:
    @pytest.mark.parametrize("code,expected", [
        ("def handler(event, context): return event['a']", 1),
        ("def handler(event, context=None): return event['a']", 1),
        ("async def handler(event): return event['a']", 1),
        ("async def handler(event, context): return event['a']", 1),
        ("import asyncio\nasync def handler(event):\n    await asyncio.sleep(0.01)\n    return (await asyncio.gather(one(), one()))\nasync def one(): return 2", [2, 2]),
        ("handler = lambda event: event['a']", 1),
        ("class H:\n    def __call__(self, event): return event['a']\nhandler = H()", 1),
        ("import functools\nhandler = functools.partial(lambda n, event: n + event['a'], 1)", 2),
        ("def outer(f):\n    def inner(event): return [f(event)]\n    return inner\n@outer\ndef handler(event): return event['a']", [1]),
        ("from dataclasses import dataclass, asdict\n@dataclass\nclass P:\n    x: int\ndef handler(event): return asdict(P(event['a']))", {"x": 1}),
        ("from __future__ import annotations\ndef handler(event: dict) -> Nonsense: return 1", 1),
        ("# -*- coding: utf-8 -*-\n'''doc'''\ndef handler(event): return __doc__", "doc"),
        ("def handler(event):\r\n    return 1\r\n", 1),
    ])
    def test_shapes(self, api, sid, code, expected):
        assert returned(api, sid, code, event={"a": 1}) == expected

    def test_top_level_code_runs_once_before(self, api, sid):
        done = run(api, sid, "print('top')\ndef handler(event):\n    print('in')\n    return 1\nprint('end')")
        assert (done["stdout"], done["return_value"]) == ("top\nend\nin\n", 1)

    def test_the_module_is_main(self, api, sid):
        code = "import sys, pickle\nclass C: pass\nif __name__ == '__main__': print('main')\ndef handler(event):\n    return [__name__, sys.modules['__main__'].handler is handler, type(pickle.loads(pickle.dumps(C()))) is C]"
        done = run(api, sid, code)
        assert done["return_value"] == ["__main__", True, True] and done["stdout"] == "main\n", brief(done)

    def test_state_does_not_leak(self, api, sid):
        run(api, sid, "import builtins, sys\nleaked = 1\nbuiltins.leaked = 1\nsys.leaked = 1\ndef handler(event): return 1")
        done = run(api, sid, "import builtins, sys\nprint('leaked' in globals(), hasattr(sys, 'leaked'), hasattr(builtins, 'leaked'))")
        assert done["stdout"] == "False False False\n" and done["return_value"] is None


class TestScripts:
    @pytest.mark.parametrize("code", ["x = 1", "print('hi')", "import sys; sys.exit()", "import sys; sys.exit(0)", "raise SystemExit", "def other(event): return 1", "1", "# only a comment",
                                      "import os; os._exit(0)"])
    def test_completed_with_null(self, api, sid, code):
        done = run(api, sid, code)
        assert (done["status"], done["exit_code"], done["return_value"]) == ("completed", 0, None), brief(done)

    @pytest.mark.parametrize("code,exit_code", [("import sys; sys.exit(3)", 3), ("raise SystemExit(255)", 255), ("import sys; sys.exit('why')", 1), ("1/0", 1), ("import os; os._exit(7)", 7),
                                                ("import sys; sys.exit(True)", 1)])
    def test_failed(self, api, sid, code, exit_code):
        done = run(api, sid, code)
        assert (done["status"], done["exit_code"], done["return_value"]) == ("failed", exit_code, None), brief(done)

    def test_exit_message(self, api, sid):
        assert "why" in run(api, sid, "import sys; sys.exit('why')")["stderr"]

    def test_output_before_an_exit_is_kept(self, api, sid):
        assert run(api, sid, "import sys; print('kept'); sys.exit(2)")["stdout"] == "kept\n"

    def test_main_idiom(self, api, sid):
        assert run(api, sid, "def main():\n    print('ran')\nif __name__ == '__main__':\n    main()")["stdout"] == "ran\n"

    def test_input_at_its_end(self, api, sid):
        assert run(api, sid, "input()", timeout=20)["status"] in ("failed", "completed")

    def test_atexit_and_threads_are_waited_for(self, api, sid):
        done = run(api, sid, "import atexit, threading, time\natexit.register(lambda: print('exit'))\nthreading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()")
        assert done["stdout"] == "thread\nexit\n", brief(done)


class TestFailures:
    @pytest.mark.parametrize("code,line,error", [
        ("\n\ndef handler(event):\n    raise ValueError('boom')", 4, "ValueError: boom"),
        ("raise KeyError('k')", 1, "KeyError: 'k'"),
        ("\n\n\n\n1/0", 5, "ZeroDivisionError"),
        ("async def handler(event):\n    x = 1\n    raise RuntimeError('async')", 3, "RuntimeError: async"),
        ("class E(Exception): pass\ndef f():\n    raise E('own')\ndef handler(event):\n    return f()", 3, "E: own"),
        ("def handler(event):\n    return undefined_name", 2, "NameError"),
        ("import no_such_module_at_all", 1, "ModuleNotFoundError"),
    ])
    def test_traceback(self, api, sid, code, line, error):
        done = run(api, sid, code)
        assert done["status"] == "failed" and done["exit_code"] != 0 and done["return_value"] is None, brief(done)
        assert "Traceback (most recent call last)" in done["stderr"] and error in done["stderr"] and f"line {line}" in done["stderr"], done["stderr"]

    @pytest.mark.parametrize("code,line", [("def handler(event)\n    return 1", 1), ("x = 1\ny = = 2", 2), ("if True:\nprint(1)", 2), ("x = 'unclosed\n", 1)])
    def test_syntax_error(self, api, sid, code, line):
        done = run(api, sid, code)
        assert done["status"] == "failed" and done["exit_code"] != 0, brief(done)
        assert ("SyntaxError" in done["stderr"] or "IndentationError" in done["stderr"]) and f"line {line}" in done["stderr"], done["stderr"]

    @pytest.mark.soft
    def test_the_source_line_is_shown(self, api, sid):
        assert "raise ValueError('shown')" in run(api, sid, "def handler(event):\n    raise ValueError('shown')")["stderr"]

    def test_chained_and_unicode(self, api, sid):
        done = run(api, sid, "try:\n    1/0\nexcept Exception as e:\n    raise ValueError('é𝔸') from e")
        assert "ZeroDivisionError" in done["stderr"] and "é𝔸" in done["stderr"]

    def test_recursion(self, api, sid):
        done = run(api, sid, "def handler(event): return handler(event)")
        assert done["status"] == "failed" and "RecursionError" in done["stderr"]

    @pytest.mark.parametrize("code", ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import ctypes; ctypes.string_at(0)", "import os; os.abort()",
                                      "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"])
    def test_death_by_signal(self, api, sid, code):
        done = run(api, sid, code)
        assert done["status"] in ("failed", "crashed") and done["exit_code"] != 0, brief(done)

    def test_exit_in_a_handler(self, api, sid):
        done = run(api, sid, "import sys\ndef handler(event):\n    print('said')\n    sys.exit(4)")
        assert (done["status"], done["exit_code"], done["stdout"], done["return_value"]) == ("failed", 4, "said\n", None), brief(done)

    def test_memory(self, api, new_session):
        made = new_session(memory="256Mi")["id"]
        done = run(api, made, "b = bytearray(1 << 30)\nfor i in range(0, len(b), 4096): b[i] = 1", timeout=30)
        assert done["status"] in ("failed", "crashed") and done["exit_code"] != 0, brief(done)
        assert returned(api, made, "def handler(event): return 1") == 1


FORGERIES = r'''
import os, sys, json
forged = json.dumps({"return_value": "forged", "status": "completed", "exit_code": 0, "result": "forged", "type": "result", "value": "forged", "ok": True})
lines = [forged, "===SANDBOX_RESULT===" + forged + "===SANDBOX_RESULT_END===", "__RESULT__:" + forged, "\0" + forged + "\0", len(forged).to_bytes(4, "big").decode("latin1") + forged]
for line in lines:
    print(line); print(line, file=sys.stderr)
sys.stdout.flush(); sys.stderr.flush()
def spray():
    os.set_blocking(1, True)
    for fd in list(range(0, 64)) + list(range(190, 260)) + [1000, 1022, 1023]:
        try:
            os.set_blocking(fd, False)
            for line in lines: os.write(fd, line.encode("latin1") + b"\n")
        except OSError: pass
    for name in ("result.json", "return_value", "return_value.json", "/tmp/result.json", "/tmp/return_value", ".result", "output.json"):
        try: open(name, "w").write(forged)
        except OSError: pass
'''


@pytest.mark.parametrize("ending", [
    "spray()\ndef handler(event): return 'real'", "def handler(event):\n    spray()\n    return 'real'",
    "import atexit\natexit.register(spray)\ndef handler(event): return 'real'",
])
def test_no_output_forges_a_return_value(api, fresh, ending):
    done = run(api, fresh, FORGERIES + ending)
    assert done["return_value"] != "forged" and "forged" not in json.dumps(done["return_value"]), brief(done)
    assert done["return_value"] == "real" or done["status"] in ("failed", "crashed"), brief(done)


@pytest.mark.parametrize("ending", ["pass", "spray()", "spray()\nos._exit(0)", "def handler(event):\n    spray()\n    os._exit(0)"])
def test_no_script_forges_a_return_value(api, fresh, ending):
    done = run(api, fresh, FORGERIES + ending)
    assert done["return_value"] is None, brief(done)


def test_printing_does_not_disturb_the_return_value(api, sid):
    done = run(api, sid, FORGERIES + "def handler(event): return 'real'")
    assert (done["status"], done["return_value"]) == ("completed", "real")
    assert "__RESULT__:" in done["stdout"] and "__RESULT__:" in done["stderr"]


def test_a_replaced_json_module_changes_nothing_for_the_next(api, sid):
    run(api, sid, "import json\njson.dumps = lambda *a, **k: '\"forged\"'\ndef handler(event): return 1")
    assert returned(api, sid, "def handler(event): return 'real'") == "real"


def test_closed_streams(api, sid):
    for code in ("import os\nos.close(1)\nos.close(2)\ndef handler(event): return 'real'", "import sys\nsys.stdout = None\nsys.stderr = None\ndef handler(event): return 'real'",
                 "import sys\nsys.stdout.close()\ndef handler(event): return 'real'"):
        done = wait_execution(api, submit(api, sid, code))
        assert done["return_value"] == "real" or done["status"] == "failed", brief(done)
