"""What code finds inside."""
import pytest

from acceptance import brief, returned, run, uid

# what no Linux has, what acts when imported, and what needs a display
NOT_HERE = {"_msi", "_winapi", "msilib", "msvcrt", "nt", "winreg", "winsound", "_overlapped", "_scproxy", "nturl2path", "antigravity", "this", "tkinter", "_tkinter", "turtle", "turtledemo", "idlelib", "ensurepip"}

IMPORTS = """
import sys, importlib, warnings
warnings.simplefilter("ignore")
def handler(event):
    missing = {}
    for name in sorted(sys.stdlib_module_names - set(event["skip"])):
        if name.startswith("_") and not event["private"]: continue
        try: importlib.import_module(name)
        except BaseException as error: missing[name] = repr(error)
    return missing
"""


def test_version(api, sid):
    assert returned(api, sid, "import sys\ndef handler(event): return list(sys.version_info[:2])") == [3, 11]


def test_the_whole_standard_library(api, sid):
    assert returned(api, sid, IMPORTS, event={"skip": sorted(NOT_HERE), "private": False}) == {}


@pytest.mark.soft
def test_what_is_private_in_it(api, sid):
    missing = returned(api, sid, IMPORTS, event={"skip": sorted(NOT_HERE | {"_aix_support", "_osx_support", "_bootsubprocess", "_dbm", "_gdbm", "_crypt"}), "private": True})
    assert missing == {}


@pytest.mark.parametrize("module", ["zlib", "pyexpat", "ssl", "sqlite3", "hashlib", "ctypes", "bz2", "lzma", "curses", "readline", "_decimal", "xml.etree.ElementTree", "multiprocessing", "unicodedata",
                                    "concurrent.futures", "zoneinfo", "email.mime.text", "http.server", "unittest.mock", "encodings.idna", "array", "mmap", "fcntl", "resource", "select", "termios"])
def test_module(api, sid, module):
    assert returned(api, sid, f"import {module}\ndef handler(event): return True") is True


def test_hashes(api, sid):
    import hashlib
    code = "import hashlib\ndef handler(event): return [hashlib.new(n, b'x').hexdigest() for n in event['n']]"
    names = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s"]
    assert returned(api, sid, code, event={"n": names}) == [hashlib.new(n, b"x").hexdigest() for n in names]
    assert returned(api, sid, "import hashlib\ndef handler(event): return [n for n in hashlib.algorithms_guaranteed if not hashlib.new(n)]") == []


def test_c_modules_work(api, sid):
    code = ("import zlib, sqlite3, xml.parsers.expat, ssl, decimal, lzma, bz2, ctypes\ndef handler(event):\n    db = sqlite3.connect('/tmp/x.db'); v = db.execute('select 6*7').fetchone()[0]; db.close()\n"
            "    p = xml.parsers.expat.ParserCreate(); p.Parse(b'<a/>', True); ssl.create_default_context()\n"
            "    return [v, zlib.decompress(zlib.compress(b'z')).decode(), lzma.decompress(lzma.compress(b'l')).decode(), bz2.decompress(bz2.compress(b'b')).decode(), str(decimal.Decimal('0.1') * 3), ctypes.sizeof(ctypes.c_int)]")
    assert returned(api, sid, code) == [42, "z", "l", "b", "0.3", 4]


def test_argv_and_path(api, sid):
    argv, path, executable = returned(api, sid, "import sys\ndef handler(event): return [sys.argv, sys.path, sys.executable]")
    assert argv and isinstance(argv[0], str)
    assert path and any("python3.11" in p for p in path)
    assert executable


@pytest.mark.soft
def test_a_module_in_the_workspace_can_be_imported(api, sid):
    run(api, sid, "open('own_module.py', 'w').write('value = 5')")
    assert returned(api, sid, "import own_module\ndef handler(event): return own_module.value") == 5


def test_environment(api, sid):
    assert returned(api, sid, "import os\ndef handler(event): return [os.environ.get('HOME'), os.environ.get('TMPDIR'), os.getcwd(), os.path.expanduser('~')]") == ["/workspace", "/tmp", "/workspace", "/workspace"]
    assert returned(api, sid, "import tempfile\ndef handler(event): return tempfile.gettempdir()") == "/tmp"


def test_text_is_utf8(api, sid):
    code = "import sys, locale, os\ndef handler(event):\n    open('t', 'w').write('é')\n    return [open('t', 'rb').read().hex(), sys.stdout.encoding.lower(), sys.getfilesystemencoding().lower(), locale.getpreferredencoding(False).lower()]"
    assert returned(api, sid, code) == ["c3a9", "utf-8", "utf-8", "utf-8"]
    done = run(api, sid, "import subprocess\nopen('é𝔸', 'w').close()\nprint(subprocess.run(['ls'], capture_output=True, text=True, encoding='utf-8').stdout)")
    assert "é𝔸" in done["stdout"], brief(done)


def test_commands(api, sid):
    commands = "sh echo cat ls cp mv rm mkdir grep sed sort head tail wc tr cut find env sleep true date".split()
    assert returned(api, sid, "import shutil\ndef handler(event): return [c for c in event['c'] if not shutil.which(c)]", event={"c": commands}) == []
    done = run(api, sid, "import subprocess, sys\nprint(subprocess.check_output('echo hi | cat', shell=True, text=True), end='')\nprint(subprocess.check_output([sys.executable, '-c', 'import json; print(json.dumps(1))'], text=True), end='')")
    assert done["stdout"] == "hi\n1\n", brief(done)


def test_threads_and_children(api, sid):
    code = ("import threading, os\nfrom concurrent.futures import ThreadPoolExecutor\ndef handler(event):\n    with ThreadPoolExecutor(20) as pool: total = sum(pool.map(lambda n: n * n, range(100)))\n"
            "    r, w = os.pipe()\n    pid = os.fork()\n    if pid == 0:\n        os.write(w, b'child'); os._exit(5)\n    _, status = os.waitpid(pid, 0)\n    return [total, os.read(r, 9).decode(), os.waitstatus_to_exitcode(status)]")
    assert returned(api, sid, code) == [328350, "child", 5]


@pytest.mark.soft
def test_a_forked_child_does_not_answer_for_the_program(api, sid):
    done = run(api, sid, "import os\ndef handler(event):\n    pid = os.fork()\n    if pid == 0: return 'child'\n    os.waitpid(pid, 0)\n    return 'parent'")
    assert done["return_value"] != "child", brief(done)


@pytest.mark.soft
def test_multiprocessing(api, sid):
    assert returned(api, sid, "from multiprocessing import Pool\ndef f(n): return n * n\ndef handler(event):\n    with Pool(2) as pool: return pool.map(f, range(5))") == [0, 1, 4, 9, 16]


# An unnamed file (O_TMPFILE) leaves nothing behind; where the file system has none, a named one is made and removed.
WRITABLE = """
import errno, os
def writable(directory):
    try:
        os.close(os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600)); return True
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL): return False
    name = os.path.join(directory, '.write-probe')
    try: os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError: return False
    os.unlink(name); return True
def handler(event):
    found, seen = [], 0
    for top, directories, files in os.walk('/'):
        if top == '/': directories[:] = [d for d in directories if d not in ('proc', 'sys', 'dev', 'workspace', 'tmp')]
        if top.count('/') > 4: directories[:] = []
        seen += 1
        if seen > 5000: break
        if writable(top): found.append(top)
    return found
"""


def test_only_workspace_and_tmp_can_be_written(api, sid):
    assert returned(api, sid, WRITABLE) == []
    for directory in ("/workspace", "/tmp"):
        name = f"{directory}/{uid('written')}"
        assert returned(api, sid, f"def handler(event):\n    open('{name}', 'w').write('x')\n    return open('{name}').read()") == "x"


@pytest.mark.soft
def test_nor_dev(api, sid):
    assert returned(api, sid, WRITABLE.split("def handler")[0] + "def handler(event): return [d for d in ('/dev', '/dev/mqueue', '/sys', '/proc') if writable(d)]") == []


def test_existing_files_cannot_be_changed(api, sid):
    code = ("import os\ndef handler(event):\n    found = []\n    for p in event['p']:\n        try: os.close(os.open(p, os.O_WRONLY | os.O_APPEND)); found.append(p)\n        except OSError: pass\n    return found")
    paths = ["/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/bin/sh", "/usr/bin/env", "/usr/lib/os-release", "/etc/shadow", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run", "/dev/sda", "/dev/mem", "/dev/kmsg"]
    assert returned(api, sid, code, event={"p": paths}) == []


NETWORK = """
import socket
def attempt(what, *arguments):
    try: what(*arguments); return True
    except OSError: return False
def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(2); s.connect(address)
def udp(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(address); s.send(b'x')
def handler(event):
    return [attempt(connect, socket.AF_INET, ('1.1.1.1', 80)), attempt(connect, socket.AF_INET, ('169.254.169.254', 80)), attempt(connect, socket.AF_INET, ('10.0.0.1', 80)),
            attempt(udp, ('8.8.8.8', 53)), attempt(socket.getaddrinfo, 'example.com', 80)]
"""


def test_no_network(api, sid):
    assert returned(api, sid, NETWORK) == [False] * 5


def test_loopback(api, sid):
    code = ("import socket, threading\ndef handler(event):\n    server = socket.create_server(('127.0.0.1', 0))\n    threading.Thread(target=lambda: server.accept()[0].sendall(b'hello')).start()\n"
            "    with socket.create_connection(server.getsockname(), 5) as link: return link.recv(9).decode()")
    assert returned(api, sid, code) == "hello"


@pytest.mark.soft
def test_the_loopback_is_its_own(api, sid):
    """Nothing of the host answers on the sandbox's loopback: the control plane's port is closed there."""
    from urllib.parse import urlsplit

    from acceptance import URL
    code = "import socket\ndef handler(event):\n    try: socket.create_connection(('127.0.0.1', event['port']), 2); return True\n    except OSError: return False"
    assert returned(api, sid, code, event={"port": urlsplit(URL).port or 80}) is False
    assert returned(api, sid, "import socket\ndef handler(event): return [n for _, n in socket.if_nameindex()]") == ["lo"]


def test_the_service_hides_its_secrets(api, sid):
    env = returned(api, sid, "import os\ndef handler(event): return dict(os.environ)")
    assert not [k for k in env if any(word in k.upper() for word in ("TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"))]
