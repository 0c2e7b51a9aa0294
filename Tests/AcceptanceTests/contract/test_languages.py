"""Executions: shell and JavaScript."""
import json

import pytest

from acceptance import brief, run, same


class TestShell:
    @pytest.mark.parametrize("code,status,exit_code", [("true", "completed", 0), ("false", "failed", 1), ("exit 42", "failed", 42), ("exit 0", "completed", 0), ("no_such_command_x", "failed", 127),
                                                       ("sh -c 'exit 9'", "failed", 9), ("false; true", "completed", 0), ("kill -9 $$", None, None)])
    def test_exit_code(self, api, sid, code, status, exit_code):
        done = run(api, sid, code, "shell")
        if status is None:
            assert done["status"] in ("failed", "crashed") and done["exit_code"] != 0
        else:
            assert (done["status"], done["exit_code"]) == (status, exit_code), brief(done)

    def test_streams(self, api, sid):
        done = run(api, sid, "echo out; echo err >&2; printf 'no newline é'", "shell")
        assert (done["stdout"], done["stderr"], done["return_value"]) == ("out\nno newline é", "err\n", None)

    @pytest.mark.parametrize("event", [{}, {"name": "é𝔸", "n": 2**64, "l": [0, False, None, 1.0]}, {"x": "y" * 200000}])
    def test_event_is_on_standard_input(self, api, sid, event):
        done = run(api, sid, "cat", "shell", event=event)
        assert same(json.loads(done["stdout"]), event)

    def test_directory_and_commands(self, api, sid):
        done = run(api, sid, "pwd; echo $HOME; echo $TMPDIR; command -v sh >/dev/null && command -v cat >/dev/null && command -v ls >/dev/null && echo found", "shell")
        assert done["stdout"].split("\n")[:4] == ["/workspace", "/workspace", "/tmp", "found"], brief(done)

    def test_pipes_children_and_here_documents(self, api, sid):
        done = run(api, sid, "seq 3 | sort -r | tr '\\n' ' '\ncat <<E\nhere\nE\n(sleep 0.05; echo child) & wait", "shell")
        assert done["stdout"] == "3 2 1 here\nchild\n", brief(done)

    def test_timeout(self, api, sid):
        done = run(api, sid, "echo before; sleep 60; echo after", "shell", timeout=6)
        assert (done["status"], done["stdout"]) == ("timeout", "before\n"), brief(done)

    def test_printing_forges_nothing(self, api, sid):
        assert run(api, sid, """echo '{"return_value": "forged"}'""", "shell")["return_value"] is None


@pytest.fixture
def node(api, sid):
    """Skips where the image has no node: the API promises Python and the usual commands of the image only."""
    probe = run(api, sid, "def handler(event): return 1", "python")
    assert probe["status"] == "completed"
    if run(api, sid, "command -v node || command -v nodejs", "shell")["status"] != "completed":
        pytest.skip("no node inside this installation's image")


@pytest.mark.usefixtures("node")
class TestJavaScript:
    @pytest.mark.parametrize("code,expected", [
        ("function handler(event) { return event.a; }", 1), ("exports.handler = (event) => event.a;", 1), ("async function handler(event) { return event.a; }", 1),
        ("exports.handler = async (event) => { await new Promise(r => setTimeout(r, 10)); return [event.a]; };", [1]), ("const handler = (event) => ({ v: event.a });", {"v": 1}),
        ("module.exports.handler = (event) => null;", None), ("function handler() { return undefined; }", None), ("function handler(event, context) { return event.a; }", 1),
        ("function handler() { return [0, false, '', null, [], {}, 1.5, 'é𝔸\\u0000']; }", [0, False, "", None, [], {}, 1.5, "é𝔸\0"]),
        ("function handler() { return 0; }", 0), ("function handler() { return false; }", False), ("function handler() { return ''; }", ""), ("function handler() { return []; }", []),
        ("function handler() { return Number.MAX_SAFE_INTEGER; }", 2**53 - 1),
    ])
    def test_handlers(self, api, sid, code, expected):
        done = run(api, sid, code, "javascript", event={"a": 1})
        assert done["status"] == "completed" and done["exit_code"] == 0 and same(done["return_value"], expected), brief(done)

    def test_script(self, api, sid):
        done = run(api, sid, "console.log('out'); console.error('err'); require('fs').writeFileSync('js', 'x');", "javascript")
        assert (done["status"], done["stdout"], done["stderr"], done["return_value"]) == ("completed", "out\n", "err\n", None)

    @pytest.mark.parametrize("code,text", [("\n\nthrow new TypeError('boom')", "TypeError: boom"), ("function handler() { throw new Error('sync'); }", "Error: sync"),
                                           ("async function handler() { throw new Error('async'); }", "Error: async"), ("let x = = 1", "SyntaxError"), ("process.exit(3)", "")])
    def test_failures(self, api, sid, code, text):
        done = run(api, sid, code, "javascript")
        assert done["status"] == "failed" and done["exit_code"] != 0 and text in done["stderr"], brief(done)

    def test_exit_code(self, api, sid):
        assert run(api, sid, "process.exit(3)", "javascript")["exit_code"] == 3

    def test_environment(self, api, sid):
        assert run(api, sid, "function handler() { return [process.env.LEVEL, process.env.E, process.cwd()]; }", "javascript", env_vars={"E": "e"})["return_value"] == ["session", "e", "/workspace"]

    def test_timeout(self, api, sid):
        assert run(api, sid, "while (true) {}", "javascript", timeout=1)["status"] == "timeout"

    def test_printing_forges_nothing(self, api, sid):
        done = run(api, sid, "console.log(JSON.stringify({return_value: 'forged'})); function handler() { return 'real'; }", "javascript")
        assert done["return_value"] == "real"
