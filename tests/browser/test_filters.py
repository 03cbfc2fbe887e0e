"""The one date filter, the time zone and the organization: by mouse and keyboard, in the address, and for whoever gets the link."""

import re
from datetime import timedelta

import pytest
from dashboard import plain
from playwright.sync_api import expect

CLOSED = re.compile("^Only closed days are shown here")


def month_before(day):
    end = day.replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


def presets(today, last):
    """{name: (first, last)}"""
    yesterday = today - timedelta(days=1)
    last_monday = today - timedelta(days=today.weekday() + 7)
    return {
        "Today": (today, today),
        "Yesterday": (yesterday, yesterday),
        "Last week": (last_monday, last_monday + timedelta(days=6)),
        "Last 7 days": (last - timedelta(days=6), last),
        "Last 30 days": (last - timedelta(days=29), last),
        "Last 90 days": (last - timedelta(days=89), last),
        "This month": (today.replace(day=1), last),
        "Last month": month_before(today),
    }


def dates_button(page):
    return page.get_by_role("button", name=re.compile("^Dates:"))


def shown_total(dashboard):
    return dashboard.figure("Requests")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_presets(dashboard, world, zone):
    """Each means the dates of the chosen zone; what is shown is what was counted on them, and what the API says."""
    dashboard.open("/traffic", tz=zone)
    for name, (first, last) in presets(world.today_in(zone), world.today_in(zone)).items():
        dashboard.choose_dates(name)
        expect(dates_button(dashboard.page)).to_contain_text(name)
        counted = len(world.local(first.isoformat(), last.isoformat(), zone))
        asked = {"since": first, "until": last, "timezone": zone, "metric_name": "hits", "granularity": "eternity"}
        answer = world.ask("/stats/services/*/usage.json", **asked)
        assert shown_total(dashboard) == counted == answer["total"], (name, first, last)


def test_the_current_day_is_never_in_a_report(dashboard, world):
    """Whatever is chosen, typed or written into the address; and the page says why."""
    dashboard.open("/report", tz="UTC")
    page, today = dashboard.page, world.today_in("UTC")
    expect(page.get_by_text("the current day is never in a report", exact=False)).to_be_visible()
    dates_button(page).click()
    choice = page.get_by_role("group", name="Usual ranges").get_by_role("button", name="Today")
    expect(choice).to_have_attribute("aria-disabled", "true")
    expect(choice).to_have_attribute("title", CLOSED)
    choice.click(force=True)
    expect(choice).to_be_visible()
    day = page.locator(f'[data-date="{today}"]')
    if day.count():  # not on the first of a month, which begins with a month that is not there yet
        expect(day).to_have_attribute("aria-disabled", "true")
        expect(day).to_have_attribute("title", CLOSED)
        day.click(force=True)
        expect(day).to_have_attribute("aria-pressed", "false")
    form = page.get_by_role("form", name="Custom range")
    form.get_by_label("From").fill(str(today - timedelta(days=2)))
    form.get_by_label("To").fill(str(today))
    form.get_by_role("button", name="Apply").click()
    expect(form.get_by_role("alert")).to_contain_text("cannot be chosen. Only closed days are shown here.")
    page.keyboard.press("Escape")
    dashboard.open("/report", tz="UTC", **{"from": today - timedelta(days=2), "to": today})
    last = [row["Point"] for row in dashboard.chart("Requests by day")]
    assert len(last) == 2 and last[-1] == (today - timedelta(days=1)).strftime("%a, %b %-d, %Y")
    for name, (first, last) in presets(today, today - timedelta(days=1)).items():
        if name != "Today" and first <= last:
            dashboard.choose_dates(name)
            days = dashboard.chart("Requests by day")
            assert days and all(day["Point"] != today.strftime("%a, %b %-d, %Y") for day in days), name


def test_a_range_by_the_calendar(dashboard, world):
    dashboard.open("/traffic", tz="UTC")
    page, today = dashboard.page, world.today_in("UTC")
    month = month_before(today)[0]
    dates_button(page).click()
    page.get_by_role("button", name="Earlier month").click()
    expect(page.get_by_text(month.strftime("%B %Y"), exact=True).first).to_be_visible()
    first, last = month.replace(day=12), month.replace(day=25)
    page.locator(f'[data-date="{last}"]').click()
    page.locator(f'[data-date="{first}"]').click()
    form = page.get_by_role("form", name="Custom range")
    expect(form.get_by_label("From")).to_have_value(str(first))
    expect(form.get_by_label("To")).to_have_value(str(last))
    form.get_by_role("button", name="Apply").click()
    dashboard.settle()
    assert (dashboard.query["from"], dashboard.query["to"]) == (str(first), str(last))
    assert shown_total(dashboard) == len(world.local(str(first), str(last), "UTC"))


def test_a_range_by_the_keyboard(dashboard, world):
    """Tab to the filter, Enter, arrows in the month, Enter twice, and Apply; the focus comes back to the filter."""
    dashboard.open("/traffic", tz="UTC", range="last7")
    page, today = dashboard.page, world.today_in("UTC")
    dates_button(page).focus()
    page.keyboard.press("Enter")
    page.locator(f'[data-date="{today}"]').focus()
    for key in ("ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    last = today - timedelta(days=8)
    expect(page.locator(f'[data-date="{last}"]')).to_be_focused()
    page.keyboard.press("Enter")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    first = last - timedelta(days=9)
    expect(page.locator(f'[data-date="{first}"]')).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("form", name="Custom range").get_by_label("To").press("Enter")
    dashboard.settle()
    assert (dashboard.query["from"], dashboard.query["to"]) == (str(first), str(last))
    expect(dates_button(page)).to_be_focused()
    assert shown_total(dashboard) == len(world.local(str(first), str(last), "UTC"))
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("form", name="Custom range")).to_have_count(0)
    expect(dates_button(page)).to_be_focused()


@pytest.mark.parametrize("first, last, said", [
    ("2026-02-30", "2026-03-01", "Dates are written as year-month-day"),
    ("soon", "later", "Dates are written as year-month-day"),
    ("2026-03-02", "2026-03-01", "The first date is after the last."),
    ("2026-03-02", "2999-03-01", "This day has not come yet."),
])
def test_what_is_no_range(dashboard, first, last, said):
    dashboard.open("/traffic")
    before = dashboard.page.url
    dates_button(dashboard.page).click()
    form = dashboard.page.get_by_role("form", name="Custom range")
    form.get_by_label("From").fill(first)
    form.get_by_label("To").fill(last)
    form.get_by_role("button", name="Apply").click()
    expect(form.get_by_role("alert")).to_contain_text(said)
    assert dashboard.page.url == before


def test_the_time_zone(dashboard, world):
    """It is searched for, kept for every page and for the next visit, and moves the days."""
    dashboard.open("/traffic", tz="UTC", range="yesterday")
    dashboard.choose("Time zone", "Asia/Kathmandu")
    yesterday = str(world.today_in("Asia/Kathmandu") - timedelta(days=1))
    assert shown_total(dashboard) == len(world.local(yesterday, yesterday, "Asia/Kathmandu"))
    dashboard.go("Response codes")
    expect(dashboard.page.get_by_role("button", name="Time zone: Asia/Kathmandu")).to_be_visible()
    dashboard.open("/latency")
    expect(dashboard.page.get_by_role("button", name="Time zone: Asia/Kathmandu")).to_be_visible()


def test_the_organization(dashboard, world):
    dashboard.open("/traffic", tz="UTC", range="last7")
    first, last = (str(world.today_in("UTC") - timedelta(days=n)) for n in (6, 0))
    for name in ("globex", "acme"):
        dashboard.choose("Organization", name)
        assert shown_total(dashboard) == sum(e.org == name for e in world.local(first, last, "UTC"))
    dashboard.go("Top applications")
    assert dashboard.query["org"] == "acme"
    assert {row["Organization"] for row in dashboard.table("Top applications") if "Organization" in row} <= {"acme"}
    dashboard.choose("Organization", "All organizations")
    assert "org" not in dashboard.query


def test_a_link_shows_another_person_the_same(person, world):
    """The address holds everything; the one that is copied holds dates in place of "last 7 days"."""
    mine = person(permissions=["clipboard-read", "clipboard-write"])
    mine.open("/codes", tz="America/New_York", range="last7", org="acme", code="504")
    numbers = mine.chart("Response codes over time")
    assert numbers and any(plain(row["5xx Server error"]) for row in numbers)
    mine.page.get_by_role("button", name="Copy link").click()
    expect(mine.page.get_by_text("Link copied.")).to_be_visible()
    copied = mine.page.evaluate("() => navigator.clipboard.readText()")
    today = world.today_in("America/New_York")
    assert f"from={today - timedelta(days=6)}&to={today}" in copied and "range=" not in copied
    theirs = person(zone="Asia/Tokyo")
    theirs.page.goto(copied)
    theirs.settle()
    assert theirs.chart("Response codes over time") == numbers
    expect(theirs.page.get_by_role("button", name="Organization: acme")).to_be_visible()
    expect(theirs.page.get_by_role("button", name="Time zone: America/New York")).to_be_visible()


def test_back_and_forward(dashboard):
    dashboard.open("/", tz="UTC")
    page = dashboard.page
    dashboard.go("Traffic").choose_dates("Yesterday")
    yesterday = shown_total(dashboard)
    dashboard.choose_dates("Last 30 days")
    month = shown_total(dashboard)
    assert month > yesterday
    for step, button, total in (("back", "Yesterday", yesterday), ("forward", "Last 30 days", month)):
        page.go_back() if step == "back" else page.go_forward()
        expect(dates_button(page)).to_contain_text(button)
        dashboard.settle()
        assert shown_total(dashboard) == total
    for title in ("Traffic", "Traffic", "Overview"):
        page.go_back()
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def test_addresses_that_make_no_sense(dashboard):
    """Are read as far as they do; nothing breaks."""
    for query in ({"range": "nonsense"}, {"tz": "Mars/Olympus"}, {"from": "x", "to": "y"}, {"by": "fortnight"}, {"metric": "<b>"}):
        if "metric" in query:
            dashboard.guard.allow("40[04]")
        dashboard.open("/traffic", **query)
        expect(dashboard.page.get_by_role("heading", level=1, name="Traffic")).to_be_visible()
