"""Callers of every kind, and requests of every method, for the tests of who may do what."""

import csv
import io
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import namedtuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from harness import API_TOKEN, Api, wait_until

ISSUER, AUDIENCE = "https://login.example", "daybook-tests"
PERMISSIONS = ("admin", "oauth:client:view", "usage:organization:view", "usage:client:view", "usage:simpleSearch:view")
TIERS = ("free", "starter", "professional", "enterprise")
UNLIMITED = {f"limits.{tier}_per_{window}": 10**8 for tier in (*TIERS, "session") for window in ("minute", "day")}

Answer = namedtuple("Answer", "status headers text")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def call(api, method, path, token=API_TOKEN, body=None, headers=None, **parameters):
    """Any request. body: bytes, or what is sent as JSON. The answer's body as text."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}{path}{query}", body, headers, method=method)
    try:
        with OPENER.open(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())


def ask(api, method, path, token=API_TOKEN, status=200, **options):
    """The same, of which the status and that the body is JSON are known."""
    answer = call(api, method, path, token, **options)
    assert answer.status == status, (method, path, answer.status, answer.text)
    return json.loads(answer.text)


def refused(api, method, path, field, token=API_TOKEN, status=400, **options):
    """A refusal that names the field, its value and what is allowed."""
    error = ask(api, method, path, token, status=status, **options)
    assert error["field"] == field and error["allowed"] and field in error["message"], error
    return error


def import_csv(api, path, table, token=API_TOKEN, status=200, headers=None):
    """table: text, bytes, or rows."""
    if isinstance(table, list):
        out = io.StringIO()
        csv.writer(out).writerows(table)
        table = out.getvalue()
    body = table if isinstance(table, bytes) else table.encode()
    return ask(api, "POST", path, token, status=status, body=body, headers={"Content-Type": "text/csv", **(headers or {})})


def make_token(api, token=API_TOKEN, **fields):
    """{"id", "token", …}"""
    given = {"name": "a test", "organization": None, "permissions": ["admin"], "tier": "enterprise", **fields}
    return ask(api, "POST", "/api/v2/admin/tokens", token, status=201, body=given)


# ---- JSON web tokens, made by a library that shares nothing with the programs ----


class Issuer:
    def __init__(self, path):
        self.path, self.keys = path, {}
        for kind in ("RS256", "ES256", "EdDSA"):
            self.add(kind, kind.lower())

    def add(self, kind, kid):
        made = {
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }
        self.keys[kid] = (kind, made[kind]())
        self.write()

    def write(self):
        keys = []
        for kid, (kind, key) in self.keys.items():
            jwk = jwt.get_algorithm_by_name(kind).to_jwk(key.public_key(), as_dict=True)
            keys.append({**jwk, "kid": kid, "use": "sig"})
        self.path.write_text(json.dumps({"keys": keys}))

    def settings(self):
        return {"auth.jwks_file": self.path, "auth.jwt_issuer": ISSUER, "auth.jwt_audience": AUDIENCE}

    def token(self, kid="es256", headers=None, **claims):
        kind, key = self.keys[kid]
        now = int(time.time())
        given = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "u-1",
            "iat": now,
            "exp": now + 3600,
            "organization": "acme",
            "tier": "enterprise",
        }
        given = {name: value for name, value in {**given, **claims}.items() if value is not None}
        return jwt.encode(given, key, algorithm=kind, headers={"kid": kid, **(headers or {})})


def start_api(redis, directory, name="api", ready=True, **settings):
    """ready=False: only until it listens."""
    api = Api(name, "api", directory / name, {"redis.url": redis.url, "auth.token": API_TOKEN, **UNLIMITED, **settings})
    api.start(wait_s=30 if ready else 0)
    wait_until(lambda: api.get("/healthz")[0] == 200, 30, "it listens")
    return api
