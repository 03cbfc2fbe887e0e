"""The whole way: from requests that are counted to webhooks and mail about their limits, with kills of whoever tells."""

import collections
import time

import pytest
from access import ask
from alert_fixture import end_lease
from harness import API_TOKEN, wait_until
from notification_fixture import QUICK, Alerts, MailSink, Receiver, verify
from test_notifications import by_mail, message_of

LEVELS = [50, 100, 150, 200, 300]


class World(Alerts):
    def __init__(self, daybook, topic):
        self.receiver, self.sink = Receiver(), MailSink()
        self.collector, self.aggregator = daybook.collector(topic), daybook.aggregator(topic)
        settings = {**QUICK, **by_mail(self.sink.port), "alerts.check_s": 1, "alerts.minutes_back": 1}
        self.apis = [daybook.api(settings=settings) for _ in range(2)]
        super().__init__(self.apis[0], daybook.redis.client())

    def post(self, n):
        event = {"method": "GET", "route": "/v1/orders", "status": 200, "organization": "acme", "client": "c-1"}
        assert self.collector.post([event] * n)[0] == 202

    def limit(self, name, **fields):
        body = {"organization": "acme", "client": "c-1", "metric": "hits", **fields}
        ask(self.apis[0], "PUT", f"/api/v2/admin/limits/{name}", API_TOKEN, status=201, body=body)

    def told(self, event="alert.raised"):
        return [request.json for request in list(self.receiver.requests) if request.headers["Daybook-Event"] == event]

    def stop(self):
        self.receiver.stop()
        self.sink.stop()


@pytest.fixture
def world(daybook, topic):
    made = World(daybook, topic)
    yield made
    made.stop()


@pytest.mark.timeout(900)
def test_each_level_is_told_through_kills(world):
    """At least once each, under one id; while a replica is killed each time a level is reached. Its lease and its claims are ended
    by the test, so that it need not wait for them."""
    channel = world.webhook(world.receiver.url())
    mail = world.mail("ops@example.org", minLevel=300)
    world.webhook(world.receiver.url("/others"), organization="globex")
    world.limit("day", period="day", value=100, levels=LEVELS)
    sent = 0
    for n, level in enumerate(LEVELS):
        world.post(level - sent)
        sent = level
        time.sleep(0.7)
        victim = world.apis[n % 2]
        has_lease = victim.metric("daybook_api_alerter_lease") == 1
        victim.kill()
        if has_lease:
            end_lease(world.client)
        world.end_claims()
        wait_until(lambda: level in {one["alert"]["level"] for one in world.told()}, 120, f"{level} is told")
        victim.start()
    world.until_settled(120)
    ids = collections.defaultdict(set)
    for request in world.receiver.requests:
        assert verify(request, channel["secret"]) and request.path == "/hook"
        ids[request.json["alert"]["level"]].add(request.json["id"])
    shown = {alert["level"]: alert["id"] for alert in ask(world.apis[0], "GET", "/api/v2/usage/alerts", pageSize=1000)["entities"]}
    assert ids == {level: {f"{shown[level]}.raised"} for level in LEVELS}
    identities = {message_of(data)["Message-ID"] for _, _, data, _ in world.sink.messages}
    assert identities == {f"<{shown[300]}.raised.{mail['id']}@example.com>"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_minute_recovers(world):
    """What was reached in a minute is told, and that it is over when nothing can come for it any more."""
    world.webhook(world.receiver.url())
    world.limit("minute", period="minute", value=10, levels=[100])
    while time.time() % 60 > 40:
        time.sleep(0.5)
    world.post(12)
    [raised] = wait_until(world.told, 60, "it is raised")
    [recovered] = wait_until(lambda: world.told("alert.recovered"), 220, "it recovers")
    assert raised["alert"]["active"] is True and raised["alert"]["kind"] == "violation" and raised["alert"]["value"] == 12
    assert recovered["alert"]["active"] is False and recovered["alert"]["id"] == raised["alert"]["id"]
    assert recovered["alert"]["recoveredAt"] >= raised["alert"]["window"]["to"][:19]
    assert recovered["id"].removesuffix(".recovered") == raised["id"].removesuffix(".raised")
