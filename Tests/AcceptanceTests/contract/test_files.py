"""Files."""
import os
import time

import httpx
import pytest

from acceptance import API, assert_error, ok, raw_request, returned, run, submit, upload, wait_execution


def download(api, sid, path, **kw):
    return api.get(f"/sessions/{sid}/files/{path}", **kw)


@pytest.mark.parametrize("path", ["a.txt", "dir/b.bin", "deep/1/2/3/4/5/c", "with space.txt", "é日本𝔸.txt", "per%25cent", "a+b&c=d.txt", "hash#mark", "question?mark", ".hidden", "...", "a..b", "-dash", "semi;colon", "quote'\"", "back\\slash", "upload"])
def test_upload_and_download(api, sid, path):
    from urllib.parse import quote
    data = os.urandom(1000)
    answer = ok(upload(api, sid, path, data))
    assert (answer["session_id"], answer["file_path"], answer["size"]) == (sid, path, 1000)
    response = download(api, sid, quote(path))
    assert response.status_code == 200, response.text
    assert response.content == data
    assert response.headers["content-type"] and response.headers["content-disposition"] and response.headers["etag"] and response.headers["x-request-id"]
    assert int(response.headers["content-length"]) == 1000
    assert returned(api, sid, "def handler(event): return list(open(event['p'], 'rb').read(8))", event={"p": path}) == list(data[:8])


@pytest.mark.parametrize("data", [b"", b"x", b"\x00\xff\r\n--boundary\r\n", b"\r\n", b"a" * 65536, b"b" * 65537])
def test_bytes_are_kept(api, sid, data):
    assert ok(upload(api, sid, "bytes", data))["size"] == len(data)
    assert download(api, sid, "bytes").content == data


def test_replaces(api, sid):
    for data in (b"first and longer", b"2nd"):
        ok(upload(api, sid, "replaced", data))
        assert download(api, sid, "replaced").content == data
        assert returned(api, sid, "def handler(event): return open('replaced').read()") == data.decode()


def test_file_path_is_answered_as_given(api, sid):
    for path in ("./dot/x", "a//b"):
        response = upload(api, sid, path, b"x")
        if response.status_code == 200:
            assert ok(response)["file_path"] == path
        else:
            assert_error(response, 400)


def test_what_code_wrote(api, sid):
    for n in range(10):
        run(api, sid, f"import os\nos.makedirs('w/{n}', exist_ok=True)\nopen('w/{n}/out', 'wb').write(b'{n}' * 70000)")
        assert download(api, sid, f"w/{n}/out").content == str(n).encode() * 70000


def test_code_can_change_and_remove_an_upload(api, sid):
    ok(upload(api, sid, "owned/f", b"x"))
    assert run(api, sid, "import os\nopen('owned/f', 'a').write('y')\nopen('owned/g', 'w').write('z')")["status"] == "completed"
    assert download(api, sid, "owned/f").content == b"xy"
    assert run(api, sid, "import shutil; shutil.rmtree('owned')")["status"] == "completed"
    assert_error(download(api, sid, "owned/f"), 404)


def test_not_found(api, sid):
    assert_error(download(api, sid, "missing"), 404)
    assert_error(download(api, sid, "no/such/dir/missing"), 404)
    assert_error(upload(api, "absent", "x", b"x"), 404, "session_not_found")
    assert_error(api.get("/sessions/absent/files/x"), 404, "session_not_found")
    assert_error(api.get("/sessions/absent/files"), 404, "session_not_found")


def test_upload_without_its_parts(api, sid):
    assert_error(api.post(f"/sessions/{sid}/files/upload", files={"file": ("f", b"x")}), (400, 422))
    assert_error(api.post(f"/sessions/{sid}/files/upload", params={"path": "x1"}, files={"other": ("f", b"x")}), (400, 422))
    assert_error(api.post(f"/sessions/{sid}/files/upload", params={"path": "x1"}), (400, 415, 422))
    assert_error(api.post(f"/sessions/{sid}/files/upload", params={"path": "x1"}, json={"file": "x"}), (400, 415, 422))
    assert_error(download(api, sid, "x1"), 404)


@pytest.mark.parametrize("content,kind", [(b"", "multipart/form-data; boundary=b"), (b"--b\r\n", "multipart/form-data; boundary=b"), (b"x", "multipart/form-data"), (b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ncut", "multipart/form-data; boundary=b"),
                                          (b"--b\r\n\r\n\r\n--b--", "multipart/form-data; boundary=b"), (b"--b--", "multipart/form-data; boundary="), (b"\x00" * 100, "multipart/form-data; boundary=" + "b" * 300)])
def test_broken_multipart(api, sid, content, kind):
    assert_error(api.post(f"/sessions/{sid}/files/upload", params={"path": "broken"}, content=content, headers={"Content-Type": kind}), (400, 415, 422))
    assert_error(download(api, sid, "broken"), 404)


BAD_PATHS = ["", "/etc/passwd", "/workspace/x", "..", "../x", "a/../../x", "a/../..", "../../../../tmp/x", "a\0b", "\0", "x" * 5000, "/".join(["d" * 200] * 30), "n" * 256, "..\0/x", "//etc/passwd"]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_bad_paths_of_uploads(api, sid, path):
    assert_error(upload(api, sid, path, b"evil"), 400)


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd", "%2e%2e%2fx", "%2e%2e", "..%2f", "a%2f..%2f..%2f..%2fetc/passwd", "%2fetc%2fpasswd", "/etc/passwd", "a%00b", "%00", "x" * 5000, "n" * 256])
def test_bad_paths_of_downloads(api, sid, path):
    status, _, content = raw_request("GET", f"{API}/sessions/{sid}/files/{path}".encode())
    assert status == 400, (status, content[:300])
    assert b"root:" not in content and b'"code"' in content


@pytest.mark.parametrize("path", ["../../../../../etc/passwd", "a/../../../../../../etc/passwd", "./../x", "..%5c..%5cetc%5cpasswd", "%252e%252e%252fetc%252fpasswd", "....//....//etc/passwd", "..;/etc/passwd", "%c0%ae%c0%ae/etc/passwd", "%ff", "%", "%zz"])
def test_tricky_paths_of_downloads(api, sid, path):
    """Here the client's side may already have folded the path, or it is an odd but relative name: any refusal but no file of the host."""
    status, _, content = raw_request("GET", f"{API}/sessions/{sid}/files/{path}".encode())
    assert status in (400, 404), (status, content[:300])
    assert b"root:" not in content


@pytest.mark.parametrize("path", ["..", "../..", "/etc", "/", "a\0", "x/../../.."])
def test_bad_paths_of_lists(api, sid, path):
    assert_error(api.get(f"/sessions/{sid}/files", params={"path": path}), 400)


LINKS = "import os, contextlib\nfor target, name in ((\'/etc/passwd\', \'out\'), (\'/etc\', \'outdir\'), (\'../../../etc\', \'updir\'), (\'/tmp\', \'tmpdir\'), (\'/proc/self/root\', \'rootdir\'), (\'loop\', \'loop\'), (\'/workspace/../etc/passwd\', \'round\'), (\'/nowhere\', \'dangling\')):\n    with contextlib.suppress(FileExistsError): os.symlink(target, \'links/\' + name)\n"


class TestLinks:
    @pytest.fixture
    def links(self, api, sid):
        assert run(api, sid, "import os; os.makedirs('links', exist_ok=True)\n" + LINKS)["status"] == "completed"

    @pytest.mark.usefixtures("links")
    @pytest.mark.parametrize("path", ["links/out", "links/outdir/passwd", "links/updir/passwd", "links/rootdir/etc/passwd", "links/round", "links/dangling", "links/tmpdir/x", "links/outdir"])
    def test_downloads_do_not_leave_the_workspace(self, api, sid, path):
        assert_error(download(api, sid, path), 400)

    @pytest.mark.usefixtures("links")
    @pytest.mark.parametrize("path", ["links/outdir/acceptance-evil", "links/updir/acceptance-evil", "links/rootdir/tmp/acceptance-evil", "links/tmpdir/acceptance-evil", "links/dangling/x", "links/out", "links/dangling"])
    def test_uploads_do_not_leave_the_workspace(self, api, sid, path):
        before = returned(api, sid, "def handler(event): return open('/etc/passwd').read()")
        assert_error(upload(api, sid, path, b"evil"), 400)
        assert returned(api, sid, "def handler(event): return open('/etc/passwd').read()") == before
        assert not os.path.exists("/tmp/acceptance-evil") and not os.path.exists("/etc/acceptance-evil")

    @pytest.mark.usefixtures("links")
    @pytest.mark.parametrize("path", ["links/outdir", "links/rootdir", "links/updir"])
    def test_lists_do_not_leave_the_workspace(self, api, sid, path):
        assert_error(api.get(f"/sessions/{sid}/files", params={"path": path}), 400)

    @pytest.mark.usefixtures("links")
    def test_a_loop(self, api, sid):
        assert_error(download(api, sid, "links/loop"), (400, 404))

    @pytest.mark.soft
    def test_links_that_stay_inside(self, api, sid):
        run(api, sid, "import os\nos.makedirs('in', exist_ok=True)\nopen('in/real', 'w').write('r')\nos.path.lexists('in/l') or os.symlink('real', 'in/l')")
        assert download(api, sid, "in/l").content == b"r"

    def test_a_link_swapped_while_it_is_read(self, api, fresh):
        code = "import os, time\nos.makedirs('d', exist_ok=True)\nopen('d/passwd', 'w').write('mine')\nend = time.time() + 1.2\nwhile time.time() < end:\n    os.rename('d', 'd2'); os.symlink('/etc', 'd'); os.unlink('d'); os.rename('d2', 'd')"
        eid = submit(api, fresh, code)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            response = download(api, fresh, "d/passwd")
            assert response.status_code in (200, 400, 404), response.text
            assert b"root:" not in response.content
        wait_execution(api, eid)


def test_special_files(api, fresh):
    run(api, fresh, "import os, socket\nos.mkfifo('fifo')\nsocket.socket(socket.AF_UNIX).bind('sock')\nos.mkdir('dir')")
    for path in ("fifo", "sock", "dir"):
        assert_error(download(api, fresh, path, timeout=10), (400, 404))
        assert upload(api, fresh, path, b"x", timeout=10).status_code in (200, 400, 409)
    ok(upload(api, fresh, "file", b"x"))
    assert_error(upload(api, fresh, "file/below", b"x"), (400, 409))
    assert_error(download(api, fresh, "file/below"), (400, 404))
    assert download(api, fresh, "file").content == b"x"
    assert returned(api, fresh, "import os\ndef handler(event): return os.path.isdir('dir')") is True


def test_names_cannot_inject_headers(api, fresh):
    from urllib.parse import quote
    for name in ("a\r\nX-Evil: 1", 'q";x="', "é\n", "\x7f\x01"):
        run(api, fresh, "import json, sys\ndef handler(event): open(event['n'], 'w').write('x')", event={"n": name})
        response = download(api, fresh, quote(name))
        assert response.status_code in (200, 400), response.text
        assert "x-evil" not in response.headers
        if response.status_code == 200:
            assert response.content == b"x"
    assert ok(api.get(f"/sessions/{fresh}/files"))["count"] >= 1


class TestRange:
    DATA = bytes(range(200)) * 500  # 100000 bytes

    @pytest.fixture(autouse=True)
    def ranged(self, api, sid):
        ok(upload(api, sid, "ranged", self.DATA))

    @pytest.mark.parametrize("asked,first,last", [("bytes=0-0", 0, 0), ("bytes=0-99", 0, 99), ("bytes=99990-", 99990, 99999), ("bytes=-10", 99990, 99999), ("bytes=5-999999", 5, 99999), ("bytes=99999-99999", 99999, 99999), ("bytes=0-", 0, 99999), ("bytes=-999999", 0, 99999)])
    def test_satisfiable(self, api, sid, asked, first, last):
        response = download(api, sid, "ranged", headers={"Range": asked})
        assert response.status_code == 206, (asked, response.status_code)
        assert response.content == self.DATA[first:last + 1]
        assert response.headers["content-range"] == f"bytes {first}-{last}/100000"
        assert int(response.headers["content-length"]) == last - first + 1

    @pytest.mark.parametrize("asked", ["bytes=100000-", "bytes=200000-300000", "bytes=-0"])
    def test_not_satisfiable(self, api, sid, asked):
        response = download(api, sid, "ranged", headers={"Range": asked})
        assert response.status_code == 416
        assert response.headers["content-range"] == "bytes */100000"
        assert_error(response, 416)

    @pytest.mark.parametrize("asked", ["bytes=9-1", "bytes=a-b", "lines=1-2", "bytes", "bytes=", "bytes=1-2,x", "bytes=0-1,5-6", "bytes=--1", "bytes=" + "0-0," * 1000, "bytes=99999999999999999999999-"])
    def test_odd(self, api, sid, asked):
        response = download(api, sid, "ranged", headers={"Range": asked})
        assert response.status_code in (200, 206, 400, 416), response.status_code
        if response.status_code == 200:
            assert response.content == self.DATA

    def test_resume_gives_the_whole(self, api, sid):
        parts = [download(api, sid, "ranged", headers={"Range": f"bytes={at}-{at + 29999}"}).content for at in range(0, 100000, 30000)]
        assert b"".join(parts) == self.DATA


def test_etag(api, sid):
    ok(upload(api, sid, "tagged", b"one"))
    first, again = download(api, sid, "tagged"), download(api, sid, "tagged")
    tag = first.headers["etag"]
    assert tag == again.headers["etag"] and tag.removeprefix("W/").startswith('"') and tag.endswith('"')
    ok(upload(api, sid, "tagged", b"two"))
    changed = download(api, sid, "tagged")
    assert changed.headers["etag"] != tag and changed.content == b"two"
    run(api, sid, "open('tagged', 'w').write('six')")
    assert download(api, sid, "tagged").headers["etag"] not in (tag, changed.headers["etag"])


@pytest.mark.soft
def test_conditional_requests(api, sid):
    ok(upload(api, sid, "conditional", b"0123456789"))
    tag = download(api, sid, "conditional").headers["etag"]
    response = download(api, sid, "conditional", headers={"If-None-Match": tag})
    assert response.status_code == 304 and response.content == b""
    assert download(api, sid, "conditional", headers={"If-None-Match": '"other"'}).status_code == 200
    assert download(api, sid, "conditional", headers={"If-Range": '"other"', "Range": "bytes=0-1"}).status_code == 200
    response = api.head(f"/sessions/{sid}/files/conditional")
    assert response.status_code in (200, 405)


@pytest.mark.parametrize("name,kind", [("t.txt", "text/plain"), ("j.json", "application/json"), ("p.png", "image/png"), ("c.csv", "text/csv")])
@pytest.mark.soft
def test_content_types(api, sid, name, kind):
    ok(upload(api, sid, name, b"{}"))
    assert download(api, sid, name).headers["content-type"].startswith(kind)


class TestList:
    def test_empty(self, api, fresh):
        answer = ok(api.get(f"/sessions/{fresh}/files"))
        assert (answer["session_id"], answer["files"], answer["count"]) == (fresh, [], 0)

    def test_files(self, api, fresh):
        for name, data in (("a.txt", b"1"), ("b.txt", b"22"), ("sub/c.txt", b"333")):
            ok(upload(api, fresh, name, data))
        answer = ok(api.get(f"/sessions/{fresh}/files"))
        found = {f["name"]: f for f in answer["files"]}
        assert answer["count"] == len(answer["files"])
        assert (found["a.txt"]["size"], found["b.txt"]["size"]) == (1, 2)
        assert found["a.txt"]["modified_time"]
        inner = ok(api.get(f"/sessions/{fresh}/files", params={"path": "sub"}))
        assert [f["size"] for f in inner["files"]] == [3] and inner["files"][0]["name"].endswith("c.txt")

    def test_limit(self, api, fresh):
        run(api, fresh, "for n in range(30): open(f'f{n}', 'w').close()")
        answer = ok(api.get(f"/sessions/{fresh}/files", params={"limit": 7}))
        assert len(answer["files"]) == answer["count"] == 7
        assert len(ok(api.get(f"/sessions/{fresh}/files", params={"limit": 50}))["files"]) == 30

    def test_wrong_limit(self, api, sid):
        assert_error(api.get(f"/sessions/{sid}/files", params={"limit": "x"}), 422)

    @pytest.mark.soft
    def test_a_directory_that_is_not_there(self, api, sid):
        assert_error(api.get(f"/sessions/{sid}/files", params={"path": "absent-directory"}), 404)


@pytest.mark.slow
class TestSize:
    def test_below_100_mb(self, api, fresh):
        data = os.urandom(1 << 20) * 90
        assert ok(upload(api, fresh, "big", data))["size"] == len(data)
        assert download(api, fresh, "big").content == data
        assert returned(api, fresh, "import os\ndef handler(event): return os.path.getsize('big')") == len(data)

    def test_over_100_mb(self, api, fresh):
        try:
            response = upload(api, fresh, "too-big", bytes(101 << 20))
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
            pytest.fail(f"the connection was cut with no 413 to read: {error!r}")
        assert_error(response, 413)
        assert_error(download(api, fresh, "too-big"), 404)
        assert "too-big" not in [f["name"] for f in ok(api.get(f"/sessions/{fresh}/files"))["files"]]

    def test_an_upload_that_breaks_off_leaves_the_old_file(self, api, fresh):
        import socket
        from urllib.parse import urlsplit

        from acceptance import URL
        ok(upload(api, fresh, "kept", b"old"))
        parts = urlsplit(URL)
        head = (f"POST {API}/sessions/{fresh}/files/upload?path=kept HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nnew").encode()
        with socket.create_connection((parts.hostname, parts.port or 80)) as link:
            link.sendall(head)
        for _ in range(5):
            assert download(api, fresh, "kept").content == b"old"
