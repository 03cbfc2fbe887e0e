"""Known usage, twice: written into Redis as lib/keys.h lays it out, and summed up again in plain Python from the events themselves.

Nothing here is shared with the programs: the histogram's edges, the rounding, the calendar and the order of lists are written once
more from the headers' and the contract's words. `random_events` makes events, `write` puts them into Redis, `expected` says what the
API must answer.
"""

import bisect
import calendar
import random
import zlib
from collections import Counter, defaultdict, namedtuple
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

MINUTE, SLOT, HOUR, DAY = 60_000, 900_000, 3_600_000, 86_400_000
MINUTES_KEPT = 48 * HOUR
USERS_PER_SHARD, USERS_PER_BLOCK, CLIENTS_PER_SHARD = 4, 64, 64

Event = namedtuple("Event", "time org client user platform method route status latency sent received revision")


# ---- numbers ----


def ratio(numerator, denominator):
    """Rounded half up to three decimals; 0 of nothing."""
    if denominator == 0:
        return Decimal(0)
    scaled = (2 * numerator * 1000 + denominator) // (2 * denominator)  # exact: half a step more, rounded down
    return Decimal(scaled) / 1000


def _histogram_edges():
    edges = list(range(16))
    for octave in range(4, 64):
        for sub in range(8):
            cut = round(256 * (2 ** (sub / 8) - 1))
            edges.append(-(-(2**octave * (256 + cut)) // 256))
    return edges


EDGES = _histogram_edges()


def bucket_of(value):
    return bisect.bisect_right(EDGES, value) - 1


def value_of(bucket):
    """Harmonic mean of a bucket's least and greatest value."""
    low = EDGES[bucket]
    high = EDGES[bucket + 1] - 1 if bucket + 1 < len(EDGES) else 2**64 - 1
    return low if bucket < 16 or high <= low else 2 * low * high // (low + high)


def quantile(buckets, percent):
    """Nearest rank."""
    n = sum(buckets.values())
    rank, seen = max(1, -(-n * percent // 100)), 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= rank:
            return value_of(bucket)
    return 0


# ---- sums ----


class Sum:
    def __init__(self):
        self.statuses, self.buckets = Counter(), Counter()
        self.requests = self.latency = self.latency_max = self.sent = self.received = 0
        self.last = -1

    def add(self, event):
        self.statuses[event.status] += 1
        self.buckets[bucket_of(event.latency)] += 1
        self.requests += 1
        self.latency += event.latency
        self.latency_max = max(self.latency_max, event.latency)
        self.sent += event.sent
        self.received += event.received
        self.last = max(self.last, event.time // SLOT)

    @property
    def failed(self):
        return sum(n for status, n in self.statuses.items() if status >= 400)

    @property
    def bytes(self):
        return self.sent + self.received

    def text(self):
        """As lib/measure.h describes it."""

        def tallies(counts):
            return ",".join(f"{key}:{counts[key]}" for key in sorted(counts)) or "-"

        if self.requests == 1:
            return f"{next(iter(self.statuses))} {self.latency} {self.sent} {self.received}"
        sums = f"{self.requests} {self.latency} {self.latency_max} {self.sent} {self.received}"
        return f"{tallies(self.statuses)} {sums} {tallies(self.buckets)}"


def sums_by(events, key):
    sums = defaultdict(Sum)
    for event in events:
        sums[key(event)].add(event)
    return sums


# ---- events ----


def random_events(seed, now, n=6000, clients=24):
    """Most of the last two days, some of a quarter, a few of years: three organizations, clients of the same name in two of them, a
    client with many users, late events (revision 2), events a little ahead of the clock."""
    rng = random.Random(seed)
    orgs = ["acme", "globex", "[*?]\\^-org"]
    rests = ("", "/{id}", "/{id}/lines")
    routes = [f"/v{v}/{thing}{rest}" for v in (1, 2) for thing in ("orders", "users", "größe") for rest in rests]
    methods = {route: rng.choice(["GET", "POST", "PUT", "DELETE"]) for route in routes}
    failures = [400, 401, 403, 404, 404, 408, 409, 410, 418, 422, 429, 429, 500, 502, 503, 504]
    statuses = [200] * 60 + [201] * 10 + [204, 301, 304, 101] + failures
    who = [(orgs[i % len(orgs)], f"c-{i // 2}") for i in range(clients)] + [("acme", "-"), ("globex", "white space & *")]
    ages = [(HOUR, 4), (DAY, 4), (2 * DAY, 3), (7 * DAY, 2), (30 * DAY, 1), (90 * DAY, 1), (400 * DAY, 1), (2000 * DAY, 0.2)]
    events = []
    for _ in range(n):
        age = rng.choices([a for a, _ in ages], [w for _, w in ages])[0]
        time = now - int(rng.random() * age)
        if rng.random() < 0.005:
            time = now + rng.randrange(9 * MINUTE)
        org, client = rng.choice(who[: max(2, len(who) // 3)] if rng.random() < 0.6 else who)
        route = rng.choice(routes)
        method = methods[route] if rng.random() < 0.9 else "PATCH"
        user = rng.choice(["", "", "", f"u-{rng.randrange(70)}"])
        late = time < now - DAY and rng.random() < 0.1
        latency = min(86_400_000_000, int(rng.lognormvariate(9, 1.5)))
        sent, received = rng.randrange(2000), rng.choice([0, rng.randrange(10**6), rng.randrange(10**12)])
        platform = rng.choice(["", "web", "ios"])
        status = rng.choice(statuses)
        events.append(Event(time, org, client, user, platform, method, route, status, latency, sent, received, 1 + late))
    events.sort(key=lambda event: (event.revision, event.time))
    return events


def partition_of(event, partitions):
    """Any stable choice will do; a few clients move to another partition, as they do when a topic gets more of them."""
    base = zlib.crc32(f"{event.org}/{event.client}".encode())
    moved = event.client == "c-1" and event.time // DAY % 2
    return (base + bool(moved)) % partitions


# ---- into Redis ----


class _Symbols:
    def __init__(self):
        self.tables = defaultdict(dict)

    def of(self, table, name, prefix=""):
        if not name:
            return 0
        kind = self.tables[table, prefix]
        return kind.setdefault(prefix + name, len(kind) + 1)


def _has_sums(key, day, slot):
    """Whether what a slot comes to is written: of every other two hours, and there not of one slot in 32 either, as of slots that an
    older version has begun."""
    return zlib.crc32(f"{day}/{slot // 8}".encode()) % 2 == 1 and zlib.crc32(key.encode()) % 32 != 0


def write(client, events, partitions, now, with_topic=True):
    """Writes everything with plain commands; the counts already there are not looked at."""
    symbols = _Symbols()
    hashes, scores = defaultdict(lambda: defaultdict(Sum)), defaultdict(Counter)
    slots = defaultdict(lambda: defaultdict(lambda: defaultdict(Sum)))
    meta, totals, minutes = defaultdict(Counter), defaultdict(Counter), defaultdict(Counter)
    for event in events:
        p = partition_of(event, partitions)
        day, slot, minute = event.time // DAY, event.time % DAY // SLOT, event.time // MINUTE
        generation = f"{day}.{event.revision}"
        c = symbols.of(f"{{p{p}}}:c:{generation}", f"{event.org}\x1f{event.client}")
        routes = f"{{p{p}}}:r:{generation}:{c}"
        route = symbols.of(routes, f"{event.method} {event.route}", "r")
        platform = symbols.of(routes, event.platform, "p")
        user = symbols.of(f"{{p{p}}}:u:{generation}:{c}", event.user)
        slots[f"{{p{p}}}:s:{generation}:{slot}:{c}"][user // USERS_PER_SHARD][f"{route}.{user}.{platform}"].add(event)
        scores[f"{{p{p}}}:zs:{generation}:{slot}"][c] += 1
        scores[f"{{p{p}}}:zr:{generation}:{slot}"][f"{event.method} {event.route}"] += 1
        totals[f"{{p{p}}}:t:{generation}"][slot] += 1
        sums = f"{{p{p}}}:ss:{generation}:{slot}"
        if _has_sums(sums, day, slot):
            hashes[sums][f"c{c}"].add(event)
            hashes[sums][f"r{event.method} {event.route}"].add(event)
            minutes[sums][event.time % SLOT // MINUTE] += 1
        meta[p][f"cnt:{generation}"] += 1
        if (minute + 1) * MINUTE > now - MINUTES_KEPT:
            hashes[f"{{p{p}}}:m:{minute}.{event.revision}:{c // CLIENTS_PER_SHARD}"][str(c)].add(event)
            scores[f"{{p{p}}}:zm:{minute}.{event.revision}"][c] += 1
    counts = {**totals, **{key: {"m": " ".join(str(of[i]) for i in range(15))} for key, of in minutes.items()}}
    _store(client, symbols, slots, hashes, scores, counts, meta)
    if with_topic:
        client.hset("daybook:topic", mapping={"topic": "usage.events", "partitions": partitions})


def _blocks(names):
    """Users in the order of their symbols, so many to a field."""
    ordered = sorted(names, key=names.get)
    starts = range(0, len(ordered), USERS_PER_BLOCK)
    return {start // USERS_PER_BLOCK: "".join(name + "\n" for name in ordered[start : start + USERS_PER_BLOCK]) for start in starts}


def _store(client, symbols, slots, hashes, scores, counts, meta):
    pipeline = client.pipeline(transaction=False)
    for (table, _), names in symbols.tables.items():
        if names:
            pipeline.hset(table, mapping=_blocks(names) if ":u:" in table else names)
    for key, shards in slots.items():
        lines = {shard: "".join(f"{name} {total.text()}\n" for name, total in rows.items()) for shard, rows in shards.items()}
        pipeline.hset(key, mapping=lines)
    for key, rows in hashes.items():
        pipeline.hset(key, mapping={field: total.text() for field, total in rows.items()})
    for key, members in scores.items():
        pipeline.zadd(key, dict(members))
    for key, fields in counts.items():
        pipeline.hset(key, mapping=dict(fields))
    for partition, events in meta.items():
        pipeline.hset(f"{{p{partition}}}:meta", mapping={"clock": 1, "horizon": 1, "events": sum(events.values()), **events})
    pipeline.execute()


# ---- what the API must answer ----


def _utc(ms):
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)


def _ms(moment):
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def iso(ms):
    return _utc(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(ms):
    return _utc(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def parse(text):
    return _ms(datetime.fromisoformat(text.replace("Z", "+00:00")))


# ---- the clock of a zone ----


def shown(ms, zone, milliseconds=False):
    """As the zone's clock shows it; UTC with a Z."""
    text = datetime.fromtimestamp(ms // 1000, ZoneInfo(zone)).isoformat()
    text = f"{text[:19]}.{ms % 1000:03d}{text[19:]}" if milliseconds else text
    return text.replace("+00:00", "Z") if zone == "UTC" else text


def instant(local, zone, last=False):
    """The moment at which the clock shows it, Unix ms. Of a time that is left out: when the clock is put forward over it, and with
    `last` the second before."""
    clock = ZoneInfo(zone)
    early, late = sorted(int(local.replace(tzinfo=clock, fold=fold).timestamp()) for fold in (0, 1))

    def shows_later(second):
        return datetime.fromtimestamp(second, clock).replace(tzinfo=None) > local

    if datetime.fromtimestamp(early, clock).replace(tzinfo=None) == local.replace(microsecond=0):
        return (late if last else early) * 1000
    return (bisect.bisect_left(range(early, late + 1), True, key=shows_later) + early - last) * 1000


def period_of(ms, unit, zone):
    """What tells periods apart; it grows, but for an hour that comes twice, whose offset differs."""
    local = datetime.fromtimestamp(ms // 1000, ZoneInfo(zone))
    date = local.date()
    if unit == "minute":
        return ms // MINUTE
    if unit == "hour":
        return date, local.hour, local.utcoffset()
    if unit == 21600:
        return date, local.hour // 6
    if unit == "week":
        return date - timedelta(days=date.weekday())
    return (date.year, date.month) if unit == "month" else date


def periods(start, end, unit, zone="UTC"):
    """Beginnings of the periods that [start, end) touches: by walking over the clock, a quarter of an hour, or a minute, at a time."""
    step = MINUTE if unit == "minute" else SLOT
    at = start // step * step
    while period_of(at - step, unit, zone) == period_of(start, unit, zone):
        at -= step
    found, last = [], None
    while at < end:
        period = period_of(at, unit, zone)
        if period != last and (last is None or unit == "hour" or period > last):
            found.append(at)
            last = period
        at += step
    return found


def _year_before(ms):
    moment = _utc(ms)
    try:
        return _ms(moment.replace(year=moment.year - 1))
    except ValueError:  # 29 February
        return _ms(moment.replace(year=moment.year - 1, day=28))


def window_of(events, now, timeframe):
    """(from, to) and the first slot that is no longer in it."""
    lengths = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
    end = now // SLOT + 1
    to = now
    if timeframe == "all":
        slots = [event.time // SLOT for event in events]
        start = min(slots) * SLOT
        if max(slots) >= end:
            end = max(slots) + 1
            to = end * SLOT
    else:
        start = _year_before(now) if timeframe == "1y" else now - lengths[timeframe]
    return start // SLOT * SLOT, to, end


def range_of(now, params):
    """The same of a window by since and until."""
    zone, since, until = params.get("timeZone", "UTC"), params["since"], params.get("until")
    start, to = instant(datetime.fromisoformat(since), zone) // SLOT, now
    end = now // SLOT + 1
    if until:
        last = datetime.fromisoformat(until if len(until) > 10 else f"{until} 23:59:59")
        end = instant(last, zone, last=True) // SLOT + 1
    if not start <= now // SLOT < end:
        to = end * SLOT
    return start * SLOT, to, end


class Answer:
    """The parts of an answer, from the events that are in it."""

    def __init__(self, params):
        self.params = {"timeframe": "24h", "granularity": "hour", "sortBy": "requests", "sortOrder": "desc", **params}
        for name in ("includeEndpoints", "includeErrors", "includeLatency"):
            self.params.setdefault(name, "true")
        self.zone = self.params.get("timeZone", "UTC")
        self.limit, self.offset = int(params.get("limit", 100)), int(params.get("offset", 0))

    def latency_of(self, total):
        if self.params["includeLatency"] != "true":
            return {}
        values = {f"p{q}": ratio(min(quantile(total.buckets, q), total.latency_max), 1000) for q in (50, 90, 95, 99)}
        return {"latency": values}

    def average_of(self, total):
        return {"averageLatency": ratio(total.latency, total.requests * 1000)} if self.params["includeLatency"] == "true" else {}

    def latencies_of(self, total):
        if self.params["includeLatency"] != "true":
            return {}
        return {**self.average_of(total), "peakLatency": ratio(total.latency_max, 1000)}

    @staticmethod
    def success_rate(total):
        return ratio((total.requests - total.failed) * 100, total.requests) if total.requests else 100

    def page(self, rows):
        return rows[self.offset : self.offset + self.limit]

    def sort(self, sums, count=lambda total: total.requests):
        """[(name, sum)], by what was asked for, equal ones by name."""
        by = {
            "requests": count,
            "errors": lambda total: total.failed,
            "latency": lambda total: Decimal(total.latency) / total.requests if isinstance(total, Sum) else 0,
            "timestamp": lambda total: total.last,
        }[self.params["sortBy"]]
        rows = sorted(sums.items(), key=lambda row: row[0].encode() if isinstance(row[0], str) else row[0])
        return sorted(rows, key=lambda row: by(row[1]), reverse=self.params["sortOrder"] == "desc")

    def measured(self, total):
        return {
            "requests": total.requests,
            "successRate": self.success_rate(total),
            **self.average_of(total),
            "dataTransferred": total.bytes,
            "failedRequests": total.failed,
        }

    def last_seen(self, total):
        return {"lastSeen": shown(total.last * SLOT, self.zone)}


class Code:
    """Of a status code only requests are known."""

    def __init__(self, status, requests, last):
        self.requests, self.last = requests, last
        self.failed = requests if status >= 400 else 0


TYPES = [
    (400, 400, "BAD_REQUEST"),
    (401, 401, "UNAUTHORIZED"),
    (403, 403, "FORBIDDEN"),
    (404, 404, "NOT_FOUND"),
    (408, 408, "TIMEOUT"),
    (409, 409, "CONFLICT"),
    (422, 422, "VALIDATION_ERROR"),
    (429, 429, "RATE_LIMIT_EXCEEDED"),
    (400, 499, "CLIENT_ERROR"),
    (504, 504, "TIMEOUT"),
    (502, 503, "SERVICE_UNAVAILABLE"),
    (500, 599, "SERVER_ERROR"),
]


def _types(statuses):
    counts = Counter()
    for status, n in statuses.items():
        if status >= 400:
            counts[next(name for low, high, name in TYPES if low <= status <= high)] += n
    order = list(dict.fromkeys(name for _, _, name in TYPES))
    return sorted(counts.items(), key=lambda item: (-item[1], order.index(item[0])))


def select(events, params):
    """Events of the key and organization that the parameters name."""
    return [e for e in events if params.get("keyId") in (None, e.client) and params.get("organization") in (None, e.org)]


def expected(events, now, params, through=None, closed=()):
    """The whole answer but `timestamp` and `alerts`, with Decimal for what is not an integer and descriptions left out. through: the last day
    that is final, or None; closed: days that are."""
    answer = Answer(params)
    mine = select(events, params)
    start, to, end = range_of(now, params) if "since" in params else window_of(mine, now, answer.params["timeframe"])
    inside = [e for e in mine if start // SLOT <= e.time // SLOT < end]
    kept = max(start, (now // SLOT - 48 * 4 + 1) * SLOT)
    has_now = start // SLOT <= now // SLOT < end
    whole_minutes = [e for e in inside if e.time >= kept]
    endpoint = params.get("endpoint")
    if endpoint:
        inside = [e for e in inside if f"{e.method} {e.route}" == endpoint]
    total = Sum()
    for event in inside:
        total.add(event)
    body = {
        "success": True,
        "usage": _usage(answer, total, inside, start, to),
        "timeSeries": _series(answer, inside, start, to, (end - 1) * SLOT, closed),
        "breakdown": _breakdown(answer, inside, total),
    }
    minutes = Counter(e.time // MINUTE for e in whole_minutes)
    no_minutes = endpoint or end * SLOT <= kept or start // SLOT > now // SLOT
    body["usage"]["peakRequestsPerMinute"] = None if no_minutes else max(minutes.values(), default=0)
    body["usage"]["peakRequestsPerMinuteSince"] = None if no_minutes else shown(kept, answer.zone)
    if answer.params["includeErrors"] == "true":
        body["errors"] = _errors(answer, inside, total)
    lengths = [len({e.method for e in inside}), len(total.statuses), len({(e.org, e.client) for e in inside})]
    if answer.params["includeEndpoints"] == "true":
        lengths.append(len({(e.method, e.route) for e in inside}))
    longest = max(lengths)
    more = answer.offset + answer.limit < longest
    body["pagination"] = {"total": longest, "limit": answer.limit, "offset": answer.offset, "hasMore": more}
    window = {"from": shown(start, answer.zone), "to": shown(to, answer.zone, milliseconds=True)}
    body["rateLimits"] = _rate_limits(mine, now, endpoint, has_now)
    latency = answer.latency_of(total)
    for percentiles in latency.values():
        percentiles["errorPercent"] = Decimal("4.5")
    return {**body, **latency, "finalizedThrough": through and iso(through * DAY)[:10], "window": window}


def _rate_limits(mine, now, endpoint, has_now):
    """Where no limits are set: what was used of this minute, hour and day; nothing is said of it where they are not in the window."""
    about = [e for e in mine if endpoint in (None, f"{e.method} {e.route}") and e.time // SLOT <= now // SLOT]
    counts = {
        name: sum(1 for e in about if e.time // unit == now // unit)
        for name, unit in (("requestsPerMinute", MINUTE), ("requestsPerHour", HOUR), ("requestsPerDay", DAY))
    }
    counts["requestsPerMinute"] = None if endpoint else counts["requestsPerMinute"]
    nothing = dict.fromkeys(counts)
    return {"current": nothing, "usage": counts if has_now else nothing, "utilization": nothing}


def _clock_hour(slot, zone):
    """The zone's hour in which a slot begins; where the clock is changed another one begins."""
    local = datetime.fromtimestamp(slot * SLOT // 1000, ZoneInfo(zone))
    return local.date(), local.hour, local.utcoffset()


def _usage(answer, total, inside, start, to):
    hours = Counter()
    for slot, n in Counter(e.time // SLOT for e in inside).items():
        hours[_clock_hour(slot, answer.zone)] += n
    return {
        "totalRequests": total.requests,
        "successfulRequests": total.requests - total.failed,
        "failedRequests": total.failed,
        "successRate": answer.success_rate(total),
        **answer.latencies_of(total),
        "requestsPerMinute": ratio(total.requests * MINUTE, to - start),
        "requestsPerHour": ratio(total.requests * HOUR, to - start),
        "requestsPerDay": ratio(total.requests * DAY, to - start),
        "peakRequestsPerHour": max(hours.values(), default=0),
        "dataTransferred": total.bytes,
        "averageDataPerRequest": ratio(total.bytes, total.requests),
    }


def _series(answer, inside, start, to, last_slot, closed):
    unit, closed = answer.params["granularity"], set(closed)
    starts = periods(start, last_slot + SLOT, unit, answer.zone)
    points = sums_by(inside, lambda e: starts[bisect.bisect_right(starts, e.time if unit == "minute" else e.time // SLOT * SLOT) - 1])
    series, last = [], max(points, default=0)
    for at, after in zip(starts, [*starts[1:], last_slot + SLOT]):
        if at >= to and at > last:
            break
        total = points.get(at, Sum())
        days = range(max(at, start) // DAY, (after - 1) // DAY + 1)
        series.append(
            {
                "timestamp": shown(at, answer.zone),
                "requests": total.requests,
                "successfulRequests": total.requests - total.failed,
                "failedRequests": total.failed,
                **answer.latencies_of(total),
                "dataTransferred": total.bytes,
                **answer.latency_of(total),
                "provisional": not closed.issuperset(days),
            }
        )
    return series


def _codes(inside, total):
    last = {}
    for event in inside:
        last[event.status] = max(last.get(event.status, -1), event.time // SLOT)
    return {status: Code(status, n, last[status]) for status, n in total.statuses.items()}


def _breakdown(answer, inside, total):
    endpoints = answer.sort(sums_by(inside, lambda e: f"{e.method} {e.route}"))
    methods = answer.sort(sums_by(inside, lambda e: e.method))
    keys = answer.sort(sums_by(inside, lambda e: f"{e.org}\x1f{e.client}"))
    codes = answer.sort(_codes(inside, total))
    lists = {}
    if answer.params["includeEndpoints"] == "true":
        lists["byEndpoint"] = [
            {"endpoint": name, **answer.measured(s), **answer.latency_of(s), **answer.last_seen(s)}
            for name, s in answer.page(endpoints)
        ]
    lists["byMethod"] = [{"method": name, **answer.measured(s), **answer.last_seen(s)} for name, s in answer.page(methods)]
    lists["byStatusCode"] = [
        {"statusCode": code, "requests": c.requests, "percentage": ratio(100 * c.requests, total.requests), **answer.last_seen(c)}
        for code, c in answer.page(codes)
    ]
    lists["byKey"] = [
        {"keyId": name.split("\x1f")[1], "organization": name.split("\x1f")[0], **answer.measured(s), **answer.last_seen(s)}
        for name, s in answer.page(keys)
    ]
    return lists


def _errors(answer, inside, total):
    def failures(sums):
        return answer.sort({name: s for name, s in sums.items() if s.failed}, count=lambda s: s.failed)

    types = [{"type": name, "count": n, "percentage": ratio(100 * n, total.failed)} for name, n in _types(total.statuses)]
    errors = {"totalErrors": total.failed, "errorRate": ratio(100 * total.failed, total.requests), "byType": types}
    if answer.params["includeEndpoints"] == "true":
        endpoints = failures(sums_by(inside, lambda e: f"{e.method} {e.route}"))
        errors["byEndpoint"] = [
            {"endpoint": name, "count": s.failed, "errorRate": ratio(100 * s.failed, s.requests)}
            for name, s in answer.page(endpoints)
        ]
    errors["byStatusCode"] = [
        {"statusCode": code, "count": c.failed, "percentage": ratio(100 * c.failed, total.failed)}
        for code, c in answer.page(failures(_codes(inside, total)))
    ]
    return errors
