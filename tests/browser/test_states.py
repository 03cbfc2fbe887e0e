"""What stands in place of numbers: loading, nothing, not permitted, failed; and pages that are refreshed while somebody looks."""

import random
import re
import time

import pytest
from dashboard import PAGES, plain
from harness import Api
from live_fixture import DAY, MINUTE
from playwright.sync_api import expect
from world import ACME, API_TOKEN, NAMES, random_event


def test_loading(dashboard):
    """A skeleton stands where numbers will be, and says so; nothing jumps when they come."""
    held = []
    page = dashboard.page
    page.route("**/v1/developer/usage?*", lambda route: held.append(route))
    page.goto(dashboard.world.url + "/latency?tz=UTC")
    card = dashboard.card("Latency over time")
    expect(card).to_have_attribute("aria-busy", "true")
    expect(card.get_by_role("status")).to_have_text("Loading")
    expect(dashboard.button("Export")).to_be_visible()
    height = card.bounding_box()["height"]
    for route in held:
        route.continue_()
    page.unroute("**/v1/developer/usage?*")
    dashboard.settle()
    assert abs(card.bounding_box()["height"] - height) < 150


@pytest.mark.parametrize("name", ["traffic", "averages", "top", "codes", "report", "days", "errors"])
def test_nothing_there(dashboard, name):
    """Of dates on which nothing was counted: it says so, and what to do."""
    dashboard.open(PAGES[name], tz="UTC", **{"from": "2001-01-01", "to": "2001-01-07"})
    state = dashboard.page.locator(".state").first
    expect(state).to_be_visible()
    assert len(state.inner_text()) > 20
    expect(dashboard.page.locator(".state.error")).to_have_count(0)


def test_an_organization_without_usage(dashboard):
    dashboard.guard.allow("404")
    for path in ("/", "/latency", "/endpoints"):
        dashboard.open(path, org="nobody")
        expect(dashboard.page.locator(".state").first).to_be_visible()
        expect(dashboard.page.locator(".state.error")).to_have_count(0)


# ---- who sees what ----


def navigation(dashboard):
    return [text.strip() for text in dashboard.page.get_by_role("navigation").get_by_role("link").all_inner_texts()][1:]


def test_who_sees_one_organization(person, world):
    """Its numbers only, without a choice; Settings are not offered, and say what they need when they are opened."""
    dashboard = person(world.viewer)
    dashboard.open("/", tz="UTC", range="last30")
    mine = [e for e in world.events if e.org == ACME]
    assert dashboard.figure("Requests") == len(mine)
    expect(dashboard.page.get_by_role("button", name=re.compile("^Organization"))).to_have_count(0)
    expect(dashboard.page.locator(".filter-fixed")).to_contain_text(ACME)
    assert "Settings" not in navigation(dashboard) and "API usage report" in navigation(dashboard)
    dashboard.open("/settings")
    expect(dashboard.page.get_by_text("Not permitted")).to_be_visible()
    expect(dashboard.page.get_by_text("admin", exact=False).first).to_be_visible()
    dashboard.guard.allow("403")
    for path in PAGES.values():
        dashboard.open(path, tz="UTC", org="globex")
        assert "globex" not in dashboard.page.locator("main").inner_text().lower().replace("org=globex", "")


def test_nobody_sees_more_by_the_address(person, world):
    dashboard = person(world.viewer)
    dashboard.guard.allow("40[034]")
    dashboard.open("/traffic", tz="UTC", range="last7", org="globex")
    mine = world.local(*(str(world.today_in("UTC").fromordinal(world.today_in("UTC").toordinal() - n)) for n in (6, 0)), "UTC")
    value = dashboard.stat("Requests").inner_text()
    assert value == "–" or plain(value) in (0, sum(e.org == ACME for e in mine))


def test_who_sees_one_client(person, world):
    dashboard = person(world.of_client)
    dashboard.open("/", tz="UTC", range="last30")
    mine = world.of(org=ACME, client="mobile-app")
    assert dashboard.figure("Requests") == len(mine)
    assert [row["Application"] for row in dashboard.table("Top applications")] == [NAMES[ACME, "mobile-app"]]
    dashboard.open("/top")
    expect(dashboard.page.get_by_text("This token is for one application, and sees no others.")).to_be_visible()
    for path in PAGES.values():
        dashboard.open(path, tz="UTC")
        assert not {"web shop", "web-shop", "partner-7"} & set(dashboard.page.locator("main").inner_text().lower().split("\n"))


def test_who_may_do_little(person, world):
    """Pages that need a permission are not offered; the others say what is missing, or show what is allowed."""
    dashboard = person(world.without)
    dashboard.guard.allow("403")
    dashboard.open("/")
    shown = navigation(dashboard)
    assert not {"Settings", "API usage report", "Alerts", "Integration errors"} & set(shown)
    for path in ("/report", "/alerts", "/errors", "/settings"):
        dashboard.open(path)
        expect(dashboard.page.get_by_text("Not permitted").first).to_be_visible()


# ---- what fails ----


def test_too_many_questions(person, world, tmp_path):
    """An allowance that is used up: the page says so and when to try again."""
    settings = {"redis.url": world.redis.url, "auth.token": API_TOKEN, "limits.session_per_minute": 2}
    api = Api("small", "api", tmp_path / "small", settings).start()
    try:
        dashboard = person(token=None)
        dashboard.guard.origin = f"http://127.0.0.1:{api.port}"
        dashboard.guard.allow("429|401|request elsewhere|404")
        dashboard.page.goto(f"http://127.0.0.1:{api.port}/")
        dashboard.page.get_by_label("Access token").fill(API_TOKEN)
        dashboard.page.get_by_role("button", name="Sign in").click()
        state = dashboard.page.locator(".state.error").first
        expect(state).to_contain_text("Too many questions at once")
        expect(state).to_contain_text(re.compile(r"Try again in \d+ s"))
    finally:
        api.kill()


def test_the_store_is_down(dashboard, world):
    """Redis is away: every card says so and what to do; once it is back, "Try again" brings all of them back, and so does it for who
    came meanwhile."""
    dashboard.guard.allow("503")
    dashboard.open("/", tz="UTC")
    world.redis.kill()
    page = dashboard.page
    try:
        page.get_by_role("navigation").get_by_role("link", name="Response codes").click()
        state = page.get_by_role("alert").first
        expect(state).to_contain_text("The counts cannot be read now.")
        expect(state).to_contain_text("tell whoever runs this system")
        late = page.context.new_page()
        late.goto(world.url + "/latency?tz=UTC")
        expect(late.get_by_role("alert")).to_contain_text("The counts cannot be read now.")
    finally:
        world.redis.start()
    world.api.wait_ready(60)
    while page.locator(".state.error").count():
        page.get_by_role("button", name="Try again").first.click()
        dashboard.settle()
    assert dashboard.chart("Response codes over time")
    late.get_by_role("button", name="Try again").click()
    expect(late.get_by_role("heading", level=1, name="Latency")).to_be_visible()


def test_the_server_is_away(dashboard):
    """Not reached at all: it says so; the next refresh, or a click, goes on."""
    dashboard.guard.allow("ERR_|Failed to fetch")
    dashboard.open("/", tz="UTC")
    dashboard.page.context.set_offline(True)
    dashboard.page.get_by_role("navigation").get_by_role("link", name="Latency").click()
    expect(dashboard.page.get_by_text("The server cannot be reached.", exact=False).first).to_be_visible()
    dashboard.page.context.set_offline(False)
    dashboard.page.get_by_role("button", name="Try again").first.click()
    dashboard.settle()
    expect(dashboard.page.locator(".state.error")).to_have_count(0)


# ---- live ----

WATCH = """() => {
    window.seen = {skeletons: 0, canvas: document.querySelector('canvas'), root: document.querySelector('main > .page')};
    new MutationObserver((changes) => changes.forEach(({addedNodes}) => addedNodes.forEach((node) => {
        if (node instanceof Element && (node.matches('.skeleton') || node.querySelector('.skeleton'))) window.seen.skeletons += 1;
    }))).observe(document.body, {childList: true, subtree: true});
}"""
SEEN = """() => [window.seen.skeletons, window.seen.canvas.isConnected, window.seen.root.isConnected, scrollY,
    document.activeElement.textContent]"""


def test_live_pages_are_refreshed(dashboard, world):
    """Each ten seconds: the new numbers stand there without a flicker, where the reader and the focus are; not in a hidden tab."""
    page, asked = dashboard.page, []
    page.clock.install()
    dashboard.open("/", tz="UTC", range="last30")
    before = dashboard.figure("Requests")
    link = page.get_by_role("table", name="Top endpoints").get_by_role("link").first
    link.focus()
    page.evaluate(WATCH)
    at = page.evaluate("() => scrollY")
    rng, now = random.Random(1), int(time.time() * 1000)
    new = [random_event(rng, max(now - 3 * MINUTE, world.today * DAY), True) for _ in range(7)]
    world.arrive([event._replace(org=ACME, client="partner-7") for event in new])
    page.clock.fast_forward(11_000)
    expect(dashboard.stat("Requests")).to_have_text(f"{before + 7:,}")
    dashboard.settle()
    assert page.evaluate(SEEN) == [0, True, True, at, link.inner_text()]
    page.evaluate("() => Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(30_000)
    page.clock.run_for(5_000)
    assert not asked
    with page.expect_request("**/api/v2/usage/overview?*"):
        page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
