"""What the API serves: small authenticated answers beside nginx and a static file, one client's month by day, and slow readers."""

import json
import selectors
import socket
import statistics
import subprocess
import threading
import time
import urllib.error
import urllib.request

from stack import ROOT, Daemon, free_port, now_ms, program, table, wait_until
from chaos.parts import Part

TOKEN = "bench-token-of-no-secrecy"
TOKEN_ASKED = {"name": "bench", "organization": None, "tier": "enterprise", "permissions": ["usage:organization:view", "usage:client:view"]}
DAY_MS = 86_400_000
PARTITIONS = 4
CONNECTIONS, PAUSE_MS = 50, 100
READERS, READ_BYTES, READ_S = 100, 4096, 0.1  # each 40 kB/s
DAYS_PATH = "/api/v2/usage/days?pageSize=3"
NGINX = """daemon off; pid {directory}/pid; error_log {directory}/log; worker_processes 2; master_process on;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ application/json json; }}
    client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
    uwsgi_temp_path {directory}; scgi_temp_path {directory};
    server {{ listen 127.0.0.1:{port}; root {directory}; }}
}}
"""


class Nginx(Part):
    """Serves files under its directory, and nothing else."""

    def __init__(self, directory):
        super().__init__("nginx", directory)
        self.port = free_port()
        (self.directory / "nginx.conf").write_text(NGINX.format(directory=self.directory, port=self.port))

    def argv(self):
        return ["nginx", "-e", str(self.directory / "log"), "-c", str(self.directory / "nginx.conf")]

    def ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def ask(api, method, path, token=TOKEN, body=None):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}{path}", data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from None


def load(port, path, token, seconds, connections=CONNECTIONS, pause_ms=None):
    """wrk on one thread, each connection with one request at a time, at once or after a pause."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", ROOT / "tests/bench/asks.lua"]
    command += ["-H", f"Authorization: Bearer {token}", f"http://127.0.0.1:{port}{path}"]
    command += [pause_ms] if pause_ms else []
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=seconds + 60)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["failed"] == 0, done.stdout
    time.sleep(0.5)  # what wrk left behind is answered
    result["rate"] = result["requests"] / result["seconds"]
    return result


def middle(runs):
    """The run with the median rate."""
    return sorted(runs, key=lambda run: run["rate"])[len(runs) // 2]


def small_answers(api, nginx, token, seconds):
    """Both in turn, so that what else the machine does falls on both."""
    (nginx.directory / "days.json").write_bytes(ask(api, "GET", DAYS_PATH, token))
    ours, theirs, ratios = [], [], []
    for _ in range(5):
        theirs.append(load(nginx.port, "/days.json", token, seconds))
        ours.append(load(api.port, DAYS_PATH, token, seconds))
        ratios.append(ours[-1]["rate"] / theirs[-1]["rate"])
    return {"ours": middle(ours), "nginx": middle(theirs), "ratio": statistics.median(ratios)}


# ---- one client's month ----


def month_paths():
    today = now_ms() // DAY_MS
    first, last = (time.strftime("%Y-%m-%d", time.gmtime((today - back) * 86400)) for back in (30, 1))
    usage = "timeframe=30d&granularity=day&includeEndpoints=false&includeErrors=false&includeLatency=false"
    return {
        "report": f"/api/v2/usage/report?interval={first}/{last}&clients=CLIENT",
        "Get Usage": f"/v1/developer/usage?keyId=CLIENT&{usage}",
    }


def months(api, nginx, token, seconds):
    """With pauses, as dashboards ask; at full speed 50 connections wait for each other, whatever is asked."""
    results = {}
    for name, path in month_paths().items():
        load(api.port, path, token, seconds)  # the sheets are in memory
        of_one = path.replace("CLIENT", "client-0007")
        results[name] = {
            "one": paced(api.port, of_one, token, seconds),
            "any": paced(api.port, path, token, seconds),
            "nginx": paced(nginx.port, "/days.json", token, seconds),
            "fast": middle([load(api.port, of_one, token, seconds) for _ in range(3)]),
            "fast_any": middle([load(api.port, path, token, seconds) for _ in range(3)]),
        }
    return results


def paced(port, path, token, seconds):
    """The run with the median p99."""
    runs = [load(port, path, token, seconds, pause_ms=PAUSE_MS) for _ in range(3)]
    return sorted(runs, key=lambda run: run["p99_ms"])[1]


# ---- slow readers ----


class SlowReaders(threading.Thread):
    """Readers of one CSV, each READ_BYTES every READ_S."""

    def __init__(self, port, path, token):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.selector = selectors.DefaultSelector()
        self.bytes = [0] * READERS
        self.ended = 0
        for number in range(READERS):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BYTES)
            client.connect(("127.0.0.1", port))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            client.setblocking(False)
            self.selector.register(client, selectors.EVENT_READ, number)
            time.sleep(0.01)  # not more at once than may wait for a worker

    def run(self):
        while not self.over.wait(READ_S):
            for key, _ in self.selector.select(0):
                got = key.fileobj.recv(READ_BYTES)
                self.bytes[key.data] += len(got)
                if not got:
                    self.ended += 1
                    self.selector.unregister(key.fileobj)

    def __enter__(self):
        self.start()
        wait_until(lambda: min(self.bytes) > READ_BYTES, 120, "every reader has begun", 0.05)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def slow_readers(api, token, seconds):
    """p99 of small questions without and with them, in turn."""
    paths = month_paths()
    csv = paths["report"].replace("/report?", "/report.csv?section=all&").replace("&clients=CLIENT", "")
    size = len(ask(api, "GET", csv, token))
    questions = {"days": DAYS_PATH, "one client's month": paths["Get Usage"]}
    found = {name: {"without": [], "with": []} for name in questions}
    for _ in range(3):
        for name, path in questions.items():
            found[name]["without"].append(load(api.port, path, token, seconds, connections=4))
        with SlowReaders(api.port, csv, token) as readers:
            for name, path in questions.items():
                found[name]["with"].append(load(api.port, path, token, seconds, connections=4))
            assert readers.ended == 0, "the CSV is too small for readers so slow"
    medians = {
        name: {which: statistics.median(run["p99_ms"] for run in runs) for which, runs in pair.items()}
        for name, pair in found.items()
    }
    return {"csv_bytes": size, "rss": api.rss_bytes(), **medians}


# ---- all of it ----


def said(run):
    return f"{run['rate']:,.0f}/s, p50 {run['p50_ms']:.2f} ms, p99 {run['p99_ms']:.2f} ms"


def run(stack, quick):
    seconds, rows = (2, 4000) if quick else (5, 40000)
    program("year", stack.fresh_redis().url, 31, rows, PARTITIONS)
    limits = {"limits.enterprise_per_minute": 10**9, "limits.enterprise_per_day": 10**12, "cache.sheets_max_bytes": "1GiB"}
    settings = {"redis.url": stack.redis.url, "auth.token": TOKEN, **limits}
    api, nginx = Daemon("api", "api", stack.directory / "api", settings), Nginx(stack.directory / "nginx")
    try:
        api.start()
        nginx.start()
        made = json.loads(ask(api, "POST", "/api/v2/admin/tokens", body=TOKEN_ASKED))
        token = made["token"]
        small = small_answers(api, nginx, token, seconds)
        month = months(api, nginx, token, seconds)
        slow = slow_readers(api, token, seconds)
    finally:
        api.kill()
        nginx.kill()
    show(small, month, slow, rows)
    return {"small": small, "month": month, "slow": slow}


def show(small, month, slow, rows):
    size = f"{CONNECTIONS} connections"
    lines = [
        (f"/api/v2/usage/days, token of the registry, limits on, {size}", said(small["ours"])),
        (f"nginx, a static file of that size, {size}", said(small["nginx"])),
        ("  ratio of requests/s", f"{small['ratio']:.2f} (bar 0.7)"),
    ]
    for name, runs in month.items():
        lines += [
            (f"one client's month by day, {name}, {size}, each 10 a second", f"{said(runs['one'])} (bar 5)"),
            ("  another client each time", said(runs["any"])),
            ("  nginx and the static file, asked so", said(runs["nginx"])),
            ("  as fast as it goes", said(runs["fast"])),
            ("  as fast as it goes, another client each time", said(runs["fast_any"])),
        ]
    for name in ("days", "one client's month"):
        pair = slow[name]
        change = f"{pair['without']:.2f} -> {pair['with']:.2f} ms = {pair['with'] / pair['without']:.2f}"
        lines.append((f"p99 of {name} without and with {READERS} slow readers of a CSV", change))
    lines.append((f"  of {slow['csv_bytes'] / 1e6:.1f} MB; resident memory of the API then", f"{slow['rss'] / 2**20:.0f} MiB"))
    table(f"API: 30 closed days of {rows:,} rows, all on one machine", lines, 76)
