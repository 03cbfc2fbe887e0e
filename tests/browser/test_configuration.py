"""Settings: what is made, changed and removed there, each by its dialog, and what the server then has."""

import re
from datetime import timedelta

import pytest
from harness import send
from playwright.sync_api import expect
from world import ACME, GLOBEX, HTML


@pytest.fixture
def settings(dashboard):
    """settings("limits") is that tab."""

    def open_tab(tab):
        dashboard.open("/settings", tab=tab)
        return dashboard

    return open_tab


def listed(dashboard, what):
    return dashboard.page.locator(".table-scroll").get_by_role("table", name=what, exact=True)


def row(dashboard, what, text):
    return listed(dashboard, what).get_by_role("row").filter(has_text=text)


def fill(dashboard, **values):
    """Of the form that is open, by the names of its fields."""
    dialog = dashboard.dialog()
    for name, value in values.items():
        field = dialog.locator(f"[name={name}]")
        if field.evaluate("(node) => node.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    return dialog


def save(dashboard):
    """It is saved, and the dialog gone."""
    dashboard.dialog().get_by_role("button", name="Save", exact=True).click()
    expect(dashboard.page.locator("dialog")).to_have_count(0)


def refuse(dashboard):
    dashboard.dialog().get_by_role("button", name="Save", exact=True).click()


def remove(dashboard, what, verb, name):
    """Asked first: cancelled it stays, confirmed it goes."""
    for answer in ("Cancel", verb):
        row(dashboard, what, name).get_by_role("button", name=re.compile(f"^{verb} ")).click()
        dialog = dashboard.dialog()
        expect(dialog.get_by_role("heading")).to_contain_text(f"{verb} the ")
        dialog.get_by_role("button", name=answer, exact=True).click()
        expect(dashboard.page.locator("dialog")).to_have_count(0)
        expect(row(dashboard, what, name)).to_have_count(1 if answer == "Cancel" else 0)


def toasted(dashboard, text):
    expect(dashboard.page.locator(".toast", has_text=text).first).to_be_visible()


def test_a_client(settings, world):
    dashboard = settings("clients")
    dashboard.button("New client").click()
    fill(dashboard, id="brand-new", name="Brand <b>new</b>", organization=ACME, tier="professional", plan="starter")
    save(dashboard)
    toasted(dashboard, "Client brand-new saved.")
    expect(row(dashboard, "Clients", "brand-new")).to_contain_text("Brand <b>new</b>")
    row(dashboard, "Clients", "brand-new").get_by_role("button", name="Edit Brand <b>new</b>").click()
    expect(dashboard.dialog().locator("[name=id]")).to_have_attribute("readonly", "")
    fill(dashboard, name="Renamed")
    save(dashboard)
    expect(row(dashboard, "Clients", "brand-new")).to_contain_text("Renamed")
    entity = next(each for each in world.ask("/api/v2/admin/clients", pageSize=100)["entities"] if each["id"] == "brand-new")
    assert (entity["name"], entity["tier"], entity["plan"], entity["organization"]) == ("Renamed", "professional", "starter", ACME)
    remove(dashboard, "Clients", "Forget", "brand-new")


@pytest.mark.parametrize("odd", ["a/b", "/", f"a?b=c#d&e;.. {HTML} 🚀%2F", "100% a%2Fb/../c", "متجر/日本"])
def test_a_client_with_an_odd_id(settings, world, odd):
    """What has slashes, markup, emoji and other signs of addresses in its id is made, changed and forgotten as any other."""

    def found():
        return [(each["id"], each["name"]) for each in world.ask("/api/v2/admin/clients", pageSize=1000)["entities"] if each["id"] == odd]

    dashboard = settings("clients")
    dashboard.button("New client").click()
    fill(dashboard, id=odd, name="The odd one", organization=GLOBEX)
    save(dashboard)
    assert found() == [(odd, "The odd one")]
    dashboard.page.get_by_role("searchbox", name="Search clients").fill("the odd one")
    expect(listed(dashboard, "Clients").get_by_role("row")).to_have_count(2)
    row(dashboard, "Clients", odd).get_by_role("button", name="Edit The odd one").click()
    fill(dashboard, name="The odd one again")
    save(dashboard)
    expect(row(dashboard, "Clients", odd)).to_contain_text("The odd one again")
    assert found() == [(odd, "The odd one again")]
    remove(dashboard, "Clients", "Forget", odd)
    expect(dashboard.page.get_by_text("Nothing matches")).to_be_visible()
    assert found() == []


def test_a_client_without_an_address(settings):
    """Browsers take two names for the folder and the one above: such a client is refused, and said why."""
    dashboard = settings("clients")
    dashboard.button("New client").click()
    for name in (".", ".."):
        dialog = fill(dashboard, id=name, organization=GLOBEX)
        refuse(dashboard)
        expect(dialog.get_by_text(f"“{name}” has no address of its own.", exact=False)).to_be_visible()


def test_a_limit_of_a_client_with_an_odd_id(settings, world):
    dashboard = settings("limits")
    dashboard.button("New limit").click()
    fill(dashboard, id="odd-day", organization=GLOBEX, client="a/b?c#d", metric="hits", value="5000", period="day")
    save(dashboard)
    assert world.ask("/api/v2/admin/limits", clientId="a/b?c#d")["entities"][0]["id"] == "odd-day"
    row(dashboard, "Limits", "odd-day").get_by_role("button", name="Edit odd-day").click()
    fill(dashboard, value="6000")
    save(dashboard)
    assert world.ask("/api/v2/admin/limits", clientId="a/b?c#d")["entities"][0]["value"] == 6000
    remove(dashboard, "Limits", "Forget", "odd-day")


def test_a_limit(settings, world):
    dashboard = settings("limits")
    dashboard.button("New limit").click()
    fill(dashboard, id="etl-month", organization=GLOBEX, client="etl", metric="checkout", value="5000", period="month", levels="80, 100")
    save(dashboard)
    expect(row(dashboard, "Limits", "etl-month")).to_contain_text("5,000")
    entity = world.ask("/api/v2/admin/limits/etl-month")
    assert (entity["client"], entity["metric"], entity["value"], entity["levels"]) == ("etl", "checkout", 5000, [80, 100])
    row(dashboard, "Limits", "etl-month").get_by_role("button", name="Edit etl-month").click()
    fill(dashboard, value="6000")
    save(dashboard)
    expect(row(dashboard, "Limits", "etl-month")).to_contain_text("6,000")
    remove(dashboard, "Limits", "Forget", "etl-month")


def test_a_limit_that_is_refused(settings):
    """The message stands at the field that is wrong; what was typed stays; once it is right it is saved."""
    dashboard = settings("limits")
    dashboard.guard.allow("400")
    dashboard.button("New limit").click()
    dialog = fill(dashboard, id="not good!", organization=GLOBEX, client="etl", value="10", period="day")
    refuse(dashboard)
    field = dialog.locator("[name=id]")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value("not good!")
    expect(dialog.locator(".field-problem:visible")).to_have_count(1)
    fill(dashboard, id="good")
    save(dashboard)
    expect(row(dashboard, "Limits", "good")).to_have_count(1)
    remove(dashboard, "Limits", "Forget", "good")


def test_a_plan(settings, world):
    dashboard = settings("plans")
    dashboard.button("New plan").click()
    fill(dashboard, name="gold", title="Gold", included="100000", priceMicros="1.25", currency="USD", ceiling="500000")
    save(dashboard)
    expect(row(dashboard, "Plans", "Gold")).to_contain_text("100,000")
    entity = world.ask("/api/v2/admin/plans/gold")
    assert (entity["included"], entity["priceMicros"], entity["currency"], entity["ceiling"]) == (100000, 1250000, "USD", 500000)
    remove(dashboard, "Plans", "Forget", "Gold")


def test_a_method(settings, world):
    """Its name can be charted at once, of all days."""
    dashboard = settings("methods")
    dashboard.button("New method").click()
    fill(dashboard, name="users", title="User pages", endpoints="ANY /v1/users/**\n")
    save(dashboard)
    expect(row(dashboard, "Methods", "User pages")).to_contain_text("ANY /v1/users/**")
    first, last = (world.today_in("UTC") - timedelta(days=n) for n in (6, 0))
    dashboard.open("/traffic", tz="UTC", range="last7", metric="users")
    counted = [e for e in world.local(str(first), str(last), "UTC") if e.route.startswith("/v1/users/")]
    assert dashboard.figure("Requests") == len(counted) > 0
    settings("methods")
    remove(dashboard, "Methods", "Forget", "User pages")


def test_an_organization(settings, world):
    dashboard = settings("organizations")
    row(dashboard, "Organizations", "Globex").get_by_role("button", name=re.compile("^Edit")).click()
    fill(dashboard, name="Globex Corp.")
    save(dashboard)
    expect(row(dashboard, "Organizations", "Globex Corp.")).to_have_count(1)
    world.put("organizations/globex", {"name": "Globex", "plan": None})


def test_a_token(settings, person, world):
    """Shown once; good for signing in; revoked it is good for nothing."""
    dashboard = settings("tokens")
    dashboard.button("New token").click()
    dialog = fill(dashboard, name="for a colleague", organization=ACME)
    dialog.get_by_role("button", name="Make token").click()
    dialog = dashboard.page.get_by_role("dialog", name="Token for a colleague")
    secret = dialog.get_by_label("Token", exact=True).input_value()
    assert re.fullmatch(r"dbk_[\w-]{43}", secret)
    dialog.get_by_role("button", name="Done").click()
    assert secret not in dashboard.page.content()
    session = world.session(secret)
    assert session
    remove(dashboard, "Tokens", "Revoke", "for a colleague")
    status, _, _ = send(world.api, "POST", "/session", {"token": secret}, None, {"X-Daybook": "dashboard"})
    assert status == 401


def test_a_key(settings, world):
    dashboard = settings("tokens")
    dashboard.button("New key").click()
    fill(dashboard, keyId="key-1", name="Key one", organization=ACME).get_by_role("button", name="Make key").click()
    dialog = dashboard.page.get_by_role("dialog", name="Key of key-1")
    secret = dialog.get_by_label("Secret", exact=True).input_value()
    dialog.get_by_role("button", name="Done").click()
    status, _, _ = send(world.api, "GET", "/session", None, secret)
    assert status == 200
    remove(dashboard, "Keys of clients", "Revoke", "Key one")


def test_a_channel(settings):
    dashboard = settings("channels")
    expect(row(dashboard, "Channels", "Pager")).to_contain_text("https://hooks.example/daybook")
    dashboard.button("New channel").click()
    fill(dashboard, name="Mail to us", kind="email", target="ops@example.com")
    save(dashboard)
    expect(row(dashboard, "Channels", "Mail to us")).to_contain_text("ops@example.com")
    remove(dashboard, "Channels", "Remove", "Mail to us")


def test_a_table_of_limits(settings, tmp_path):
    """What was exported can be read again; a line that is wrong is named, and nothing is changed."""
    dashboard = settings("limits")
    dashboard.guard.allow("400")
    before = listed(dashboard, "Limits").get_by_role("row").count()
    dashboard.page.get_by_role("button", name="Export", exact=True).click()
    with dashboard.page.expect_download() as waiting:
        dashboard.dialog().get_by_role("button", name="Export").click()
    text = waiting.value.path().read_text()
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    good.write_text(text)
    head = text.splitlines()[0].split(",")
    line = {"id": "imported", "organization": ACME, "client": "web-shop", "metric": "hits", "period": "fortnight", "value": "7"}
    bad.write_text(text + ",".join(line.get(name, "") for name in head) + "\r\n")
    for path, said in ((bad, f"Line {len(text.splitlines()) + 1}: "), (good, "0 new, 0 changed")):
        dashboard.button("Import").click()
        dialog = dashboard.dialog()
        dialog.get_by_label("CSV file").set_input_files(path)
        dialog.get_by_role("button", name="Import").click()
        expect(dashboard.page.get_by_text(said, exact=False).first).to_be_visible()
        if path == bad:
            dialog.get_by_role("button", name="Cancel").click()
    expect(listed(dashboard, "Limits").get_by_role("row")).to_have_count(before)


def test_tabs_by_keyboard(settings):
    dashboard = settings("clients")
    page = dashboard.page
    page.get_by_role("tab", name="Clients").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Methods")).to_have_attribute("aria-selected", "true")
    dashboard.settle()
    assert dashboard.query["tab"] == "methods"
    expect(page.get_by_role("tab", name="Methods")).to_be_focused()
    page.go_back()
    expect(page.get_by_role("tab", name="Clients")).to_have_attribute("aria-selected", "true")


def test_what_is_searched_is_in_the_address(settings):
    dashboard = settings("clients")
    dashboard.page.get_by_role("searchbox", name="Search clients").fill("globex")
    rows = listed(dashboard, "Clients").get_by_role("row")
    names = rows.all_inner_texts()
    assert len(names) > 1 and all("globex" in text for text in names[1:])
    dashboard.page.reload()
    dashboard.settle()
    expect(rows).to_have_count(len(names))


def test_an_administrator_of_one_organization(person, world):
    """Sees and changes what is theirs; what is of all is locked."""
    token = world.token(ACME, permissions=("admin",))
    dashboard = person(token)
    dashboard.open("/settings", tab="methods")
    expect(row(dashboard, "Methods", "Checkout").get_by_role("button")).to_have_count(0)
    dashboard.button("New method").click()
    expect(dashboard.dialog().locator("[name=organization]")).to_have_count(0)
    fill(dashboard, name="ours", endpoints="GET /v1/search")
    save(dashboard)
    expect(row(dashboard, "Methods", "ours")).to_contain_text(ACME)
    remove(dashboard, "Methods", "Forget", "ours")
    dashboard.open("/settings", tab="clients")
    assert {each["Organization"] for each in dashboard.table("Clients")} == {ACME}
