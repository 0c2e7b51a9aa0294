#!/usr/bin/python3.11
"""Measures one `sandbox serve` against the floors of its machine and writes a report in Markdown.

Called by scripts/bench, which builds what it needs. Every load goes to a server that this program starts on loopback.
"""
import argparse, http.client, json, os, platform, signal, socket, statistics, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
HANDLER = "def handler(event):\n    return event['a'] + event['b']\n"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A `sandbox serve` of its own, with a data folder of its own."""

    def __init__(self, binary, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="sandbox-bench-")
        self.port = free_port()
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", str(self.port), "--data", self.folder.name + "/data"],
            env={**os.environ, "LOG_LEVEL": "warning", **environment}, stdout=self.log, stderr=self.log)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        deadline = time.monotonic() + 30
        while True:
            try:
                if self.call("GET", "/api/v1/health")["status"] == "healthy":
                    return
            except OSError:
                self.connection.close()
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start:\n" + open(self.log.name).read()[-2000:])
            time.sleep(0.02)

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {data[:300]!r}")
        return json.loads(data) if data else None

    def session(self, wait=True):
        session = self.call("POST", "/api/v1/sessions", {"template_id": "python-basic"})
        while wait and session["status"] == "creating":
            session = self.call("GET", f"/api/v1/sessions/{session['id']}")
        return session["id"]

    def delete(self, session):
        self.call("DELETE", f"/api/v1/sessions/{session}")

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def wrk(self, method, paths, body=None, connections=1, seconds=5, threads=1):
        """Requests per second, and p50, p99, max in milliseconds."""
        arguments = [method, self.write("paths", "\n".join(paths))]
        if body is not None:
            arguments.append(self.write("body", json.dumps(body)))
        out = subprocess.run(
            ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s",
             os.path.join(HERE, "request.lua"), f"http://127.0.0.1:{self.port}", "--", *arguments],
            capture_output=True, text=True, check=True).stdout
        line = next(l for l in out.splitlines() if l.startswith("RESULT")).split()
        requests, micros, low, p50, p99, high, failed = map(float, line[1:])
        return {"rate": requests / micros * 1e6, "p50": p50 / 1e3, "p99": p99 / 1e3, "max": high / 1e3,
                "min": low / 1e3, "failed": int(failed)}

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(l.split()[1]) for l in file if l.startswith("VmRSS")) / 1024

    def children(self):
        """Every descendant process."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    parents[int(pid)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
        found, new = set(), {self.process.pid}
        while new:
            new = {pid for pid, parent in parents.items() if parent in new} - found
            found |= new
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.connection.close()
        self.log.close()
        self.folder.cleanup()


def pss(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(l.split()[1]) for l in file if l.startswith("Pss:"))
        except OSError:
            pass
    return total / 1024


def floor_fdatasync():
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(1000):
            start = time.perf_counter()
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1e3)
    return {"p50": percentile(times, .5), "p99": percentile(times, .99)}


ZYGOTE = """
import json, os, sys, time
code = sys.argv[1]
def run():
    g = {}
    exec(compile(code, 'user', 'exec'), g)
    return json.dumps(g['handler'](json.loads('{"a":1,"b":2}')))
run()
end = time.monotonic() + float(sys.argv[2]); n = 0
while time.monotonic() < end:
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(w, run().encode())
        os._exit(0)
    os.close(w); os.read(r, 100); os.close(r); os.waitpid(pid, 0); n += 1
print(n)
"""


def floor_fork(seconds):
    """Forks of a warm interpreter that run the handler, on every core, each second."""
    workers = [subprocess.Popen(["/usr/bin/python3.11", "-I", "-S", "-c", ZYGOTE, HANDLER, str(seconds)],
                                stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
    return sum(int(w.communicate()[0]) for w in workers) / seconds


def measure(binary, seconds):
    rows, notes = [], []

    def row(name, bar, result, unit="ms", floor=""):
        rows.append((name, bar, result, unit, floor))
        print(f"  {name}: {result}", file=sys.stderr, flush=True)

    def line(result):
        return f"p50 {result['p50']:.2f}, p99 {result['p99']:.2f}, max {result['max']:.1f}"

    print("floors …", file=sys.stderr, flush=True)
    flush, forks = floor_fdatasync(), floor_fork(seconds)
    row("floor: append 4 KiB and fdatasync", "", f"p50 {flush['p50']:.3f}, p99 {flush['p99']:.3f}")
    row("floor: forks of a warm interpreter that run the handler, all cores", "", f"{forks:.0f}", "/s")

    server = Server(binary, WARM_POOL_SIZE="4")
    try:
        time.sleep(1)
        idle = server.rss()
        print("HTTP …", file=sys.stderr, flush=True)
        bare = server.wrk("GET", ["/api/v1/health"], connections=32, seconds=seconds)
        row("floor: the bare HTTP route (GET /health), 32 clients", "", f"{bare['rate']:.0f}", "/s")
        row("server, idle, resident", "≤ 40", f"{idle:.1f}", "MiB")

        session = server.session()
        body = {"code": HANDLER, "language": "python", "event": {"a": 1, "b": 2}}
        path = f"/api/v1/executions/sessions/{session}"
        server.wrk("POST", [path + "/execute-sync"], body, seconds=1)
        print("execute-sync …", file=sys.stderr, flush=True)
        one = server.wrk("POST", [path + "/execute-sync"], body, seconds=seconds)
        row("execute-sync, one client", "p50 ≤ 1.5, p99 ≤ 5", line(one), "ms",
            f"{one['p50'] / (3 * flush['p50']):.1f} × three flushes")
        if one["failed"]: notes.append(f"execute-sync: {one['failed']} requests failed")

        sessions = [server.session() for _ in range(4)]
        paths = [f"/api/v1/executions/sessions/{s}/execute-sync" for s in sessions]
        before = server.cpu()
        many = server.wrk("POST", paths, body, connections=16, seconds=seconds)
        used = (server.cpu() - before) / (many["rate"] * seconds) * 1e3
        row("executions, 4 sessions, 16 clients", "≥ 1,000", f"{many['rate']:.0f}", "/s", f"{many['rate'] / forks:.2f} × the forks")
        row("CPU of the server for each of them", "≤ 0.5", f"{used:.2f}")
        if many["failed"]: notes.append(f"executions: {many['failed']} requests failed")

        print("submit …", file=sys.stderr, flush=True)
        target = server.session()
        submit = server.wrk("POST", [f"/api/v1/executions/sessions/{target}/execute"], body, seconds=seconds)
        row("submit → 201, one client", "p50 ≤ 0.5", line(submit), "ms", f"{submit['p50'] / flush['p50']:.1f} × a flush")
        server.delete(target)
        target = server.session()
        burst = server.wrk("POST", [f"/api/v1/executions/sessions/{target}/execute"], body, connections=64, seconds=seconds)
        row("submit → 201, 64 clients", "≥ 15,000", f"{burst['rate']:.0f}", "/s", f"{burst['rate'] / bare['rate']:.2f} × the bare route")
        if burst["failed"]: notes.append(f"submit: {burst['failed']} requests failed")

        print("reads …", file=sys.stderr, flush=True)
        stored = server.call("GET", f"/api/v1/executions/sessions/{target}/executions?limit=1")["total"]
        ids = [e["id"] for offset in range(0, 1000, 200)
               for e in server.call("GET", f"/api/v1/executions/sessions/{session}/executions?limit=200&offset={offset}")["items"]]
        server.delete(target)
        time.sleep(1)
        reads = server.wrk("GET", [f"/api/v1/executions/{i}/status" for i in ids], connections=32, seconds=seconds)
        row(f"GET status of {len(ids)} executions, {stored + 1000}+ stored", "≥ 60,000", f"{reads['rate']:.0f}", "/s",
            f"{reads['rate'] / bare['rate']:.2f} × the bare route")

        print("sessions …", file=sys.stderr, flush=True)
        times = []
        for _ in range(40):
            start = time.perf_counter()
            made = server.session()
            times.append((time.perf_counter() - start) * 1e3)
            server.delete(made)
            time.sleep(0.15)
        row("session from the pool, POST to running", "≤ 3", f"p50 {percentile(times, .5):.2f}, p99 {percentile(times, .99):.2f}")

        base = server.children()
        start = time.perf_counter()
        made = [server.session(wait=False) for _ in range(100)]
        for s in made:
            while server.call("GET", f"/api/v1/sessions/{s}")["status"] == "creating":
                time.sleep(0.002)
        row("100 sessions at once, all running", "≤ 1,000", f"{(time.perf_counter() - start) * 1e3:.0f}")
        time.sleep(2)
        grown = server.children() - base
        row("an idle session, proportional memory of its processes", "≤ 12", f"{pss(grown) / 100:.1f}", "MiB")

        def total_cpu():
            ticks = server.cpu()
            for pid in server.children():
                try:
                    with open(f"/proc/{pid}/stat") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                    ticks += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                except OSError:
                    pass
            return ticks
        before = total_cpu()
        time.sleep(10)
        row("CPU with 100 idle sessions, server and sandboxes", "≤ 1", f"{(total_cpu() - before) * 10:.2f}", "% of a core")
    finally:
        server.stop()

    server = Server(binary, WARM_POOL_SIZE="0")
    try:
        times = []
        for _ in range(30):
            start = time.perf_counter()
            made = server.session()
            times.append((time.perf_counter() - start) * 1e3)
            server.delete(made)
            time.sleep(0.05)
        row("session without a pool, POST to running", "≤ 25", f"p50 {percentile(times, .5):.1f}, p99 {percentile(times, .99):.1f}")
    finally:
        server.stop()
    return rows, notes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="path of sandbox; sandbox-agent lies beside it")
    parser.add_argument("--seconds", type=int, default=5, help="length of each load")
    arguments = parser.parse_args()
    rows, notes = measure(os.path.abspath(arguments.binary), arguments.seconds)
    with open("/proc/cpuinfo") as file:
        model = next((l.split(":")[1].strip() for l in file if l.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1048576
    print(f"Machine: {os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}. "
          f"{time.strftime('%Y-%m-%d')}, loads of {arguments.seconds} s. Server, load generator and sandboxes share the cores.\n")
    print("| what | bar | measured | unit | beside its floor |\n|---|---|---|---|---|")
    for name, bar, result, unit, floor in rows:
        print(f"| {name} | {bar} | {result} | {unit} | {floor} |")
    for note in notes:
        print(f"\n**{note}**")


main()
