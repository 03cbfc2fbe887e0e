"""Five questions of somebody who has never seen the dashboard, each answered within eight clicks from the sign-in. The clicks are
listed in each test; the first is always the button "Sign in", after the token was pasted."""

import re
from collections import Counter
from datetime import date

import pytest
from dashboard import plain
from files import opened
from playwright.sync_api import expect
from world import API_TOKEN, EXPORTS, NAMES, iso, ranked

MOST_CLICKS = 8


class Walk:
    """Counts the clicks, which are the test's docstring line by line."""

    def __init__(self, person, said):
        self.dashboard = person(token=None)
        self.dashboard.guard.allow("401")
        self.listed = re.findall(r"^ *\d+\. (.*)$", said, re.M)
        self.clicks = 0
        self.dashboard.open("/")
        self.page.get_by_label("Access token").fill(API_TOKEN)
        self.click(self.page.get_by_role("button", name="Sign in"))
        expect(self.page.get_by_role("heading", level=1, name="Overview")).to_be_visible()
        self.dashboard.settle()

    @property
    def page(self):
        return self.dashboard.page

    def click(self, what):
        what.click()
        self.clicks += 1

    def end(self):
        assert self.clicks == len(self.listed) <= MOST_CLICKS, (self.clicks, self.listed)

    def choose_page(self, title):
        self.click(self.page.get_by_role("navigation").get_by_role("link", name=title, exact=True))
        expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()
        self.dashboard.settle()


@pytest.fixture
def walk(request, person):
    made = Walk(person, request.function.__doc__)
    yield made
    made.end()


def test_which_client_made_the_most_requests_last_week(walk, world):
    """
    1. Sign in
    2. API usage report
    3. Dates
    4. Last week

    "Most active requests" begins with the top 5 clients. (Without clicks 3 and 4: of the last seven closed days.)
    """
    walk.choose_page("API usage report")
    walk.click(walk.page.get_by_role("button", name=re.compile("^Dates:")))
    walk.click(walk.page.get_by_role("button", name="Last week", exact=True))
    walk.dashboard.settle()
    sunday = world.today - (world.today + 3) % 7 - 1
    first = walk.dashboard.chart("Top 5 clients")[0]
    (who, requests), *_ = ranked(world.of(days=(sunday - 6, sunday)), lambda e: (e.org, e.client))
    assert NAMES[who] == "Web shop" and first.pop("Point").startswith("Web shop (web-shop), acme")
    assert sum(map(plain, first.values())) == requests


def test_which_url_fails_most_and_since_when(walk, world):
    """
    1. Sign in
    2. the first of "Failing endpoints"
    3. Dates
    4. Last 30 days

    "Requests" has the failed ones of each day.
    """
    (worst, failed), *_ = ranked([e for e in world.of(days=(world.today - 6, world.today)) if e.status >= 400], endpoint_of)
    row = walk.dashboard.table("Failing endpoints")[0]
    assert row["Endpoint"] == worst == EXPORTS and plain(row["Failed"]) >= failed
    walk.click(walk.page.get_by_role("table", name="Failing endpoints").get_by_role("link").first)
    walk.dashboard.settle()
    walk.click(walk.page.get_by_role("button", name=re.compile("^Dates:")))
    walk.click(walk.page.get_by_role("button", name="Last 30 days"))
    walk.dashboard.settle()
    days = walk.dashboard.chart("Requests of the endpoint over time")
    bad = [day["Point"] for day in days if plain(day["Failed"]) > plain(day["Successful"])]
    assert bad[0] == long_date(world.broken)
    by_day = Counter(e.time // 86_400_000 for e in world.of(route=EXPORTS.split(" ")[1]) if e.status >= 400)
    shown = {day["Point"]: plain(day["Failed"]) for day in days}
    assert shown[long_date(world.broken)] == by_day[world.broken]
    assert shown[long_date(world.broken - 1)] == by_day[world.broken - 1]


def test_is_yesterday_final(walk, world):
    """
    1. Sign in
    2. Days

    The overview says it already ("Final through …"); the ledger has each day with its revision and checksum.
    """
    said = walk.page.get_by_text(re.compile("^Final through")).inner_text()
    assert said.startswith(f"Final through {short_date(world.today - 1)}; today is provisional.")
    walk.choose_page("Days")
    row = walk.dashboard.table("Days")[0]
    assert row["Day (UTC)"] == long_date(world.today - 1) and row["State"] == "Final"
    assert plain(row["Events"]) == len(world.of(day=world.today - 1))


def test_what_will_be_over_quota_this_month(walk, world):
    """
    1. Sign in
    2. Costs

    The overview names them under "Limits and quotas"; the accounts of "Costs" have what is used, included and projected.
    """
    card = walk.dashboard.card("Limits and quotas")
    expect(card.get_by_role("listitem").filter(has_text="acme plan Team").get_by_text("Over", exact=True)).to_be_visible()
    walk.choose_page("Costs")
    answer = {row.get("clientId") or row["organization"]: row for row in world.ask("/api/v2/usage/costs")["entities"]}
    rows = {row["Account"]: row for row in walk.dashboard.table("Accounts")}
    month = [e for e in world.events if iso(e.time // 86_400_000)[:7] == iso(world.today)[:7]]
    for name, plan, client, used in (
        ("acmeorganization", "team", "acme", sum(e.org == "acme" for e in month)),
        ("Nightly ETLglobex, client", "starter", "etl", sum(e.client == "etl" for e in month)),
    ):
        row, included = rows[name], world.included[plan]
        assert (plain(row["Used"]), plain(row["Included"])) == (used, included) == (answer[client]["used"], answer[client]["included"])
        over = "Over" if used > included else "Will be over" if answer[client]["projected"]["used"] > included else ""
        assert row["Plan"] == f"{plan.title()} {over}"


def test_numbers_for_a_spreadsheet(walk, world):
    """
    1. Sign in
    2. API usage report
    3. Export
    4. Excel
    5. All, as one zip file
    6. Export
    """
    walk.choose_page("API usage report")
    walk.click(walk.page.get_by_role("button", name="Export", exact=True))
    dialog = walk.dashboard.dialog()
    walk.click(dialog.get_by_role("radio", name="Excel"))
    walk.click(dialog.get_by_role("checkbox", name="All, as one zip file"))
    with walk.page.expect_download() as waiting:
        walk.click(dialog.get_by_role("button", name="Export"))
    days = f"_{iso(world.last_week[0])}_{iso(world.last_week[1])}"
    assert waiting.value.suggested_filename == f"api-usage-report{days}.zip"
    files = opened(waiting.value)
    events = world.of(days=world.last_week)
    for name in ("most-active-clients", "most-active-statuses", "client-urls", "url-requests"):
        rows = files[f"{name}{days}.xlsx"]
        assert sum(int(row["requests"]) for row in rows) == len(events), name
    clients = {(row["organizationId"], row["clientId"]): int(row["requests"]) for row in files[f"client-requests{days}.xlsx"]}
    assert clients == Counter((e.org, e.client) for e in events)


def endpoint_of(event):
    return f"{event.method} {event.route}"


def long_date(day):
    return date.fromisoformat(iso(day)).strftime("%a, %b %-d, %Y")


def short_date(day):
    return date.fromisoformat(iso(day)).strftime("%b %-d, %Y")
