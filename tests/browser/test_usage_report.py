"""The API usage report: its three sections, what is chosen in each, billing days and local days, and where a click leads."""

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dashboard import plain
from playwright.sync_api import expect
from world import ACME, DAY, EXPORTS, GLOBEX, NAMES, SLOT, iso, ranked

ACTIVE, CLIENTS, URLS = "Most active requests", "OAuth client requests", "URL requests"
STATUSES = ["2xx Success", "3xx Redirect", "4xx without 429", "429 Too many", "5xx Server error", "1xx and unknown"]


def status_of(event):
    if event.status == 429:
        return "429 Too many"
    return {2: STATUSES[0], 3: STATUSES[1], 4: STATUSES[2], 5: STATUSES[4]}.get(event.status // 100, STATUSES[5])


def url_of(event):
    return event.route[1:]


def ring(dashboard, title):
    return {row["Point"]: plain(row["Requests"]) for row in dashboard.chart(title)}


def bars(dashboard, title):
    """[(title, requests)]"""
    return [(row.pop("Point"), sum(map(plain, row.values()))) for row in dashboard.chart(title)]


def totals(dashboard, section):
    """(requests, clients)"""
    root = dashboard.section(section)
    return tuple(plain(root.locator(f"[data-total={name}]").inner_text()) for name in ("requests", "clients"))


def assert_section(dashboard, section, events):
    assert totals(dashboard, section) == (len(events), len({(e.org, e.client) for e in events}))
    rings = {ACTIVE: "Response statuses", CLIENTS: "Statuses of client requests", URLS: "Statuses of URL requests"}
    if events:
        shown = ring(dashboard, rings[section])
        assert {name: n for name, n in shown.items() if n} == Counter(map(status_of, events))


@pytest.fixture
def report(dashboard):
    dashboard.open("/report", tz="UTC", range="last7")
    return dashboard


def week(world, **fields):
    return world.of(days=world.last_week, **fields)


def test_every_section(report, world):
    events = week(world)
    for section in (ACTIVE, CLIENTS, URLS):
        assert_section(report, section, events)
    who = ranked(events, lambda e: (e.org, e.client))
    assert [n for _, n in bars(report, "Top 5 clients")] == [n for _, n in who[:5]]
    assert [n for _, n in bars(report, "Request counts by client")] == [n for _, n in who[:10]]
    assert [n for _, n in bars(report, "URL counts by client")] == [n for _, n in who[:10]]
    assert all(NAMES[key] in title for (key, _), (title, _) in zip(who[:3], bars(report, "Top 5 clients")))
    urls = ranked(events, url_of)
    assert bars(report, "Top 5 URLs") == urls[:5]
    assert sorted(bars(report, "Requests by URL")) == sorted(urls)
    days = Counter(e.time // DAY for e in events)
    for title in ("Requests by day", "URL requests by day"):
        assert [n for _, n in bars(report, title)] == [days[day] for day in range(world.last_week[0], world.last_week[1] + 1)]


def test_against_the_api(report, world):
    first, last = (iso(day) for day in world.last_week)
    answer = world.ask("/api/v2/usage/report", interval=f"{first}/{last}", top=10)
    assert totals(report, ACTIVE) == (answer["totalRequests"], answer["totalClients"])
    assert [n for _, n in bars(report, "Request counts by client")] == [row["requests"] for row in answer["clients"]]


def test_of_one_organization(report, world):
    report.choose("Organization", GLOBEX)
    for section in (ACTIVE, CLIENTS, URLS):
        assert_section(report, section, week(world, org=GLOBEX))


def choose(dashboard, section, button, clients=(), urls=()):
    dashboard.section(section).get_by_role("button", name=button).click()
    dialog = dashboard.dialog()
    for kind, names in (("clients", clients), ("urls", urls)):
        for name in names:
            dialog.get_by_role("searchbox", name=f"Search {kind}").fill(name)
            dialog.get_by_role("group", name=kind.title() if kind == "clients" else "URLs").get_by_role("checkbox", name=name).first.check()
    return dialog


def test_a_selection_acts_on_its_section_only(report, world):
    """On all of its graphs; it stays, through other pages and when the page is loaded again, until it is reset."""
    dialog = choose(report, CLIENTS, "Client and URL selection", ["mobile-app"], ["v1/search", "v1/reports/export"])
    dialog.get_by_role("button", name="Apply").click()
    report.settle()
    chosen = [e for e in week(world, client="mobile-app") if e.route in ("/v1/search", "/v1/reports/export")]
    assert_section(report, CLIENTS, chosen)
    assert sum(n for _, n in bars(report, "Request counts by client")) == len(chosen)
    assert sum(n for _, n in bars(report, "URL counts by client")) == len(chosen)
    assert_section(report, URLS, week(world))
    assert_section(report, ACTIVE, week(world))
    expect(report.section(CLIENTS)).to_contain_text("Only mobile-app")
    report.go("Traffic").go("API usage report")
    assert_section(report, CLIENTS, chosen)
    report.page.reload()
    report.settle()
    assert_section(report, CLIENTS, chosen)
    report.section(CLIENTS).get_by_role("button", name="Reset to defaults").click()
    report.settle()
    assert_section(report, CLIENTS, week(world))
    expect(report.section(CLIENTS).get_by_role("button", name="Reset to defaults")).to_be_disabled()


def test_the_selection_of_urls(report, world):
    dialog = choose(report, URLS, "URL selection", urls=["v1/orders/{id}"])
    expect(dialog.get_by_role("searchbox", name="Search clients")).to_have_count(0)
    dialog.get_by_role("button", name="Apply").click()
    report.settle()
    assert_section(report, URLS, week(world, route="/v1/orders/{id}"))
    report.section(URLS).get_by_role("button", name="URL selection").click()
    dialog = report.dialog()
    expect(dialog.get_by_role("group", name="URLs").get_by_role("checkbox").first).to_be_checked()
    dialog.get_by_role("button", name="Reset to defaults").click()
    report.settle()
    assert_section(report, URLS, week(world))


def test_a_selection_that_is_cancelled(report, world):
    for leave in ("Cancel", "Close", "Escape"):
        dialog = choose(report, CLIENTS, "Client and URL selection", ["etl"])
        if leave == "Escape":
            report.page.keyboard.press("Escape")
        else:
            dialog.get_by_role("button", name=leave).click()
        expect(report.page.locator("dialog")).to_have_count(0)
        expect(report.section(CLIENTS).get_by_role("button", name="Client and URL selection")).to_be_focused()
    assert_section(report, CLIENTS, week(world))


def test_the_search_of_the_selection(report):
    """By name, by id and by the keyboard; names are text."""
    dialog = choose(report, CLIENTS, "Client and URL selection")
    box, list_ = dialog.get_by_role("searchbox", name="Search clients"), dialog.get_by_role("group", name="Clients")
    for typed, found in (("nightly etl", 1), ("img src", 1), ("متجر", 1), ("nobody", 0)):
        box.fill(typed)
        expect(list_.get_by_role("checkbox")).to_have_count(found)
    expect(list_).to_contain_text("Nothing matches.")
    box.fill("rocket")
    box.press("Enter")
    expect(list_.get_by_role("checkbox")).to_be_checked()
    expect(dialog.get_by_text("1 chosen")).to_be_visible()


def test_billing_days_and_local_days(report, world):
    """The page says why the date of a billing day can differ; local days are true days of the zone."""
    zone = ZoneInfo("America/New_York")
    report.choose("Time zone", "America/New York")
    expect(report.page.get_by_text("so a request can belong to another day than its local date says", exact=False)).to_be_visible()
    last = world.today_in("America/New_York") - timedelta(days=1)  # there it may be a day earlier
    day = last.toordinal() - date(1970, 1, 1).toordinal()
    assert_section(report, ACTIVE, world.of(days=(day - 6, day)))
    report.page.get_by_role("radio", name="Local days").check()
    report.settle()
    assert report.query["days"] == "local"

    def local(event):
        return datetime.fromtimestamp(event.time // SLOT * SLOT // 1000, zone).date()

    shown = bars(report, "Requests by day")
    closed = (datetime.combine(last + timedelta(days=1), datetime.min.time(), zone).timestamp() * 1000) <= world.today * DAY
    days = Counter(local(e) for e in world.events)
    assert shown and all(days[datetime.strptime(title, "%a, %b %d, %Y").date()] == n for title, n in shown)
    if not closed:  # of the last date a part lies in the day that is not closed
        expect(report.page.get_by_text("left out", exact=False).first).to_be_visible()


def test_notes_of_days(report, world):
    """Of a restated day, and of one of which something was lost."""
    revised = datetime.fromisoformat(iso(world.revised)).strftime("%b %-d, %Y")
    expect(report.page.get_by_text(f"{revised} was restated: revision 2 is used.")).to_be_visible()
    report.choose_dates("Last 30 days")
    expect(report.page.get_by_text("is incomplete: something was lost on its way.", exact=False)).to_be_visible()


def pick(dashboard, title, point):
    """Clicks a bar by the keyboard, which does what the mouse does."""
    canvas = dashboard.page.get_by_role("img", name=title, exact=True)
    expect(canvas.locator("canvas")).to_be_visible()
    canvas.focus()
    canvas.press("Home")
    for _ in range(point):
        canvas.press("ArrowRight")
    expect(dashboard.page.locator(".chart-tip:visible")).to_be_visible()
    before = dashboard.page.url
    canvas.press("Enter")
    expect(dashboard.page).not_to_have_url(before)
    dashboard.settle()


def test_clicks_lead_on(report, world):
    pick(report, "Top 5 clients", 1)
    assert_section(report, CLIENTS, week(world, org=ACME, client="mobile-app"))
    expect(report.page.get_by_role("heading", name=CLIENTS, exact=True)).to_be_focused()
    pick(report, "Top 5 URLs", 0)
    (first, _), *_ = ranked(week(world), url_of)
    assert_section(report, URLS, week(world, route=f"/{first}"))
    pick(report, "Requests by day", 2)
    day = world.last_week[0] + 2
    assert (report.query["from"], report.query["to"]) == (iso(day), iso(day))
    assert_section(report, ACTIVE, world.of(day=day))
    pick(report, "Request counts by client", 0)
    expect(report.page.get_by_role("heading", level=1, name="Traffic")).to_be_visible()
    assert report.query["client"] == "mobile-app"


def test_failing_url(report, world):
    """Which clients meet it: a click on the URL's bar."""
    names = [title for title, _ in bars(report, "Requests by URL")]
    pick(report, "Requests by URL", names.index(EXPORTS.split("/", 1)[1]))
    assert_section(report, CLIENTS, week(world, route="/v1/reports/export"))
