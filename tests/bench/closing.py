"""What it costs to close a day, how long counting waits meanwhile, how small a sheet is, and how fast a year is verified."""

import os
import subprocess
import threading
import time

from stack import PROGRAMS, ROOT, Cpu, now_ms, program, table, wait_until

CLOSING_PARTITIONS = 16
DAY_MS = 86_400_000
DAYBOOK = ROOT / "build/release/bin/daybook"


def daybook(stack, topic, *arguments, timeout_s=300):
    environment = {**os.environ, "KAFKA_BROKERS": stack.broker.address, "TOPIC": topic, "REDIS_URL": stack.redis.url}
    done = subprocess.run([DAYBOOK, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=timeout_s)
    if done.returncode:
        raise SystemExit(f"daybook {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _events(client, partitions):
    return sum(int(client.hget(f"{{p{number}}}:meta", "events") or 0) for number in range(partitions))


def memory_of(client, pattern):
    """What Redis needs for the keys of a pattern, key by key."""
    keys, total = list(client.scan_iter(pattern, count=10000)), 0
    for start in range(0, len(keys), 1000):
        pipeline = client.pipeline(transaction=False)
        for key in keys[start : start + 1000]:
            pipeline.memory_usage(key, samples=0)
        total += sum(pipeline.execute())
    return total


def bucket_bytes(client, day):
    """The buckets of the only day: those of slots with their names, and those of minutes."""
    slots = sum(memory_of(client, f"{{p*}}:{kind}:{day}.1*") for kind in ("s", "ss", "t", "zs", "zr", "c", "r", "u"))
    return slots, sum(memory_of(client, f"{{p*}}:{kind}:*") for kind in ("m", "zm"))


class Progress:
    """The longest time that a partition with events waiting did not go on, seen from outside."""

    def __init__(self, client, partitions):
        self.client = client
        self.partitions = partitions
        self.last = {}
        self.longest_s = 0.0
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()

    def _watch(self):
        while not self.end.wait(0.02):
            pipeline = self.client.pipeline(transaction=False)
            for number in range(self.partitions):
                pipeline.hget(f"{{p{number}}}:commit", "next")
            now = time.monotonic()
            for number, value in enumerate(pipeline.execute()):
                before = self.last.get(number)
                if before and before[0] == value:
                    self.longest_s = max(self.longest_s, now - before[1])
                else:
                    self.last[number] = (value, now)


def close_day(stack, events):
    """A day of `events` events in 16 partitions is closed while others are counted."""
    day = now_ms() // DAY_MS - 1
    topic = "closing"
    program(
        *("generate", "--brokers", stack.broker.address, "--topic", topic, "--partitions", CLOSING_PARTITIONS),
        *("--events", events, "--start-ms", day * DAY_MS, "--span-ms", DAY_MS - 1),
    )
    client = stack.fresh_redis().client()
    archive = stack.directory / "archive"
    settings = {"closing.archive": archive, "closing.grace_s": 86400, "closing.restate_after_s": 86400}
    aggregator = stack.aggregator(topic, settings)
    aggregator.start(60)
    wait_until(lambda: _events(client, CLOSING_PARTITIONS) >= events, 600, "all is counted", 0.1)
    slots, minutes = bucket_bytes(client, day)
    collector = stack.collector(topic)
    collector.start()
    load = subprocess.Popen(
        [PROGRAMS / "http", *map(str, ("--port", collector.port, "--events", 10**9, "--rate", 2000, "--batch", 20))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        result = _close(stack, topic, client, aggregator, day)
    finally:
        load.kill()
        load.wait()
    result.update(slot_bytes=slots, minute_bytes=minutes)
    aggregator.stop()
    collector.stop()
    return result


def _close(stack, topic, client, aggregator, day):
    wait_until(lambda: _moving(client), 60, "every partition counts", 0.1)
    with Progress(client, CLOSING_PARTITIONS) as usual:
        time.sleep(5)
    with Progress(client, CLOSING_PARTITIONS) as progress:
        cpu, begin = Cpu(worker=aggregator, redis=stack.redis), time.monotonic()
        daybook(stack, topic, "close", "--day", time.strftime("%Y-%m-%d", time.gmtime(day * 86400)))
        result = {"seconds": time.monotonic() - begin, "cpu": cpu.taken()}
    sheets = list(client.scan_iter("{p*}:sheet:*", count=10000))
    return {
        **result,
        "usual_pause_s": usual.longest_s,
        "pause_s": progress.longest_s,
        "sheet_bytes": sum(client.strlen(key) for key in sheets),
        "rows": sum(int(line.rpartition("rows=")[2]) for line in aggregator.log_text().splitlines() if "sheet_made" in line),
        "requests": sum(
            int(line.partition("events=")[2].split()[0]) for line in aggregator.log_text().splitlines() if "sheet_made" in line
        ),
    }


def _moving(client):
    before = [client.hget(f"{{p{number}}}:commit", "next") for number in range(CLOSING_PARTITIONS)]
    time.sleep(1)
    return all(client.hget(f"{{p{number}}}:commit", "next") != value for number, value in enumerate(before))


def verify_year(stack, days, rows):
    client = stack.fresh_redis().client()
    program("year", stack.redis.url, days, rows, 4)
    used = int(client.info("memory")["used_memory"])
    begin = time.monotonic()
    said = daybook(stack, "year", "verify")
    return {"days": days, "rows": rows, "seconds": time.monotonic() - begin, "redis_mb": used / 2**20, "said": said.splitlines()[-1]}


def run(stack, quick):
    closed = close_day(stack, 300_000 if quick else 2_000_000)
    year = verify_year(stack, 30 if quick else 365, 40_000)
    cpu = sum(closed["cpu"].values())
    sheets, slots, buckets = closed["sheet_bytes"], closed["slot_bytes"], closed["slot_bytes"] + closed["minute_bytes"]
    rows = [
        ("rows of the sheets, and requests in them", f"{closed['rows']:,}, {closed['requests']:,}"),
        ("from the order to the entry in the ledger", f"{closed['seconds']:.1f} s"),
        ("CPU of worker and Redis meanwhile, counting included", f"{cpu:.1f} s ({_each(closed['cpu'])}; bar 10)"),
        (
            "longest time without a commit of a partition, before and meanwhile",
            f"{closed['usual_pause_s']:.2f} s, {closed['pause_s']:.2f} s (bar 2)",
        ),
        (
            "packed sheets, and Redis memory of the buckets (of slots alone)",
            f"{sheets / 2**20:.1f} MiB of {buckets / 2**20:.1f} = 1/{buckets / sheets:.0f} (1/{slots / sheets:.0f}; bar 1/20)",
        ),
        (
            f"daybook verify of {year['days']} days with {year['rows']:,} rows",
            f"{year['seconds']:.1f} s (bar 60); {year['redis_mb']:.0f} MiB of Redis",
        ),
    ]
    table(f"Closing: a day in {CLOSING_PARTITIONS} partitions, while 2,000 other events a second are counted", rows, 68)
    return {"day": closed, "year": year}


def _each(cpu):
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in cpu.items())
