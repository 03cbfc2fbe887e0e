"""Alerts, integration errors, days, costs and single applications: what is opened, changed and followed there."""

import re
from decimal import ROUND_HALF_UP, Decimal

from dashboard import plain
from playwright.sync_api import expect
from world import ACME, REFUSALS, iso, ranked


def alert_rows(dashboard):
    return dashboard.page.locator(".table-scroll").get_by_role("table", name="Alerts", exact=True).locator("tbody tr")


def test_alerts(dashboard, world):
    """Read and unread one by one, in the dialog, and all at once; the overview counts the unread ones."""
    dashboard.open("/alerts", tz="UTC")
    total = world.ask("/api/v2/usage/alerts")["total"]
    expect(alert_rows(dashboard)).to_have_count(total)
    row = alert_rows(dashboard).filter(has_text="edge-2")
    row.get_by_role("button").first.click()
    dialog = dashboard.dialog()
    expect(dialog).to_contain_text("Collector edge-2 has not been heard of for 10 minutes.")
    expect(dialog).to_contain_text("Pager")
    identity = dashboard.query["alert"]
    dialog.get_by_role("button", name="Mark as read").click()
    expect(dashboard.page.locator("dialog")).to_have_count(0)
    expect(dashboard.page.get_by_text("Marked as read.")).to_be_visible()
    assert world.ask(f"/api/v2/usage/alerts/{identity}")["state"] == "read"
    dashboard.open("/alerts", tz="UTC", alert=identity)
    dashboard.dialog().get_by_role("button", name="Mark as unread").click()
    expect(dashboard.page.locator("dialog")).to_have_count(0)
    dashboard.button("Mark all as read").click()
    expect(dashboard.button("Mark all as read")).to_be_disabled()
    assert world.ask("/api/v2/usage/alerts")["unread"] == 0
    dashboard.open("/", tz="UTC")
    expect(dashboard.card("Unread alerts")).to_contain_text("No unread alerts")
    for entity in world.ask("/api/v2/usage/alerts")["entities"]:  # as they were
        dashboard.open("/alerts", tz="UTC", alert=entity["id"])
        dashboard.dialog().get_by_role("button", name="Mark as unread").click()
        expect(dashboard.page.locator("dialog")).to_have_count(0)


def test_an_alert_that_is_not_there(dashboard):
    dashboard.guard.allow("404")
    dashboard.open("/alerts", alert="0" * 32)
    expect(dashboard.dialog()).to_contain_text("There is no such alert")
    dashboard.page.keyboard.press("Escape")
    expect(dashboard.page.locator("dialog")).to_have_count(0)
    assert "alert" not in dashboard.query


def test_integration_errors(dashboard):
    """Counts by reason and collector; one of them is followed; samples are text."""
    dashboard.open("/errors", tz="UTC", range="last7")
    assert dashboard.figure("Refused") == sum(count for _, _, count, _, _ in REFUSALS)
    rows = {row["Reason"].removesuffix(" bodies"): plain(row["Refused"]) for row in dashboard.table("Reason")}
    assert rows == {reason.replace("_", " "): count for reason, _, count, _, _ in REFUSALS}
    for *_, message, sample in REFUSALS:
        expect(dashboard.page.get_by_text(sample, exact=True)).to_be_visible()
        expect(dashboard.page.get_by_text(message, exact=True)).to_be_visible()
    dashboard.page.get_by_role("table", name="Collector").get_by_role("button", name="edge-2").click()
    dashboard.settle()
    assert dashboard.query["collector"] == "edge-2"
    assert dashboard.figure("Refused") == 7
    dashboard.page.get_by_role("button", name="Collector: edge-2").click()
    dashboard.settle()
    assert dashboard.figure("Refused") == sum(count for _, _, count, _, _ in REFUSALS)


def test_purging_is_asked_first(dashboard, world):
    dashboard.open("/errors", tz="UTC", range="last7")
    dashboard.button("Purge samples").click()
    dialog = dashboard.dialog()
    expect(dialog).to_contain_text("It cannot be undone.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dashboard.page.locator("dialog")).to_have_count(0)
    assert world.ask("/api/v2/usage/integration-errors")["samplesKept"] == len(REFUSALS)


def test_a_day_and_its_revisions(dashboard, world):
    """The restated one: both revisions, their checksums as the ledger has them, and whom the second one changed."""
    dashboard.open("/days", tz="UTC", range="last30", day=iso(world.revised), revision="2")
    dialog = dashboard.dialog()
    last = max(n for n in range(1, len(world.books.records) + 1) if world.books.entry(n).day == world.revised)
    expect(dialog.get_by_text(world.books.checksum(last).hex(), exact=True).first).to_be_visible()
    late = [e for e in world.of(day=world.revised) if e.revision == 2]
    (who, most), *_ = ranked(late, lambda e: (e.org, e.client))
    expect(dialog.get_by_role("row").filter(has_text=who[1]).first).to_contain_text(str(most))
    dialog.get_by_role("radio", name=re.compile("1")).first.check()
    expect(dialog.get_by_text(world.books.checksum(world.revised - world.first + 1).hex(), exact=True).first).to_be_visible()
    dashboard.page.keyboard.press("Escape")
    expect(dashboard.page.locator("dialog")).to_have_count(0)
    expect(dashboard.page.locator(f'[data-day="{iso(world.revised)}"]')).to_be_visible()


def test_costs_of_months(dashboard, world):
    """Amounts against the API's; months are gone through by arrows; one account alone."""
    dashboard.open("/costs", tz="UTC")
    answer = world.ask("/api/v2/usage/costs", granularity="day")
    assert dashboard.figure("Requests") == answer["total"]["requests"]
    amount = sum(row.get("amountMicros", 0) for row in answer["entities"])
    cents = (Decimal(amount) / 10**6).quantize(Decimal("0.01"), ROUND_HALF_UP)
    expect(dashboard.stat("Amount so far")).to_have_text(f"€{cents:,}")
    month = [e for e in world.events if iso(e.time // 86_400_000)[:7] == answer["month"]]
    assert dashboard.figure("Requests") == len(month)
    dashboard.button("Month before").click()
    dashboard.settle()
    before = [e for e in world.events if iso(e.time // 86_400_000)[:7] == dashboard.query["month"]]
    assert dashboard.figure("Requests") == len(before)
    dashboard.button("Next month").click()
    dashboard.settle()
    dashboard.page.get_by_role("table", name="Accounts").get_by_role("button", name="acme").first.click()
    dashboard.settle()
    assert dashboard.query["account"] == ACME
    assert dashboard.figure("Requests") == sum(e.org == ACME for e in month)


def test_one_application(dashboard, world):
    """Chosen in the ranking: what it requests."""
    dashboard.open("/top", tz="UTC", range="last7")
    dashboard.page.get_by_role("table", name="Top applications").get_by_role("button", name="Nightly ETL").click()
    dashboard.settle()
    assert dashboard.query["client"].endswith("etl")
    events = [e for e in world.of(days=(world.today - 6, world.today)) if e.client == "etl"]
    assert f"{len(events):,}" in dashboard.page.locator("main").inner_text()


def test_names_of_every_page_in_the_navigation(dashboard):
    """By mouse through all pages, wide; and by the drawer on a narrow screen."""
    dashboard.open("/", tz="UTC")
    links = dashboard.page.get_by_role("navigation").get_by_role("link")
    titles = [text.strip() for text in links.all_inner_texts()][1:]
    assert len(titles) == 13
    for title in titles:
        dashboard.go(title)
        expect(dashboard.page).to_have_title(f"{title} · Daybook")
    dashboard.page.set_viewport_size({"width": 360, "height": 740})
    for title in titles[:2]:
        dashboard.go(title)
    dashboard.button("Pages").click()
    dashboard.page.keyboard.press("Escape")
    expect(dashboard.button("Pages")).to_be_focused()


def test_past_the_navigation_by_keyboard(dashboard):
    dashboard.open("/", tz="UTC")
    dashboard.page.keyboard.press("Tab")
    expect(dashboard.page.get_by_role("link", name="Skip to the page")).to_be_focused()
    dashboard.page.keyboard.press("Enter")
    expect(dashboard.page.get_by_role("main")).to_be_focused()
