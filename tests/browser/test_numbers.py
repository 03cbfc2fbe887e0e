"""What the pages of usage show, against the events themselves and against the API: in UTC, New York and Kathmandu, of all
organizations, one, and one application."""

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dashboard import plain
from playwright.sync_api import expect
from world import ACME, EXPORTS, GLOBEX, NAMES, SLOT, iso, ranked

ZONES = ["UTC", "America/New_York", "Asia/Kathmandu"]
CLASSES = {2: "2xx Success", 3: "3xx Redirect", 4: "4xx without 429", 5: "5xx Server error", 1: "1xx and unknown"}


def dates_of(world, zone, days=7):
    today = world.today_in(zone)
    return [today - timedelta(days=n) for n in reversed(range(days))]


def local_date(event, zone):
    return datetime.fromtimestamp(event.time // SLOT * SLOT // 1000, ZoneInfo(zone)).date()


def spelt(day):
    return day.strftime("%a, %b %-d, %Y")


def endpoint_of(event):
    return f"{event.method} {event.route}"


def events_of(world, zone, days=7):
    dates = dates_of(world, zone, days)
    return world.local(str(dates[0]), str(dates[-1]), zone)


def total(row):
    return sum(plain(value) for name, value in row.items() if name not in ("Point", "Period before") and value != "–")


# ---- traffic ----


@pytest.mark.parametrize("zone", ZONES)
def test_traffic_by_day(dashboard, world, zone):
    dashboard.open("/traffic", tz=zone, range="last7")
    events, dates = events_of(world, zone), dates_of(world, zone)
    by_day = Counter(local_date(e, zone) for e in events)
    parts = {name: Counter(local_date(e, zone) for e in events if endpoint_of(e) == of)
             for name, of in (("Checkout", "POST /v1/orders"), ("Search", "GET /v1/search"))}
    before = Counter(local_date(e, zone) for e in world.local(str(dates[0] - timedelta(days=7)), str(dates[-1] - timedelta(days=7)), zone))
    rows = dashboard.chart("Requests over time")
    assert [row["Point"] for row in rows] == [spelt(day) for day in dates]
    for row, day in zip(rows, dates):
        assert total(row) == by_day[day], (row, day)
        assert all(plain(row[name]) == count[day] for name, count in parts.items())
        assert plain(row["Period before"]) == before[day - timedelta(days=7)]
    assert dashboard.figure("Requests") == len(events)
    busiest = max(by_day.values())
    assert dashboard.figure("Busiest day") == busiest
    table = {row["Method"]: plain(row["Requests"]) for row in dashboard.table("Requests by method")}
    assert table == {"Hits (all requests)": len(events), **{name: sum(count.values()) for name, count in parts.items()}}


@pytest.mark.parametrize("zone", ZONES[1:])
def test_traffic_by_hour(dashboard, world, zone):
    day = world.today_in(zone) - timedelta(days=1)
    dashboard.open("/traffic", tz=zone, range="yesterday", by="hour", metric="hits")
    rows = dashboard.chart("Requests over time")
    hours = Counter(datetime.fromtimestamp(e.time // SLOT * SLOT // 1000, ZoneInfo(zone)).hour for e in world.local(str(day), str(day), zone))
    assert len(rows) in (23, 24, 25)
    if len(rows) == 24:  # the clock was not changed
        assert [total(row) for row in rows] == [hours[n] for n in range(24)]


def test_traffic_by_week_and_month(dashboard, world):
    dashboard.open("/traffic", tz="UTC", range="last30", by="week", metric="hits")
    events = events_of(world, "UTC", 30)
    weeks = Counter(local_date(e, "UTC") - timedelta(days=local_date(e, "UTC").weekday()) for e in events)
    shown = [total(row) for row in dashboard.chart("Requests over time")]
    assert [n for n in shown if n] == [weeks[week] for week in sorted(weeks)]
    dashboard.open("/traffic", tz="UTC", range="last90", by="month", metric="search")
    months = Counter(str(local_date(e, "UTC"))[:7] for e in events_of(world, "UTC", 90) if endpoint_of(e) == "GET /v1/search")
    shown = [total(row) for row in dashboard.chart("Requests over time")]
    assert [n for n in shown if n] == [months[month] for month in sorted(months)]


# ---- overview ----


@pytest.mark.parametrize("organization", [None, GLOBEX])
def test_overview(dashboard, world, organization):
    of = {"organization": organization} if organization else {}
    dashboard.open("/", tz="UTC", range="last30", **({"org": organization} if organization else {}))
    answer = world.ask("/api/v2/usage/overview", timeframe="30d", timeZone="UTC", **of)
    events = [e for e in world.events if organization in (None, e.org)]  # all are younger than thirty days
    failed = [e for e in events if e.status >= 400]
    assert dashboard.figure("Requests") == len(events) == answer["usage"]["totalRequests"]
    assert dashboard.figure("Failed requests") == len(failed)
    assert dashboard.figure("Active applications") == len({(e.org, e.client) for e in events})
    applications = [(NAMES[who] + ("" if organization else f" {who[0]}"), n) for who, n in ranked(events, lambda e: (e.org, e.client))]
    shown = {row["Application"]: plain(row["Requests"]) for row in dashboard.table("Top applications")}
    assert shown == dict(applications[:6])
    endpoints = {row["Endpoint"]: plain(row["Requests"]) for row in dashboard.table("Top endpoints")}
    assert endpoints == dict(ranked(events, endpoint_of)[:6])
    failing = {row["Endpoint"]: plain(row["Failed"]) for row in dashboard.table("Failing endpoints")}
    assert failing == dict(ranked(failed, endpoint_of)[:6])
    by_day = Counter(local_date(e, "UTC") for e in events)
    for row in dashboard.chart("Requests over time"):
        assert total(row) == by_day[datetime.strptime(row["Point"], "%a, %b %d, %Y").date()]


def test_overview_of_limits_and_alerts(dashboard, world):
    dashboard.open("/", tz="UTC", range="last7")
    alerts = world.ask("/api/v2/usage/alerts", pageSize=100)["entities"]
    today = len(world.of(day=world.today, org=ACME, client="web-shop"))
    expect(dashboard.card("Unread alerts").get_by_role("listitem")).to_have_count(min(5, sum(a["state"] == "unread" for a in alerts)))
    expect(dashboard.card("Unread alerts")).to_contain_text("Collector edge-2 has not been heard of for 10 minutes.")
    level = dashboard.card("Limits and quotas").get_by_role("listitem").filter(has_text="Web shop")
    expect(level).to_contain_text(f"{today:,} of {world.shop_limit:,}")


# ---- averages ----


@pytest.mark.parametrize("zone", ZONES[1:])
def test_averages(dashboard, world, zone):
    """With the number of days behind each; days that are not over count neither."""
    dates = dates_of(world, zone, 21)[:-1][-14:]
    dashboard.open("/averages", tz=zone, **{"from": dates[0], "to": dates[-1]})
    by_day = Counter(local_date(e, zone) for e in world.local(str(dates[0]), str(dates[-1]), zone))
    shown = {row["Weekday"]: row for row in dashboard.table("By day of the week")}
    for name in ("Monday", "Wednesday", "Saturday"):
        days = [day for day in dates if day.strftime("%A") == name]
        average = sum(by_day[day] for day in days) / len(days)
        assert plain(shown[name]["Days"]) == len(days) == 2
        assert abs(float(shown[name]["Average"].replace(",", "")) - average) <= 0.51, (name, average, shown[name])


# ---- top applications ----


@pytest.mark.parametrize("zone", ZONES[1:])
def test_top_applications(dashboard, world, zone):
    events = events_of(world, zone)
    dashboard.open("/top", tz=zone, range="last7")
    who = ranked(events, lambda e: (e.org, e.client))
    rows = [plain(row["Requests"]) for row in dashboard.table("Top applications")]
    assert rows == [n for _, n in who][: len(rows)] and len(rows) >= 10
    assert dashboard.chart("Requests by application")[0]["Point"].startswith(NAMES[who[0][0]])
    dashboard.open("/top", tz=zone, range="last7", metric="checkout", org=ACME)
    mine = [e for e in events if endpoint_of(e) == "POST /v1/orders" and e.org == ACME]
    rows = [plain(row["Requests"]) for row in dashboard.table("Top applications")]
    assert rows == [n for _, n in ranked(mine, lambda e: (e.org, e.client))]


def test_names_stay_text(dashboard, world):
    """Names that are markup, very long, from right to left or a formula are text as any other."""
    dashboard.open("/top", tz="UTC", range="last30")
    text = dashboard.page.get_by_role("table", name="Top applications").inner_text()
    for who, _ in ranked(world.events, lambda e: (e.org, e.client))[:10]:
        assert NAMES[who] in text, who
    assert not dashboard.page.locator("main img").count()
    assert not dashboard.page.locator("main b").count()


# ---- response codes ----


@pytest.mark.parametrize("zone", ZONES)
def test_codes(dashboard, world, zone):
    events = events_of(world, zone)
    dashboard.open("/codes", tz=zone, range="last7")
    counts = Counter(e.status for e in events)
    shown = {}
    for title in ("2xx Success", "3xx Redirect", "4xx Client error", "5xx Server error", "1xx and unknown"):
        table = dashboard.page.get_by_role("table", name=title, exact=True)
        if table.count():
            shown |= {int(row["Code"]): plain(row["Requests"]) for row in dashboard.rows(table)}
    assert shown == counts and {504, 418, 299, 599} <= set(counts)
    by_day = Counter((local_date(e, zone), CLASSES[e.status // 100] if e.status != 429 else "429 Too many") for e in events)
    for row in dashboard.chart("Response codes over time"):
        day = datetime.strptime(row.pop("Point"), "%a, %b %d, %Y").date()
        assert {name: plain(value) for name, value in row.items()} == {name: by_day[day, name] for name in row}


def test_one_code(dashboard, world):
    dashboard.open("/codes", tz="UTC", range="last7")
    dashboard.page.get_by_role("table", name="5xx Server error").get_by_role("button", name="504").click()
    dashboard.settle()
    assert dashboard.query["code"] == "504"
    by_day = Counter(local_date(e, "UTC") for e in events_of(world, "UTC") if e.status == 504)
    rows = dashboard.chart("Requests answered with 504")
    assert {row["Point"]: total(row) for row in rows} == {spelt(day): by_day[day] for day in dates_of(world, "UTC")}


# ---- latency, metrics ----


def milliseconds(shown):
    return float(shown.split()[0].replace(",", "")) * (1000 if shown.endswith(" s") else 1)


def exact_p95(events):
    slowest = sorted(e.latency for e in events)
    return slowest[-(-len(slowest) * 95 // 100) - 1] / 1000


def test_latency(dashboard, world):
    dashboard.open("/latency", tz="UTC", range="last30")
    answer = world.ask("/v1/developer/usage", since=str(world.today_in("UTC") - timedelta(days=29)), granularity="day", sortBy="latency")
    rows = {row["Endpoint"]: row for row in dashboard.table("Latency of endpoints")}
    counts = Counter(map(endpoint_of, world.events))
    assert {name: plain(row["Requests"]) for name, row in rows.items()} == counts
    shown, exact = rows[EXPORTS]["p95"], exact_p95(e for e in world.events if endpoint_of(e) == EXPORTS)
    assert abs(milliseconds(shown) - exact) / exact < 0.06, (shown, exact)
    expect(dashboard.card("Endpoints")).not_to_contain_text("slowest")
    assert next(iter(rows)) == EXPORTS == answer["breakdown"]["byEndpoint"][0]["endpoint"]


@pytest.mark.parametrize("zone", ZONES)
def test_latency_of_chosen_dates(dashboard, world, zone):
    first, last = (str(world.today_in(zone) - timedelta(days=n)) for n in (11, 4))
    dashboard.open("/latency", tz=zone, range="last30")
    dashboard.type_dates(first, last)
    events = world.local(first, last, zone)
    rows = {row["Endpoint"]: row for row in dashboard.table("Latency of endpoints")}
    assert {name: plain(row["Requests"]) for name, row in rows.items()} == Counter(map(endpoint_of, events))
    shown, exact = dashboard.stat("p95").inner_text(), exact_p95(events)
    assert abs(milliseconds(shown) - exact) / exact < 0.06, (shown, exact)
    assert len(dashboard.chart("Latency over time")) == 8


@pytest.mark.parametrize("zone", ZONES)
def test_metrics_of_chosen_dates(dashboard, world, zone):
    """Figures, percentiles, points, codes and applications: all of just these dates."""
    endpoint, (first, last) = "GET /v1/search", (str(world.today_in(zone) - timedelta(days=n)) for n in (12, 5))
    dashboard.open("/endpoints", tz=zone, range="last7", endpoint=endpoint)
    dashboard.type_dates(first, last)
    events = [e for e in world.local(first, last, zone) if endpoint_of(e) == endpoint]
    answer = world.ask("/v1/developer/usage", since=first, until=last, timeZone=zone, granularity="day", endpoint=endpoint)
    assert dashboard.figure("Requests") == answer["usage"]["totalRequests"] == len(events)
    shown, exact = dashboard.stat("p95 latency").inner_text(), exact_p95(events)
    assert abs(milliseconds(shown) - exact) / exact < 0.06, (shown, exact)
    assert abs(milliseconds(shown) - answer["latency"]["p95"]) / exact < 0.01, (shown, answer["latency"])
    rows = {row["Application"]: plain(row["Requests"]) for row in dashboard.table("Applications")}
    assert rows == {f"{row['keyId']} {row['organization']}": row["requests"] for row in answer["breakdown"]["byKey"]}
    assert rows == Counter(f"{e.client} {e.org}" for e in events)
    codes = {int(row["Code"]): plain(row["Requests"]) for row in dashboard.table("Status codes")}
    assert {code: n for code, n in codes.items() if n} == Counter(e.status for e in events)
    by_day = Counter(spelt(local_date(e, zone)) for e in events)
    points = {row["Point"]: total(row) for row in dashboard.chart("Requests of the endpoint over time")}
    assert len(points) == 8 and {day: n for day, n in points.items() if n} == by_day
    for title in ("Applications", "Latency", "Status codes"):
        expect(dashboard.card(title)).not_to_contain_text("from now")


def test_metrics_of_an_endpoint(dashboard, world):
    """Chosen from the list by search; usage by status code has the usual ones and whatever else occurs."""
    dashboard.open("/endpoints", tz="UTC", range="last30")
    page = dashboard.page
    page.get_by_role("button", name="Endpoint:", exact=False).click()
    panel = page.get_by_role("dialog", name="Endpoint")
    panel.get_by_role("searchbox").fill("export")
    expect(panel.get_by_role("radio")).to_have_count(1)
    panel.get_by_role("radio", name=EXPORTS).click()
    dashboard.settle()
    events = [e for e in world.events if endpoint_of(e) == EXPORTS]
    counts = Counter(e.status for e in events)
    rows = {int(row["Code"]): plain(row["Requests"]) for row in dashboard.table("Status codes")}
    assert rows == {**dict.fromkeys((200, 201, 400, 403, 404, 500, 504), 0), **counts}
    chart = {row["Point"].split()[0]: total(row) for row in dashboard.chart("Usage by status code")}
    assert chart == {str(code): n for code, n in rows.items()}
    assert dashboard.figure("Requests") == len(events)
    dashboard.page.get_by_role("radio", name="Failed only").check()
    dashboard.settle()
    chart = {int(row["Point"].split()[0]) for row in dashboard.chart("Usage by status code")}
    assert chart == {code for code in rows if code >= 400}


def test_metrics_of_a_method(dashboard, world):
    dashboard.open("/endpoints", tz="Asia/Kathmandu", range="last7", endpoint="checkout")
    events = [e for e in events_of(world, "Asia/Kathmandu") if endpoint_of(e) == "POST /v1/orders"]
    by_day = Counter(spelt(local_date(e, "Asia/Kathmandu")) for e in events)
    rows = {row["Point"]: total(row) for row in dashboard.chart("Requests of the endpoint over time")}
    assert rows == {spelt(day): by_day[spelt(day)] for day in dates_of(world, "Asia/Kathmandu")}


# ---- days ----


def test_days(dashboard, world):
    dashboard.open("/days", tz="UTC", range="last30")
    rows = {row["Day (UTC)"]: row for row in dashboard.table("Days")}
    for day in range(world.first, world.today):
        row = rows[spelt(date.fromisoformat(iso(day)))]
        assert plain(row["Events"]) == len(world.of(day=day))
        state = "Revised" if day == world.revised else "Incomplete" if day == world.incomplete else "Final"
        assert row["State"] == state, row
    expect(dashboard.stat("Revised")).to_have_text("1")
    expect(dashboard.stat("Incomplete")).to_have_text("1")
    assert dashboard.figure("Events") == len(world.of(days=(world.first, world.today - 1)))
