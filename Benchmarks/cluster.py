#!/usr/bin/python3.11
"""Measures a cluster on this machine, every part a process of its own, and writes a report in Markdown.

Called by scripts/bench --cluster, which builds what it needs. The cluster is started by scripts/cluster: two gateways, two
dispatchers, three nodes, a broker and Redis, all on the cores that the load generator uses too.
"""
import argparse, glob, http.client, json, os, platform, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
HANDLER = "def handler(event):\n    return event['a'] + event['b']\n"
BODY = {"code": HANDLER, "language": "python", "event": {"a": 1, "b": 2}}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cluster-bench-")
        self.port = 20000 + os.getpid() % 20000
        environment = {**os.environ, "LOG_LEVEL": "warning", "WARM_POOL_SIZE": "4"}
        self.process = subprocess.Popen([os.path.join(HERE, "../scripts/cluster"), "--port", str(self.port), "--data", self.folder],
                                        env=environment, stdout=sys.stderr, stderr=sys.stderr, start_new_session=True)
        deadline = time.monotonic() + 300
        while not os.path.exists(self.folder + "/gateways"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the cluster did not start")
            time.sleep(0.1)
        self.connections = [http.client.HTTPConnection("127.0.0.1", self.port + n, timeout=120) for n in (0, 1)]

    def call(self, method, path, body=None, gateway=0):
        connection = self.connections[gateway]
        connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {data[:300]!r}")
        return json.loads(data) if data else None

    def session(self):
        session = self.call("POST", "/api/v1/sessions", {"template_id": "python-basic"})
        while session["status"] == "creating":
            # Asking without a pause would take the processor from those who are asked.
            time.sleep(0.0005)
            session = self.call("GET", f"/api/v1/sessions/{session['id']}")
        return session["id"]

    def wrk(self, method, paths, body=None, connections=1, seconds=5):
        for name, text in (("paths", "\n".join(paths)), ("body", json.dumps(body))):
            with open(f"{self.folder}/{name}", "w") as file:
                file.write(text)
        arguments = [method, self.folder + "/paths"] + ([self.folder + "/body"] if body is not None else [])
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s",
                              os.path.join(HERE, "request.lua"), f"http://127.0.0.1:{self.port}", "--", *arguments],
                             capture_output=True, text=True, check=True).stdout
        line = next(l for l in out.splitlines() if l.startswith("RESULT")).split()
        requests, micros, low, p50, p99, high, failed = map(float, line[1:])
        return {"rate": requests / micros * 1e6, "p50": p50 / 1e3, "p99": p99 / 1e3, "max": high / 1e3, "failed": int(failed)}

    def cpu(self):
        """Seconds of each part, children included."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                parents[int(pid)] = (int(fields[1]), sum(map(int, fields[11:15])))
            except OSError:
                pass
        used = {}
        for path in glob.glob(self.folder + "/*.pid"):
            name = os.path.basename(path)[:-4].rstrip("0123456789-")
            with open(path) as file:
                family = {int(file.read())}
            while new := {pid for pid, (parent, _) in parents.items() if parent in family} - family:
                family |= new
            ticks = sum(parents[pid][1] for pid in family if pid in parents)
            used[name] = used.get(name, 0) + ticks / os.sysconf("SC_CLK_TCK")
        return used

    def hops(self):
        """What the broker takes for one record, with nothing else to do."""
        with open(self.folder + "/kafka/server.properties") as file:
            address = next(l.split("//")[1].strip() for l in file if l.startswith("advertised.listeners="))
        program = os.path.join(HERE, "../.build-release/release/kafka-bus-benchmark")
        out = subprocess.run([program, "1000"], env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": address},
                             capture_output=True, text=True, check=True).stdout
        return [line.split("\t") for line in out.splitlines()]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(90)


def measure(seconds):
    rows, notes = [], []

    def row(name, bar, result, unit="ms"):
        rows.append((name, bar, result, unit))
        print(f"  {name}: {result}", file=sys.stderr, flush=True)

    cluster = Cluster()
    try:
        path = f"/api/v1/executions/sessions/{cluster.session()}/execute-sync"
        # The broker's own code has to become warm.
        cluster.wrk("POST", [path], BODY, connections=4, seconds=max(30, seconds))
        for name, p50, p99 in cluster.hops():
            row(f"floor: a record {name}", "", f"p50 {p50}, p99 {p99}")
        one = cluster.wrk("POST", [path], BODY, seconds=seconds)
        row("execute-sync, one client", "p50 ≤ 4.5, p99 ≤ 20", f"p50 {one['p50']:.2f}, p99 {one['p99']:.2f}, max {one['max']:.1f}")
        paths = [f"/api/v1/executions/sessions/{cluster.session()}/execute-sync" for _ in range(8)]
        before = cluster.cpu()
        many = cluster.wrk("POST", paths, BODY, connections=32, seconds=seconds)
        after = cluster.cpu()
        row("executions, 8 sessions, 32 clients", "≥ 500", f"{many['rate']:.0f}", "/s")
        for name in sorted(after):
            row(f"processor time for each of them: {name}", "", f"{(after[name] - before[name]) / (many['rate'] * seconds) * 1e3:.2f}")
        notes += [f"{r['failed']} requests failed" for r in (one, many) if r["failed"]]
        times = []
        for _ in range(40):
            start = time.perf_counter()
            made = cluster.session()
            times.append((time.perf_counter() - start) * 1e3)
            cluster.call("DELETE", f"/api/v1/sessions/{made}")
            time.sleep(0.15)
        row("session from a warm pool, POST to running", "p50 ≤ 5", f"p50 {percentile(times, .5):.2f}, p99 {percentile(times, .99):.2f}")
        target = cluster.session()
        submit = cluster.wrk("POST", [f"/api/v1/executions/sessions/{target}/execute"], BODY, seconds=seconds)
        row("submit → 201, one client", "", f"p50 {submit['p50']:.2f}, p99 {submit['p99']:.2f}")
        cluster.call("DELETE", f"/api/v1/sessions/{target}")
    finally:
        cluster.stop()
    return rows, notes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of each load")
    arguments = parser.parse_args()
    rows, notes = measure(arguments.seconds)
    with open("/proc/cpuinfo") as file:
        model = next((l.split(":")[1].strip() for l in file if l.startswith("model name")), platform.machine())
    print(f"Machine: {os.cpu_count()} cores ({model}), Linux {platform.release()}. {time.strftime('%Y-%m-%d')}, loads of "
          f"{arguments.seconds} s. Everything shares the cores.\n")
    print("| what | bar | measured | unit |\n|---|---|---|---|")
    for name, bar, result, unit in rows:
        print(f"| {name} | {bar} | {result} | {unit} |")
    for note in notes:
        print(f"\n**{note}**")


main()
