"""What the collector takes, by input; how soon it acknowledges; what memory it needs; and how fresh the answer of the API is."""

import http.client
import json
import os
import resource
import subprocess
import threading
import time

from stack import PARTITIONS, PROGRAMS, ROOT, free_port, now_ms, program, rate, table, wait_until

BIN = ROOT / "build/release/bin"
COMMIT_MS = 10
PROBERS = 4
CONNECTIONS = 32  # of the services beside a sidecar, each with one request at a time


def bare(stack, events, batch, form):
    topic = f"bare-{form}-{batch}"
    stack.create_topic(topic)
    done = max(
        (program("produce", stack.broker.address, topic, PARTITIONS, events, batch, form) for _ in range(2)),
        key=lambda run: run["events"] / run["seconds"],
    )
    return done["events"] / done["seconds"], done["cpu_seconds"] / done["events"] * 1e6


def post(collector, events, form="json", batch=100, connections=8, socket=False, **options):
    where = ["--socket", collector.directory / "socket"] if socket else ["--port", collector.port]
    more = [text for name, value in options.items() for text in ([f"--{name}"] if value is True else [f"--{name}", value])]
    return program("http", *where, "--form", form, "--events", events, "--batch", batch, "--connections", connections, *more)


def throughput(stack, events):
    """Events per second over HTTP beside a bare producer, and CPU per million events of each input."""
    record_rate, record_cpu = bare(stack, events * 2, 100, "record")
    json_rate, json_cpu = bare(stack, events, 100, "json")
    stack.create_topic("inputs")
    collector = stack.collector("inputs").start()
    rows, results = [], {"bare_record": record_rate, "bare_json": json_rate}
    for name, options in (
        ("HTTP JSON", {"form": "json"}),
        ("HTTP JSON, 8 connections", {"form": "json", "connections": 8}),
        ("HTTP JSON, unix socket", {"form": "json", "socket": True}),
        ("HTTP NDJSON", {"form": "ndjson"}),
        ("HTTP CloudEvents batch", {"form": "cloudevents"}),
        ("HTTP protobuf", {"form": "protobuf"}),
    ):
        done = measured_post(collector, events, options)
        results[name] = done
        rows.append(
            (f"{name}, batches of 100, fsync before the answer", f"{rate(done['rate'])}, {done['cpu']:.2f} CPU s per million")
        )
    collector.stop()
    rows += [(name, f"{rate(done['rate'])}, {done['cpu']:.2f} CPU s per million") for name, done in files(stack, events).items()]
    ours = results["HTTP JSON"]["rate"]
    rows += [
        (
            "bare producer, the same events packed as Records",
            f"{rate(record_rate)}, {record_cpu:.2f} CPU s per million  (HTTP JSON: {ours / record_rate:.2f} of it)",
        ),
        (
            "bare producer, the same batches as JSON",
            f"{rate(json_rate)}, {json_cpu:.2f} CPU s per million  (HTTP JSON: {ours / json_rate:.2f} of it, bar 0.25)",
        ),
    ]
    table(f"Collector: {events:,} events an input", rows)
    return results


def measured_post(collector, events, options):
    cpu = collector.cpu_seconds()
    done = post(collector, events, **{"connections": CONNECTIONS, **options})
    wait_until(lambda: collector.metric("daybook_collector_journal_unacknowledged_batches") == 0, 120, "all is in Kafka", 0.05)
    return {"rate": done["accepted"] / done["seconds"], "cpu": (collector.cpu_seconds() - cpu) / events * 1e6, **done}


def files(stack, events):
    """A followed file and an import, of the same lines."""
    results = {}
    for form, name in (("combined", "follow, combined log"), ("ndjson", "follow, JSON lines")):
        path = stack.directory / f"{form}.log"
        with open(path, "wb") as out:
            subprocess.run([PROGRAMS / "lines", form, str(events)], stdout=out, check=True)
        collector = stack.collector(
            "inputs",
            {"follow.bench.path": path, "follow.bench.format": form, "follow.bench.start": "beginning"},
            name=f"follow-{form}",
        )
        begin = time.monotonic()
        collector.start(wait_s=0)
        wait_until(
            lambda: collector.metric("daybook_collector_events_accepted_total") >= events, 300, "all lines are taken", 0.02
        )
        results[name] = {"rate": events / (time.monotonic() - begin), "cpu": collector.cpu_seconds() / events * 1e6}
        collector.stop()
    results["import, combined log"] = run_import(stack, stack.directory / "combined.log", events)
    return results


def run_import(stack, path, events):
    """It begins when an aggregator has accepted it, so there is one."""
    stack.create_topic("imports")
    aggregator = stack.aggregator("imports").start()
    place = {"KAFKA_BROKERS": stack.broker.address, "TOPIC": "imports", "REDIS_URL": stack.redis.url}
    command = [str(BIN / "daybook"), "import", "--format", "combined", "--no-wait", "--quiet", str(path)]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env={**os.environ, **place})
    assert done.returncode == 0, done.stderr
    seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    aggregator.stop()
    return {"rate": events / seconds, "cpu": cpu / events * 1e6}


def acknowledgement(stack, seconds):
    """p99 of the time to the answer under light load."""
    stack.create_topic("light")
    collector = stack.collector("light", {"journal.commit_ms": COMMIT_MS}).start()
    rows = []
    for connections, events_s in ((1, 100), (4, 1000)):
        done = post(collector, events_s * seconds, batch=5, connections=connections, rate=events_s)
        rows.append(
            (
                f"{events_s} events/s in requests of 5, {connections} connections",
                f"p50 {done['ack_p50_ms']:.1f} ms, p99 {done['ack_p99_ms']:.1f} ms"
                f" = {done['ack_p99_ms'] / COMMIT_MS:.1f} commit intervals (bar 3)",
            )
        )
    collector.stop()
    table(f"Collector: acknowledgement under light load, journal.commit_ms={COMMIT_MS}", rows)
    return rows


def memory(stack, backlog_bytes):
    """Resident memory idle, with a backlog in the journal, after a restart with it, and while it drains."""
    stack.create_topic("backlog")
    idle = stack.collector("backlog", name="idle").start()
    time.sleep(3)
    idle_rss = idle.rss_bytes()
    idle.stop()
    dead = f"127.0.0.1:{free_port()}"
    limit = backlog_bytes + (1 << 30)
    collector = stack.collector("backlog", {"journal.max_bytes": limit}, name="full").start()
    post(collector, 1000)  # it has seen the topic once, and knows its partitions
    wait_until(
        lambda: collector.metric("daybook_collector_journal_unacknowledged_batches") == 0, 30, "the first ones are in Kafka"
    )
    collector.stop()
    collector.settings["kafka.brokers"] = dead
    collector.start(wait_s=0)
    wait_until(lambda: collector.get("/healthz")[0] == 200, 30, "the collector answers")
    while collector.metric("daybook_collector_journal_bytes") < backlog_bytes:
        post(collector, 400_000, fat=True)
    full_rss = collector.rss_bytes()
    peak = collector.peak_rss_bytes()
    collector.stop()
    collector.settings["kafka.brokers"] = stack.broker.address
    begin = time.monotonic()
    collector.start(wait_s=120)
    ready_s = time.monotonic() - begin
    wait_until(
        lambda: collector.metric("daybook_collector_journal_unacknowledged_batches") == 0, 1200, "the backlog is in Kafka", 1
    )
    drain_s = time.monotonic() - begin
    drain_peak = collector.peak_rss_bytes()
    collector.stop()
    size = f"{backlog_bytes / 1e9:.1f} GB"
    rows = [
        ("idle", f"{idle_rss / 2**20:.1f} MiB (bar 24)"),
        (f"with a backlog of {size}", f"{full_rss / 2**20:.1f} MiB, peak while it grew {peak / 2**20:.1f} MiB (bar 96)"),
        ("  restarted with it: ready after", f"{ready_s:.1f} s"),
        ("  drained to Kafka", f"in {drain_s:.0f} s, peak {drain_peak / 2**20:.1f} MiB (bar 96)"),
    ]
    table("Collector: resident memory", rows)
    return {"idle": idle_rss, "backlog": full_rss, "peak": peak, "drain_peak": drain_peak}


# ---- freshness ----


class Background(threading.Thread):
    """A steady load of bench-http."""

    def __init__(self, collector, events_s, seconds):
        super().__init__(daemon=True)
        self.arguments = (collector, events_s * seconds)
        self.rate = events_s
        self.result = None

    def run(self):
        self.result = post(*self.arguments, rate=self.rate)


def freshness(stack, seconds, events_s=100_000):
    """From the acknowledgement of an event to its being in the API's answer, asked by a client outside every few ms."""
    stack.fresh_redis()
    stack.create_topic("fresh")
    token = "bench-token-of-no-secrecy"
    collector, aggregator = stack.collector("fresh", name="fresh").start(), stack.aggregator("fresh").start()
    api = stack.api(token).start()
    load = Background(collector, events_s, seconds)
    load.start()
    time.sleep(2)
    probers = [Prober(number, collector, api, token, load) for number in range(PROBERS)]
    for prober in probers:
        prober.start()
    for thread in (load, *probers):
        thread.join()
    delays = [delay for prober in probers for delay in prober.delays]
    for daemon in (collector, aggregator, api):
        daemon.stop()
    delays.sort()
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    achieved = load.result["accepted"] / load.result["seconds"]
    rows = [
        (f"load: {rate(events_s)} wanted", f"{rate(achieved)} taken, ack p99 {load.result['ack_p99_ms']:.0f} ms"),
        (
            "acknowledged -> visible in the API",
            f"p50 {p50:.2f} s, p99 {p99:.2f} s, max {delays[-1]:.2f} s of {len(delays)} probes (bar 2)",
        ),
    ]
    table("Freshness", rows)
    return {"p50": p50, "p99": p99, "max": delays[-1], "probes": len(delays), "rate": achieved}


class Prober(threading.Thread):
    """Posts one event of a client of its own and asks until the API has counted it; then the next one, as long as the load lasts."""

    def __init__(self, number, collector, api, token, load):
        super().__init__(daemon=True)
        self.client = f"probe-{number}"
        self.collector, self.api, self.token, self.load = collector, api, token, load
        self.delays = []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.collector.port, timeout=30)
        while self.load.is_alive():
            event = {"client": self.client, "method": "GET", "route": "/probe", "status": 200, "time": now_ms()}
            connection.request("POST", "/v1/events", json.dumps(event), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 202, answer.read()
            answer.read()
            acknowledged = time.monotonic()
            wait_until(lambda: self.seen() > len(self.delays), 60, "the probe is visible", 0.02)
            self.delays.append(time.monotonic() - acknowledged)

    def seen(self):
        path = f"/v1/developer/usage?keyId={self.client}&timeframe=1h&includeEndpoints=false&includeErrors=false&includeLatency=false"
        status, text = self.api.get(path, headers={"Authorization": f"Bearer {self.token}"}, timeout_s=30)
        return json.loads(text)["usage"]["totalRequests"] if status == 200 else 0
