"""Traffic by way of the whole system, days that its closer closes, and questions all along: no answer ever says less than what was
counted before it was asked, nor more than what had been sent when it came; and while nothing is sent, all say exactly what was
acknowledged."""

import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter

import pytest
from agreement_fixture import CLIENTS, DAY, ROUTES, STATUSES, day_of, days_in, iso
from dev_system import DevSystem
from harness import wait_until
from live_fixture import Event, parse
from test_usage_end_to_end import native

SETTINGS = ["aggregator.closing.grace_s=0", "aggregator.closing.restate_after_s=1", "aggregator.closing.check_ms=50"]
SETTINGS += ["api.limits.enterprise_per_minute=1000000", "api.limits.enterprise_per_day=100000000"]
AGES = [0, 0, 1, 1, 2, 9]  # of the days to which events belong
ROUNDS = 3


@pytest.fixture
def dev(tmp_path):
    system = DevSystem(tmp_path / "dev")
    system.start(*(f"--set={setting}" for setting in SETTINGS))
    yield system
    system.clean_up()


class Traffic:
    """Sends events. By day, least: what is known to be counted; most: what was sent, or is on its way. Both only grow."""

    def __init__(self, dev):
        self.dev, self.rng = dev, random.Random()
        self.least, self.most = Counter(), Counter()

    def event(self):
        rng, now = self.rng, int(time.time() * 1000)
        age = rng.choice(AGES)
        when = now // DAY * DAY - age * DAY + rng.randrange(DAY) if age else now - rng.randrange(1000)
        who = ("acme", rng.choice(CLIENTS), rng.choice(["", "u-1"]), rng.choice(["", "web"]))
        return Event(when, *who, rng.choice(["GET", "POST"]), rng.choice(ROUTES[:5]), rng.choice(STATUSES), 5, 1, 2, 1)

    def send(self):
        """A burst, and when all of it is counted."""
        for _ in range(20):
            events = [self.event() for _ in range(self.rng.randrange(1, 40))]
            self.most = self.most + Counter(event.time // DAY for event in events)
            answer = self.dev.post([native(event) for event in events])
            assert answer == {"accepted": len(events), "rejected": []}, answer
        self.dev.wait_total(sum(n for day, n in self.most.items()), 60, timeframe="30d", granularity="day")
        self.least = self.most


class Asker:
    """The same number of requests of each day, out of several mouths."""

    def __init__(self, dev, traffic):
        self.dev, self.traffic = dev, traffic
        self.url, self.headers = dev.env["API_URL"], {"Authorization": f"Bearer {dev.env['API_TOKEN']}"}
        self.reported = Counter()

    def get(self, path, body=None, **parameters):
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        data, headers = (json.dumps(body).encode(), {"Content-Type": "application/json"}) if body else (None, {})
        while True:
            request = urllib.request.Request(f"{self.url}{path}{query}", data, {**self.headers, **headers})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                text = error.read()
                assert error.code == 503 and b"being closed" in text, (error.code, text)

    def span(self):
        today = int(time.time()) // 86400
        return today - 12, today

    def live(self):
        series = self.get("/v1/developer/usage", timeframe="30d", granularity="day")["timeSeries"]
        return Counter({parse(point["timestamp"]) // DAY: point["requests"] for point in series})

    def keys(self):
        answer = self.get("/v1/developer/usage", timeframe="30d", granularity="week", limit=1000)
        return sum(row["requests"] for row in answer["breakdown"]["byKey"])

    def statistics(self):
        first, last = self.span()
        asked = dict(since=iso(first), until=iso(last), granularity="day", metric_name="hits")
        values = self.get("/stats/services/acme/usage.json", **asked)["values"]
        return Counter(dict(zip(range(first, last + 1), values, strict=True)))

    def codes(self):
        first, last = self.span()
        summary = self.get("/stats/services/acme/summary.json", since=iso(first), until=iso(last))
        return sum(row["total"] for row in summary["response_codes"])

    def report(self):
        """Of the days that it has, in the revision that was closed last."""
        first, last = self.span()
        page = self.get("/api/v2/usage/report", interval=f"{iso(first)}/{iso(last)}")
        omitted = days_in(entry["interval"] for entry in page["omittedDays"])
        return Counter({day_of(row["date"]): row["requests"] for row in page["days"]}), omitted

    def check(self):
        """Any of the questions."""
        kind = random.choice(["live", "keys", "statistics", "codes"])
        least = self.traffic.least
        found = getattr(self, kind)()
        most = self.traffic.most
        if isinstance(found, int):
            assert sum(least.values()) <= found <= sum(most.values()), (kind, least, found, most)
        else:
            assert least <= found <= most, (kind, least, found, most)

    def check_report(self):
        """Revisions only add, and nothing that was not sent."""
        found, _ = self.report()
        most = self.traffic.most
        assert self.reported <= found <= most, (self.reported, found, most)
        self.reported = found

    def is_all_closed(self):
        """All days before today are in the ledger as they were counted."""
        found, omitted = self.report()
        today = int(time.time()) // 86400
        wanted = Counter({day: n for day, n in self.traffic.least.items() if day < today})
        return not omitted - {today} and found == wanted


def test_whatever_is_asked_all_along(dev):
    traffic, stop, wrong, asked = Traffic(dev), threading.Event(), [], Counter()
    askers = [Asker(dev, traffic) for _ in range(3)]

    def ask(number):
        question = askers[number].check_report if number == 0 else askers[number].check
        while not stop.is_set() and not wrong:
            try:
                question()
                asked[number] += 1
                time.sleep(0.02)  # what is asked 20 times in 100 ms is answered out of memory for a moment
            except BaseException as error:
                wrong.append(error)

    traffic.send()  # before, nobody is known
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(ROUNDS):
            if number > 0:
                traffic.send()
            wait_until(lambda: wrong or Asker(dev, traffic).is_all_closed(), 80, "all days are closed", step_s=0.2)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if wrong:
        raise wrong[0]
    assert min(asked.values()) >= ROUNDS and len(asked) == 3
    last = Asker(dev, traffic)
    assert last.live() == last.statistics() == traffic.most and last.keys() == last.codes() == sum(traffic.most.values())
    first, today = last.span()
    days = last.get("/api/v2/usage/days", pageSize=1000)["entities"]
    assert max(Counter(entry["day"] for entry in days).values()) >= ROUNDS - 1  # closed again and again
    made = last.get("/api/v2/usage/query", {"interval": f"{iso(first)}/{iso(today - 1)}", "groupBy": ["OAuthClientId"]})
    rows = last.get(made["resultsUri"])["results"]
    assert sum(row["requests"] for row in rows) == sum(n for day, n in traffic.most.items() if day < today)
    done = dev.recount("--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    print(dict(asked))
