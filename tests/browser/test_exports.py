"""Exports: every page's files, in every format, are opened, and their numbers compared with the events."""

from collections import Counter

import pytest
from dashboard import PAGES
from files import opened
from playwright.sync_api import expect
from world import DAY, FORMULA, REFUSALS, iso, ranked

FORMATS = {"CSV": "csv", "JSON Lines": "jsonl", "Excel": "xlsx"}
WEEK = {"tz": "UTC"}


def export(dashboard, kind, files=None):
    """{name: rows}; files: those to choose, or all."""
    dashboard.page.get_by_role("button", name="Export", exact=True).click()
    dialog = dashboard.dialog()
    dialog.get_by_role("radio", name=kind, exact=True).check()
    boxes = dialog.get_by_role("checkbox")
    everything = dialog.get_by_role("checkbox", name="All, as one zip file")
    if files is None and everything.count():
        everything.check()
    elif files is not None:
        for box in boxes.all():
            box.uncheck()
        for name in files:
            dialog.get_by_role("checkbox", name=name, exact=True).check()
    with dashboard.page.expect_download() as waiting:
        dialog.get_by_role("button", name="Export").click()
    expect(dashboard.page.locator("dialog")).to_have_count(0)
    return opened(waiting.value)


def last_week(world):
    return {"from": iso(world.last_week[0]), "to": iso(world.last_week[1]), **WEEK}


def numbers(rows, column):
    return sum(int(row[column]) for row in rows)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_report(dashboard, world, kind):
    """With the range, the organization and the selection that are on screen."""
    dashboard.open("/report", org="acme", client="web-shop", url="v1/search", **last_week(world))
    files = export(dashboard, kind)
    assert len(files) == 8 and all(name.endswith(f"_{iso(world.last_week[0])}_{iso(world.last_week[1])}.{FORMATS[kind]}") for name in files)
    rows = {name.partition("_")[0]: found for name, found in files.items()}
    events = world.of(days=world.last_week, org="acme")
    assert numbers(rows["most-active-clients"], "requests") == len(events)
    assert [int(row["requests"]) for row in rows["most-active-statuses"]] == [
        sum(e.time // DAY == day for e in events) for day in range(world.last_week[0], world.last_week[1] + 1)]
    assert {row["templateUri"].lstrip("/"): int(row["requests"]) for row in rows["most-active-urls"]} == Counter(e.route[1:] for e in events)
    chosen = [e for e in events if e.client == "web-shop"]
    assert [(row["clientId"], int(row["requests"])) for row in rows["client-requests"]] == [("web-shop", len(chosen))]
    assert {row["templateUri"].lstrip("/"): int(row["requests"]) for row in rows["client-urls"]} == Counter(e.route[1:] for e in chosen)
    assert numbers(rows["client-statuses"], "status429") == sum(e.status == 429 for e in chosen)
    searched = [e for e in events if e.route == "/v1/search"]
    assert numbers(rows["url-requests"], "requests") == numbers(rows["url-statuses"], "requests") == len(searched)


def test_a_formula_stays_text(dashboard, world):
    dashboard.open("/report", **last_week(world))
    files = export(dashboard, "CSV", ["Most active requests: clients"])
    ids = [row["clientId"] for [rows] in [files.values()] for row in rows]
    assert "'" + FORMULA in ids and FORMULA not in ids


@pytest.mark.parametrize("kind", FORMATS)
def test_traffic(dashboard, world, kind):
    dashboard.open("/traffic", by="hour", **last_week(world))
    files = {name.partition("_")[0]: rows for name, rows in export(dashboard, kind).items()}
    events = world.of(days=world.last_week)
    hours = Counter(e.time // 3_600_000 for e in events)
    shown = [int(row["hits"]) for row in files["traffic"]]
    assert shown == [hours[hour] for hour in range(world.last_week[0] * 24, (world.last_week[1] + 1) * 24)]
    assert {row["method"]: int(row["requests"]) for row in files["requests-by-method"]} == {
        "hits": len(events), "checkout": sum((e.method, e.route) == ("POST", "/v1/orders") for e in events),
        "search": sum((e.method, e.route) == ("GET", "/v1/search") for e in events)}


def test_codes_and_applications(dashboard, world):
    events = world.of(days=world.last_week)
    dashboard.open("/codes", **last_week(world))
    files = {name.partition("_")[0]: rows for name, rows in export(dashboard, "JSON Lines").items()}
    assert {row["code"]: row["requests"] for row in files["response-codes"]} == Counter(e.status for e in events)
    dashboard.open("/top", **last_week(world))
    [rows] = export(dashboard, "CSV").values()
    assert [int(row["requests"]) for row in rows] == [n for _, n in ranked(events, lambda e: (e.org, e.client))][: len(rows)]


def test_latency_and_metrics(dashboard, world):
    for path, query in (("/latency", {}), ("/endpoints", {"endpoint": "GET /v1/search"})):
        dashboard.open(path, tz="UTC", range="last30", **query)
        files = export(dashboard, "Excel")
        assert files and all(rows for rows in files.values()), {name: len(rows) for name, rows in files.items()}
    [codes] = [rows for name, rows in files.items() if "code" in name]
    events = world.of(method="GET", route="/v1/search")
    assert {int(row["code"]): int(row["requests"]) for row in codes if int(row["requests"])} == Counter(e.status for e in events)


def test_days_and_errors(dashboard, world):
    dashboard.open("/days", tz="UTC", range="last30")
    files = export(dashboard, "CSV")
    [ledger] = [rows for name, rows in files.items() if name.startswith("ledger")]
    assert len(ledger) == len(world.books.records)
    newest = {row["day"]: int(row["events"]) for row in sorted(ledger, key=lambda row: int(row["revision"]))}
    assert sum(newest.values()) == len(world.of(days=(world.first, world.today - 1)))
    dashboard.open("/errors", tz="UTC", range="last7")
    files = {name.partition("_")[0]: rows for name, rows in export(dashboard, "JSON Lines").items()}
    assert {row["reason"]: row["count"] for row in files["by-reason"]} == {reason: count for reason, _, count, _, _ in REFUSALS}
    assert {row["sample"] for row in files["samples"]} == {sample for *_, sample in REFUSALS}


@pytest.mark.parametrize("name", [name for name in PAGES if name not in ("report", "codes")])
def test_every_page_has_a_file(dashboard, name):
    dashboard.open(PAGES[name], tz="UTC")
    files = export(dashboard, "CSV")
    assert files, name


def test_nothing_chosen(dashboard):
    dashboard.open("/codes", tz="UTC")
    dashboard.page.get_by_role("button", name="Export", exact=True).click()
    dialog = dashboard.dialog()
    dialog.get_by_role("checkbox").first.uncheck()
    dialog.get_by_role("button", name="Export").click()
    expect(dialog.get_by_role("alert")).to_have_text("Choose at least one file.")
    dialog.get_by_role("checkbox", name="All, as one zip file").check()
    assert all(box.is_checked() for box in dialog.get_by_role("checkbox").all())
    dialog.get_by_role("checkbox").first.uncheck()
    expect(dialog.get_by_role("checkbox", name="All, as one zip file")).not_to_be_checked()
