"""Chromium, and the system that it looks at. Every test ends by asking its guard whether anything went wrong in the browser."""

import pytest
from dashboard import WAIT_MS, WIDE, Dashboard, Guard
from playwright.sync_api import expect, sync_playwright
from world import API_TOKEN, Kept, World

CHROMIUM = "/usr/bin/chromium"
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def kept_world(tmp_path_factory):
    kept = Kept(World, tmp_path_factory)
    yield kept
    kept.stop()


@pytest.fixture
def world(kept_world):
    return kept_world.get()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def person(chromium, world):
    """person(token, …) is someone at a browser of their own, signed in with the token, or not at all (None)."""
    opened = []

    def make(token=API_TOKEN, size=None, zone="UTC", **options):
        options = {"viewport": size or WIDE, "locale": "en-US", "timezone_id": zone, "reduced_motion": "reduce", **options}
        context = chromium.new_context(**options)
        context.set_default_timeout(WAIT_MS)
        guard = Guard(context, world.url)
        opened.append((context, guard))
        if token:
            context.add_cookies([{"name": "daybook_session", "value": world.session(token), "url": world.url}])
        made = Dashboard(context.new_page(), world)
        made.guard = guard
        return made

    yield make
    for context, _ in opened:
        context.close()
    for _, guard in opened:
        guard.check()


@pytest.fixture
def dashboard(person):
    """An administrator."""
    return person()
