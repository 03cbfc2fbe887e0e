"""GET /api/v2/usage/costs on a real Redis: every number against what the test itself counts from the events, while days are closed;
and against Get Usage and the statistics."""

import calendar
import json
import random
import threading
import time
import urllib.parse
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import closed_fixture
import live_fixture as fixture
import pytest
from access import UNLIMITED
from harness import API_TOKEN, Api, csv_rows, wait_until
from registry_fixture import make_client, make_token, until_known
from test_usage_api import fetch

PARTITIONS = 3
DAY = fixture.DAY
PATH = "/api/v2/usage/costs"
ODD = "[*?]\\^-org"  # one of live_fixture's


# ---- months ----


def month_of(day):
    return (date(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m")


def day_text(day):
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def days_of(month):
    year, number = map(int, month.split("-"))
    first = (date(year, number, 1) - date(1970, 1, 1)).days
    return range(first, first + calendar.monthrange(year, number)[1])


def month_before(month):
    return month_of(days_of(month)[0] - 1)


# ---- what must come out ----


def amount_of(overage, price):
    return (2 * overage * price + 1000) // 2000  # half up


def decimal_of(micros):
    return f"{micros // 10**6}.{micros % 10**6:06}"


def forecast(used, elapsed, length):
    return (2 * used * length + elapsed) // (2 * elapsed) if 0 < elapsed < length else used


class Registry:
    """Plans, organizations and clients: in Redis, and here."""

    def __init__(self, client):
        self.client, self.plans, self.organizations, self.clients, self.names = client, {}, {}, {}, {}

    def plan(self, name, organization=None, currency="EUR", included=0, price=0, ceiling=0):
        entry = dict(name=name, title=name.title(), organization=organization, currency=currency)
        entry |= dict(included=included, priceMicros=price, ceiling=ceiling)
        self.plans[organization, name] = entry
        field = name if organization is None else f"{organization}\x1f{name}"
        self.client.hset("{daybook}:plans", field, json.dumps(entry))
        self.client.incr("{daybook}:version")

    def organization(self, identity, plan=""):
        self.organizations[identity] = plan
        self.client.hset("{daybook}:organizations", identity, json.dumps(dict(id=identity, name="", plan=plan)))
        self.client.incr("{daybook}:version")

    def of_client(self, organization, identity, plan="", name=""):
        self.clients[organization, identity], self.names[organization, identity] = plan, name
        make_client(self.client, organization, identity, name, plan)

    def plan_of(self, organization, name):
        return self.plans.get((organization, name)) or self.plans.get((None, name))

    def account_of(self, organization, client):
        """(kind, client or None, plan or None)"""
        own = self.clients.get((organization, client), "")
        plan = self.plan_of(organization, own or self.organizations.get(organization, "") or None)
        if plan is None:
            return "unpriced", client, None
        return ("client", client, plan) if own else ("organization", None, plan)

    def fill(self, rng):
        self.plan("basic", included=rng.randrange(50), price=rng.randrange(10**7), ceiling=100)
        self.plan("gold", included=rng.randrange(400), price=1_234_567, currency="USD")
        self.plan("basic", organization="globex", included=7, price=999, currency="CHF")
        self.organization("acme", "basic")
        self.organization("globex", rng.choice(["", "gold"]))
        self.organization("idle", "gold")
        for organization, client, plan in [
            ("acme", "c-0", "gold"),
            ("acme", "c-3", ""),
            ("acme", "c-6", "lost"),
            ("globex", "c-2", "basic"),
            ("globex", "white space & *", "gold"),
            ("acme", "never", "gold"),
            (ODD, "c-1", "basic"),
        ]:
            self.of_client(organization, client, plan, name=rng.choice(["", f"Name of {client}"]))


class Counted:
    """A month's accounts, from the events."""

    def __init__(self, registry, events, month, organization=None, client=None, plan=None):
        self.days = days_of(month)
        self.accounts = {}  # (organization, client or "") -> (kind, plan, Counter of requests by day)
        self.filter = (organization, client)
        self.registry = registry
        for identity, name in registry.organizations.items():
            if name and client is None and organization in (None, identity):
                self.find(identity, None)
        for owner, identity in registry.clients:
            known = registry.clients[owner, identity] or client is not None
            if known and organization in (None, owner) and client in (None, identity):
                self.find(owner, identity)
        for event in events:
            if event.time // DAY in self.days and organization in (None, event.org) and client in (None, event.client):
                self.find(event.org, event.client)[2][event.time // DAY] += 1
        if plan is not None:
            self.accounts = {k: v for k, v in self.accounts.items() if v[1] and v[1]["name"] == plan}

    def find(self, organization, client):
        if client is None:
            kind, plan, shown = "organization", self.registry.plan_of(organization, self.registry.organizations[organization]), ""
        else:
            kind, shown, plan = self.registry.account_of(organization, client)
        if kind == "organization" and self.filter[1] is not None:
            kind, shown, plan = "member", client, None
        return self.accounts.setdefault((organization, shown or ""), (kind, plan, Counter()))

    def total(self):
        return sum(sum(requests.values()) for _, _, requests in self.accounts.values())

    def order(self):
        return sorted(self.accounts, key=lambda key: (f"{key[0]}\x1f{key[1]}" if key[1] else key[0]).encode())


def check_days(account, entity, counted, world, shown):
    _, plan, requests = account
    cumulative = 0
    assert [entry["date"] for entry in entity["days"]] == [day_text(day) for day in shown]
    for day, entry in zip(shown, entity["days"]):
        before, cumulative = cumulative, cumulative + requests[day]
        assert entry["requests"] == requests[day] and entry["cumulative"] == cumulative
        assert entry.get("provisional", False) is not world.is_final(day)
        assert entry.get("revision") == (world.revisions.get(day) if world.is_final(day) else None)
        if plan is None:
            assert not entry.keys() & {"overage", "amount", "amountMicros"}
            continue
        beyond = [max(0, n - plan["included"]) for n in (before, cumulative)]
        amounts = [amount_of(n, plan["priceMicros"]) for n in beyond]
        assert entry["overage"] == beyond[1] - beyond[0]
        assert entry["amountMicros"] == amounts[1] - amounts[0] and entry["amount"] == decimal_of(entry["amountMicros"])
    if plan is not None:
        assert sum(entry["amountMicros"] for entry in entity["days"]) == entity["amountMicros"]
        assert sum(entry["overage"] for entry in entity["days"]) == entity["overage"]
    assert sum(entry["requests"] for entry in entity["days"]) == entity["used"]


def check_projection(entity, plan, used, days, asked, answered):
    length, begin = len(days) * DAY, days[0] * DAY
    projected = entity["projected"]
    elapsed = [min(max(at - begin, 0), length) // fixture.MINUTE * fixture.MINUTE for at in (asked, answered)]
    if elapsed[0] == length or used == 0:
        assert projected["used"] == used
    elif elapsed[0] > 0:
        assert forecast(used, elapsed[1], length) <= projected["used"] <= forecast(used, elapsed[0], length)
    if plan is None:
        assert projected.keys() == {"used"}
        return
    assert projected["overage"] == max(0, projected["used"] - plan["included"])
    assert projected["amountMicros"] == amount_of(projected["overage"], plan["priceMicros"])
    assert projected["amount"] == decimal_of(projected["amountMicros"])


def check_entity(entity, key, account, counted, registry):
    kind, plan, requests = account
    used = sum(requests.values())
    assert (entity["kind"], entity["organization"], entity.get("clientId", "")) == (kind, *key)
    assert entity.get("clientName") == (registry.names.get(key) or None)
    assert entity["used"] == used
    if plan is None:
        assert not entity.keys() & {"plan", "amount", "amountMicros", "currency", "overage", "included", "fairUse"}
        return
    assert entity["plan"] == {name: plan[name] for name in ("name", "title", "currency", "included", "priceMicros", "ceiling")}
    overage = max(0, used - plan["included"])
    micros = amount_of(overage, plan["priceMicros"])
    assert (entity["included"], entity["overage"], entity["currency"]) == (plan["included"], overage, plan["currency"])
    assert (entity["amountMicros"], entity["amount"]) == (micros, decimal_of(micros))
    ceiling = plan["ceiling"]
    wanted = {"ceiling": ceiling, "used": used, "exceeded": used > ceiling} if ceiling else None
    assert entity.get("fairUse") == wanted


def check_total(total, accounts, entities):
    sums = Counter()
    for kind, plan, requests in accounts.values():
        sums["priced" if plan else f"{kind}s" if kind == "member" else kind] += sum(requests.values())
    assert total["requests"] == sum(sums.values()) == total["priced"] + total["members"] + total["unpriced"]
    assert [total[name] for name in ("priced", "members", "unpriced")] == [sums[name] for name in ("priced", "members", "unpriced")]
    assert total["accounts"] == sum(plan is not None for _, plan, _ in accounts.values())
    amounts, projected = Counter(), Counter()
    for entity in entities:
        if "currency" in entity:
            amounts[entity["currency"]] += entity["amountMicros"]
            projected[entity["currency"]] += entity["projected"]["amountMicros"]
    assert [entry["currency"] for entry in total["amounts"]] == sorted(amounts)
    for entry in total["amounts"]:
        assert entry["amountMicros"] == amounts[entry["currency"]] and entry["amount"] == decimal_of(entry["amountMicros"])
        assert entry["projected"]["amount"] == decimal_of(entry["projected"]["amountMicros"])


class World:
    def __init__(self, client, api, seed, n=2500):
        self.rng = random.Random(seed)
        self.now = int(time.time() * 1000)
        self.today = self.now // DAY
        self.events = fixture.random_events(seed, self.now, n=n)
        self.client, self.api = client, api
        fixture.write(client, self.events, PARTITIONS, self.now)
        self.books = closed_fixture.Books(client, self.events, PARTITIONS)
        self.last = {}  # day -> last revision that has events
        for event in self.events:
            self.last[event.time // DAY] = max(self.last.get(event.time // DAY, 0), event.revision)
        self.revisions = {}
        self.registry = Registry(client)
        self.registry.fill(self.rng)
        until_known(client, api)
        self.month = month_of(self.today)

    def is_final(self, day):
        return self.revisions.get(day, 0) >= self.last.get(day, 1)

    def close(self, days, revision=1):
        for day in days:
            if day < self.today:
                self.books.close(day, revision)
                self.revisions[day] = revision

    def shown(self, month, organization=None, client=None, plan=None):
        """Tomorrow too if those who are asked for have events already; a plan is looked for among all."""
        days = [day for day in days_of(month) if day <= self.today]
        ahead = self.today + 1
        there = any(e.time // DAY == ahead and organization in (None, e.org) and client in (None, e.client) for e in self.events)
        return [*days, ahead] if there and ahead in days_of(month) else days

    def ask(self, token=API_TOKEN, **parameters):
        status, _, body = fetch(self.api, path=PATH, token=token, **parameters)
        assert status == 200, (parameters, body)
        return json.loads(body)

    def pages(self, token=API_TOKEN, **parameters):
        """The answer with the entities of all pages."""
        answer = page = self.ask(token, **parameters)
        while "nextUri" in page:
            path, _, query = page["nextUri"].partition("?")
            assert path == PATH
            page = self.ask(token, **dict(urllib.parse.parse_qsl(query)))
            assert page["entities"]
            answer["entities"] += page["entities"]
        answer.pop("nextUri", None)
        return answer

    def check(self, month=None, token=API_TOKEN, narrow=None, page_size=100, **parameters):
        """Everything about a month, against the events."""
        month = month or self.month
        asked = int(time.time() * 1000)
        answer = self.pages(token, month=month, granularity="day", pageSize=page_size, **parameters)
        answered = int(time.time() * 1000) + 1
        given = {"organization": "organization", "clientId": "client", "plan": "plan"}
        scope = {**{given[name]: value for name, value in parameters.items()}, **(narrow or {})}
        counted = Counted(self.registry, self.events, month, **scope)
        assert answer["month"] == month and answer["from"] == f"{month}-01T00:00:00Z"
        shown = self.shown(month, **scope)
        finished = len(shown) == len(counted.days) and all(self.is_final(day) for day in shown)
        assert answer["provisional"] is not finished
        order = counted.order()
        assert [(e["organization"], e.get("clientId", "")) for e in answer["entities"]] == order
        for key, entity in zip(order, answer["entities"]):
            account = counted.accounts[key]
            check_entity(entity, key, account, counted, self.registry)
            check_days(account, entity, counted, self, shown)
            check_projection(entity, account[1], entity["used"], counted.days, asked, answered)
        check_total(answer["total"], counted.accounts, answer["entities"])
        assert answer["total"]["requests"] == counted.total()
        return answer


@pytest.fixture
def api(tmp_path, redis):
    (tmp_path / "cache").mkdir()
    settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "cache.directory": tmp_path / "cache", **UNLIMITED}
    made = Api("api", "api", tmp_path / "api", settings).start()
    yield made
    made.kill()


@pytest.fixture
def world(api, redis):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    return World(redis.client(), api, seed)


# ---- the numbers ----


def test_days_that_are_closed_change_no_number(world):
    before = month_before(world.month)
    days = [*days_of(before), *days_of(world.month)]

    def check():
        for month in (before, world.month):
            world.check(month)
        world.check(organization="acme")

    check()
    some = world.rng.sample(days, len(days) // 2)
    world.close(some)  # of many a later revision is still open
    check()
    world.close([day for day in days if day not in some])
    check()
    world.close([day for day in days if world.last.get(day) == 2], revision=2)
    check()
    world.books.remove_all_buckets([day for day in days if world.is_final(day)], 1)
    world.books.remove_all_buckets([day for day in days if world.is_final(day)], 2)
    check()


def test_while_days_are_being_closed(world):
    """Each day once, from its sheet or live, whatever happens between two looks."""
    before = month_before(world.month)
    months = {month: Counted(world.registry, world.events, month) for month in (before, world.month)}
    days = [day for month in months for day in days_of(month) if day < world.today]
    world.rng.shuffle(days)
    asked, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            for month, counted in months.items():
                answer = world.pages(month=month, granularity="day", pageSize=1000)
                by_day = [[day["requests"] for day in entity["days"]] for entity in answer["entities"]]
                asked.append((counted, [(e["organization"], e.get("clientId", "")) for e in answer["entities"]], by_day))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for day in days:
        world.close([day])
        if world.last.get(day) == 2:
            world.close([day], revision=2)
        if day < world.today - 2:
            for partition in range(PARTITIONS):
                world.books.remove_buckets(partition, day, 1)
                world.books.remove_buckets(partition, day, 2)
    stop.set()
    for asker in askers:
        asker.join()
    assert len(asked) > 10
    for counted, order, by_day in asked:
        assert order == counted.order()
        for key, requests in zip(order, by_day):
            account = counted.accounts[key][2]
            assert requests == [account[day] for day in list(counted.days)[: len(requests)]]
    world.check(before)
    world.check()


def test_all_accounts_are_all_requests(world):
    """What they have together is what the statistics say of the month, organization by organization."""
    before = month_before(world.month)
    world.close([*days_of(before), *days_of(world.month)][::2])
    for month in (before, world.month):
        days = days_of(month)
        for organization in ("acme", "globex"):
            parameters = dict(metric_name="hits", since=day_text(days[0]), until=day_text(days[-1]), granularity="day")
            status, _, body = fetch(world.api, path=f"/stats/services/{organization}/usage.json", **parameters)
            assert status == 200, body
            values = json.loads(body)["values"]
            answer = world.check(month, organization=organization)
            assert answer["total"]["requests"] == sum(values)
            by_day = [sum(e["days"][i]["requests"] for e in answer["entities"]) for i in range(len(world.shown(month, organization=organization)))]
            assert by_day == values[: len(by_day)] and not any(values[len(by_day) :])
        assert world.ask(month=month)["total"]["requests"] == sum(e.time // DAY in days for e in world.events)


def test_filters_and_pages(world):
    for parameters in [
        {"organization": "acme"},
        {"organization": "idle"},
        {"organization": "unheard-of"},
        {"organization": ODD},
        {"clientId": "c-0"},
        {"clientId": "c-3"},
        {"clientId": "never"},
        {"organization": "acme", "clientId": "c-6"},
        {"organization": "globex", "clientId": "white space & *"},
        {"plan": "gold"},
        {"plan": "basic", "organization": "globex"},
        {"plan": "lost"},
    ]:
        world.check(**parameters)
    whole = world.check()
    for size in (1, 2, 7):
        pages = world.check(page_size=size)
        assert [(e["organization"], e.get("clientId")) for e in pages["entities"]] == [
            (e["organization"], e.get("clientId")) for e in whole["entities"]
        ]
    short = world.ask(month=world.month, organization="acme", pageSize=1)
    assert short["total"]["requests"] == world.ask(organization="acme")["total"]["requests"] and "days" not in short["entities"][0]


def test_the_section_of_get_usage(world):
    """The same account as in the list, with its days; of nobody in particular there is none."""
    world.close([day for day in days_of(world.month) if day % 2])

    def steady(entity):
        return {name: value for name, value in entity.items() if name not in ("projected", "clientName")}

    for scope, other in [
        ({"keyId": "c-0", "organization": "acme"}, {"clientId": "c-0", "organization": "acme"}),
        ({"keyId": "c-3", "organization": "acme"}, {"clientId": "c-3", "organization": "acme"}),
        ({"keyId": "white space & *"}, {"clientId": "white space & *", "organization": "globex"}),
        ({"organization": "acme"}, {"organization": "acme"}),
    ]:
        status, _, body = fetch(world.api, path="/v1/developer/usage", includeCosts="true", **scope)
        assert status == 200, body
        section, answer = json.loads(body)["costs"], world.ask(granularity="day", **other)
        about = ("month", "from", "to", "finalizedThrough", "provisional")
        assert {name: section.pop(name) for name in about} == {name: answer[name] for name in about}
        assert steady(section) == steady(answer["entities"][0])
        assert section["projected"].keys() == answer["entities"][0]["projected"].keys()
    for parameters in ({"includeCosts": "true"}, {"includeCosts": "true", "organization": ODD}):
        status, _, body = fetch(world.api, path="/v1/developer/usage", **parameters)
        assert status == 200 and json.loads(body)["costs"] is None
    status, _, body = fetch(world.api, path="/v1/developer/usage", organization="acme")
    assert status == 200 and "costs" not in json.loads(body)


# ---- tables ----


def cells(entity, day=None):
    """A row as a table has it, of JSON; None where it has nothing."""
    plan = entity.get("plan", {})
    common = dict(kind=entity["kind"], organization=entity["organization"], clientId=entity.get("clientId"))
    common |= dict(clientName=entity.get("clientName"), plan=plan.get("name"), currency=plan.get("currency"))
    if day is not None:
        names = ("date", "requests", "cumulative", "overage", "amountMicros", "amount", "revision")
        return {**common, **{name: day.get(name) for name in names}, "provisional": day.get("provisional", False)}
    fair, projected = entity.get("fairUse", {}), entity["projected"]
    names = ("included", "used", "overage", "amountMicros", "amount")
    return {
        **common,
        **{name: entity.get(name) for name in names},
        "fairUseCeiling": fair.get("ceiling"),
        "fairUseExceeded": fair.get("exceeded"),
    } | {f"projected{name[0].upper()}{name[1:]}": projected.get(name) for name in ("used", "overage", "amountMicros", "amount")}


def as_text(value):
    return "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)


def test_tables_have_the_same_numbers(world):
    month = month_before(world.month)  # of which nothing is projected, so that the time does not matter
    world.close(list(days_of(month))[:20])
    for granularity in ("month", "day"):
        for scope in ({}, {"organization": "acme"}, {"plan": "gold"}, {"organization": "unheard-of"}):
            pages = world.pages(month=month, granularity=granularity, pageSize=1000, **scope)
            if granularity == "day":
                rows = [cells(entity, day) for entity in pages["entities"] for day in entity["days"]]
            else:
                rows = [{"month": month, **cells(e), "provisional": pages["provisional"]} for e in pages["entities"]]
            status, headers, body = fetch(world.api, path=f"{PATH}.jsonl", month=month, granularity=granularity, **scope)
            assert status == 200 and headers["Content-Type"].startswith("application/x-ndjson")
            lines = [json.loads(line) for line in body.decode().splitlines()]
            assert lines == rows
            status, headers, body = fetch(world.api, path=f"{PATH}.csv", month=month, granularity=granularity, **scope)
            assert status == 200 and headers["Content-Type"].startswith("text/csv")
            assert f"usage-costs_{month}" in headers["Content-Disposition"]
            names, *table = csv_rows(body.decode())
            assert table == [[as_text(row[name]) for name in names] for row in rows]
            assert not rows or sorted(names) == sorted(rows[0])
            status, headers, accepted = fetch(
                world.api, path=PATH, headers={"Accept": "text/csv"}, month=month, granularity=granularity, **scope
            )
            assert accepted == body


# ---- who sees what ----


def test_callers_see_their_own(world):
    client = world.client
    pooled = make_token(client, "acme", of_client="c-3", permissions=())
    priced = make_token(client, "acme", of_client="c-0", permissions=())
    nobody = make_token(client, ODD, of_client="c-1000", permissions=())
    whole = make_token(client, "acme", permissions=())
    wait_until(lambda: fetch(world.api, path=PATH, token=whole)[0] == 200, 30, "the tokens are known")
    answer = world.check(token=whole, narrow={"organization": "acme"})
    assert {entity["organization"] for entity in answer["entities"]} == {"acme"}
    answer = world.check(token=priced, narrow={"organization": "acme", "client": "c-0"})
    assert [entity["kind"] for entity in answer["entities"]] == ["client"] and answer["total"]["amounts"]
    answer = world.check(token=pooled, narrow={"organization": "acme", "client": "c-3"})
    assert [entity["kind"] for entity in answer["entities"]] == ["member"] and answer["total"]["amounts"] == []
    assert "mount" not in json.dumps(answer["entities"])
    answer = world.check(token=nobody, narrow={"organization": ODD, "client": "c-1000"})
    assert answer["entities"] == [] and answer["total"]["requests"] == 0
    for token, parameters in [(whole, {"organization": "globex"}), (priced, {"clientId": "c-3"}), (pooled, {"organization": "idle"})]:
        status, _, body = fetch(world.api, path=PATH, token=token, **parameters)
        assert status == 403, body
    for suffix in ("", ".csv", ".jsonl"):
        status, _, body = fetch(world.api, path=PATH + suffix, token=pooled, granularity="day")
        assert status == 200 and b"c-0" not in body and b"globex" not in body


# ---- HTTP ----


def test_a_final_month_has_a_tag(world):
    month = month_before(world.month)
    status, headers, _ = fetch(world.api, path=PATH, month=month)
    assert status == 200 and headers["ETag"] is None and headers["Cache-Control"] == "no-store"
    world.close(days_of(month))
    world.close([day for day in days_of(month) if world.last.get(day) == 2], revision=2)
    status, headers, body = fetch(world.api, path=PATH, month=month)
    assert status == 200 and headers["ETag"] and json.loads(body)["provisional"] is False
    assert fetch(world.api, path=PATH, month=month, headers={"If-None-Match": headers["ETag"]})[0] == 304
    world.registry.plan("gold", included=1, price=1, currency="USD")
    wait_until(
        lambda: fetch(world.api, path=PATH, month=month, headers={"If-None-Match": headers["ETag"]})[0] == 200, 30, "a plan has changed"
    )
    status, headers, _ = fetch(world.api, path=f"{PATH}.csv", month=month)
    assert fetch(world.api, path=f"{PATH}.csv", month=month, headers={"If-None-Match": headers["ETag"]})[0] == 304


def next_month(month):
    return month_of(days_of(month)[-1] + 1)


def test_what_is_refused(world):
    for parameters, field in [
        ({"month": next_month(world.month)}, "month"),
        ({"month": "2026-13"}, "month"),
        ({"month": "2026-1"}, "month"),
        ({"month": "1969-12"}, "month"),
        ({"month": "2026-11-01"}, "month"),
        ({"month": ""}, "month"),
        ({"granularity": "week"}, "granularity"),
        ({"pageSize": "0"}, "pageSize"),
        ({"pageSize": "1001"}, "pageSize"),
        ({"after": "=="}, "after"),
        ({"after": "A" * 5000}, "after"),
        ({"organization": ""}, "organization"),
        ({"clientId": "a\nb"}, "clientId"),
        ({"plan": "x" * 257}, "plan"),
        ({"timeZone": "UTC"}, "timeZone"),
    ]:
        status, _, body = fetch(world.api, path=PATH, **parameters)
        error = json.loads(body)
        assert status == 400 and error["field"] == field and error["allowed"], (parameters, error)
    status, _, body = fetch(world.api, path=f"{PATH}.csv", pageSize="5")
    assert status == 400 and json.loads(body)["field"] == "pageSize"
    for suffix in ("xlsx", "json", "pdf"):
        assert fetch(world.api, path=f"{PATH}.{suffix}")[0] == 404
    assert world.ask(month="1970-01")["total"]["requests"] == 0
    assert Decimal(world.ask(month="2000-02", granularity="DAY")["total"]["requests"]) == 0
