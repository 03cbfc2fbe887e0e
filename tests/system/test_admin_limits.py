"""Plans, organizations, limits and channels: made, shown, changed and removed; limits as CSV; by administrators of one organization
and of all; on two replicas."""

import json
import re

import pytest
from access import ask, call, import_csv, make_token, refused, start_api
from harness import API_TOKEN, csv_rows, wait_until
from registry_fixture import make_client

ADMIN = "/api/v2/admin"
PLANS, ORGANIZATIONS, LIMITS, CHANNELS = (f"{ADMIN}/{kind}" for kind in ("plans", "organizations", "limits", "channels"))
COLUMNS = ["id", "organization", "client", "plan", "metric", "period", "value", "levels"]
PLAN = {"title": "", "organization": None, "currency": "EUR", "included": 0, "priceMicros": 0, "ceiling": 0}
LIMIT = {"organization": "acme", "client": "c-1", "plan": None, "metric": "hits", "period": "day", "value": 100, "levels": []}
HOOK = {"name": "", "organization": "acme", "kind": "webhook", "target": "https://hooks.example.com/x"}
HOOK |= {"minLevel": 0, "system": False}
BIG = 10**15


class World:
    def __init__(self, redis, directory):
        self.redis, self.client, self.directory = redis, redis.client(), directory
        self.api = start_api(redis, directory)
        self.acme = make_token(self.api, organization="acme", tier="starter")["token"]
        self.globex = make_token(self.api, organization="globex")["token"]

    def put(self, path, token=API_TOKEN, status=201, **fields):
        return ask(self.api, "PUT", path, token, status=status, body=fields)

    def get(self, path, token=API_TOKEN, status=200, **parameters):
        return ask(self.api, "GET", path, token, status=status, **parameters)

    def list(self, path, token=API_TOKEN, **parameters):
        page = self.get(path, token, **parameters)
        assert page["total"] == len(page["entities"])
        return page["entities"]

    def delete(self, path, token=API_TOKEN, status=200, **parameters):
        return ask(self.api, "DELETE", path, token, status=status, **parameters)

    def post(self, path, token=API_TOKEN, status=201, body=None):
        return ask(self.api, "POST", path, token, status=status, body=body)

    def plan(self, name, token=API_TOKEN, **fields):
        return self.put(f"{PLANS}/{name}", token, **{"currency": "EUR", **fields})

    def limit(self, identity, token=API_TOKEN, **fields):
        return self.put(f"{LIMITS}/{identity}", token, **{**LIMIT, **fields})

    def refused(self, *what, **options):
        return refused(self.api, *what, **options)

    def import_table(self, table, token=API_TOKEN, status=200):
        return import_csv(self.api, f"{LIMITS}.csv", table, token, status)


@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path)
    yield made
    made.api.kill()


# ---- plans ----


def test_life_of_a_plan(world):
    wanted = {**PLAN, "name": "gold", "title": "Gold", "included": 100_000, "priceMicros": 1_500_000, "ceiling": BIG}
    assert world.plan("gold", title="Gold", included=100_000, priceMicros=1_500_000, ceiling=BIG) == wanted
    assert world.get(f"{PLANS}/gold") == wanted and world.list(PLANS) == [wanted]
    changed = {**PLAN, "name": "gold", "currency": "CHF"}
    assert world.put(f"{PLANS}/gold", status=200, currency="CHF", title=None, included=None) == changed
    assert world.delete(f"{PLANS}/gold") == changed
    world.get(f"{PLANS}/gold", status=404)
    world.delete(f"{PLANS}/gold", status=404)
    logs = world.api.log_tail(1000)
    assert all(event in logs for event in ("plan_created", "plan_changed", "plan_removed"))


@pytest.mark.parametrize(
    "field, values",
    {
        "currency": ["", "eur", "EURO", "E", 7, None],
        "included": [-1, BIG + 1, 1.5, "1", True, []],
        "priceMicros": [-1, 10**12 + 1, "1.50"],
        "ceiling": [-1, BIG + 1, 9],
        "title": [7, "x" * 257, "a\u0001b"],
        "organization": [7, "*", "x" * 257],
        "name": ["other", 7],
        "colour": ["red"],
    }.items(),
)
def test_wrong_plans(world, field, values):
    for value in values:
        world.refused("PUT", f"{PLANS}/gold", field, body={"currency": "EUR", "included": 10, field: value})
    assert world.list(PLANS) == []


def test_wrong_names(world):
    for path in (PLANS, LIMITS):
        for name in ("hits", "a%20b", "x" * 65, "%C3%A9"):
            for method in ("GET", "PUT", "DELETE"):
                assert call(world.api, method, f"{path}/{name}", body={} if method == "PUT" else None).status == 400, (path, name)


def test_plans_of_one_and_of_all(world):
    world.plan("gold")
    world.put(f"{PLANS}/gold", world.acme, 403, currency="EUR")
    own = world.plan("gold", organization="acme", included=5)
    assert own["organization"] == "acme"
    assert world.get(f"{PLANS}/gold", world.acme) == own
    assert world.get(f"{PLANS}/gold", world.globex)["organization"] is None
    assert world.get(f"{PLANS}/gold", organization="acme") == own
    assert world.get(f"{PLANS}/gold", organization="globex")["organization"] is None
    world.get(f"{PLANS}/gold", world.globex, 404, organization="acme")
    assert len(world.list(PLANS, world.acme)) == 2 and len(world.list(PLANS, world.globex)) == 1
    for body in ({"organization": None}, {"organization": "globex"}):
        world.put(f"{PLANS}/other", world.acme, 403, currency="EUR", **body)
    assert world.delete(f"{PLANS}/gold", world.globex, 403)["message"].startswith("Forbidden")
    world.delete(f"{PLANS}/gold", world.acme, 403)
    assert world.delete(f"{PLANS}/gold", organization="acme") == own
    assert len(world.list(PLANS)) == 1


def test_a_plan_in_use_stays(world):
    world.plan("gold")
    users = [
        (f"{ADMIN}/clients/c-1", {"organization": "acme", "plan": "gold"}),
        (f"{ORGANIZATIONS}/acme", {"plan": "gold"}),
        (f"{LIMITS}/l", {**LIMIT, "client": None, "plan": "gold", "organization": None}),
    ]
    for path, body in users:
        ask(world.api, "PUT", path, status=201, body=body)
        assert "by 1 " in world.delete(f"{PLANS}/gold", status=409)["message"]
        world.delete(path)
    world.delete(f"{PLANS}/gold")


# ---- organizations, and who has which plan ----


def test_life_of_an_organization(world):
    world.plan("gold")
    wanted = {"id": "größe", "name": "Größe AG", "plan": "gold"}
    path = f"{ORGANIZATIONS}/gr%C3%B6%C3%9Fe"
    assert world.put(path, name="Größe AG", plan="gold") == wanted
    assert world.get(path) == wanted and world.list(ORGANIZATIONS, plan="gold") == [wanted]
    assert world.list(ORGANIZATIONS, plan="silver") == []
    assert world.put(path, status=200) == {"id": "größe", "name": "", "plan": ""}
    world.delete(path)
    world.get(path, status=404)


def test_organizations_are_changed_by_those_of_all(world):
    for name in ("acme", "globex"):
        world.put(f"{ORGANIZATIONS}/{name}", name=name.title())
    assert [one["id"] for one in world.list(ORGANIZATIONS, world.acme)] == ["acme"]
    assert world.get(f"{ORGANIZATIONS}/acme", world.acme)["name"] == "Acme"
    world.get(f"{ORGANIZATIONS}/globex", world.acme, 404)
    for name, status in (("acme", 403), ("globex", 404)):
        world.put(f"{ORGANIZATIONS}/{name}", world.acme, 403)
        world.delete(f"{ORGANIZATIONS}/{name}", world.acme, status)
    assert len(world.list(ORGANIZATIONS)) == 2


def test_plans_that_there_are_not(world):
    """They are refused with those that there are; what is registered already stays as it is."""
    world.plan("gold")
    world.plan("own", organization="globex")
    for path, body in (
        (f"{ADMIN}/clients/c-1", {"organization": "acme", "plan": "silver"}),
        (f"{ORGANIZATIONS}/acme", {"plan": "own"}),
        (f"{LIMITS}/l", {**LIMIT, "client": None, "plan": "own"}),
    ):
        allowed = world.refused("PUT", path, "plan", body=body)["allowed"]
        assert "gold" in allowed and "own" not in allowed
    world.put(f"{ORGANIZATIONS}/globex", plan="own")
    make_client(world.client, "acme", "c-old", "Old", plan="a plan of yore")
    wait_until(lambda: call(world.api, "GET", f"{ADMIN}/clients/c-old").status == 200, 30, "it is known")
    kept = world.put(f"{ADMIN}/clients/c-old", status=200, organization="acme", name="New", plan="a plan of yore")
    assert kept["plan"] == "a plan of yore"
    table = call(world.api, "GET", f"{ADMIN}/clients.csv").text
    counts = ask(world.api, "POST", f"{ADMIN}/clients.csv", body=table.encode(), headers={"Content-Type": "text/csv"})
    assert counts == {"created": 0, "changed": 0, "unchanged": 1}
    assert world.list(f"{ADMIN}/clients", plan="a plan of yore") == [kept]


# ---- limits ----


def test_life_of_a_limit(world):
    assert world.limit("l-1", levels=[50, 80, 10000]) == {**LIMIT, "id": "l-1", "levels": [50, 80, 10000]}
    wanted = {**LIMIT, "id": "l-1", "metric": "hits", "period": "minute", "value": BIG}
    given = {"id": "l-1", "organization": "acme", "client": "c-1", "metric": "hits", "period": "MINUTE", "value": BIG}
    assert world.put(f"{LIMITS}/l-1", status=200, **given) == wanted
    assert world.get(f"{LIMITS}/l-1") == wanted and world.list(LIMITS) == [wanted]
    assert world.delete(f"{LIMITS}/l-1") == wanted
    world.get(f"{LIMITS}/l-1", status=404)
    world.delete(f"{LIMITS}/l-1", status=404)


@pytest.mark.parametrize(
    "field, bodies",
    {
        "value": [{"value": 0}, {"value": -1}, {"value": BIG + 1}, {"value": 1.5}, {"value": "100"}, {"value": None}],
        "levels": [
            {"levels": levels}
            for levels in ([0], [10001], [80, 50], [50, 50], [1.5], ["50"], "50", 50, list(range(1, 18)), [-1], [None])
        ],
        "period": [{"period": "year"}, {"period": 5}, {"period": None}, {"period": ""}],
        "metric": [
            {"metric": "unknown"},
            {"metric": "GET /x"},
            {"metric": ""},
            {"metric": None},
            {"metric": "read", "period": "minute"},
            {"metric": "theirs"},
        ],
        "plan": [{"plan": "gold"}, {"client": None, "plan": "unknown"}, {"client": None, "plan": "a b"}],
        "client": [{"client": None}, {"client": ""}, {"client": 7}, {"client": "x" * 257}],
        "organization": [{"organization": None}, {"organization": "*"}],
        "id": [{"id": "other"}],
        "clientId": [{"clientId": "c-1"}],
    }.items(),
)
def test_wrong_limits(world, field, bodies):
    world.plan("gold")
    for name, organization in (("read", None), ("theirs", "globex")):
        world.put(f"{ADMIN}/methods/{name}", organization=organization, endpoints=["GET /**"])
    for body in bodies:
        given = {name: value for name, value in {**LIMIT, **body}.items() if value is not None or name == "organization"}
        error = world.refused("PUT", f"{LIMITS}/l", field, body=given)
        assert field != "metric" or body["metric"] != "unknown" or {"hits", "read"} <= set(error["allowed"]) == {"hits", "read"}
    assert world.list(LIMITS) == []


def test_a_method_in_use_stays(world):
    world.put(f"{ADMIN}/methods/read", endpoints=["GET /**"])
    world.limit("l", metric="read", period="hour")
    world.delete(f"{ADMIN}/methods/read", status=409)
    own = world.put(f"{ADMIN}/methods/read", world.acme, endpoints=["GET /v1/**"])  # now it is this one that the limit means
    world.delete(f"{ADMIN}/methods/read", world.acme, 409)
    world.delete(f"{ADMIN}/methods/read")
    world.delete(f"{LIMITS}/l")
    assert world.delete(f"{ADMIN}/methods/read", world.acme) == own


def test_filters_and_pages(world):
    world.plan("gold")
    for n in range(7):
        world.limit(f"c{n}", client=f"c-{n % 2}")
        world.limit(f"g{n}", organization="globex", client="c-0")
    world.limit("all", organization=None, client=None, plan="gold")
    ids = lambda **parameters: [one["id"] for one in world.list(LIMITS, **parameters)]  # noqa: E731
    assert ids(clientId="c-1") == ["c1", "c3", "c5"]
    assert ids(clientId="c-0", organization="acme") == ["c0", "c2", "c4", "c6"]
    assert ids(plan="gold") == ["all"] and ids(plan="gold", organization="acme") == []
    seen, uri = [], f"{LIMITS}?pageSize=2&organization=globex&clientId=c-0"
    while uri:
        page = world.get(uri)
        assert page["total"] == 7
        seen += [one["id"] for one in page["entities"]]
        uri = page.get("nextUri")
    assert seen == [f"g{n}" for n in range(7)]
    world.refused("GET", LIMITS, "client", client="c-1")


def test_limits_of_one_organization(world):
    world.plan("gold")
    world.limit("theirs", organization="globex")
    world.limit("everybodys", organization=None, client=None, plan="gold")
    own = world.put(f"{LIMITS}/ours", world.acme, client="c-1", metric="hits", period="day", value=1)
    assert own["organization"] == "acme"
    assert [one["id"] for one in world.list(LIMITS, world.acme)] == ["everybodys", "ours"]
    world.get(f"{LIMITS}/theirs", world.acme, 404)
    assert world.get(f"{LIMITS}/everybodys", world.acme)["organization"] is None
    world.delete(f"{LIMITS}/theirs", world.acme, 404)
    world.delete(f"{LIMITS}/everybodys", world.acme, 403)
    for name in ("theirs", "everybodys"):  # an id is taken by whoever has it
        ask(world.api, "PUT", f"{LIMITS}/{name}", world.acme, status=403, body=LIMIT)
    for organization in (None, "globex"):
        body = {**LIMIT, "organization": organization, **({} if organization else {"client": None, "plan": "gold"})}
        ask(world.api, "PUT", f"{LIMITS}/new", world.acme, status=403, body=body)
    assert len(world.list(LIMITS)) == 3


# ---- limits as CSV ----


def test_csv_round_trip(world):
    world.plan("gold")
    world.put(f"{ADMIN}/methods/read", endpoints=["GET /**"])
    rows = [
        ["c-1-day", "acme", "c-1", "", "hits", "day", "1000", "50 80 100"],
        ["gold-month", "*", "", "gold", "read", "month", str(BIG), ""],
        ["quoted", "größe, \"x\"", "=1+1", "", "hits", "minute", "1", "1 10000"],
        ["unnamed", "", "-", "", "hits", "week", "7", "100"],
    ]
    assert world.import_table([COLUMNS, *rows]) == {"created": 4, "changed": 0, "unchanged": 0}
    answer = call(world.api, "GET", f"{LIMITS}.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="daybook-limits.csv"'
    assert csv_rows(answer.text) == [COLUMNS, *rows]
    assert world.import_table(answer.text) == {"created": 0, "changed": 0, "unchanged": 4}
    assert world.get(f"{LIMITS}/gold-month") == {
        "id": "gold-month", "organization": None, "client": None, "plan": "gold", "metric": "read", "period": "month", "value": BIG,
        "levels": [],
    }  # fmt: skip
    assert world.get(f"{LIMITS}/unnamed")["organization"] == ""
    assert call(world.api, "GET", f"{LIMITS}.csv", clientId="c-1").text.count("\r\n") == 2
    # What an administrator of one organization gets, they can give back; they change only what is theirs.
    table = call(world.api, "GET", f"{LIMITS}.csv", world.acme).text
    assert table.count("\r\n") == 3
    assert world.import_table(table, world.acme) == {"created": 0, "changed": 0, "unchanged": 2}
    error = world.import_table(table.replace(str(BIG), "5"), world.acme, 400)
    assert [line["field"] for line in error["lines"]] == ["organization"]


def test_csv_columns(world):
    world.limit("l", levels=[80], value=5)
    assert world.import_table([["value", "id"], ["6", "l"]]) == {"created": 0, "changed": 1, "unchanged": 0}
    assert world.get(f"{LIMITS}/l") == {**LIMIT, "id": "l", "levels": [80], "value": 6}
    assert world.import_table([["id", "value", "period", "levels"], ["l", "", "", ""]])["changed"] == 1  # no levels are levels
    assert world.get(f"{LIMITS}/l") == {**LIMIT, "id": "l", "value": 6}
    rows = [["id", "client", "metric", "period", "value"], ["new", "c-2", "hits", "hour", "9"]]
    assert world.import_table(rows, world.acme)["created"] == 1
    assert world.get(f"{LIMITS}/new")["organization"] == "acme"


def test_csv_wrong(world):
    header = ["id", "organization", "client", "metric", "period", "value", "levels"]
    good = ["l", "acme", "c", "hits", "day", "5", "80"]
    wrong = [
        ("id", ["a b", "acme", "c", "hits", "day", "5", ""]),
        ("organization", ["l-1", "*", "c", "hits", "day", "5", ""]),
        ("client", ["l-2", "acme", "", "hits", "day", "5", ""]),
        ("metric", ["l-3", "acme", "c", "nope", "day", "5", ""]),
        ("metric", ["l-4", "acme", "c", "", "day", "5", ""]),
        ("period", ["l-5", "acme", "c", "hits", "year", "5", ""]),
        ("period", ["l-6", "acme", "c", "hits", "", "5", ""]),
        ("value", ["l-7", "acme", "c", "hits", "day", "0", ""]),
        ("value", ["l-8", "acme", "c", "hits", "day", "", ""]),
        ("levels", ["l-9", "acme", "c", "hits", "day", "5", "80 50"]),
        ("levels", ["l-10", "acme", "c", "hits", "day", "5", "80,90"]),
        ("id", good),  # once more
        (None, ["l-11"]),
    ]
    error = world.import_table([header, good, *(row for _, row in wrong)], status=400)
    assert [(line["line"], line.get("field")) for line in error["lines"]] == [(n + 3, field) for n, (field, _) in enumerate(wrong)]
    assert all(line["message"] and (line.get("allowed") or "field" not in line) for line in error["lines"])
    for text in ("", "value\n5\n", "id,id\n", "id,colour\n"):
        assert world.import_table(text, status=400)["lines"][0]["field"] == "header"
    assert world.list(LIMITS) == []


# ---- channels ----


def test_life_of_a_channel(world):
    made = world.post(CHANNELS, body={"kind": "webhook", "target": HOOK["target"], "organization": "acme"})
    secret, identity = made.pop("secret"), made["id"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9_-]{43}", secret) and re.fullmatch(r"w-[0-9a-f]{32}", identity)
    assert made == {**HOOK, "id": identity}
    path = f"{CHANNELS}/{identity}"
    assert world.get(path) == made and world.list(CHANNELS) == [made]
    kept = lambda: json.loads(world.client.hget("{daybook}:channels", identity))["secret"]  # noqa: E731
    assert kept() == secret
    given = {"kind": "webhook", "target": "http://10.0.0.1:8080/y", "organization": "acme", "minLevel": 100, "name": "N"}
    changed = world.put(path, status=200, **given)
    assert changed == {**made, "target": "http://10.0.0.1:8080/y", "minLevel": 100, "name": "N"} and kept() == secret
    renewed = world.post(f"{path}/secret", status=200)
    assert renewed["secret"] != secret and renewed["secret"] == kept() and {**changed, "secret": kept()} == renewed
    world.refused("PUT", path, "kind", body={**HOOK, "kind": "email", "target": "ops@example.com"})
    world.refused("PUT", path, "secret", body={**HOOK, "secret": "mine"})
    world.put(f"{CHANNELS}/w-nobody", status=404, **HOOK)
    assert world.delete(path) == changed
    world.get(path, status=404)
    for method in ("PUT", "DELETE"):
        assert call(world.api, method, path, body=HOOK if method == "PUT" else None).status == 404
    world.post(f"{path}/secret", status=404)
    assert secret not in world.api.log_tail(10000) and HOOK["target"] not in world.api.log_tail(10000)


def test_a_channel_for_mail(world):
    made = world.post(CHANNELS, body={"kind": "Email", "target": "ops@example.com", "system": True})
    assert made["id"].startswith("m-") and made["secret"] == "" and made["organization"] is None and made["kind"] == "email"
    world.post(f"{CHANNELS}/{made['id']}/secret", status=409)


@pytest.mark.parametrize(
    "field, bodies",
    {
        "target": [
            {"target": target}
            for target in (
                "",
                7,
                "example.com",
                "ftp://example.com/",
                "https://user:secret@example.com/",
                "https://user@example.com/",
                "https://",
                "https://example.com/#x",
                "https://example.com/ x",
                "https://example.com/\r\nX: y",
                "ops@example.com",
                "https://example.com/" + "x" * 2048,
            )
        ]
        + [
            {"kind": "email", "target": target}
            for target in ("ops", "@example.com", "a@b@c", "a b@example.com", "a@example.com\r\nBcc: x@y.z", "https://example.com/")
        ],
        "kind": [{"kind": "pigeon"}, {"kind": None}],
        "minLevel": [{"minLevel": -1}, {"minLevel": 10001}, {"minLevel": "80"}],
        "system": [{"system": True}, {"system": "yes"}],
        "id": [{"id": "mine"}],
        "secret": [{"secret": "mine"}],
    }.items(),
)
def test_wrong_channels(world, field, bodies):
    for body in bodies:
        given = {name: value for name, value in {**HOOK, **body}.items() if value is not None}
        world.refused("POST", CHANNELS, field, body=given)
    assert world.list(CHANNELS) == []


def test_channels_of_others(world):
    """Those of all are the operators' own: not shown to others, for an address may be a secret."""
    theirs, everybodys = (world.post(CHANNELS, body={**HOOK, "organization": name}) for name in ("globex", None))
    ours = world.post(CHANNELS, world.acme, body={"kind": "webhook", "target": HOOK["target"]})
    assert ours["organization"] == "acme"
    assert [one["id"] for one in world.list(CHANNELS, world.acme)] == [ours["id"]]
    for other in (theirs, everybodys):
        path = f"{CHANNELS}/{other['id']}"
        world.get(path, world.acme, 404)
        world.delete(path, world.acme, 404)
        world.put(path, world.acme, 404, **HOOK)
        world.post(f"{path}/secret", world.acme, 404)
    for organization in (None, "globex"):
        world.post(CHANNELS, world.acme, 403, body={**HOOK, "organization": organization})
    world.put(f"{CHANNELS}/{ours['id']}", world.acme, 403, **{**HOOK, "organization": "globex"})
    assert len(world.list(CHANNELS)) == 3


# ---- several replicas, and what is in Redis ----


def test_two_replicas(world):
    other = start_api(world.redis, world.directory, "other")
    try:
        world.plan("gold")
        assert ask(other, "GET", f"{PLANS}/gold")["name"] == "gold"  # a look at the registry is as new as Redis
        world.limit("l")
        # What follows alerts and sums looks at snapshots, which follow by themselves.
        def entries(api, kind):
            found = re.search(rf'daybook_api_registry_entries\{{kind="{kind}"\}} (\d+)', call(api, "GET", "/metrics").text)
            return int(found.group(1)) if found else None

        world.put(f"{LIMITS}/l-2", **LIMIT)
        wait_until(lambda: entries(other, "limits") == 2, 30, "the other replica knows of it")
        ask(other, "DELETE", f"{LIMITS}/l")
        world.get(f"{LIMITS}/l", status=404)
    finally:
        other.kill()


def test_damaged_entries_are_left_out(world):
    world.limit("good")
    wrong = {"bad": "{", "other": json.dumps({**LIMIT, "id": "x"}), "nothing": json.dumps({**LIMIT, "id": "nothing", "value": 0})}
    for field, text in wrong.items():
        world.client.hset("{daybook}:limits", field, text)
    world.client.incr("{daybook}:version")
    wait_until(lambda: world.api.log_tail(1000).count("registry_entry_left_out") == 3, 30, "they are logged")
    assert [one["id"] for one in world.list(LIMITS)] == ["good"]
