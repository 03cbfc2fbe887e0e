"""What 10,000 limits cost the aggregator, and how soon an alert is there."""

import json
import random
import statistics
import time
import urllib.request

from drain import BOUNDS, _counted, generate
from stack import Cpu, Daemon, rate, table, wait_until

TOKEN = "bench-token-of-the-alerts"
LIMITS, BAR, TURNS = 10_000, 0.98, 3
METERS = ("alert_checks", "alert_reads", "alerts_raised")
PERIODS = ("minute", "hour", "day", "week", "month")
METHODS = ("orders", "users", "carts", "reports", "tickets")


def limits(clients):
    """Of each client hits in every period, and methods a day, until there are enough. Some are reached, most are not."""
    rng = random.Random(1)
    kinds = [("hits", period) for period in PERIODS] + [(method, "day") for method in METHODS]
    made = {}
    while len(made) < LIMITS:
        for organization, client in clients:
            metric, period = kinds[len(made) // len(clients) % len(kinds)]
            name, value = f"limit-{len(made)}", int(10 ** rng.uniform(2, 6))
            entry = dict(id=name, organization=organization, client=client, plan=None, metric=metric, period=period, value=value)
            made[name] = json.dumps({**entry, "levels": []})
            if len(made) == LIMITS:
                break
    return made


def register(client, clients):
    for method in METHODS:
        entry = dict(name=method, title="", organization=None, endpoints=[f"ANY /*/{method}/**"])
        client.hset("{daybook}:methods", method, json.dumps(entry))
    client.hset("{daybook}:limits", mapping=limits(clients))
    client.incr("{daybook}:version")


def names_of(stack):
    """(organization, client) of all that were counted."""
    client = stack.redis.client()
    found = set()
    for key in client.scan_iter("{p*}:c:*", count=10000):
        found |= {tuple(name.split("\x1f")) for name in client.hkeys(key)}
    return sorted(name for name in found if len(name) == 2)


def api_of(stack):
    return Daemon("api", "api", stack.directory / "api", {"redis.url": stack.redis.url, "auth.token": TOKEN})


def drained(stack, events, clients):
    """An aggregator counts everything, beside an API that checks limits; clients None: there are none."""
    redis = stack.fresh_redis()
    client = redis.client()
    if clients:
        register(client, clients)
    api = api_of(stack).start()
    aggregator = stack.aggregator("alerts", BOUNDS)
    cpu = Cpu(redis=redis, api=api)
    launched = time.monotonic()
    aggregator.start(wait_s=0)
    wait_until(lambda: _counted(client, aggregator) >= events, 900, "all is counted", 0.02)
    seconds = time.monotonic() - launched
    taken = {**cpu.taken(), "aggregator": aggregator.cpu_seconds()}
    result = {"events": events, "rate": events / seconds, "seconds": seconds, "cpu": taken}
    result |= {name: api.metric(f"daybook_api_{name}_total") for name in METERS}
    names = names_of(stack) if clients is None else None
    aggregator.stop()
    api.stop()
    return result, names


def soon(stack, n):
    """Seconds from a request that reaches a level to its alert, with the default settings."""
    redis = stack.fresh_redis()
    register(redis.client(), [("acme", f"c-{i}") for i in range(1000)])
    for i in range(n):
        entry = dict(id=f"soon-{i}", organization="acme", client=f"soon-{i}", plan=None, metric="hits", period="day", value=10)
        redis.client().hset("{daybook}:limits", f"soon-{i}", json.dumps({**entry, "levels": []}))
    stack.create_topic("soon")
    parts = [stack.collector("soon"), stack.aggregator("soon"), api_of(stack)]
    for part in parts:
        part.start()
    found = []
    for i in range(n):
        event = {"method": "GET", "route": "/v1/orders", "status": 200, "organization": "acme", "client": f"soon-{i}"}
        body = json.dumps([event] * 5).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{parts[0].port}/v1/events", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()
        begun = time.monotonic()
        wait_until(lambda: redis.client().hlen("{daybook}:alerts:levels") > i, 90, "it is raised", 0.05)
        found.append(time.monotonic() - begun)
        time.sleep(random.random() * 3)
    for part in parts:
        part.stop()
    return found


def per_million(result, part):
    return result["cpu"][part] / result["events"] * 1e6


def run(stack, sizes):
    events, n = sizes
    generate(stack, "alerts", events)
    _, clients = drained(stack, events, None)
    turns = [(drained(stack, events, None)[0], drained(stack, events, clients)[0]) for _ in range(TURNS)]
    ratio = statistics.median(with_them["rate"] / without["rate"] for without, with_them in turns)
    without, with_them = (sorted(column, key=lambda one: one["rate"])[TURNS // 2] for column in zip(*turns))
    cpu = {part: per_million(without, part) for part in without["cpu"]}
    more = {part: per_million(with_them, part) for part in with_them["cpu"]}
    seconds = soon(stack, n)
    rows = [
        (f"aggregator beside {LIMITS:,} limits of {len(clients):,} clients", rate(with_them["rate"])),
        ("  beside none", f"{rate(without['rate'])}  (ratio {ratio:.3f}, bar {BAR})"),
        ("CPU s per million events beside them", ", ".join(f"{part} {taken:.3f}" for part, taken in more.items())),
        ("  beside none", ", ".join(f"{part} {taken:.3f}" for part, taken in cpu.items())),
        ("checks, windows that were read, alerts raised", ", ".join(str(int(with_them[name])) for name in METERS)),
        (f"s from a request to its alert, {n} times", f"median {statistics.median(seconds):.1f}, most {max(seconds):.1f}, bar 60"),
    ]
    table(f"Alerts: {events:,} realistic events waiting, with and without limits (median of {TURNS} turns)", rows)
    return {"ratio": ratio, "with": with_them, "without": without, "seconds": seconds}
