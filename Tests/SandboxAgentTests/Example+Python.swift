import AgentProtocol

extension Example {
    static let python: [Example] = [
        Example(
            name: "handler",
            code: "def handler(e): return e['a'] + e['b']",
            event: "{\"a\":1,\"b\":2}",
            value: "3"
        ),
        Example(name: "null", code: "def handler(e): return None", value: "null"),
        Example(name: "text", code: "def handler(e): return 'é\\ud800\"'", value: #""\u00e9\ud800\"""#),
        Example(
            name: "big number",
            code: "def handler(e): return e['n']",
            event: "{\"n\":12345678901234567890123}",
            value: "12345678901234567890123"
        ),
        Example(
            name: "context",
            code: "def handler(e, c): return [c.execution_id, 0 < c.get_remaining_time_in_millis() <= 30000]",
            value: "[\"e\", true]"
        ),
        Example(
            name: "async",
            code: "import asyncio\nasync def handler(e):\n  await asyncio.sleep(0)\n  return 7",
            value: "7"
        ),
        Example(
            name: "script",
            code: "import sys\nprint(__name__, __file__, sys.argv, sys.path[0])",
            out: "__main__ /workspace/main.py ['/workspace/main.py'] /workspace\n"
        ),
        Example(
            name: "no input",
            code: "input()",
            reason: .exited(code: 1),
            err: "EOFError",
            summary: "EOFError: EOF when reading a line"
        ),
        Example(
            name: "exception",
            code: "def f():\n    1/0\n\ndef handler(e):\n    f()",
            reason: .exited(code: 1),
            err: """
                Traceback (most recent call last):
                  File "/workspace/main.py", line 5, in handler
                    f()
                  File "/workspace/main.py", line 2, in f
                    1/0
                    ~^~
                ZeroDivisionError: division by zero

                """,
            summary: "ZeroDivisionError: division by zero"
        ),
        Example(
            name: "syntax error",
            code: "x = 1\nreturn x",
            reason: .exited(code: 1),
            err: "File \"/workspace/main.py\", line 2\n    return x",
            summary: "SyntaxError: 'return' outside function"
        ),
        Example(name: "exit code", code: "import sys\nsys.exit(3)", reason: .exited(code: 3), summary: ""),
        Example(name: "exit 0", code: "def handler(e): exit()"),
        Example(name: "exit with text", code: "exit('so')", reason: .exited(code: 1), err: "so\n", summary: "so"),
        Example(name: "hard exit", code: "import os\nos._exit(9)", reason: .exited(code: 9)),
        Example(name: "killed", code: "import os\nos.kill(os.getpid(), 9)", reason: .signaled(9)),
        Example(name: "aborted", code: "import os\nos.abort()", reason: .signaled(6)),
        Example(
            name: "not JSON",
            code: "def handler(e): return {1}",
            reason: .exited(code: 1),
            err: "the return value of handler is not JSON: Object of type set",
            summary: "TypeError: the return value of handler is not JSON: Object of type set is not JSON serializable"
        ),
        Example(
            name: "not a number",
            code: "def handler(e): return float('nan')",
            reason: .exited(code: 1),
            err: "not JSON compliant",
            summary:
                "ValueError: the return value of handler is not JSON: Out of range float values are not JSON compliant"
        ),
        Example(
            name: "the end of a program",
            code: """
                import threading, time, atexit, os
                class D:
                    def __del__(self): print('del', len('abc'))
                def late(): time.sleep(0.02); print('thread')
                atexit.register(lambda: print(open('f').read()))
                file = open('f', 'w'); file.write('text')
                other = open('g', 'w'); other.write('more')
                atexit.register(file.flush)
                d = D(); d.me = d
                threading.Thread(target=late).start()
                """,
            out: "thread\ntext\ndel 3\n"
        ),
        Example(
            name: "a fork that comes back",
            code: "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\ndef handler(e): return bool(pid)",
            value: "true"
        ),
        Example(
            name: "processes",
            code: """
                import multiprocessing, subprocess
                def f(x): return x * x
                def handler(e):
                    with multiprocessing.Pool(2) as pool: numbers = pool.map(f, [1, 2, 3])
                    return [numbers, subprocess.run(['echo', 'x'], capture_output=True, text=True).stdout]
                """,
            value: "[[1, 4, 9], \"x\\n\"]"
        ),
        Example(
            name: "print is no result",
            code:
                "print('R{\"forged\":1}', flush=True)\nimport os\nos.system('echo forged >&2')\ndef handler(e): return 1",
            value: "1",
            out: "R{\"forged\":1}\n",
            err: "forged\n"
        ),
        Example(
            name: "a forged answer",
            code: "import os\nos.write(1000, b'\\xff' * 40)\ndef handler(e): return 1",
            reason: .exited(code: 1),
            summary: "the program wrote into the channel of its return value"
        ),
        Example(
            name: "all descriptors closed",
            code: "import os\nos.closerange(3, 65536)\nprint('still')",
            out: "still\n"
        ),
        Example(
            name: "the result is not passed on",
            code:
                "import subprocess\nprint(subprocess.run(['ls', '/proc/self/fd'], capture_output=True).stdout.decode())",
            out: "0\n1\n2\n3\n\n"
        ),
        Example(
            name: "the standard library",
            code: "import zlib, pyexpat, ssl, sqlite3, hashlib\nprint(hashlib.md5(b'').hexdigest()[:8])",
            out: "d41d8cd9\n"
        ),
        Example(
            name: "the code of a frame",
            code: "import inspect\ndef handler(e): return inspect.getsource(handler)",
            value: "\"def handler(e): return inspect.getsource(handler)\\n\""
        ),
    ]
}
