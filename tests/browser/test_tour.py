"""The demo, as somebody who tries it out sees it: its link signs in, every page has something to show. The pictures of
docs/DASHBOARD.md are made on the way, in build/screens/docs (`make screens` puts them there)."""

import os
import re
import subprocess

import pytest
from dashboard import NARROW, PAGES, WAIT_MS, Dashboard, Guard
from harness import ROOT
from playwright.sync_api import expect

DEMO = ROOT / "tests/demo/demo.sh"
PICTURES = ROOT / "build/screens/docs"
WINDOW = {"width": 1280, "height": 760}
PICTURE_MAX = 150_000
WORST = "POST /v1/payments"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The link that it prints."""
    env = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("demo"))}
    with subprocess.Popen([DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C ends" in line:
                break
        link = re.search(r"http://\S+/sign-in#code=\S+", "".join(said))
        assert link and process.poll() is None, "".join(said)
        yield link.group()
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def signed_in(chromium, demo):
    """The state of a browser that opened the link."""
    context = chromium.new_context(viewport=WINDOW)
    page = context.new_page()
    page.goto(demo)
    expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()
    assert "code=" not in page.url
    state = context.storage_state()
    context.close()
    return demo.split("/sign-in")[0], state


@pytest.fixture
def visit(chromium, signed_in):
    """visit(path, …) is a page of the demo."""
    url, state = signed_in
    opened = []

    def make(path, size=WINDOW, theme="light"):
        context = chromium.new_context(
            viewport=size, color_scheme=theme, storage_state=state, locale="en-US", timezone_id="Europe/Berlin", reduced_motion="reduce"
        )
        context.set_default_timeout(WAIT_MS)
        opened.append((context, Guard(context, url)))
        page = context.new_page()
        page.goto(url + path)
        return Dashboard(page, None).settle()

    yield make
    for context, _ in opened:
        context.close()
    for _, guard in opened:
        guard.check()


def take(dashboard, name):
    """A picture for the documentation."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    dashboard.page.screenshot(path=path)
    assert path.stat().st_size <= PICTURE_MAX, f"{name}: {path.stat().st_size} bytes"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_something_to_show(visit, name):
    page = visit(PAGES[name]).page
    expect(page.locator("main .state:visible")).to_have_count(0)
    expect(page.locator("main figure.chart, main table tbody tr").first).to_be_attached()


@pytest.mark.parametrize("name", ["overview", "report", "costs", "days", "alerts"])
def test_pictures_of_pages(visit, name):
    take(visit(PAGES[name]), name)


def test_picture_of_what_fails(visit):
    dashboard = visit("/")
    first = dashboard.page.get_by_role("table", name="Failing endpoints").get_by_role("link").first
    expect(first).to_have_text(WORST)
    first.click()
    dashboard.settle().choose_dates("Last 30 days")
    dashboard.card("Requests").scroll_into_view_if_needed()
    failed = [row for row in dashboard.chart("Requests of the endpoint over time") if row.get("Failed", "0") not in ("0", "")]
    assert failed
    take(dashboard, "endpoint")


def test_picture_of_the_dark_theme(visit):
    take(visit("/traffic", theme="dark"), "dark")


def test_picture_of_a_selection(visit):
    dashboard = visit("/report")
    dashboard.page.get_by_role("button", name="Client and URL selection").click()
    dashboard.dialog().get_by_role("checkbox", name=re.compile("^Storefront")).check()
    take(dashboard, "selection")


def test_picture_of_an_export(visit):
    dashboard = visit("/codes")
    dashboard.page.get_by_role("button", name="Export", exact=True).click()
    dashboard.dialog().get_by_role("radio", name="Excel").check(force=True)
    take(dashboard, "export")


def test_picture_of_a_narrow_window(visit):
    take(visit("/", size=NARROW), "narrow")
