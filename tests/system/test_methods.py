"""Methods: named groups of endpoints, set up by administrators, applied when counts are read."""

import json
import re
import time

import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, send
from registry_fixture import make_token
from test_usage_api import failure, usage

PATH = "/api/v2/admin/methods"


def ask(api, method, path="", body=None, token=API_TOKEN):
    """(status, decoded body)"""
    status, _, answer = send(api, method, f"{PATH}{path}", body, token)
    return status, json.loads(answer)


class World:
    def __init__(self, redis, directory):
        self.now = int(time.time() * 1000)
        self.events = fixture.random_events(7, self.now, n=2500)
        fixture.write(redis.client(), self.events, 3, self.now)
        self.client = redis.client()
        self.api = Api("api", "api", directory / "api", {"redis.url": redis.url, "auth.token": API_TOKEN}).start()

    def requests(self, name, token=API_TOKEN, **parameters):
        answer = usage(self.api, endpoint=name, timeframe="all", granularity="month", token=token, **parameters)
        assert answer["usage"]["totalRequests"] == sum(point["requests"] for point in answer["timeSeries"])
        return answer["usage"]["totalRequests"]

    def counted(self, *patterns, organization=None):
        """With regular expressions over "METHOD template"."""
        names = [f"{e.method} {e.route}" for e in self.events if organization in (None, e.org)]
        return sum(any(re.fullmatch(pattern, name) for pattern in patterns) for name in names)


@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path)
    yield made
    made.api.kill()


def test_what_is_set_up_is_counted(world):
    api = world.api
    wanted = {"name": "orders", "title": "All orders", "organization": None, "endpoints": ["ANY /*/orders/**", "PATCH /v1/users"]}
    given = {**wanted, "endpoints": ["any /*/orders/**", "patch /v1/users"]}
    assert ask(api, "PUT", "/orders", given) == (201, wanted)
    assert ask(api, "GET", "/orders") == (200, wanted)
    n = world.requests("orders")
    assert n == world.counted(r"\w+ /[^/]+/orders(/.*)?", "PATCH /v1/users") > 100
    for organization in ("acme", "globex"):
        assert world.requests("orders", organization=organization) == world.counted(
            r"\w+ /[^/]+/orders(/.*)?", "PATCH /v1/users", organization=organization
        )
    changed = {**wanted, "endpoints": ["GET /v1/orders/{id}"]}  # nothing is counted anew
    assert ask(api, "PUT", "/orders", changed) == (200, changed)
    assert world.requests("orders") == world.requests("GET /v1/orders/{id}") == world.counted(r"GET /v1/orders/\{id\}") < n
    assert ask(api, "DELETE", "/orders") == (200, changed)
    status, error, _ = failure(api, endpoint="orders")
    assert status == 400 and error["field"] == "endpoint" and error["value"] == "orders"


def test_of_one_organization_and_of_all(world):
    api = world.api
    acme = make_token(world.client, "acme", permissions=["admin"])
    viewer = make_token(world.client, "acme")
    assert ask(api, "PUT", "/read", {"endpoints": ["GET /**"]})[0] == 201
    assert ask(api, "PUT", "/write", {"endpoints": ["POST /**", "PUT /**", "PATCH /**"]})[0] == 201
    status, own = ask(api, "PUT", "/read", {"endpoints": ["GET /v1/**"]}, token=acme)
    assert status == 201 and own["organization"] == "acme"
    assert world.requests("read") == world.counted("GET .*")
    assert world.requests("read", organization="acme") == world.counted("GET /v1/.*", organization="acme")
    assert world.requests("read", token=viewer) == world.counted("GET /v1/.*", organization="acme")
    assert world.requests("read", organization="globex") == world.counted("GET .*", organization="globex")
    assert world.requests("write", token=viewer) == world.counted("(POST|PUT|PATCH) .*", organization="acme")

    assert ask(api, "GET", "/read", token=acme)[1] == own
    assert ask(api, "GET", "/write", token=acme)[1]["organization"] is None
    names = [(row["organization"], row["name"]) for row in ask(api, "GET", token=acme)[1]["entities"]]
    assert sorted(names, key=str) == sorted([("acme", "read"), (None, "read"), (None, "write")], key=str)
    assert ask(api, "DELETE", "/write", token=acme)[0] == 403
    assert ask(api, "PUT", "/other", {"endpoints": ["GET /x"], "organization": "globex"}, token=acme)[0] == 403
    assert ask(api, "PUT", "/other", {"endpoints": ["GET /x"], "organization": None}, token=acme)[0] == 403
    assert ask(api, "GET", "/read?organization=globex", token=acme)[0] == 404
    assert ask(api, "PUT", "/read", {"endpoints": ["GET /x"]}, token=viewer)[0] == 403
    assert ask(api, "DELETE", "/read", token=acme) == (200, own)
    assert world.requests("read", token=viewer) == world.counted("GET .*", organization="acme")
    assert ask(api, "DELETE", "/read?organization=acme")[0] == 403  # there is one of all by that name


def test_pages(world):
    for number in range(7):
        assert ask(world.api, "PUT", f"/m{number}", {"endpoints": ["GET /x"], "organization": "acme" if number % 2 else None})[0] == 201
    seen, path = [], "?pageSize=3"
    while path:
        page = ask(world.api, "GET", path)[1]
        assert page["total"] == 7
        seen += [row["name"] for row in page["entities"]]
        path = page.get("nextUri", "").removeprefix(PATH)
    assert sorted(seen) == [f"m{n}" for n in range(7)]
    assert [row["name"] for row in ask(world.api, "GET", "?organization=acme")[1]["entities"]] == ["m1", "m3", "m5"]


@pytest.mark.parametrize(
    "path, body, field",
    [
        ("/hits", {"endpoints": ["GET /x"]}, "name"),
        ("/a%20b", {"endpoints": ["GET /x"]}, "name"),
        ("/" + "x" * 65, {"endpoints": ["GET /x"]}, "name"),
        ("/a", {"endpoints": ["GET /x"], "name": "b"}, "name"),
        ("/a", {}, "endpoints"),
        ("/a", {"endpoints": []}, "endpoints"),
        ("/a", {"endpoints": "GET /x"}, "endpoints"),
        ("/a", {"endpoints": ["GET /x", 7]}, "endpoints"),
        ("/a", {"endpoints": ["/x"]}, "endpoints"),
        ("/a", {"endpoints": ["GET /a*b"]}, "endpoints"),
        ("/a", {"endpoints": ["GET /**/b"]}, "endpoints"),
        ("/a", {"endpoints": ["GET /x"] * 101}, "endpoints"),
        ("/a", {"endpoints": ["GET /x"], "title": 7}, "title"),
        ("/a", {"endpoints": ["GET /x"], "tier": "free"}, "tier"),
    ],
)
def test_refused(world, path, body, field):
    status, error = ask(world.api, "PUT", path, body)
    assert status == 400 and error["field"] == field and error["allowed"] and error["code"]
    assert ask(world.api, "GET")[1] == {"entities": [], "total": 0}
