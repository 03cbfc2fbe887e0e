"""Every page, wide and narrow, light and dark: what axe finds, whether it fits the window; and a picture of each in build/screens."""

import pytest
from axe import violations
from dashboard import NARROW, PAGES, WIDE
from harness import ROOT

SCREENS = ROOT / "build/screens"
QUERIES = {"endpoints": {"endpoint": "GET /v1/reports/export"}, "averages": {"range": "last30"}}


def look(dashboard, name, width):
    """Both themes."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page, found = dashboard.page, []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        dashboard.settle()
        found += [f"{name} {width} {theme}: {each}" for each in violations(page)]
        page.screenshot(path=SCREENS / f"{name}-{width}-{theme}.png", full_page=True)
    return found


def assert_fits(page):
    wide, room = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room, f"{wide} pixels wide in a window of {room}"


@pytest.mark.parametrize("width, size", [("wide", WIDE), ("narrow", NARROW)])
@pytest.mark.parametrize("name", PAGES)
def test_page(person, name, width, size):
    dashboard = person(size=size)
    dashboard.open(PAGES[name], **QUERIES.get(name, {}))
    assert_fits(dashboard.page)
    found = look(dashboard, name, width)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width, size", [("wide", WIDE), ("narrow", NARROW)])
def test_sign_in(person, width, size):
    dashboard = person(token=None, size=size)
    dashboard.guard.allow("401")
    dashboard.open("/")
    assert_fits(dashboard.page)
    found = look(dashboard, "sign-in", width)
    assert not found, "\n".join(found)
