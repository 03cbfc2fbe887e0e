"""More clients and URLs than a dialog lists: 1,000 of them are there at once, and the search finds any other."""

from collections import Counter

import pytest
from dashboard import plain
from live_fixture import Event
from playwright.sync_api import expect
from registry_fixture import make_client
from world import ACME, DAY, GLOBEX, HOUR, Kept, World

CROWD = 1200  # clients, each with one request, and as many URLs
LISTED = 1000
NAMED = (GLOBEX, "c-1190", "Ünrühig & Söhne")
ODD = (GLOBEX, "zz/ 日本?#%", "GET", "/v1/crowd/zz,größe")


class Crowd(World):
    def _make_events(self, rng):
        day = (self.today - 1) * DAY + HOUR
        made = [Event(day + n, ACME, f"c-{n:04}", "", "web", "GET", f"/v1/crowd/{n:04}", 200, 1000, 10, 20, 1) for n in range(CROWD)]
        made += [Event(day, *NAMED[:2], "", "web", "GET", "/v1/crowd/0000", 429, 1000, 10, 20, 1)]
        made += [Event(day, *ODD[:2], "", "web", *ODD[2:], 500, 1000, 10, 20, 1)]
        return super()._make_events(rng) + made

    def _register(self):
        super()._register()
        make_client(self.client, *NAMED)


@pytest.fixture(scope="module")
def kept_world(tmp_path_factory):
    kept = Kept(Crowd, tmp_path_factory)
    yield kept
    kept.stop()


@pytest.fixture
def dialog(dashboard):
    dashboard.open("/report", tz="UTC", range="last7")
    dashboard.section("OAuth client requests").get_by_role("button", name="Client and URL selection").click()
    return dashboard.dialog()


def listed(dialog, kind):
    return dialog.get_by_role("group", name=kind, exact=True).get_by_role("checkbox")


def search(dialog, kind, words):
    dialog.get_by_role("searchbox", name=f"Search {kind.lower()}").fill(words)


def applied(dashboard, dialog):
    dialog.get_by_role("button", name="Apply").click()
    dashboard.settle()
    shown = [dashboard.section("OAuth client requests").locator(f"[data-total={name}]") for name in ("requests", "clients")]
    return tuple(plain(each.inner_text()) for each in shown)


def test_what_is_not_listed_is_said(dialog, world):
    events = world.of(days=world.last_week)
    clients, urls = Counter((e.client, e.org) for e in events), Counter(e.route for e in events)
    assert len(clients) > CROWD and len(urls) > CROWD
    first = sorted(clients, key=lambda key: (-clients[key], key[0].encode(), key[1].encode()))[:LISTED]
    for n, all_ in ((len({client for client, _ in first}), clients), (LISTED, urls)):
        said = f"The {n:,} most active of {len(all_):,} are listed; the search finds any of them."
        expect(dialog.get_by_text(said, exact=True)).to_be_visible()


def test_a_client_that_is_not_listed(dashboard, dialog, world):
    """By its id, in whatever case; others of that id are found with it."""
    last = f"c-{CROWD - 1}"
    search(dialog, "Clients", last.upper())
    expect(listed(dialog, "Clients")).to_have_count(1)
    listed(dialog, "Clients").check()
    search(dialog, "Clients", ODD[1])
    expect(listed(dialog, "Clients")).to_have_count(1)
    listed(dialog, "Clients").check()
    expect(dialog.get_by_text("2 chosen")).to_be_visible()
    search(dialog, "Clients", "")
    expect(listed(dialog, "Clients").first).to_be_checked()  # what is chosen stands at the top
    assert applied(dashboard, dialog) == (2, 2)
    expect(dashboard.section("OAuth client requests")).to_contain_text(f"Only {last}, {ODD[1]}")


def test_a_client_by_its_name(dashboard, dialog, world):
    search(dialog, "Clients", "söhne ünrühig")
    expect(listed(dialog, "Clients")).to_have_count(1)
    expect(dialog.get_by_role("group", name="Clients", exact=True)).to_contain_text(NAMED[2])
    listed(dialog, "Clients").check()
    assert applied(dashboard, dialog) == (len(world.of(client=NAMED[1])), len({e.org for e in world.of(client=NAMED[1])}))


def test_urls_that_are_not_listed(dashboard, dialog):
    for words, found in ((f"/crowd/{CROWD - 1}", 1), ("/V1/crowd/ZZ,grösse", 1), ("/crowd/119", 10)):
        search(dialog, "URLs", words)
        expect(listed(dialog, "URLs")).to_have_count(found)
    listed(dialog, "URLs").first.check()
    search(dialog, "URLs", "zz,")
    expect(listed(dialog, "URLs")).to_have_count(1)
    listed(dialog, "URLs").check()
    assert applied(dashboard, dialog) == (2, 2)


def test_nothing_of_the_kind(dashboard, dialog):
    search(dialog, "Clients", "c-0001 c-0002")
    expect(dialog.get_by_text("Nothing matches.")).to_be_visible()
    expect(listed(dialog, "Clients")).to_have_count(0)
    dashboard.guard.allow("503")
    dashboard.page.route("**/report.jsonl*search=*", lambda route: route.fulfill(status=503, json={"message": "Too busy now."}))
    search(dialog, "Clients", "another")
    expect(dialog.get_by_text("Too busy now.")).to_be_visible()
    dashboard.page.unroute("**/report.jsonl*search=*")
    search(dialog, "Clients", f"c-{CROWD - 1}")
    expect(listed(dialog, "Clients")).to_have_count(1)


def test_a_short_list_has_no_such_note(dashboard):
    dashboard.open("/report", tz="UTC", range="last7", org=GLOBEX)
    dashboard.section("URL requests").get_by_role("button", name="URL selection").click()
    expect(listed(dashboard.dialog(), "URLs").first).to_be_visible()
    expect(dashboard.dialog().get_by_text("most active of", exact=False)).to_have_count(0)
