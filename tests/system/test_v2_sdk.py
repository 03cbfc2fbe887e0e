"""The vendor's SDKs, unchanged, pointed at us: every route of the usage API that they have, against rows that the test counts itself."""

import json
import os
import subprocess
import time
import urllib.parse

import PureCloudPlatformClientV2 as vendor
import pytest
from harness import ROOT, shared_world
from v2_fixture import METRICS, World, ask, iso, number

FIRST, LAST = number("2024-10-15"), number("2024-11-05")
INTERVAL = "2024-10-15/2024-11-05"
# Everything that was counted against the limit is so many ms older.
AGE = """
local value = cmsgpack.unpack(redis.call('GET', KEYS[1]))
value[1] = value[1] - tonumber(ARGV[1])
redis.call('SET', KEYS[1], cmsgpack.pack(value), 'KEEPTTL')
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("sdk")) as made:
        yield made


# ---- one face for both ----


class JavaScript:
    """tests/system/sdk/usage.js: camelCase, options last, answers as they come."""

    def __init__(self, api, **signing_in):
        env = {**os.environ, "NODE_PATH": str(ROOT / "build/npm/node_modules")}
        command = ["node", str(ROOT / "tests/system/sdk/usage.js")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        assert self.send({"port": api.port, **signing_in}) == {"status": 200}

    def send(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def try_call(self, name, *args, **options):
        """(status, headers, body)"""
        words = name.split("_")
        method = words[0] + "".join(word.capitalize() for word in words[1:])
        answer = self.send({"method": method, "args": [*args, options]})
        assert "thrown" not in answer, answer
        return answer["status"], answer["headers"], answer["body"]

    def call(self, name, *args, **options):
        status, _, body = self.try_call(name, *args, **options)
        assert 200 <= status < 300, (status, body)
        return body

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


OPTIONS = {"pageSize": "page_size", "after": "after", "days": "days"}


class Python:
    """The SDK for Python: snake_case, models in and out; models are shown as the JSON that they came from."""

    def __init__(self, api, token=None, id=None, secret=None):
        vendor.configuration.host = f"http://127.0.0.1:{api.port}"
        client = vendor.api_client.ApiClient()
        if token:
            vendor.configuration.access_token = token
            client.access_token = token
        else:
            client = client.get_client_credentials_token(id, secret)
            vendor.configuration.access_token = client.access_token
        self.usage = vendor.UsageApi(client)

    def json_of(self, value):
        if isinstance(value, list):
            return [self.json_of(item) for item in value]
        if hasattr(value, "attribute_map"):
            pairs = ((value.attribute_map[name], getattr(value, name)) for name in value.swagger_types)
            return {name: self.json_of(item) for name, item in pairs if item is not None}
        if hasattr(value, "hour"):
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return value.isoformat() if hasattr(value, "isoformat") else value

    def call(self, name, *args, **options):
        return self.json_of(getattr(self.usage, name)(*args, **{OPTIONS[key]: value for key, value in options.items()}))

    def try_call(self, name, *args, **options):
        try:
            return 200, {}, self.call(name, *args, **options)
        except vendor.rest.ApiException as error:
            return error.status, {key.lower(): value for key, value in error.headers.items()}, json.loads(error.body)

    def close(self):
        pass


@pytest.fixture(params=[JavaScript, Python])
def sdk(request, world):
    made = request.param(world.api, token=world.make_token())
    yield made
    made.close()


def wait_for(call, done=("Complete", "Succeeded"), timeout_s=30):
    end = time.monotonic() + timeout_s
    while True:
        answer = call()
        if answer["queryStatus"] in done:
            return answer
        assert answer["queryStatus"] in ("Queued", "Running") and time.monotonic() < end, answer
        time.sleep(0.1)


# ---- every route ----


def test_usage_query(world, sdk):
    body = {"interval": INTERVAL, "granularity": "Day", "groupBy": ["OAuthClientId", "UserId", "TemplateUri", "HttpMethod"]}
    made = sdk.call("post_usage_query", body | {"metrics": ["Status200", "Status429", "Requests"]})
    answer = wait_for(lambda: sdk.call("get_usage_query_execution_id_results", made["executionId"]))
    rows = world.rows(world.counted(FIRST, LAST), {0, 2, 3, 4}, "Day")
    assert len(rows) > 300
    assert answer["results"] == world.query_rows(rows, ["status200", "status429", "requests"], True)


def test_client_query(world, sdk):
    made = sdk.call("post_oauth_client_usage_query", "c-1", {"interval": INTERVAL, "granularity": "Week", "groupBy": ["OrganizationId"]})
    answer = wait_for(lambda: sdk.call("get_oauth_client_usage_query_result", made["executionId"], "c-1"))
    rows = world.rows(world.counted(FIRST, LAST, client="c-1"), {1}, "Week")
    assert answer["results"] == world.query_rows(rows, METRICS, True)


@pytest.mark.parametrize("days", ["", "3"])
def test_summary(world, sdk, days):
    made = sdk.call("get_oauth_client_usage_summary", "c-2", **({"days": days} if days else {}))
    answer = wait_for(lambda: sdk.call("get_oauth_client_usage_query_result", made["executionId"], "c-2"))
    first = world.today - int(days or 7)
    rows = world.rows(world.counted(first, world.today - 1, client="c-2"), {0}, "Day")
    assert answer["results"] == world.query_rows(rows, METRICS, True)


def test_simple_search_with_paging(world, sdk):
    body = {"interval": INTERVAL, "metrics": ["Date", "ClientName", "TemplateUri", "Status200"], "httpMethods": ["GET"]}
    made = sdk.call("post_usage_simplesearch", body | {"oauthClientNames": ["c-1", "Twice", "Ünï 日本"]})
    rows, after = [], None
    while True:
        options = {"pageSize": 50} | ({"after": after} if after else {})
        answer = wait_for(lambda: sdk.call("get_usage_simplesearch_execution_id_results", made["executionId"], **options))
        rows += answer["results"]
        after = answer["cursors"].get("after")
        if after is None:
            break
    events = [
        event
        for event in world.counted(FIRST, LAST)
        if event.method == "GET" and world.client_name(None, event.client) in ("c-1", "Twice", "Ünï 日本")
    ]
    expected = world.query_rows(world.rows(events, {0, 3}, "Day"), ["status200"], True)
    assert rows == expected and len(rows) > 100


def job_rows(call, job_id, name, *args):
    """All pages, by the nextUri of each."""
    answer = wait_for(lambda: call(name, *args, job_id, pageSize=40))
    entities = answer.get("entities", [])
    while "nextUri" in answer:
        after = urllib.parse.parse_qs(urllib.parse.urlparse(answer["nextUri"]).query)["after"][0]
        answer = call(name, *args, job_id, pageSize=40, after=after)
        entities += answer["entities"]
    return entities


def counts_of(counts):
    return {"requestCount": counts["requests"]} | {metric: counts[metric] for metric in METRICS[:5]}


def test_organization_jobs(world, sdk):
    body = {"interval": INTERVAL, "granularity": "Month", "groupBy": ["OauthClientId", "UserId", "TemplateUri", "Platform"]}
    made = sdk.call("post_usage_aggregates_query_jobs", body | {"oauthClientIds": ["c-1", "c-2"]})
    entities = job_rows(sdk.call, made["id"], "get_usage_aggregates_query_job")
    events = [event for event in world.counted(FIRST, LAST) if event.client in ("c-1", "c-2")]
    expected = [
        {"date": iso(day), "platform": names[5], "templateUri": names[3], **counts_of(counts)}
        | {"oauthClient": {"id": names[0], "name": world.client_name(None, names[0]), "selfUri": f"/api/v2/oauth/clients/{names[0]}"}}
        | {"user": {"id": names[2]}}
        for day, names, counts in world.rows(events, {0, 2, 3, 5}, "Month")
    ]
    assert entities == expected and len(entities) > 80


def test_client_jobs(world, sdk):
    body = {"interval": INTERVAL, "granularity": "Day", "groupBy": ["OrganizationId", "HttpMethod"], "httpMethods": ["GET", "POST"]}
    body["sortBy"] = [{"fieldName": "requestCount", "order": "Desc"}, {"fieldName": "date", "order": "Desc"}]
    made = sdk.call("post_usage_client_client_id_aggregates_query_jobs", "c-1", body)
    entities = job_rows(sdk.call, made["id"], "get_usage_client_client_id_aggregates_query_job", "c-1")
    events = [event for event in world.counted(FIRST, LAST, client="c-1") if event.method in ("GET", "POST")]
    rows = world.rows(events, {1, 4}, "Day")
    rows.sort(key=lambda row: row[0], reverse=True)
    rows.sort(key=lambda row: row[2]["requests"], reverse=True)
    expected = [
        {"date": iso(day), "httpMethod": names[4], **counts_of(counts), "organizationId": names[1]} for day, names, counts in rows
    ]
    assert entities == expected and len(entities) > 40


@pytest.mark.parametrize("kind", [JavaScript, Python])
def test_signing_in(world, kind):
    """Client credentials, and then a query with the access token that they gave."""
    secret = world.make_token("acme")
    sdk = kind(world.api, id=world.token_id, secret=secret)
    made = sdk.call("post_usage_query", {"interval": INTERVAL})
    answer = sdk.call("get_usage_query_execution_id_results", made["executionId"])
    rows = world.rows(world.counted(FIRST, LAST, "acme"), {0}, None)
    assert answer["results"] == world.query_rows(rows, METRICS, False, "acme")
    sdk.close()


# ---- what goes wrong ----


@pytest.mark.parametrize("interval", ["2024-11-05/2024-10-15", "yesterday", "2024-02-30/2024-03-01"])
def test_the_error_of_a_bad_interval(world, sdk, interval):
    status, headers, body = sdk.try_call("post_usage_query", {"interval": interval})
    assert (status, body["code"], body["status"]) == (400, "invalid.date", 400)
    assert interval in body["message"] and body["contextId"] == headers["inin-correlation-id"]
    assert body["details"] == [{"errorCode": "invalid.date", "fieldName": "interval"}] and body["errors"] == []


def exhausted(world, sdk_class):
    """An API and an SDK's client whose token has used up its minute, but for a few seconds."""
    api = world.start_api(f"limited-{sdk_class.__name__}", **{"limits.free_per_minute": 20})
    token = world.make_token(tier="free")
    deadline = time.monotonic() + 30
    while ask(api, "/api/v2/usage/days", token=token)[0] != 429:
        assert time.monotonic() < deadline
    key = f"{{daybook}}:limit:{world.token_id}"
    world.client.eval(AGE, 1, key, 50000)
    api.stop()
    api.start()
    return api, key, sdk_class(api, token=token)


def test_python_waits_through_429_by_itself(world):
    api, key, sdk = exhausted(world, Python)
    try:
        begin = time.monotonic()
        made = sdk.call("post_usage_query", {"interval": INTERVAL})
        rows = world.rows(world.counted(FIRST, LAST), {0}, None)
        answer = sdk.call("get_usage_query_execution_id_results", made["executionId"])
        assert answer["results"] == world.query_rows(rows, METRICS, False)
        assert time.monotonic() - begin > 0.5, "it was never refused"
    finally:
        api.kill()
        world.client.delete(key)


def test_javascript_is_told_how_long_to_wait(world):
    """This SDK has no retry of its own: the error says when to come again, and it is true."""
    api, key, sdk = exhausted(world, JavaScript)
    try:
        status, headers, body = sdk.try_call("post_usage_query", {"interval": INTERVAL})
        assert (status, body["code"]) == (429, "too.many.requests.retry.after")
        wait_s = int(headers["retry-after"])
        assert 0 < wait_s <= 11 and f"Retry the request in [{wait_s}] seconds" in body["message"]
        time.sleep(wait_s)
        made = sdk.call("post_usage_query", {"interval": INTERVAL})
        assert sdk.call("get_usage_query_execution_id_results", made["executionId"])["queryStatus"] == "Complete"
    finally:
        sdk.close()
        api.kill()
        world.client.delete(key)
