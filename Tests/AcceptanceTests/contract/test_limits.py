"""Executions: timeouts and what they kill, output and return value limits, what persists."""
import time
from datetime import datetime

import pytest

from acceptance import brief, ok, returned, run, submit, uid

MIB = 1 << 20


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class TestTimeout:
    @pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)", "import time\ndef handler(event): time.sleep(60)", "import asyncio\nasync def handler(event): await asyncio.sleep(60)",
                                      "import signal, time\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass\nwhile True: time.sleep(60)",
                                      "while True:\n    try:\n        while True: pass\n    except BaseException: pass", "import subprocess; subprocess.run(['sleep', '60'])", "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
                                      "import re; re.match('(a+)+$', 'a' * 40 + 'b')", "import os\nwhile True: os.read(os.pipe()[0], 1)"])
    def test_over_it(self, api, sid, code):
        done = run(api, sid, code, timeout=1)
        assert done["status"] == "timeout" and done["return_value"] is None, brief(done)
        assert 0.9 <= done["execution_time"] < 30
        assert done["completed_at"]

    def test_below_it(self, api, sid):
        assert run(api, sid, "import time; time.sleep(1.2)", timeout=20)["status"] == "completed"

    def test_what_it_had_written_is_kept(self, api, sid):
        name = uid()
        done = run(api, sid, f"import sys, time\nprint('out', flush=True)\nprint('err', file=sys.stderr, flush=True)\nopen('{name}', 'w').write('file')\ntime.sleep(60)", timeout=6)
        assert (done["status"], done["stdout"]) == ("timeout", "out\n") and done["stderr"].startswith("err\n"), brief(done)
        assert api.get(f"/sessions/{sid}/files/{name}").content == b"file"

    @pytest.mark.soft
    def test_unflushed_output_is_kept(self, api, sid):
        assert run(api, sid, "import time\nprint('out')\ntime.sleep(60)", timeout=6)["stdout"] == "out\n"


DAEMON = """
import os, sys, time
def daemon(name):
    if os.fork(): return
    os.setsid()
    if os.fork(): os._exit(0)
    if DETACH:
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
    import signal
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)
    with open(name, 'a', buffering=1) as f:
        while True:
            f.write(f'{time.time()}\\n')
            time.sleep(0.005)
daemon(NAME)
while not os.path.exists(NAME) or not os.path.getsize(NAME): time.sleep(0.005)
"""


class TestProcesses:
    @pytest.mark.parametrize("ending,timeout,status", [("while True: time.sleep(60)", 2, "timeout"), ("pass", 20, "completed"), ("1/0", 20, "failed"), ("def handler(event): return 1", 20, "completed")])
    def test_everything_started_is_dead_within_100_ms(self, api, sid, ending, timeout, status):
        name = uid("ticks")
        done = run(api, sid, f"NAME, DETACH = {name!r}, True\n{DAEMON}\n{ending}", timeout=timeout)
        assert done["status"] == status, brief(done)
        first = api.get(f"/sessions/{sid}/files/{name}").content
        ticks = [float(line) for line in first.split(b"\n")[:-1]]
        assert ticks
        assert ticks[-1] <= instant(done["completed_at"]) + 0.1
        # nothing is added while another execution runs
        code = f"import time\ndef handler(event):\n    time.sleep(0.12); a = open({name!r}).read(); time.sleep(0.05); return [len(a), len(open({name!r}).read())]"
        before, after = returned(api, sid, code)
        assert before == after

    def test_a_daemon_that_holds_the_output_open_does_not_hold_the_execution(self, api, sid):
        begin = time.monotonic()
        done = run(api, sid, f"NAME, DETACH = {uid('held')!r}, False\n{DAEMON}\nprint('end')", timeout=20)
        assert done["status"] == "completed" and done["stdout"].endswith("end\n"), brief(done)
        assert time.monotonic() - begin < 18  # held, it would go on to its timeout of 20

    def test_processes_do_not_persist(self, api, sid):
        marker = uid("marker")
        run(api, sid, f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', {marker!r}], start_new_session=True)")
        code = ("import glob, os\ndef handler(event):\n    found = []\n    for p in glob.glob('/proc/[0-9]*/cmdline'):\n        try: text = open(p, 'rb').read()\n        except OSError: continue\n"
                "        if event['m'].encode() in text and str(os.getpid()) != p.split('/')[2]: found.append(text.decode())\n    return found")
        assert returned(api, sid, code, event={"m": marker}) == []

    @pytest.mark.slow
    def test_a_fork_bomb_ends(self, api, new_session):
        made = new_session()["id"]
        done = run(api, made, "import os, time\nend = time.time() + 0.5\nwhile time.time() < end:\n    try: os.fork()\n    except OSError: time.sleep(0.01)", timeout=20)
        assert done["status"] in ("completed", "failed", "timeout", "crashed")
        assert returned(api, made, "def handler(event): return 1") == 1
        assert ok(api.get("/health"))["status"] == "healthy"


class TestOutput:
    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    @pytest.mark.parametrize("size", [MIB - 1, MIB])
    def test_up_to_the_limit(self, api, sid, stream, size):
        done = run(api, sid, f"import sys\nsys.{stream}.write('a' * {size})")
        assert done["status"] == "completed" and len(done[stream]) == size
        assert not done.get(f"{stream}_truncated")

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    @pytest.mark.parametrize("size", [MIB + 1, 3 * MIB])
    def test_over_the_limit(self, api, sid, stream, size):
        done = run(api, sid, f"import sys\ndef handler(event):\n    sys.{stream}.write('a' * {size})\n    sys.{stream}.flush()\n    return 'went on'")
        assert (done["status"], done["return_value"]) == ("completed", "went on"), brief(done)
        assert done[f"{stream}_truncated"] is True
        assert done[stream].startswith("a" * (MIB - 1024)) and len(done[stream]) <= MIB + 256
        other = {"stdout": "stderr", "stderr": "stdout"}[stream]
        assert not done.get(f"{other}_truncated")
        # "the total byte counts": the name is not given, the number is
        counts = {k: v for k, v in done.items() if stream in k and isinstance(v, int) and not isinstance(v, bool)}
        assert size in counts.values(), counts

    def test_cut_in_a_character(self, api, sid):
        done = run(api, sid, f"import sys\nsys.stdout.write('a' + '𝔸' * {MIB})")
        assert done["stdout_truncated"] is True and set(done["stdout"][:1000]) == {"a", "𝔸"}

    def test_bytes_that_are_not_text(self, api, sid):
        done = run(api, sid, "import sys\nsys.stdout.buffer.write(bytes(range(256)) + b'\\xff\\xfe' + b'end')")
        assert done["status"] == "completed" and done["stdout"].endswith("end") and "\x00\x01" in done["stdout"]

    def test_unicode(self, api, sid):
        assert run(api, sid, "print('é日本𝔸\\u2028\\x00')")["stdout"] == "é日本𝔸\u2028\x00\n"

    def test_carriage_returns_and_no_newline(self, api, sid):
        assert run(api, sid, "import sys; sys.stdout.write('a\\r\\nb\\rc')")["stdout"] == "a\r\nb\rc"

    def test_endless_output_until_the_timeout(self, api, sid):
        done = run(api, sid, "while True: print('x' * 65536)", timeout=5)
        assert done["status"] == "timeout" and done["stdout_truncated"] is True

    def test_order_in_a_stream(self, api, sid):
        done = run(api, sid, "import subprocess\nfor n in range(5):\n    print(n, flush=True)\n    subprocess.run(['echo', f'child {n}'])")
        assert done["stdout"] == "".join(f"{n}\nchild {n}\n" for n in range(5))


class TestReturnValueLimit:
    def test_under(self, api, sid):
        assert returned(api, sid, f"def handler(event): return 'a' * {MIB - 64}") == "a" * (MIB - 64)

    @pytest.mark.parametrize("size", [MIB + 64, 8 * MIB])
    def test_over(self, api, sid, size):
        done = run(api, sid, f"def handler(event):\n    print('kept')\n    return 'a' * {size}")
        assert done["status"] == "failed" and done["exit_code"] != 0 and done["return_value"] is None, brief(done)
        assert done["error_message"] and len(done["error_message"]) < 4096
        assert done["stdout"] == "kept\n"


class TestPersistence:
    @pytest.mark.parametrize("directory", ["/workspace", "/tmp"])
    def test_files_last(self, api, sid, directory):
        name = uid()
        run(api, sid, f"import os\nos.makedirs('{directory}/{name}/d')\nopen('{directory}/{name}/d/f', 'w').write('kept')\nos.symlink('d/f', '{directory}/{name}/l')\nos.chmod('{directory}/{name}/d/f', 0o755)")
        code = f"import os\ndef handler(event): return [open('{directory}/{name}/l').read(), os.access('{directory}/{name}/d/f', os.X_OK)]"
        assert returned(api, sid, code) == ["kept", True]
        assert run(api, sid, f"cat {directory}/{name}/d/f", "shell")["stdout"] == "kept"

    def test_after_failure_and_timeout_too(self, api, sid):
        one, two = uid(), uid()
        run(api, sid, f"open('{one}', 'w').write('1')\n1/0")
        run(api, sid, f"open('{two}', 'w').write('2')\nwhile True: pass", timeout=6)
        assert returned(api, sid, f"def handler(event): return open('{one}').read() + open('{two}').read()") == "12"

    @pytest.mark.parametrize("directory", ["/workspace", "/tmp"])
    def test_other_sessions_see_nothing(self, api, sid, fresh, directory):
        name = uid()
        run(api, sid, f"open('{directory}/{name}', 'w').write('x')")
        assert returned(api, fresh, f"import os\ndef handler(event): return os.path.exists('{directory}/{name}')") is False

    def test_processes_of_other_sessions_are_not_seen(self, api, sid, fresh):
        marker = uid("seen")
        slow = submit(api, fresh, f"import subprocess, sys, time\nopen('up', 'w').close()\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)', {marker!r}])", timeout=30)
        deadline = time.monotonic() + 20
        while api.get(f"/executions/{slow}/status").json()["status"] == "pending" and time.monotonic() < deadline:
            time.sleep(0.02)
        code = "import glob\ndef handler(event): return [p for p in glob.glob('/proc/[0-9]*/cmdline') if b'seen-' in open(p, 'rb').read()]"
        assert returned(api, sid, code) == []
