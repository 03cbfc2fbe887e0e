"""Tokens and clients in Redis, as api/registry_text.h says."""

import hashlib
import json
import secrets
import time

from harness import send, wait_until


def make_token(client, organization, of_client=None, permissions=("usage:organization:view",)):
    token, identity = f"dbk_{secrets.token_urlsafe(32)}", f"t-{secrets.token_hex(16)}"
    entry = dict(name="test", digest=hashlib.sha256(token.encode()).hexdigest(), organization=organization, client=of_client)
    entry |= dict(permissions=list(permissions), tier="enterprise", created=int(time.time() * 1000), expires=0)
    client.hset("{daybook}:tokens", identity, json.dumps(entry))
    client.incr("{daybook}:version")
    return token


def make_client(client, organization, identity, name="", plan=""):
    entry = dict(id=identity, name=name, organization=organization, tier="free", platform="", plan=plan)
    client.hset("{daybook}:clients", f"{organization}\x1f{identity}", json.dumps(entry))
    client.incr("{daybook}:version")


def until_known(client, api):
    """Whatever was written before is in force: a token that was made after it is."""
    token = make_token(client, "acme", permissions=())
    wait_until(lambda: send(api, "GET", "/session", token=token)[0] == 200, 30, "the registry has been read")
