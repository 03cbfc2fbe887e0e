"""How fast the aggregator counts what waits in the topic, beside its limit and its peer, and what that costs in memory."""

import json
import re
import subprocess
import sys
import time

from stack import PARTITIONS, ROOT, Cpu, now_ms, program, rate, table, wait_until

sys.path.insert(0, str(ROOT / "tests/system"))
from chaos import counts  # noqa: E402


def generate(stack, topic, events, *arguments):
    start_ms = (now_ms() - 3_700_000) // 900_000 * 900_000
    return program(
        "generate",
        "--brokers",
        stack.broker.address,
        "--topic",
        topic,
        "--partitions",
        PARTITIONS,
        "--events",
        events,
        "--start-ms",
        start_ms,
        *arguments,
    )


def read_rate(stack, topic, events, runs=3):
    """Events per second of bare librdkafka, the best of some runs: a limit is a maximum."""
    seconds = min(program("read", stack.broker.address, topic, PARTITIONS)["seconds"] for _ in range(runs))
    return events / seconds


def drain(stack, topic, events, settings=None):
    """Runs an aggregator on a fresh Redis until everything is counted."""
    redis = stack.fresh_redis()
    client = redis.client()
    aggregator = stack.aggregator(topic, {**BOUNDS, **(settings or {})})
    cpu = Cpu(redis=redis, broker=stack.broker)
    launched = time.monotonic()
    aggregator.start(wait_s=0)
    first = wait_until(lambda: counts.meta(client, PARTITIONS)["events"] and time.monotonic(), 60, "something is counted", 0.005)
    wait_until(lambda: _counted(client, aggregator) >= events, 900, "all is counted", 0.02)
    done = time.monotonic()
    result = {
        "events": events,
        "seconds": done - launched,
        "seconds_since_first": done - first,
        "cpu": {**cpu.taken(), "worker": aggregator.cpu_seconds()},
        "peak_rss_mb": aggregator.peak_rss_bytes() / 2**20,
        "redis_mb": int(client.info("memory")["used_memory"]) / 2**20,
        "bound_mb": memory_bound_mb(),
    }
    aggregator.stop()
    return result


def _counted(client, aggregator):
    assert aggregator.alive(), aggregator.log_tail()
    meta = counts.meta(client, PARTITIONS)
    return meta["events"] + meta["duplicates"]


# What a worker may need (docs/OPERATIONS.md): open buckets and symbols (cache.max_bytes); for each thread a payload
# (flush.max_payload_bytes) and what it has read ahead, packed and unpacked; what malloc keeps for later, and the program.
CACHE_MIB, PAYLOAD_MIB, THREADS, AHEAD_MIB, OTHER_MIB = 384, 16, 2, 32, 128
BOUNDS = {"cache.max_bytes": f"{CACHE_MIB}MiB", "flush.max_payload_bytes": f"{PAYLOAD_MIB}MiB", "worker.threads": THREADS}


def memory_bound_mb():
    return CACHE_MIB + THREADS * (PAYLOAD_MIB + AHEAD_MIB) + OTHER_MIB


def peer(stack, topic, events, counts):
    """The Python worker on a fresh Redis."""
    redis = stack.fresh_redis()
    cpu = Cpu(redis=redis, broker=stack.broker)
    command = [
        sys.executable,
        ROOT / "tests/bench/peers/python_worker.py",
        "--brokers",
        stack.broker.address,
        "--topic",
        topic,
        "--partitions",
        PARTITIONS,
        "--redis-port",
        redis.port,
        "--proto",
        ROOT / "build/gen/python",
        "--events",
        events,
        "--counts",
        counts,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise SystemExit(done.stderr)
    result = json.loads(done.stdout)
    result["cpu"] = {**cpu.taken(), "worker": result["cpu_seconds"]}
    return result


def redis_benchmark(stack):
    """HINCRBY per second by Redis' own tool, pipelined by 1,000 as the peer does."""
    redis = stack.fresh_redis()
    command = [
        "redis-benchmark",
        "-p",
        redis.port,
        "-c",
        1,
        "-P",
        1000,
        "-n",
        1000000,
        "-r",
        100000,
        "--csv",
        "HINCRBY",
        "h:__rand_int__",
        "f",
        1,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
    return float(re.findall(r'"([\d.]+)"', done.stdout.splitlines()[-1])[0])


def per_million(result):
    return ", ".join(f"{name} {seconds / result['events'] * 1e6:.2f}" for name, seconds in result["cpu"].items())


def against(ours, theirs):
    return f"{rate(theirs)}  (ratio {ours / theirs:.1f}, bar 20)"


def best_of_turns(ours, peers, turns=3):
    """The fastest run of each of two, run in turns: a machine that is slow for a while is slow for both."""
    results = [(ours(), peers()) for _ in range(turns)]
    return tuple(max(column, key=lambda result: result["events"] / result["seconds"]) for column in zip(*results))


def run(stack, events, sample, quick):
    """The table of the aggregator; its numbers."""
    results = {}
    generate(stack, "realistic", events, "--singles-topic", "singles", "--singles", sample)
    limit = read_rate(stack, "realistic", events)
    ours, full = best_of_turns(
        lambda: drain(stack, "realistic", events), lambda: peer(stack, "singles", sample, "four")
    )
    same, one = peer(stack, "singles", sample, "same"), peer(stack, "singles", sample, "one")
    tool = redis_benchmark(stack)
    our_rate = events / ours["seconds"]
    peers = {"same": same, "four": full, "one": one}
    rates = {name: done["events"] / done["seconds"] for name, done in peers.items()}
    rows = [
        ("aggregator, exactly once into Redis, from its start on", rate(our_rate)),
        ("  the same from its first commit on", rate(events / ours["seconds_since_first"])),
        ("limit: bare librdkafka reads the topic, decoding nothing", f"{rate(limit)}  (ratio {our_rate / limit:.2f})"),
        ("peer: Python worker, the same sums (8 HINCRBY an event)", against(our_rate, rates["same"])),
        ("peer: with some of them (4 HINCRBY an event)", against(our_rate, rates["four"])),
        ("peer: one count an event (1 HINCRBY)", against(our_rate, rates["one"])),
        (
            "  HINCRBY/s of the peer, 8, 4 and 1 an event",
            ", ".join(rate(done["increments"] / done["seconds"]) for done in peers.values()),
        ),
        ("  HINCRBY/s of redis-benchmark -P 1000", rate(tool)),
        ("CPU s per million events", per_million(ours)),
        ("CPU s per million events, Python peer", per_million(full)),
        ("peak memory of the worker, and its bound", f"{ours['peak_rss_mb']:.0f} MiB of {ours['bound_mb']:.0f} MiB"),
        ("memory of Redis", f"{ours['redis_mb']:.0f} MiB"),
    ]
    title = f"Aggregator: {events:,} realistic events waiting in {PARTITIONS} partitions (peer: {sample:,}; best of 3 runs in turns)"
    table(title, rows)
    results["realistic"] = {
        **ours,
        "rate": our_rate,
        "limit": limit,
        "peers": rates,
        "tool": tool,
    }
    results["hostile"] = hostile(stack, events // 5 if quick else events)
    return results


def hostile(stack, events):
    generate(stack, "hostile", events, "--hostile")
    limit = read_rate(stack, "hostile", events, runs=1)
    ours = drain(stack, "hostile", events)
    our_rate = events / ours["seconds"]
    rows = [
        ("aggregator", f"{rate(our_rate)}  (ratio to the limit {our_rate / limit:.2f})"),
        ("CPU s per million events", per_million(ours)),
        ("peak memory of the worker, and its bound", f"{ours['peak_rss_mb']:.0f} MiB of {ours['bound_mb']:.0f} MiB"),
        ("memory of Redis", f"{ours['redis_mb']:.0f} MiB"),
    ]
    table(f"Aggregator: {events:,} hostile events (uniform over clients, routes and statuses)", rows)
    return {**ours, "rate": our_rate, "limit": limit}


# ---- bytes a series ----


def series_bytes(stack, events):
    """Redis bytes per live series: slot buckets, their symbols and their sorted sets, by what there is in them."""
    generate(stack, "nousers", events, "--no-users")
    rows, results = [], {}
    for topic, what in (
        ("nousers", "client x route x status x slot"),
        ("realistic", "… x user, a third of events with one of 10,000"),
    ):
        for histograms in ("no", "yes"):
            drain(stack, topic, events, {"counting.histograms": histograms})
            size, series, fields = measure_series(stack.redis.client())
            bar = {"no": ", bar 60", "yes": ", bar 200"}[histograms] if topic == "nousers" else ""
            rows.append(
                (f"{what}, histograms {histograms}", f"{size / series:.1f} bytes{bar}  ({series:,} series in {fields:,} fields)")
            )
            results[f"{topic} histograms={histograms}"] = size / series
    table(f"Redis bytes per live series ({events:,} realistic events, one hour)", rows)
    return results


def measure_series(client):
    """(bytes, series, fields): MEMORY USAGE of slot keys, their symbols and sorted sets; a series is one status of a combination."""
    pattern = re.compile(r"\{p\d+\}:(s|c|r|u|zs|zr):")
    keys = [key for key in client.scan_iter(count=10000) if pattern.match(key)]
    size = series = fields = 0
    for start in range(0, len(keys), 1000):
        part = keys[start : start + 1000]
        pipeline = client.pipeline(transaction=False)
        for key in part:
            pipeline.memory_usage(key, samples=0)
        size += sum(pipeline.execute())
        slots = [key for key in part if pattern.match(key).group(1) == "s"]
        for key in slots:
            pipeline.hvals(key)
        for values in pipeline.execute():
            fields += len(values)
            series += sum(line.split(" ", 2)[1].count(":") for value in values for line in value.splitlines())
    return size, series, fields
