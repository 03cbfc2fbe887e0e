"""What opens on a page: dialogs, filters, menus and tabs, as axe sees them in both themes, and whether they fit a narrow window."""

import re

import pytest
from axe import violations
from dashboard import NARROW, WIDE
from playwright.sync_api import expect
from test_pages import assert_fits
from world import iso


def dates(dashboard, world):
    dashboard.open("/traffic", tz="UTC")
    dashboard.page.get_by_role("button", name=re.compile("^Dates:")).click()


def zones(dashboard, world):
    dashboard.open("/traffic", tz="UTC")
    dashboard.page.get_by_role("button", name=re.compile("^Time zone:")).click()


def export(dashboard, world):
    dashboard.open("/report", tz="UTC")
    dashboard.page.get_by_role("button", name="Export", exact=True).click()


def selection(dashboard, world):
    dashboard.open("/report", tz="UTC")
    dashboard.page.get_by_role("button", name="Client and URL selection").click()
    expect(dashboard.dialog().get_by_role("checkbox").first).to_be_visible()


def a_form(dashboard, world):
    dashboard.open("/settings", tab="limits")
    dashboard.button("New limit").click()


def a_question(dashboard, world):
    dashboard.open("/settings", tab="limits")
    dashboard.page.get_by_role("button", name="Forget shop-daily").click()


def an_alert(dashboard, world):
    alert = world.ask("/api/v2/usage/alerts")["entities"][0]["id"]
    dashboard.open("/alerts", tz="UTC", alert=alert)


def a_revision(dashboard, world):
    dashboard.open("/days", tz="UTC", range="last30", day=iso(world.revised), revision="2")
    expect(dashboard.dialog().get_by_role("table").first).to_be_visible()


def a_menu(dashboard, world):
    dashboard.open("/traffic", tz="UTC")
    dashboard.page.get_by_role("button", name="More for Requests over time").click()


def a_tip(dashboard, world):
    dashboard.open("/traffic", tz="UTC")
    canvas = dashboard.page.get_by_role("img", name="Requests over time")
    expect(canvas.locator("canvas")).to_be_visible()
    canvas.press("End")
    expect(dashboard.page.locator(".chart-tip:visible")).to_be_visible()


def the_drawer(dashboard, world):
    dashboard.open("/", tz="UTC")
    drawer = dashboard.button("Pages")
    if drawer.is_visible():
        drawer.click()


def check(dashboard):
    assert_fits(dashboard.page)
    found = []
    for theme in ("light", "dark"):
        dashboard.page.emulate_media(color_scheme=theme)
        dashboard.settle()
        found += [f"{theme}: {each}" for each in violations(dashboard.page)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("opened", [dates, zones, export, selection, a_form, a_question, an_alert, a_revision, a_menu, a_tip, the_drawer])
def test_what_opens(person, world, opened, size):
    dashboard = person(size=size)
    opened(dashboard, world)
    check(dashboard)


@pytest.mark.parametrize("tab", ["methods", "limits", "plans", "organizations", "channels", "tokens"])
def test_tabs_of_settings(person, tab):
    dashboard = person(size=NARROW)
    dashboard.open("/settings", tab=tab)
    check(dashboard)
