"""Get Usage while it is counted: one key at 500 questions a second, all keys, 90 closed days, and what reading costs the aggregator.

The realistic load (1,000 clients by Zipf, 200 routes) lies over the last 24 hours, and goes on at a pace while it is asked. Beside the times, which
hold for the machine with whatever else it does, stand CPU time and commands: what an answer costs Redis and the API.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time

from drain import BOUNDS
from serving import PAUSE_MS, TOKEN, TOKEN_ASKED, ask, load
from stack import PARTITIONS, PROGRAMS, ROOT, Cpu, Daemon, now_ms, program, rate, table, wait_until

sys.path.insert(0, str(ROOT / "tests/system"))
from chaos import counts  # noqa: E402

DAY_MS, SLOT_MS = 86_400_000, 900_000
CORES = os.cpu_count()
TOPIC = "live"
ONE = "/v1/developer/usage?keyId=CLIENT"
ALL = "/v1/developer/usage"
QUARTER = "timeframe=90d&granularity=day"
LIMITS = {"limits.enterprise_per_minute": 10**9, "limits.enterprise_per_day": 10**12}


def generate(stack, topic, events, start_ms, span_ms, seed=1):
    where = ["--brokers", stack.broker.address, "--topic", topic, "--partitions", PARTITIONS]
    return program("generate", *where, "--events", events, "--start-ms", start_ms, "--span-ms", span_ms, "--seed", seed)


@contextlib.contextmanager
def traffic(stack, per_second):
    """So many events of now each second, as from three collectors that send what they have ten times a second."""
    where = ["--brokers", stack.broker.address, "--topic", TOPIC, "--partitions", str(PARTITIONS)]
    sender = subprocess.Popen([PROGRAMS / "generate", *where, "--events", str(10**9), "--per-second", str(per_second), "--seed", "1000"])
    try:
        yield
        assert sender.poll() is None, "the sender has failed"
    finally:
        sender.kill()
        sender.wait()


class Asked:
    """What a question takes: CPU ms of API and Redis, commands to Redis. While it is counted, Redis' share is not only of questions."""

    def __init__(self, stack, api):
        self.api = api
        self.cpu = Cpu(api=api, redis=stack.redis)
        self.commands = self._commands()

    def _commands(self):
        return self.api.metrics()["daybook_api_redis_commands_total"]

    def taken(self, questions):
        cpu = self.cpu.taken()
        return {
            "api_ms": 1000 * cpu["api"] / questions,
            "redis_ms": 1000 * cpu["redis"] / questions,
            "commands": (self._commands() - self.commands) / questions,
        }


def times(stack, api, token, path, n, pause_s=0.0):
    """Median and largest of n questions, one after the other, and what they cost."""
    found = []
    asked = Asked(stack, api)
    for _ in range(n):
        time.sleep(pause_s)
        begin = time.perf_counter()
        ask(api, "GET", path, token)
        found.append(1000 * (time.perf_counter() - begin))
    return {"ms": statistics.median(found), "worst_ms": max(found), **asked.taken(n)}


def start_api(stack, name, warm=False):
    """One that reads nothing before it is asked, or one that brings the last day into memory first."""
    settings = {"redis.url": stack.redis.url, "auth.token": TOKEN, "cache.warm": str(warm).lower(), **LIMITS}
    api = Daemon("api", "api", stack.directory / name, settings)
    api.start()
    return api, json.loads(ask(api, "POST", "/api/v2/admin/tokens", body=TOKEN_ASKED))["token"]


def _counted(client):
    meta = counts.meta(client, PARTITIONS)
    return meta["events"] + meta["duplicates"]


def fill(stack, events):
    """An aggregator that has counted 24 hours, and goes on."""
    start_ms = (now_ms() - DAY_MS) // SLOT_MS * SLOT_MS + SLOT_MS
    generate(stack, TOPIC, events, start_ms, now_ms() - start_ms)
    aggregator = stack.aggregator(TOPIC, BOUNDS)
    aggregator.start()
    client = stack.redis.client()
    wait_until(lambda: _counted(client) >= events, 900, "all is counted", 0.2)
    return aggregator


def warm_first(stack, number, path=ALL):
    """The first question of an API that was started, and had the time to warm; how long that took, and what it cost."""
    begin = time.monotonic()
    api, token = start_api(stack, f"warm-{number}", warm=True)
    asked = Asked(stack, api)
    try:
        wait_until(lambda: api.metrics().get('daybook_api_warm_rounds_total{outcome="done"}'), 120, "it is warm", 0.02)
        warming = {"s": time.monotonic() - begin, **asked.taken(1), "commands": api.metrics()["daybook_api_warm_commands_total"]}
        return {**times(stack, api, token, path, 1), "warming": warming}
    finally:
        api.kill()


def middle_p99(runs):
    return sorted(runs, key=lambda run: run["p99_ms"])[1]


def one_key(stack, api, token, quick):
    """Another key each time, at 500 a second: the middle of three runs, and what a question costs."""
    asked = Asked(stack, api)
    runs = [load(api.port, ONE, token, 5 if quick else 20, pause_ms=PAUSE_MS) for _ in range(3)]
    return {**middle_p99(runs), **asked.taken(sum(run["requests"] for run in runs))}


def live_questions(stack, quick):
    """First and repeated for all keys, one key at 500 a second; the latter two also while it is counted."""
    first = []
    for number in range(2 if quick else 5):
        api, token = start_api(stack, f"first-{number}")
        first.append(times(stack, api, token, ALL, 1))
        api.kill()
    warm = sorted((warm_first(stack, number) for number in range(1 if quick else 3)), key=lambda run: run["ms"])
    api, token = start_api(stack, "api")
    try:
        times(stack, api, token, ALL, 2)
        again = times(stack, api, token, ALL, 30, pause_s=0.05)
        load(api.port, ONE, token, 10, pause_ms=PAUSE_MS)  # every key was asked for
        one = one_key(stack, api, token, quick)
        with traffic(stack, 4000):
            counting = times(stack, api, token, ALL, 30, pause_s=0.1)
            one_counting = one_key(stack, api, token, quick)
            floor = middle_p99([load(api.port, "/healthz", token, 5, pause_ms=PAUSE_MS) for _ in range(3)])
        rss = api.rss_bytes()
    finally:
        api.kill()
    return {"first": sorted(first, key=lambda run: run["ms"])[len(first) // 2], "warm": warm[len(warm) // 2], "again": again,
            "counting": counting, "one": one, "one_counting": one_counting, "floor": floor, "rss": rss}  # fmt: skip


def quarter(stack, quick):
    """90 closed days by day, of one key and of all; the first time of an API that is warm, and of one that only has their sheets in memory."""
    rows = 4000 if quick else 40000
    program("year", stack.fresh_redis().url, 91, rows, PARTITIONS)
    warm = sorted((warm_first(stack, f"quarter-{i}", f"{ALL}?{QUARTER}") for i in range(1 if quick else 3)), key=lambda run: run["ms"])
    api, token = start_api(stack, "quarter")
    try:
        one, everything = f"{ONE}&{QUARTER}".replace("CLIENT", "client-0007"), f"{ALL}?{QUARTER}"
        times(stack, api, token, f"{ALL}?{QUARTER}&endpoint=GET+/none", 1)  # brings the sheets into memory
        first = times(stack, api, token, everything, 1)
        again = times(stack, api, token, everything, 20, 0.1)
        return {"rows": rows, "one": times(stack, api, token, one, 20, 0.1), "first": first, "warm": warm[len(warm) // 2], "all": again}
    finally:
        api.kill()


def drain_once(stack, topic, events, reading):
    """Events per second, and CPU seconds of worker and Redis, of an aggregator that counts what waits, with or without readers."""
    redis = stack.fresh_redis()
    client = redis.client()
    api, token = start_api(stack, "drain")
    aggregator = stack.aggregator(topic, BOUNDS)
    aggregator.start(wait_s=0)
    begin = wait_until(lambda: _counted(client) and time.monotonic(), 60, "something is counted", 0.005)
    over, asked = threading.Event(), [0]

    def read():
        while reading and not over.wait(0.02):
            with contextlib.suppress(SystemExit):  # a key of which nothing was counted yet: 404
                ask(api, "GET", ALL if asked[0] % 50 == 49 else ONE.replace("CLIENT", f"client-{asked[0] % 1000:04d}"), token)
            asked[0] += 1

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_until(lambda: _counted(client) >= events, 900, "all is counted", 0.02)
    seconds = time.monotonic() - begin
    over.set()
    reader.join()
    found = {"rate": events / seconds, "seconds": seconds, "worker": aggregator.cpu_seconds(), "api": api.cpu_seconds(), "asked": asked[0]}
    aggregator.stop()
    api.kill()
    return found


def slowed(stack, events, rounds):
    """Ratio of the rate with reading to that of the runs without it before and behind. What these differ by shows what can be told at all."""
    topic = "drained"
    start_ms = (now_ms() - 3_700_000) // SLOT_MS * SLOT_MS
    generate(stack, topic, events, start_ms, 3_600_000)
    plain, read = [drain_once(stack, topic, events, False)], []
    for _ in range(rounds):
        read.append(drain_once(stack, topic, events, True))
        plain.append(drain_once(stack, topic, events, False))

    def ratio(name):
        return statistics.mean(2 * read[i][name] / (plain[i][name] + plain[i + 1][name]) for i in range(rounds))

    rates = [run["rate"] for run in plain]
    return {
        "rate": statistics.median(rates),
        "spread": (min(rates) / statistics.median(rates), max(rates) / statistics.median(rates)),
        "rounds": rounds,
        "ratio": ratio("rate"),
        "worker_ratio": ratio("worker"),
        "api_share": statistics.mean(run["api"] / run["seconds"] / CORES for run in read),
        "asked": read[0]["asked"],
    }


def cost(run):
    return f"CPU ms: API {run['api_ms']:.2f}, Redis {run['redis_ms']:.2f}; {run['commands']:,.0f} commands"


def bar(ms, limit):
    return f"{ms:.1f} ms = {ms / limit:.2f} of {limit} ms"


def show(found, events):
    live, days, slow = found["live"], found["quarter"], found["slowed"]
    one, counting = live["one"], live["one_counting"]
    lines = [
        (f"one key, 24 h by hour, {one['rate']:.0f} questions/s over 1,000 keys: p99", bar(one["p99_ms"], 10)),
        ("  p50; for each", f"{one['p50_ms']:.2f} ms; {cost(one)}"),
        (f"  while 4,000 events/s are made and counted on this machine, {counting['rate']:.0f}/s: p99", bar(counting["p99_ms"], 10)),
        ("    p50; for each", f"{counting['p50_ms']:.2f} ms; {cost(counting)}"),
        ("    /healthz at that rate then: p50, p99", f"{live['floor']['p50_ms']:.2f} ms, {live['floor']['p99_ms']:.1f} ms"),
        ("all keys, the first question of an API that has just been started", bar(live["first"]["ms"], 300)),
        ("", cost(live["first"])),
        ("  and of one that is warm", bar(live["warm"]["ms"], 300)),
        ("", cost(live["warm"])),
        ("  which it is after, resting as long as it works", f"{live['warm']['warming']['s']:.1f} s"),
        ("", cost(live["warm"]["warming"])),
        ("all keys again", bar(live["again"]["ms"], 30)),
        ("", cost(live["again"])),
        ("all keys again, while 4,000 events/s are counted", bar(live["counting"]["ms"], 30)),
        ("", cost(live["counting"])),
        ("resident memory of the API then", f"{live['rss'] / 2**20:.0f} MiB"),
        (f"90 closed days of {days['rows']:,} rows, by day, one key", bar(days["one"]["ms"], 50)),
        ("", cost(days["one"])),
        ("  all keys, the first question of an API that is warm", bar(days["warm"]["ms"], 50)),
        ("", cost(days["warm"])),
        ("    which it is after, resting as long as it works", f"{days['warm']['warming']['s']:.1f} s"),
        ("  all keys, the first time, nothing but sheets in memory", bar(days["first"]["ms"], 50)),
        ("", cost(days["first"])),
        ("  all keys again", bar(days["all"]["ms"], 50)),
        ("", cost(days["all"])),
        (f"counting what waits with {slow['asked']} questions meanwhile, each 50th of all keys, to without", f"{slow['ratio']:.2f} (bar 0.95) of {rate(slow['rate'])}"),
        (f"  mean of {slow['rounds']} turns; runs without differ among themselves by", "{:.2f} to {:.2f}".format(*slow["spread"])),
        ("  share of the API in the machine's CPU time", f"{slow['api_share']:.3f}"),
        ("  CPU of the aggregator, with to without", f"{slow['worker_ratio']:.2f}"),
    ]
    table(f"Get Usage: {events:,} events of 24 hours live, all on one machine", lines, 84)


def run(stack, quick):
    events = 500_000 if quick else 2_000_000
    aggregator = fill(stack, events)
    try:
        live = live_questions(stack, quick)
    finally:
        aggregator.stop()
    found = {"live": live, "slowed": slowed(stack, 4 * events, 1 if quick else 8), "quarter": quarter(stack, quick)}
    show(found, events)
    return found
