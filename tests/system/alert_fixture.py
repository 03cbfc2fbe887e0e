"""Alerts in Redis, as api/alert.h and api/alerts.h say."""

import hashlib
import json
import time

BEGIN = int(time.time()) // 86400 * 86_400_000  # today: an alert of a day that is long over recovers, which is told too


def make_alert(
    client, organization, of_client, level=80, limit=1000, metric="hits", period="day", begin=BEGIN, created=None, end=None
):
    """Its id."""
    parts = ["limit", organization, of_client, metric, period, begin, limit, level]
    identity = hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]
    created = int(time.time() * 1000) if created is None else created
    entry = dict(created=created, organization=organization, client=of_client, rule="daily", metric=metric, period=period)
    entry |= {"from": begin, "to": end or begin + 86_400_000, "level": level, "limit": limit, "value": level * limit // 100}
    _put(client, identity, entry)
    return identity


def make_system_alert(client, kind="silent_collector", subject="edge-1", message="It is silent.", since=BEGIN):
    identity = hashlib.sha256("\x1f".join(["system", kind, subject, str(since)]).encode()).hexdigest()[:32]
    _put(client, identity, dict(created=int(time.time() * 1000), type=kind, subject=subject, message=message, since=since))
    return identity


def end_lease(client):
    """As if the time of a replica that was killed while it looked at the limits had run out."""
    client.delete("{daybook}:alerter")


def _put(client, identity, entry):
    client.zadd("{daybook}:alerts:time", {identity: entry["created"]})
    client.hset("{daybook}:alerts", identity, json.dumps(entry))
    client.set("{daybook}:alerts:version", f"{identity}{time.time()}")
