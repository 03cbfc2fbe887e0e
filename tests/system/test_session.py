"""Sessions of the dashboard: how people sign in and out, what their cookie is good for, and for whom it is not."""

import gzip
import http.client
import http.cookies
import json
import re
import ssl
import time
import urllib.request

import pytest
from access import UNLIMITED, Issuer, ask, call, make_token, start_api
from harness import API_TOKEN, Api, Redis, wait_until
from test_tls import make_pair

PAGE = {"X-Daybook": "dashboard"}
OURS = {**PAGE, "Sec-Fetch-Site": "same-origin"}
ALL_PERMISSIONS = ["admin", "oauth:client:view", "usage:organization:view", "usage:client:view", "usage:simpleSearch:view"]


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    server = Redis("redis", tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer") / "jwks.json")


@pytest.fixture(scope="module")
def replicas(redis, issuer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("api")
    apis = [start_api(redis, directory, name=f"api-{n}", **issuer.settings()) for n in (1, 2)]
    yield apis
    for api in apis:
        api.kill()


@pytest.fixture(scope="module")
def api(replicas):
    return replicas[0]


def sign_in(api, status=204, headers=None, **proof):
    """The answer."""
    answer = call(api, "POST", "/session", None, body=proof or {"token": API_TOKEN}, headers=OURS if headers is None else headers)
    assert answer.status == status, answer
    return answer


def cookie_of(answer):
    return http.cookies.SimpleCookie(answer.headers["Set-Cookie"])["daybook_session"]


def enter(api, **proof):
    """{"Cookie": …} of a new session"""
    return {"Cookie": f"daybook_session={cookie_of(sign_in(api, **proof)).value}"}


def who(api, cookie, status=200):
    return ask(api, "GET", "/session", None, status=status, headers=cookie)


def new_code(api, token=API_TOKEN, **options):
    made = ask(api, "POST", "/api/v2/admin/sign-in-links", token, status=201, **options)
    return re.fullmatch(r"http://127\.0\.0\.1:\d+/sign-in#code=(dbk_[\w-]{43})", made["url"]).group(1)


def sign_out(api, cookie, status=204, headers=OURS):
    answer = call(api, "DELETE", "/session", None, headers={**cookie, **headers})
    assert answer.status == status
    return answer


# ---- the cookie ----


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(api):
    answer = sign_in(api)
    assert answer.text == "" and answer.headers["Cache-Control"] == "no-store"
    cookie = cookie_of(answer)
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/" and not cookie["domain"]
    assert not cookie["secure"] and 12 * 3600 - 5 <= int(cookie["max-age"]) <= 12 * 3600
    assert re.fullmatch(r"dbk_[\w-]{43}", cookie.value) and cookie.value != API_TOKEN


def test_it_counts_as_the_token(api):
    cookie = enter(api)
    me = who(api, cookie)
    assert me["permissions"] == ALL_PERMISSIONS and me["organization"] is None and me["client"] is None
    assert call(api, "GET", "/api/v2/usage/overview", None, headers=cookie).status == 200
    assert call(api, "HEAD", "/api/v2/usage/overview", None, headers=cookie).status == 200
    limited = make_token(api, organization="acme", client="c-9", permissions=["usage:client:view"], name="Nine")
    cookie = enter(api, token=limited["token"])
    me = who(api, cookie)
    assert (me["name"], me["organization"], me["client"], me["permissions"], me["organizations"]) == (
        "Nine", "acme", "c-9", ["usage:client:view"], ["acme"])
    assert call(api, "GET", "/api/v2/admin/tokens", None, headers=cookie).status == 403
    assert call(api, "GET", "/stats/services/*/summary.json", None, headers=cookie, period="week").status == 403


def test_it_is_no_token_where_tokens_are_sent(api):
    secret = enter(api)["Cookie"].partition("=")[2]
    assert call(api, "GET", "/session", secret).status == 401
    assert call(api, "GET", "/session", None, headers={"X-API-Key": secret}).status == 401
    assert call(api, "GET", "/stats/services/*/summary.json", None, period="week", access_token=secret).status == 401
    sign_in(api, status=401, token=secret)
    form = f"grant_type=client_credentials&client_id=configured&client_secret={secret}".encode()
    assert call(api, "POST", "/oauth/token", None, body=form).status == 401
    token = make_token(api)["token"]
    assert call(api, "GET", "/session", None, headers={"Cookie": f"daybook_session={token}"}).status == 401


def test_a_token_goes_before_the_cookie(api):
    token = make_token(api, organization="acme", permissions=["usage:client:view"])["token"]
    assert ask(api, "GET", "/session", token, headers=enter(api))["organization"] == "acme"
    assert call(api, "GET", "/session", "dbk_wrong", headers=enter(api)).status == 401


def test_a_cookie_that_is_there_twice_or_damaged_is_none(api):
    good = enter(api)["Cookie"]
    for cookie in (f"{good}; {good}", f"daybook_session=x; {good}", f"{good}x", "daybook_session=", good[:-1]):
        assert call(api, "GET", "/session", None, headers={"Cookie": cookie}).status == 401, cookie
    assert call(api, "GET", "/session", None, headers={"Cookie": f"theme=dark; {good}; a=b"}).status == 200


def test_it_is_not_among_the_tokens(api):
    before = ask(api, "GET", "/api/v2/admin/tokens", pageSize=1000)["entities"]
    enter(api)
    assert [one["id"] for one in ask(api, "GET", "/api/v2/admin/tokens", pageSize=1000)["entities"]] == [one["id"] for one in before]


# ---- pages of others ----


@pytest.mark.parametrize("headers", [
    {},
    {"X-Daybook": "other"},
    {**PAGE, "Sec-Fetch-Site": "cross-site"},
    {**PAGE, "Sec-Fetch-Site": "same-site"},
    {**PAGE, "Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin"},
], ids=str)
def test_another_site_changes_nothing(api, headers):
    cookie = enter(api)
    body = {"name": "stolen", "permissions": ["admin"], "organization": None}
    answer = call(api, "POST", "/api/v2/admin/tokens", None, body=body, headers={**cookie, **headers})
    assert answer.status == 403 and json.loads(answer.text)["error"] == "FORBIDDEN"
    sign_out(api, cookie, 403, headers)
    sign_in(api, 403, headers)  # nor signs somebody in as another
    who(api, cookie)


def test_our_own_page_changes_things(api):
    cookie = enter(api)
    body = {"name": "made by hand", "permissions": ["admin"], "organization": None}
    for headers in (PAGE, OURS):  # older browsers do not say where a request comes from
        assert call(api, "POST", "/api/v2/admin/tokens", None, body=body, headers={**cookie, **headers}).status == 201


def test_what_other_sites_may_read(api):
    cookie = enter(api)
    for site, status in (("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)):
        assert call(api, "GET", "/api/v2/usage/overview", None, headers={**cookie, "Sec-Fetch-Site": site}).status == status
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-daybook"}
    answer = call(api, "OPTIONS", "/session", None, headers=preflight)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_an_origin_that_may_ask_with_tokens_may_not_with_cookies(redis, tmp_path):
    api = start_api(redis, tmp_path, **{"listen.cors_origins": "https://app.example.com"})
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-daybook"}
    answer = call(api, "OPTIONS", "/session", None, headers=preflight)
    assert answer.status == 204 and answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "x-daybook" not in answer.headers["Access-Control-Allow-Headers"].lower()
    assert answer.headers["Access-Control-Allow-Credentials"] is None
    api.kill()


# ---- signing in ----


@pytest.mark.parametrize("body", [{}, {"token": "a", "code": "b"}, {"token": 1}, {"token": ""}, {"code": None}, {"tokn": "a"}, [], "x"],
    ids=str)
def test_what_is_no_proof(api, body):
    answer = call(api, "POST", "/session", None, body=body, headers=OURS)
    assert answer.status == 400 and answer.headers["Set-Cookie"] is None


def test_a_wrong_token(api):
    for token in ("x", "dbk_" + "x" * 43, API_TOKEN + "x", "a.b.c", "x" * 9000):
        answer = sign_in(api, 401, token=token)
        assert answer.headers["Set-Cookie"] is None and token not in answer.text
    assert sign_in(api, 413, token="x" * 20000)


def test_tries_are_limited_by_address(redis, tmp_path):
    api = start_api(redis, tmp_path, **{**UNLIMITED, "limits.starter_per_minute": 10})
    redis.client().delete("{daybook}:limit:peer:127.0.0.1")
    statuses = [call(api, "POST", "/session", None, body={"token": "wrong"}, headers=OURS).status for _ in range(15)]
    assert statuses.count(401) == 10 and statuses.count(429) == 5
    redis.client().delete("{daybook}:limit:peer:127.0.0.1")
    api.kill()


def test_a_code_is_good_once(api):
    code = new_code(api)
    cookie = enter(api, code=code)
    assert who(api, cookie)["permissions"] == ALL_PERMISSIONS
    assert "used already" in json.loads(sign_in(api, 401, code=code).text)["message"]
    sign_in(api, 401, code="dbk_" + "x" * 43)


def test_a_code_is_only_known_by_its_digest_and_ends(api, redis):
    code = new_code(api)
    client = redis.client()
    (key,) = [key for key in client.keys("{daybook}:sign_in:*")]
    kept = client.get(key)
    assert code.encode() not in (key if isinstance(key, bytes) else key.encode()) and code not in str(kept)
    assert 14 * 60 * 1000 < client.pttl(key) <= 15 * 60 * 1000
    client.pexpire(key, 1)
    time.sleep(0.05)
    sign_in(api, 401, code=code)


def test_links_are_for_administrators(api):
    viewer = make_token(api, permissions=["usage:organization:view"])["token"]
    ask(api, "POST", "/api/v2/admin/sign-in-links", viewer, status=403)
    ask(api, "POST", "/api/v2/admin/sign-in-links", None, status=401)


def test_a_link_is_for_whoever_made_it(api):
    token = make_token(api, organization="acme", name="Boss")
    cookie = enter(api, code=new_code(api, token["token"]))
    assert who(api, cookie)["name"] == "Boss" and who(api, cookie)["organization"] == "acme"
    again = enter(api, code=new_code(api, None, headers={**cookie, **OURS}))  # by a session: no longer than that one
    assert who(api, again)["expiresAt"] == who(api, cookie)["expiresAt"]
    unused = new_code(api, token["token"])
    ask(api, "DELETE", f"/api/v2/admin/tokens/{token['id']}")
    for one in (cookie, again):
        who(api, one, 401)
    sign_in(api, 401, code=unused)


def test_links_say_what_is_configured(redis, tmp_path):
    api = start_api(redis, tmp_path, **{"alerts.public_url": "https://usage.example.com/"})
    made = ask(api, "POST", "/api/v2/admin/sign-in-links", status=201)
    assert made["url"].startswith("https://usage.example.com/sign-in#code=dbk_")
    api.kill()


def test_made_from_every_kind_of_token(api, issuer):
    key = ask(api, "POST", "/v1/developer/keys", status=201, body={"keyId": "c-7", "organization": "acme"})
    form = f"grant_type=client_credentials&client_id=c-7&client_secret={key['secret']}".encode()
    access = ask(api, "POST", "/oauth/token", None, body=form)["access_token"]
    soon = int(time.time()) + 600
    web = issuer.token(sub="u-7", permissions=["admin"], exp=soon)
    for token, client in ((key["secret"], "c-7"), (access, "c-7"), (web, None), (API_TOKEN, None)):
        cookie = enter(api, token=token)
        me, same = who(api, cookie), ask(api, "GET", "/session", token)
        assert me["client"] == client
        assert {**me, "expiresAt": 0} == {**same, "expiresAt": 0}
    end = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(soon + 60))  # with the leeway that clocks have
    assert who(api, enter(api, token=web))["expiresAt"].startswith(end)
    assert int(cookie_of(sign_in(api, token=web))["max-age"]) <= 660
    cookies = [enter(api, token=token) for token in (key["secret"], access)]
    ask(api, "DELETE", "/v1/developer/keys/c-7")
    for cookie in cookies:
        who(api, cookie, 401)


def test_no_more_than_so_many(api):
    token = make_token(api)["token"]
    first = enter(api, token=token)
    for _ in range(63):
        sign_in(api, token=token)
    answer = sign_in(api, 429, token=token)
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    who(api, first)


# ---- the end ----


def test_signing_out(api):
    cookie, other = enter(api), enter(api)
    gone = cookie_of(sign_out(api, cookie))
    assert gone.value == "" and gone["max-age"] == "0" and gone["httponly"]
    error = who(api, cookie, 401)
    assert error["error"] == "UNAUTHORIZED"
    who(api, other)
    sign_out(api, cookie)
    sign_out(api, {})


def test_two_replicas(replicas):
    one, two = replicas
    cookie = enter(one)
    who(two, cookie)  # at once, though it was made there
    code = new_code(one)
    enter(two, code=code)
    sign_in(one, 401, code=code)
    sign_out(two, cookie)
    who(two, cookie, 401)
    wait_until(lambda: call(one, "GET", "/session", None, headers=cookie).status == 401, 10, "the other replica has heard of it")
    cookie = enter(two)
    sign_out(one, cookie)
    who(one, cookie, 401)


def test_it_ends_with_its_token(api):
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    token = make_token(api, expiresAt=until)["token"]
    answer = sign_in(api, token=token)
    assert 1 <= int(cookie_of(answer)["max-age"]) <= 8
    cookie = {"Cookie": f"daybook_session={cookie_of(answer).value}"}
    who(api, cookie)
    wait_until(lambda: call(api, "GET", "/session", None, headers=cookie).status == 401, 30, "it has expired")
    answer = call(api, "GET", "/api/v2/usage/overview", None, headers=cookie)
    assert json.loads(answer.text)["code"] == "credentials.expired"


def test_another_token_in_the_configuration_ends_it(redis, issuer, tmp_path):
    api = start_api(redis, tmp_path, name="before", **issuer.settings())
    cookies = enter(api), enter(api, token=issuer.token(permissions=["admin"]))
    link = new_code(api)
    api.kill()
    other = start_api(redis, tmp_path, name="after", **{**issuer.settings(), "auth.token": "another token than that before"})
    who(other, cookies[0], 401)
    sign_in(other, 401, code=link)
    who(other, cookies[1])  # the issuer is trusted as before
    other.kill()
    trusting = start_api(redis, tmp_path, name="alone")
    who(trusting, cookies[0])
    who(trusting, cookies[1], 401)
    trusting.kill()


# ---- how often ----


def test_an_allowance_of_its_own(redis, tmp_path):
    settings = {**UNLIMITED, "limits.free_per_minute": 5, "limits.session_per_minute": 8}
    api = start_api(redis, tmp_path, **settings)
    token = make_token(api, tier="free", permissions=["usage:client:view"], organization="acme")["token"]
    one, two = enter(api, token=token), enter(api, token=token)
    by_token = [call(api, "GET", "/api/v2/usage/overview", token).status for _ in range(7)]
    assert by_token == [200] * 5 + [429] * 2
    answers = [call(api, "GET", "/api/v2/usage/overview", None, headers=(one, two)[n % 2]) for n in range(10)]
    assert [answer.status for answer in answers] == [200] * 8 + [429] * 2  # together
    assert answers[0].headers["X-RateLimit-Limit"] == "8" and int(answers[-1].headers["Retry-After"]) > 0
    api.kill()


# ---- TLS ----


def test_secure_with_tls(redis, tmp_path):
    cert, key = make_pair(tmp_path, "one")
    settings = {"listen.tls_cert": cert, "listen.tls_key": key, "redis.url": redis.url, "auth.token": API_TOKEN}
    api = Api("api", "api", tmp_path / "api", settings)
    api.start(wait_s=0)

    def connect():
        try:
            made = http.client.HTTPSConnection("127.0.0.1", api.port, timeout=5, context=ssl.create_default_context(cafile=str(cert)))
            made.connect()
            return made
        except OSError:
            return None

    connection = wait_until(connect, 30, "it answers over TLS")
    connection.request("POST", "/session", json.dumps({"token": API_TOKEN}), {**OURS, "Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 204 and cookie_of(answer)["secure"] and cookie_of(answer)["httponly"]
    api.kill()


def test_secure_cookies_behind_a_proxy(redis, tmp_path):
    api = start_api(redis, tmp_path, **{"listen.secure_cookies": "always"})
    assert cookie_of(sign_in(api))["secure"]
    assert cookie_of(sign_out(api, {}))["secure"]
    assert ask(api, "POST", "/api/v2/admin/sign-in-links", status=201)["url"].startswith("https://")
    api.kill()


# ---- all organizations together ----


def test_organizations_that_may_be_chosen(api):
    ask(api, "PUT", "/api/v2/admin/organizations/initech", status=201, body={})
    ask(api, "PUT", "/api/v2/admin/clients/c-1", status=201, body={"organization": "globex"})
    assert set(who(api, enter(api))["organizations"]) >= {"globex", "initech"}
    assert who(api, enter(api))["moreOrganizations"] is False


# ---- the document and what belongs to it ----


def test_the_document(api):
    pages = "report traffic averages top codes latency endpoints alerts errors days settings sign-in".split()
    answers = [call(api, "GET", f"/{page}", None) for page in ["", *pages, "report?from=2026-11-01&zone=Europe/Berlin"]]
    assert {(answer.status, answer.text) for answer in answers} == {(200, answers[0].text)}
    headers = answers[0].headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
    assert headers["Cache-Control"] == "public, no-cache" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer" and headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"] and headers["Vary"] == "Accept-Encoding"
    assert call(api, "GET", "/", None, headers={"If-None-Match": headers["ETag"]}).status == 304
    assert " style=" not in answers[0].text and "<style" not in answers[0].text and not re.search(r"<script(?! type=\"module\" src)", answers[0].text)
    assert call(api, "GET", "/nothing", None).status == 404 and call(api, "POST", "/nothing", None).status == 404


def test_its_assets(api):
    document = call(api, "GET", "/", None).text
    names = re.findall(r'(?:src|href)="(/[^"]+)"', document)
    assert len(names) >= 3 and all(re.fullmatch(r"/assets/\w+\.[0-9a-f]{12}\.(js|css|svg)", name) for name in names)
    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    for name in names:
        plain, packed = (call_bytes(api, name, encoding) for encoding in ("identity", "gzip"))
        assert plain[0]["Content-Type"] == kinds[name.rpartition(".")[2]]
        assert plain[0]["Cache-Control"] == "public, max-age=31536000, immutable"
        assert packed[0]["Content-Encoding"] == "gzip" and packed[0]["ETag"] != plain[0]["ETag"]
        assert packed[0]["Vary"] == plain[0]["Vary"] == "Accept-Encoding"
        assert gzip.decompress(packed[1]) == plain[1]
    assert call(api, "GET", names[0] + "x", None).status == 404
    assert call(api, "GET", "/assets/../api/v2/admin/tokens", None).status == 404


def call_bytes(api, path, encoding):
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}{path}", headers={"Accept-Encoding": encoding})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read()
