"""Charts: what is said on hover, by mouse and keyboard, the legend, the numbers as a table, and where a click leads."""

from collections import Counter
from datetime import timedelta

from dashboard import plain
from playwright.sync_api import expect
from world import DAY, iso


def canvas(dashboard, title):
    found = dashboard.page.get_by_role("img", name=title, exact=True)
    expect(found.locator("canvas")).to_be_visible()
    return found


def tip(dashboard):
    return dashboard.page.locator(".chart-tip:visible")


def hover(dashboard, title, part):
    """At a part (0 to 1) of the chart's width, in the middle of its height."""
    at = canvas(dashboard, title)
    at.scroll_into_view_if_needed()
    box = at.bounding_box()
    dashboard.page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] * 0.5)
    expect(tip(dashboard)).to_be_visible()
    return box["x"] + box["width"] * part, box["y"] + box["height"] * 0.5


def days_of(world, n=7):
    return [world.today_in("UTC") - timedelta(days=i) for i in reversed(range(n))]


def spelt(day):
    return day.strftime("%a, %b %-d, %Y")


def test_hover(dashboard, world):
    """Value, share and date of what is below the mouse; provisional days say so."""
    dashboard.open("/codes", tz="UTC", range="last7")
    hover(dashboard, "Response codes over time", 0.52)
    text = tip(dashboard).inner_text()
    day = days_of(world)[3]
    events = world.of(day=world.today - 3)
    assert text.startswith(spelt(day)) and f"{len(events):,}" in text
    succeeded = sum(200 <= e.status < 300 for e in events)
    shown = tip(dashboard).get_by_role("row").filter(has_text="2xx Success").inner_text()
    assert shown.split("\t")[1:] == [f"{succeeded:,}", f"{100 * succeeded / len(events):.1f}%"], shown
    hover(dashboard, "Response codes over time", 0.95)
    expect(tip(dashboard)).to_contain_text("Provisional: can still change")
    dashboard.page.mouse.move(5, 5)
    expect(tip(dashboard)).to_have_count(0)


def test_hover_on_lines_and_rings(dashboard):
    dashboard.open("/latency", tz="UTC", range="last30")
    hover(dashboard, "Latency over time", 0.6)
    for name in ("p50", "p95", "p99", "Requests"):
        expect(tip(dashboard)).to_contain_text(name)
    dashboard.open("/report", tz="UTC")
    ring = canvas(dashboard, "Response statuses")
    ring.scroll_into_view_if_needed()
    box = ring.bounding_box()
    radius = min(box["width"], box["height"]) * 0.4
    dashboard.page.mouse.move(box["x"] + box["width"] / 2 + radius, box["y"] + box["height"] / 2)
    expect(tip(dashboard)).to_contain_text("2xx Success")
    expect(tip(dashboard)).to_contain_text("%")


def test_the_meaning_of_a_status(dashboard):
    """In the legend, and where a ring is shown."""
    dashboard.open("/report", tz="UTC")
    for name, meaning in (("429 Too many", "429"), ("5xx Server error", "The service failed to answer.")):
        key = dashboard.card("Requests by day").get_by_role("button", name=name, exact=True)
        assert meaning in (key.get_attribute("title") + key.inner_text())


def test_a_click_drills_down(dashboard, world):
    """From days to the hours of one, from an hour to its codes."""
    dashboard.open("/traffic", tz="UTC", range="last7", metric="hits")
    x, y = hover(dashboard, "Requests over time", 0.52)
    dashboard.page.mouse.click(x, y)
    day = days_of(world)[3]
    dashboard.page.wait_for_url(f"**from={day}&to={day}**")
    dashboard.settle()
    assert dashboard.query["by"] == "hour"
    hours = Counter(e.time % DAY // 3_600_000 for e in world.of(day=world.today - 3))
    assert [plain(row["Hits (all requests)"]) for row in dashboard.chart("Requests over time")] == [hours[n] for n in range(24)]
    x, y = hover(dashboard, "Requests over time", 0.5)
    dashboard.page.mouse.click(x, y)
    expect(dashboard.page.get_by_role("heading", level=1, name="Response codes")).to_be_visible()
    dashboard.settle()
    assert sum(plain(row["Requests"]) for row in dashboard.table("2xx Success")) > 0
    dashboard.page.go_back()
    dashboard.page.go_back()
    expect(dashboard.page.get_by_role("button", name="Dates: Last 7 days")).to_be_visible()


def test_by_keyboard(dashboard, world):
    """Arrows go over the points, Escape leaves, Enter does what a click does."""
    dashboard.open("/", tz="UTC", range="last7")
    at = canvas(dashboard, "Requests over time")
    at.focus()
    at.press("End")
    expect(tip(dashboard)).to_contain_text(spelt(days_of(world)[-1]))
    at.press("ArrowLeft")
    expect(tip(dashboard)).to_contain_text(spelt(days_of(world)[-2]))
    at.press("Escape")
    expect(tip(dashboard)).to_have_count(0)
    at.press("End")
    at.press("ArrowLeft")
    at.press("Enter")
    expect(dashboard.page.get_by_role("heading", level=1, name="Traffic")).to_be_visible()
    assert dashboard.query["from"] == dashboard.query["to"] == iso(world.today - 1)


def test_the_legend_hides_what_is_clicked(dashboard):
    dashboard.open("/codes", tz="UTC", range="last7")
    key = dashboard.card("Response codes over time").get_by_role("button", name="2xx Success")
    expect(key).to_have_attribute("aria-pressed", "true")
    before = canvas(dashboard, "Response codes over time").screenshot()
    key.click()
    expect(key).to_have_attribute("aria-pressed", "false")
    dashboard.page.mouse.move(5, 5)
    assert canvas(dashboard, "Response codes over time").screenshot() != before
    hover(dashboard, "Response codes over time", 0.5)
    expect(tip(dashboard)).not_to_contain_text("2xx Success")
    key.press("Enter")
    expect(key).to_have_attribute("aria-pressed", "true")


def test_numbers_in_place_of_a_chart(dashboard):
    dashboard.open("/codes", tz="UTC", range="last7")
    card = dashboard.card("Response codes over time")
    card.get_by_role("button", name="More for Response codes over time").click()
    dashboard.page.get_by_role("menuitem", name="Show numbers").click()
    numbers = card.get_by_role("group", name="Response codes over time, numbers")
    expect(numbers).to_be_visible()
    assert numbers.bounding_box()["height"] > 100
    card.get_by_role("button", name="More for Response codes over time").click()
    dashboard.page.get_by_role("menuitem", name="Hide numbers").click()
    expect(numbers).to_have_count(0)


def test_themes(dashboard):
    """As the system is, or as chosen; it stays chosen."""
    page = dashboard.page
    dashboard.open("/", tz="UTC")
    colour = "() => getComputedStyle(document.querySelector('.card')).backgroundColor"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colour)
    assert light != dark
    for choice, shown in (("Light theme", light), ("Dark theme", dark)):
        page.get_by_role("button", name="Account:", exact=False).click()
        page.get_by_role("menuitem", name=choice).click()
        assert page.evaluate(colour) == shown
    page.emulate_media(color_scheme="light")
    page.reload()
    dashboard.settle()
    assert page.evaluate(colour) == dark
    page.get_by_role("button", name="Account:", exact=False).click()
    page.get_by_role("menuitem", name="Theme as the system").click()
    assert page.evaluate(colour) == light
