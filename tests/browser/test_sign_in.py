"""How people come in and go out."""

from playwright.sync_api import expect
from world import API_TOKEN

UNKNOWN = "This token is not known, or no longer valid."


def at_the_door(person, path="/"):
    dashboard = person(token=None)
    dashboard.guard.allow("401")
    dashboard.open(path)
    return dashboard, dashboard.page


def overview(page):
    return page.get_by_role("heading", level=1, name="Overview")


def test_by_token(person):
    _, page = at_the_door(person)
    field = page.get_by_label("Access token")
    expect(field).to_be_focused()
    assert field.get_attribute("type") == "password"
    page.keyboard.type(API_TOKEN)
    page.keyboard.press("Enter")
    expect(overview(page)).to_be_visible()
    cookie = next(each for each in page.context.cookies() if each["name"] == "daybook_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert "daybook_session" not in page.evaluate("() => document.cookie + JSON.stringify(localStorage)")
    page.reload()
    expect(overview(page)).to_be_visible()


def test_with_a_wrong_token(person):
    _, page = at_the_door(person)
    page.get_by_label("Access token").fill("dbk_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(UNKNOWN)
    expect(page.get_by_label("Access token")).to_be_focused()
    page.get_by_label("Access token").fill(f" {API_TOKEN} ")
    page.get_by_role("button", name="Sign in").click()
    expect(overview(page)).to_be_visible()


def test_by_a_link_once(person, world):
    code = world.code()
    _, page = at_the_door(person, f"/sign-in#code={code}")
    expect(overview(page)).to_be_visible()
    assert code not in page.url
    _, other = at_the_door(person, f"/sign-in#code={code}")
    expect(other.get_by_role("alert")).to_contain_text("This link was used already, or is too old.")
    assert code not in other.url


def test_a_link_to_a_page_stays_it(person):
    """Whoever is sent a link and is not signed in comes to its page, and not to the overview."""
    _, page = at_the_door(person, "/codes?range=last30&tz=Asia%2FKathmandu")
    page.get_by_label("Access token").fill(API_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Response codes")).to_be_visible()
    assert "range=last30" in page.url and "Kathmandu" in page.url


def test_out(dashboard):
    dashboard.open("/")
    page = dashboard.page
    dashboard.guard.allow("401")
    page.get_by_role("button", name="Account:", exact=False).click()
    page.get_by_role("menuitem", name="Sign out", exact=False).click()
    expect(page.get_by_label("Access token")).to_be_visible()
    page.goto(dashboard.world.url + "/traffic")
    expect(page.get_by_label("Access token")).to_be_visible()


def test_a_session_that_has_ended(dashboard):
    """The next click asks for a token, and goes on where it was."""
    dashboard.open("/")
    dashboard.guard.allow("401")
    page = dashboard.page
    page.context.clear_cookies()
    page.get_by_role("navigation").get_by_role("link", name="Traffic").click()
    page.get_by_label("Access token").fill(API_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Traffic")).to_be_visible()
