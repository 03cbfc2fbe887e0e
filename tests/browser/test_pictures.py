"""A chart as PNG: as large as it should be, with its title, its range and its legend, and with marks in the fixed colours whose areas are
the numbers."""

from collections import Counter

import pytest
from picture import Picture
from playwright.sync_api import expect

SCALE, PADDING, TITLE, TEXT = 2, 40, 34, 24  # pixels of the picture
SURFACE = {"light": "#ffffff", "dark": "#171b22"}
COLORS = {  # of statuses; the same wherever they are shown
    "2xx Success": {"light": "#1a8a6c", "dark": "#2fae88"},
    "3xx Redirect": {"light": "#5aa9dc", "dark": "#7cc4f0"},
    "4xx without 429": {"light": "#e0a100", "dark": "#f2bf3f"},
    "429 Too many": {"light": "#96447f", "dark": "#c97fb4"},
    "5xx Server error": {"light": "#c8420a", "dark": "#f0713a"},
}
NEAR = 0.03  # of all: marks have rounded edges and gaps between them


def status_of(event):
    if event.status == 429:
        return "429 Too many"
    return {2: "2xx Success", 3: "3xx Redirect", 4: "4xx without 429", 5: "5xx Server error"}.get(event.status // 100)


def picture_of(dashboard, title):
    dashboard.page.get_by_role("button", name=f"More for {title}", exact=True).click()
    with dashboard.page.expect_download() as waiting:
        dashboard.page.get_by_role("menuitem", name="Download as PNG").click()
    assert waiting.value.suggested_filename == f"{title.lower().replace(' ', '-')}.png"
    with open(waiting.value.path(), "rb") as file:
        return Picture(file.read())


def on_screen(dashboard, title):
    """The size of what is drawn."""
    canvas = dashboard.page.get_by_role("img", name=title, exact=True).locator("canvas").first
    expect(canvas).to_be_visible()
    return canvas.evaluate("(canvas) => [canvas.clientWidth, canvas.clientHeight]")


def title_of(picture):
    return picture.colors(PADDING, PADDING, picture.width - 2 * PADDING, TITLE + TEXT // 2)


def range_of(picture):
    top = PADDING + TITLE + TEXT // 2 + 6
    return picture.colors(PADDING, top, picture.width - 2 * PADDING, TEXT + 8)


def marks_of(picture, height):
    """Below the legend."""
    return picture.colors(0, picture.height - PADDING - height * SCALE)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("title", ["Response statuses", "Requests by day"])
def test_a_picture_of_the_statuses(person, world, title, theme):
    dashboard = person(color_scheme=theme)
    dashboard.open("/report", tz="UTC", range="last7")
    width, height = on_screen(dashboard, title)
    picture = picture_of(dashboard, title)
    assert picture.width == width * SCALE + 2 * PADDING
    legend = picture.height - height * SCALE - 2 * PADDING - TITLE - TEXT * 4
    assert TEXT <= legend <= TEXT * 2 * (len(COLORS) + 1), "at most a line for each status"
    around = picture.colors(height=PADDING) + picture.colors(width=PADDING) + picture.colors(y=picture.height - PADDING)
    assert set(around) == {SURFACE[theme]}
    marks = marks_of(picture, height)
    counted = Counter(map(status_of, world.of(days=world.last_week)))
    shown = {name: marks[colors[theme]] for name, colors in COLORS.items()}
    for name, pixels in shown.items():
        assert pixels > 100, (name, shown)
        assert abs(pixels / sum(shown.values()) - counted[name] / sum(counted.values())) < NEAR, (name, shown, counted)
    other = "dark" if theme == "light" else "light"
    assert not any(marks[colors[other]] for colors in COLORS.values())


def test_words_of_a_picture(dashboard):
    """The title is drawn, and below it the range: another one is another picture there, and there only."""
    pictures = {}
    for days in ("last7", "last30"):
        dashboard.open("/report", tz="UTC", range=days)
        pictures[days] = picture_of(dashboard, "Requests by day")
    titles, ranges = ([part(picture) for picture in pictures.values()] for part in (title_of, range_of))
    for words in (*titles, *ranges):
        assert words.total() - words[SURFACE["light"]] > 300
    assert titles[0] == titles[1] and ranges[0] != ranges[1]
    assert marks_of(pictures["last7"], 100) != marks_of(pictures["last30"], 100)


def test_what_the_legend_hides_is_not_in_the_picture(dashboard):
    dashboard.open("/report", tz="UTC", range="last7")
    color = COLORS["2xx Success"]["light"]
    assert picture_of(dashboard, "Requests by day").colors()[color]
    dashboard.card("Requests by day").get_by_role("button", name="2xx Success", exact=True).click()
    assert not picture_of(dashboard, "Requests by day").colors()[color]


def test_a_picture_of_lines(dashboard):
    dashboard.open("/latency", tz="UTC", range="last30")
    title = "Latency over time"
    width, height = on_screen(dashboard, title)
    picture = picture_of(dashboard, title)
    assert picture.width == width * SCALE + 2 * PADDING
    assert len(marks_of(picture, height)) > 20
    assert title_of(picture).total() > title_of(picture)[SURFACE["light"]]
