"""Returns the image's name if everything that the image promises is there."""
import hashlib
import importlib
import shutil
import sqlite3
import ssl
import subprocess
import sys

MODULES = "bz2 ctypes curses dbm.gnu decimal distutils.core lib2to3 lzma pyexpat readline uuid xml.etree.ElementTree zlib zoneinfo"
COMMANDS = "sh bash awk cat cut diff file find grep gzip head less ls ps python3 sed sort tail tar unzip wc xargs xz zip"


def handler(event):
    for name in MODULES.split():
        importlib.import_module(name)
    missing = [name for name in COMMANDS.split() if shutil.which(name) is None]
    assert not missing, f"missing commands: {missing}"
    assert sys.version_info[:2] == (3, 11), sys.version
    assert sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchone() == (42,)
    assert ssl.create_default_context().get_ca_certs(), "no certificates"
    assert hashlib.md5(b"").hexdigest().startswith("d41d8cd9")
    assert importlib.import_module("zoneinfo").ZoneInfo("Europe/Berlin")
    whoami = subprocess.run(["whoami"], capture_output=True, text=True, check=True).stdout.strip()
    assert whoami == "sandbox", whoami
    with open("/etc/sandbox-image") as file:
        return file.read().strip()
