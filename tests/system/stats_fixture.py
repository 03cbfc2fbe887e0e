"""What the usage statistics must say of live_fixture's events, counted from the events themselves. Nothing here is shared with the
programs."""

import calendar
import json
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import live_fixture as fixture
from live_fixture import SLOT, instant, shown
from test_usage_api import fetch

HOUR, DAY = fixture.HOUR, fixture.DAY
UNITS = {"month": "month", "day": "day", "21600": 21600, "hour": "hour"}
DEFAULT_UNITS = {"year": "month", "month": "day", "week": "21600", "day": "hour", "eternity": "eternity"}


def ask(api, path, **parameters):
    """path: "services/acme/usage.json"."""
    status, _, body = fetch(api, path=f"/stats/{path}", **parameters)
    assert status == 200, (path, parameters, body)
    return json.loads(body, parse_float=Decimal) if path.endswith(".json") else body.decode()


def failure(api, path, **options):
    status, headers, body = fetch(api, path=f"/stats/{path}", **options)
    error = json.loads(body)
    assert isinstance(error["error"], str) and error["requestId"] == headers["X-Request-Id"] and "message" not in error
    return status, error


def parse(text):
    return datetime.fromisoformat(text)


def points(since, until, unit, zone):
    """Beginnings of the periods from `since` to `until` (local, inclusive), widened to whole ones; and the end of the last."""
    start, end = instant(parse(since), zone), instant(parse(until), zone, last=True) + 1000
    if unit == "eternity":
        return [start // SLOT * SLOT], -(-end // SLOT) * SLOT
    unit = UNITS[unit]
    reach = {"month": 32, "day": 2, 21600: 1, "hour": 1}[unit] * DAY
    starts = fixture.periods(start - reach, end + reach, unit, zone)
    first = max(at for at in starts if at <= start)
    after = min(at for at in starts if at >= end)
    return [at for at in starts if first <= at < after], after


def matches(event, code):
    if code is None:
        return True
    return event.status // 100 == int(code[0]) if code.upper().endswith("XX") else event.status == int(code)


class Counted:
    """Events of a service or an application in a range."""

    def __init__(self, events, since, until, unit, zone="UTC", code=None):
        self.zone, self.unit = zone, unit
        self.starts, self.end = points(since, until, unit, zone)
        self.events = [e for e in events if self.starts[0] <= e.time // SLOT * SLOT < self.end and matches(e, code)]
        slots = Counter(e.time // SLOT * SLOT for e in self.events)
        ends = [*self.starts[1:], self.end]
        self.values = [sum(n for slot, n in slots.items() if a <= slot < b) for a, b in zip(self.starts, ends)]
        self.total = len(self.events)

    def period(self, name=None):
        granularity = 21600 if self.unit == "21600" else self.unit
        since, until = shown(self.starts[0], self.zone), shown(self.end - 1000, self.zone)
        return {"name": name, "since": since, "until": until, "timezone": self.zone, "granularity": granularity}

    def averages(self):
        """(sums, divisors) by weekday from Sunday, or by hour."""
        sums, divisors = Counter(), Counter()
        for at, end, value in zip(self.starts, [*self.starts[1:], self.end], self.values):
            local = datetime.fromtimestamp(at // 1000, ZoneInfo(self.zone))
            share = local.hour if self.unit == "hour" else local.isoweekday() % 7
            sums[share] += value
            divisors[share] += Decimal(end - at) / HOUR if self.unit == "hour" else 1
        n = 24 if self.unit == "hour" else 7
        return [sums[i] for i in range(n)], [divisors[i] for i in range(n)]


def before(local, months):
    """So many months earlier; the 31st becomes the last of a shorter month."""
    count = local.year * 12 + local.month - 1 - months
    year, month = divmod(count, 12)
    return local.replace(year=year, month=month + 1, day=min(local.day, calendar.monthrange(year, month + 1)[1]))


def day_text(day):
    return (datetime(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m-%d")


def every(events_a_slot, first_ms, last_ms, step_ms, org="acme", client="c-1", status=200, route="/x"):
    """The same number of events at each step."""
    one = fixture.Event(0, org, client, "", "", "GET", route, status, 5, 1, 2, 1)
    return [one._replace(time=at + n) for at in range(first_ms, last_ms, step_ms) for n in range(events_a_slot)]


