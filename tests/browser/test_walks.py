"""Five questions of somebody who has never seen the dashboard, each answered within eight clicks from the sign-in. The clicks are
listed in each test; the first is always the button "Sign in", after the token was pasted."""

import re
import time
from collections import Counter
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from dashboard import plain
from files import opened
from playwright.sync_api import expect
from world import API_TOKEN, DAY, EXPORTS, GLOBEX, MINUTE, NAMES, SLOT, iso, ranked

MOST_CLICKS = 8
README = Path(__file__).resolve().parents[2] / "README.md"
WEEK_SLOTS = 7 * DAY // SLOT


class Walk:
    """Counts the clicks, which are the test's docstring line by line."""

    def __init__(self, person, said):
        self.dashboard = person(token=None)
        self.dashboard.guard.allow("401")
        self.listed = re.findall(r"^ *\d+\. (.*)$", said, re.M)
        self.clicks, self.began = 0, now_ms()
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

    "Top 5 clients" begins with it: of Monday to Sunday, all of them closed days, whatever day it is today.
    """
    walk.choose_page("API usage report")
    walk.click(walk.page.get_by_role("button", name=re.compile("^Dates:")))
    walk.click(walk.page.get_by_role("button", name="Last week", exact=True))
    walk.dashboard.settle()
    monday, sunday = last_week(world)
    events = world.of(days=(monday, sunday))
    days = Counter(e.time // DAY for e in events)
    shown = [(row.pop("Point"), sum(map(plain, row.values()))) for row in walk.dashboard.chart("Requests by day")]
    assert shown == [(long_date(day), days[day]) for day in range(monday, sunday + 1)]
    clients = ranked(events, lambda e: (e.org, e.client))[:5]
    assert clients[0][1] > clients[1][1] > 0, "there is one that made the most"
    bars = [(row.pop("Point"), sum(map(plain, row.values()))) for row in walk.dashboard.chart("Top 5 clients")]
    assert [requests for _, requests in bars] == [requests for _, requests in clients]
    (organization, client), _ = clients[0]
    assert bars[0][0].startswith(f"{NAMES[organization, client]} ({client}), {organization}")


def test_which_url_fails_most_and_since_when(walk, world):
    """
    1. Sign in
    2. the first of "Failing endpoints"
    3. Dates
    4. Last 30 days

    The first page is the Overview; "Requests" has the failures of each day.
    """
    row = walk.dashboard.table("Failing endpoints")[0]
    begins = [(moment // SLOT - WEEK_SLOTS + 1) * SLOT for moment in (walk.began, now_ms())]  # of seven times 24 hours up to now
    failed = [ranked([e for e in world.events if e.time >= begin and e.status >= 400], endpoint_of)[0] for begin in begins]
    assert (row["Endpoint"], plain(row["Failed"])) in failed and row["Endpoint"] == EXPORTS
    walk.click(walk.page.get_by_role("table", name="Failing endpoints").get_by_role("link").first)
    walk.dashboard.settle()
    walk.click(walk.page.get_by_role("button", name=re.compile("^Dates:")))
    walk.click(walk.page.get_by_role("button", name="Last 30 days"))
    walk.dashboard.settle()
    days = walk.dashboard.chart("Requests of the endpoint over time")
    events = [e for e in world.events if endpoint_of(e) == EXPORTS]
    bad, good = (Counter(e.time // DAY for e in events if (e.status >= 400) == fails) for fails in (True, False))
    wanted = [(long_date(day), bad[day], good[day]) for day in range(world.today - 29, world.today + 1)]
    assert [(day["Point"], plain(day["Failed"]), plain(day["Successful"])) for day in days] == wanted
    first = next(day["Point"] for day in days if plain(day["Failed"]) > plain(day["Successful"]))
    assert first == long_date(world.broken)


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
    ledger = world.ask(f"/api/v2/usage/days/{iso(world.today - 1)}")["entities"][0]
    assert plain(row["Revision"]) == ledger["revision"] == 1 and row["Checksum"][:8] == ledger["checksum"][:8]


def test_what_will_be_over_quota_this_month(walk, world):
    """
    1. Sign in
    2. Costs

    The Overview names them under "Limits and quotas"; the accounts of "Costs" have what is used, included and projected.
    """
    month = [e for e in world.events if iso(e.time // DAY)[:7] == iso(world.today)[:7]]
    accounts = {  # those that have a plan: what they used
        "acmeorganization": ("acme plan Team", "team", sum(e.org == "acme" for e in month)),
        "Nightly ETLglobex, client": ("Nightly ETL plan Starter", "starter", sum((e.org, e.client) == (GLOBEX, "etl") for e in month)),
    }
    card = walk.dashboard.card("Limits and quotas")
    listed = {each.inner_text() for each in card.get_by_role("listitem").filter(has_text="included this month").all()}
    walk.choose_page("Costs")
    rows = {row["Account"]: row for row in walk.dashboard.table("Accounts")}
    moments = (walk.began, now_ms())
    for account, (name, plan, used) in accounts.items():
        included, row = world.included[plan], rows.pop(account)
        assert (plain(row["Used"]), plain(row["Included"])) == (used, included)
        said = row["Plan"].removeprefix(plan.title()).strip()
        assert said in {judged(used, included, moment) for moment in moments}, account
        on_overview = [text for text in listed if text.replace("\n", " ").startswith(name)]
        assert on_overview or not said, account
        assert all(f"{used:,} of {included:,}" in text for text in on_overview), account
    assert not any("over" in row["Plan"].lower() for row in rows.values())
    assert judged(*[(used, world.included[plan], moments[1]) for _, plan, used in accounts.values()][0]) == "Over"


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
    files = {name.removesuffix(f"{days}.xlsx"): rows for name, rows in opened(waiting.value).items()}
    events = world.of(days=world.last_week)
    for names, columns, key in (
        (("most-active-clients", "client-requests"), ("organizationId", "clientId"), lambda e: (e.org, e.client)),
        (("most-active-urls", "url-requests"), ("templateUri",), lambda e: (e.route[1:],)),
        (("client-urls",), ("organizationId", "clientId", "templateUri"), lambda e: (e.org, e.client, e.route[1:])),
        (("most-active-statuses", "client-statuses", "url-statuses"), ("date",), lambda e: (iso(e.time // DAY),)),
    ):
        for name in names:
            rows = files.pop(name)
            for counted, column in ((events, "requests"), ([e for e in events if e.status // 100 == 5], "status500")):
                found = {tuple(row[each] for each in columns): int(row[column]) for row in rows}
                assert len(found) == len(rows) and {k: n for k, n in found.items() if n} == Counter(map(key, counted)), (name, column)
    assert not files


QUESTIONS = {  # as README asks them, and who answers
    "Which client made the most requests last week?": test_which_client_made_the_most_requests_last_week,
    "Which URL fails most, and since when?": test_which_url_fails_most_and_since_when,
    "Is yesterday final?": test_is_yesterday_final,
    "What will be over quota this month?": test_what_will_be_over_quota_this_month,
    "How do I get the numbers into a spreadsheet?": test_numbers_for_a_spreadsheet,
}


def test_readme_names_what_is_clicked():
    """Whatever it names, in italics or in quotes, is what the walk of that question uses."""
    told = dict(re.findall(r"^\| ([^|]*\?) \| (.*) \|$", README.read_text(), re.M))
    assert told.keys() == QUESTIONS.keys()
    for question, walk in QUESTIONS.items():
        named = re.findall(r'\*([^*]+)\*|"([^"]+)"', told[question])
        assert named, question
        for name in map("".join, named):
            assert name.lower() in " ".join(walk.__doc__.lower().split()), (question, name)


def last_week(world):
    """Monday and Sunday."""
    sunday = world.today - 1 - date.fromisoformat(iso(world.today)).weekday()
    return sunday - 6, sunday


def now_ms():
    return int(time.time() * 1000)


def judged(used, included, moment):
    """How the month ends if it goes on so, by whole minutes."""
    now = datetime.fromtimestamp(moment / 1000, timezone.utc)
    begin = datetime(now.year, now.month, 1, tzinfo=timezone.utc)
    minutes = (datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=timezone.utc) - begin).total_seconds() // 60
    elapsed = (moment - begin.timestamp() * 1000) // MINUTE
    expected = (2 * used * minutes + elapsed) // (2 * elapsed) if elapsed else used
    return "Over" if used > included else "Will be over" if expected > included else ""


def endpoint_of(event):
    return f"{event.method} {event.route}"


def long_date(day):
    return date.fromisoformat(iso(day)).strftime("%a, %b %-d, %Y")


def short_date(day):
    return date.fromisoformat(iso(day)).strftime("%b %-d, %Y")
