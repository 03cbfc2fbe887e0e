"""How long somebody who opens the Overview waits for its first chart, and for all of it: in Chromium, against three weeks of days."""

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from stack import table

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "browser"))

CHROMIUM, WIDE = "/usr/bin/chromium", {"width": 1366, "height": 900}
BAR_MS, LOADS, WAIT_MS = 1000, 10, 60_000
# Looked at before each frame: when a chart's canvas is there and something is drawn on it, and when nothing is waited for any more.
# Times are since navigation began.
WATCH = """
(() => {
    const times = (window.measuredTimes = {});
    const isDrawn = (canvas) => {
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.some((value, i) => i % 4 === 3 && value > 0);
    };
    const look = () => {
        const canvas = document.querySelector('figure.chart canvas');
        if (!times.chart && canvas?.width && isDrawn(canvas)) {
            times.chart = performance.now();
        }
        if (times.chart && !document.querySelector('[aria-busy=true], .skeleton, .skeleton-line')) {
            times.all = performance.now();
            return;
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})();
"""


def load(page, url):
    """{"chart", "all"} in ms."""
    page.goto(url)
    page.wait_for_function("() => window.measuredTimes.all", timeout=WAIT_MS)
    return page.evaluate("() => window.measuredTimes")


def signed_in(browser, world):
    context = browser.new_context(viewport=WIDE, locale="en-US", timezone_id="UTC")
    context.add_cookies([{"name": "daybook_session", "value": world.session(), "url": world.url}])
    context.add_init_script(WATCH)
    return context


def cold(browser, world):
    """Nobody has been there with this browser."""
    found = []
    for _ in range(LOADS):
        context = signed_in(browser, world)
        found.append(load(context.new_page(), world.url))
        context.close()
    return found


def warm(browser, world):
    """What can be kept is kept."""
    context = signed_in(browser, world)
    page = context.new_page()
    load(page, world.url)
    found = [load(page, world.url) for _ in range(LOADS)]
    context.close()
    return found


def lines_of(name, loads):
    rows = []
    for part, words in (("chart", "first chart drawn"), ("all", "all of it there")):
        times = [each[part] for each in loads]
        middle, most = statistics.median(times), max(times)
        bar = f", {middle / BAR_MS:.2f} and {most / BAR_MS:.2f} of the bar of 1 s" if part == "chart" else ""
        rows.append((f"{name}: {words}, median and max of {len(times)}", f"{middle:.0f} and {most:.0f} ms{bar}"))
    return rows


def run():
    from world import World  # it takes the names of the system tests' modules, which other parts need not have

    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
                results = {"cold": cold(browser, world), "warm": warm(browser, world)}
                browser.close()
        finally:
            world.stop()
    rows = lines_of("nothing in the browser's cache", results["cold"]) + lines_of("a browser that was there", results["warm"])
    table(f"dashboard: the Overview of {len(world.events):,} requests in {world.today - world.first + 1} days, from its navigation", rows, 76)
    return results
