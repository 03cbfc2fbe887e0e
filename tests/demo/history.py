#!/usr/bin/python3
"""Two weeks of access logs as a gateway would have written them, for the demo: what three organizations' programs asked, by day of the
week and hour, with a client that grows and an endpoint that fails since a certain day. The same numbers each time, but for the clock.

    history.py DIR [--events N]    writes DIR/history.log, DIR/history-late.log (found later) and DIR/history.json (counts by client)
"""

import argparse
import json
import math
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

DAYS = 14
HOUR_S, DAY_S = 3600, 86400
QUIET_S = 300  # nothing is newer than this
FAILS_SINCE = 5  # days before today, at FAILS_AT
FAILS_AT = 10 * HOUR_S
LATE_DAY = 3  # days before today, of which a part of the log is found later

# Requests of an hour, from midnight UTC: of people, and of programs.
PEOPLE = [2, 1, 1, 1, 2, 4, 9, 16, 24, 29, 31, 32, 30, 30, 31, 31, 29, 26, 23, 21, 18, 13, 8, 4]
STEADY = [10] * 24
NIGHTLY = [4, 4, 90, 120, 40, 4] + [2] * 18

# Weight, method, path, usual latency in ms, bytes; {n} and {u} are ids.
ORDERS = [(30, "GET", "/v1/orders/{n}", 24, 1900), (12, "GET", "/v1/orders", 62, 14000), (8, "POST", "/v1/orders", 90, 320)]
SHOP = [(34, "GET", "/v1/products/{n}", 15, 2600), (14, "GET", "/v1/search", 130, 9800), (15, "POST", "/v1/payments", 210, 280)]
USERS = [(10, "GET", "/v1/users/{u}", 18, 900), (3, "PUT", "/v1/users/{u}", 47, 120)]
STOCK = [(30, "GET", "/v1/stock/{n}", 9, 240), (10, "PUT", "/v1/stock/{n}", 33, 90)]
BILLING = [(20, "GET", "/v1/invoices/{n}", 71, 41000), (9, "POST", "/v1/payments", 230, 280)]
REPORTS = [(10, "GET", "/v1/reports/{n}", 640, 96000), (6, "GET", "/v1/orders", 75, 14000)]


@dataclass
class Client:
    organization: str
    name: str
    platform: str
    share: int  # of all requests, on a working day
    routes: list
    hours: list
    weekend: float = 1.0  # of a working day
    growth: float = 1.0  # each day
    throttled: float = 0.0  # of its requests
    users: int = 0


CLIENTS = [
    Client("acme", "storefront", "web", 300, ORDERS + SHOP + USERS, PEOPLE, weekend=1.25, users=900),
    Client("acme", "shop-app", "mobile", 210, ORDERS + SHOP + USERS, PEOPLE, weekend=1.4, users=1400),
    Client("acme", "stock-sync", "server", 120, STOCK + ORDERS[:1], PEOPLE, weekend=0.15, users=12),
    Client("globex", "partner-feed", "server", 50, STOCK + SHOP[:2], STEADY, growth=1.13),
    Client("globex", "invoicing", "server", 45, BILLING, NIGHTLY),
    Client("globex", "crm-import", "server", 70, USERS + ORDERS[:1], STEADY, weekend=0.6),
    Client("northwind", "insights", "server", 40, REPORTS, PEOPLE, weekend=0.1, users=5),
    Client("northwind", "price-bot", "crawler", 60, SHOP[:2], STEADY, throttled=0.06),
]
AGENTS = {"web": "Mozilla/5.0", "mobile": "acme-app/4.2", "server": "daybook-demo/1.0", "crawler": "northwind-bot/2.1"}


class Writer:
    def __init__(self, directory, now_s):
        self.rng, self.now_s, self.today_s = random.Random(20), now_s, now_s // DAY_S * DAY_S
        self.fails_s = self.today_s - FAILS_SINCE * DAY_S + FAILS_AT
        self.month = time.strftime("%Y-%m", time.gmtime(now_s))
        self.log, self.late = (open(directory / name, "w", encoding="ascii") for name in ("history.log", "history-late.log"))
        self.of_month, self.of_today, self.lines = Counter(), Counter(), 0
        self.users = {client.name: [str(uuid.UUID(int=self.rng.getrandbits(128))) for _ in range(client.users)] for client in CLIENTS}

    def status(self, client, method, path, at_s):
        """With how often each happens; the payments fail since a certain hour."""
        rng, draw = self.rng, self.rng.random()
        if path == "/v1/payments" and at_s >= self.fails_s and draw < 0.42:
            return rng.choice((503, 503, 504))
        if draw < client.throttled:
            return 429
        draw = rng.random()
        if draw < 0.003:
            return rng.choice((500, 502))
        if draw < 0.016:
            return 404 if "{" in path else 400
        if draw < 0.021:
            return rng.choice((401, 403))
        if draw < 0.04 and path.startswith("/v1/products"):
            return 304
        return {"POST": 201, "PUT": 204}.get(method, 200)

    def line(self, client, at_s):
        rng = self.rng
        _, method, path, usual_ms, size = rng.choices(client.routes, [route[0] for route in client.routes])[0]
        status = self.status(client, method, path, at_s)
        latency_ms = usual_ms * math.exp(rng.gauss(0, 0.45)) * (20 if status == 504 else 6 if status == 503 else 1)
        user = rng.choice(self.users[client.name]) if client.users else ""
        uri = path.replace("{n}", str(rng.randrange(1, 90000))).replace("{u}", user or str(uuid.UUID(int=rng.getrandbits(128))))
        sent = size * rng.uniform(0.6, 1.5) if status < 300 else 180
        return (
            f'{{"time":"{at_s:.3f}","organization":"{client.organization}","client":"{client.name}","user":"{user}","method":"{method}",'
            f'"uri":"{uri}","status":"{status}","request_time":"{latency_ms / 1000:.3f}","request_length":"{rng.randrange(210, 900)}",'
            f'"bytes_sent":"{sent:.0f}","platform":"{client.platform}","http_user_agent":"{AGENTS[client.platform]}"}}\n'
        )

    def hour(self, client, begin_s, per_share):
        """One hour of one client, in the order of time."""
        moment = time.gmtime(begin_s)
        days = DAYS - (self.today_s - begin_s // DAY_S * DAY_S) // DAY_S
        wanted = client.share * per_share * client.hours[moment.tm_hour] / sum(client.hours)
        wanted *= (client.weekend if moment.tm_wday >= 5 else 1) * client.growth**days * self.rng.uniform(0.88, 1.12)
        times = sorted(begin_s + self.rng.random() * HOUR_S for _ in range(round(wanted)))
        return [(at_s, client) for at_s in times if at_s < self.now_s - QUIET_S]

    def write(self, per_share):
        first_s = self.today_s - DAYS * DAY_S
        late_s = self.today_s - LATE_DAY * DAY_S
        for begin_s in range(first_s, int(self.now_s), HOUR_S):
            for at_s, client in sorted((one for client in CLIENTS for one in self.hour(client, begin_s, per_share)), key=lambda one: one[0]):
                is_late = client.name == "stock-sync" and late_s + 9 * HOUR_S <= at_s < late_s + 12 * HOUR_S
                (self.late if is_late else self.log).write(self.line(client, at_s))
                self.lines += 1
                day = time.gmtime(at_s)
                self.of_month[client.name] += time.strftime("%Y-%m", day) == self.month
                self.of_today[client.name] += at_s >= self.today_s

    def finish(self, path):
        for file in (self.log, self.late):
            file.close()
        facts = {"events": self.lines, "month": self.of_month, "today": self.of_today}
        path.write_text(json.dumps(facts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--events", type=int, default=200_000, help="how many, roughly")
    arguments = parser.parse_args()
    writer = Writer(arguments.directory, int(time.time()))
    writer.write(arguments.events / (DAYS + 0.5) / sum(client.share for client in CLIENTS) / 1.05)
    writer.finish(arguments.directory / "history.json")


if __name__ == "__main__":
    main()
