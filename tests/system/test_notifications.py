"""Webhooks and mail: each alert arrives at least once, under one id, whatever happens to receivers and replicas."""

import collections
import email
import email.policy
import json
import statistics
import threading
import time
import urllib.parse

import pytest
from alert_fixture import BEGIN
from access import ask, call, make_token, start_api
from harness import wait_until
from live_fixture import iso
from notification_fixture import CHANNELS, DELIVERIES, INFO, QUICK, SHOWN
from notification_fixture import Alerts, MailSink, Receiver, server_tls, verify, verify_in_a_shell


class World(Alerts):
    def __init__(self, redis, directory):
        self.redis, self.directory, self.parts = redis, directory, []
        super().__init__(None, redis.client())

    def start(self, name="api", **settings):
        settings = {name: value for name, value in {**QUICK, **settings}.items() if value is not None}
        made = start_api(self.redis, self.directory, name, **settings)
        self.parts.append(made)
        self.api = self.api or made
        return made

    def receiver(self, *arguments):
        self.parts.append(Receiver(*arguments))
        return self.parts[-1]

    def sink(self, **options):
        self.parts.append(MailSink(**options))
        return self.parts[-1]

    def stop(self):
        for part in self.parts:
            part.kill() if hasattr(part, "kill") else part.stop()

    def meter(self, name, part=None, **labels):
        text = (part or self.api).get("/metrics")[1]
        line = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
        return next((int(row.split(" ")[-1]) for row in text.split("\n") if row.startswith(f"{line} ")), 0)

    def until_counted(self, n, outcome):
        """What is settled in Redis is counted right after that, not at the same time."""
        wait_until(lambda: self.meter("daybook_api_deliveries_total", outcome=outcome) == n, 60, f"{n} are {outcome}")

    def tried(self, identity):
        return json.loads(self.client.hget(INFO, identity) or "{}")


@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path)
    yield made
    made.stop()


def due_now(world, identity):
    """As if the time of its claim had passed."""
    world.client.zadd(DELIVERIES, {identity: int(time.time() * 1000)}, xx=True)


# ---- webhooks ----


def test_what_a_webhook_says(world, tmp_path):
    world.start()
    receiver = world.receiver()
    channel = world.webhook(receiver.url("/a?b=c"))
    [identity] = world.raise_for(channel)
    world.until_settled()
    [request] = receiver.requests
    alert = identity.partition(".")[0]
    assert request.path == "/a?b=c"
    assert request.headers["Daybook-Event"] == "alert.raised"
    assert request.headers["Daybook-Delivery"] == identity
    assert request.headers["Content-Type"] == "application/json"
    assert "Expect" not in request.headers and "Cookie" not in request.headers
    said = request.json
    assert list(said) == ["id", "event", "alert", "sentAt"]
    assert said["id"] == f"{alert}.raised" and said["event"] == "alert.raised"
    assert said["alert"] == ask(world.api, "GET", f"/api/v2/usage/alerts/{alert}")
    assert verify(request, channel["secret"]) and not verify(request, channel["secret"] + "x")
    assert verify_in_a_shell(request, channel["secret"], tmp_path) and not verify_in_a_shell(request, "x", tmp_path)
    request.body += b" "
    assert not verify(request, channel["secret"]) and not verify_in_a_shell(request, channel["secret"], tmp_path)
    assert world.client.hlen(INFO) == 0 and world.dead() == []


def test_recovered(world):
    world.start()
    receiver = world.receiver()
    channel = world.webhook(receiver.url())
    [identity] = world.raise_for(channel, due_ms=int(time.time() * 1000) + 10**7)
    alert = identity.partition(".")[0]
    world.client.hset("{daybook}:alerts:recovered", alert, int(time.time() * 1000))
    world.client.zrem(DELIVERIES, identity)
    world.client.zadd(DELIVERIES, {f"{alert}.recovered.{channel['id']}": 1})
    world.until_settled()
    [request] = receiver.requests
    assert request.headers["Daybook-Event"] == request.json["event"] == "alert.recovered"
    assert request.json["id"] == f"{alert}.recovered" and request.json["alert"]["active"] is False


def test_down_and_up_again(world):
    """All arrive, each under its one id; meanwhile tries and errors are shown."""
    world.start()
    receiver = world.receiver(lambda request, n: 503 if n <= 2 else 200)
    channel = world.webhook(receiver.url())
    wanted = [world.raise_for(channel)[0] for _ in range(5)]
    wait_until(lambda: receiver.requests, 60, "a first try")
    receiver.stop()
    wait_until(lambda: any(world.tried(one).get("attempts", 0) >= 2 for one in wanted), 60, "it is tried again")
    shown = ask(world.api, "GET", SHOWN, state="pending")["entities"]
    assert {one["id"] for one in shown} == set(wanted)
    assert any(one["attempts"] >= 2 and one["lastError"] and one["nextAt"] > one["lastAt"] for one in shown), shown
    time.sleep(3)
    receiver.start()
    world.until_settled()
    assert set(receiver.ids()) == set(wanted)
    world.until_counted(5, "delivered")
    assert world.meter("daybook_api_deliveries_total", outcome="failed") >= 2
    assert world.client.hlen(INFO) == 0


@pytest.mark.parametrize("status", [100, 204, 301, 400, 404, 408, 425, 429, 500, 503])
def test_answers(world, status):
    """2xx is delivered, all else is tried again."""
    world.start(**{"alerts.timeout_s": 3 if status == 100 else 30})  # which is no answer yet
    receiver = world.receiver(lambda request, n: status if n == 1 else 200)
    [identity] = world.raise_for(world.webhook(receiver.url()))
    world.until_settled()
    assert receiver.ids() == [identity] * (1 if status == 204 else 2)


def test_gone_is_given_up_at_once(world):
    world.start()
    receiver = world.receiver(lambda request, n: 410)
    [identity] = world.raise_for(world.webhook(receiver.url()))
    world.until_settled()
    assert world.dead() == [identity] and len(receiver.requests) == 1
    [shown] = ask(world.api, "GET", SHOWN, state="dead")["entities"]
    assert shown["lastStatus"] == 410 and shown["givenUpAt"] and shown["attempts"] == 1 and shown["state"] == "dead"


def test_retry_after(world):
    world.start(**{"alerts.retry_most_s": 4})
    said = [(429, {"Retry-After": "3"}, b""), (503, {"Retry-After": "9999"}, b""), 200]
    receiver = world.receiver(lambda request, n: said[n - 1])
    world.raise_for(world.webhook(receiver.url()))
    world.until_settled()
    first, second, third = (request.at for request in receiver.requests)
    assert 2.9 < second - first < 60 and 3.9 < third - second < 60  # not more than retry_most_s


def test_given_up_after_the_period_and_retried(world):
    world.start(**{"alerts.retry_for_s": 4})
    receiver = world.receiver(lambda request, n: 500)
    channel = world.webhook(receiver.url())
    wanted = [world.raise_for(channel)[0] for _ in range(4)]
    wait_until(lambda: set(world.dead()) == set(wanted), 60, lambda: (world.dead(), world.pending()))
    assert not world.pending() and 2 <= len(receiver.requests) < 20
    counter = world.start("counter")  # who begins, counts
    wait_until(lambda: world.meter("daybook_api_deliveries_dead", counter) == 4, 60, "they are counted")
    counter.kill()
    shown = ask(world.api, "GET", SHOWN, state="dead", pageSize=3)
    rest = ask(world.api, "GET", shown["nextUri"])
    assert [one["id"] for one in shown["entities"] + rest["entities"]] == world.dead() and "nextUri" not in rest
    assert all("500" in one["lastError"] for one in shown["entities"])
    receiver.answer = lambda request, n: 200
    before = len(receiver.requests)
    retried = ask(world.api, "POST", f"{SHOWN}/{wanted[0]}/retry")
    assert retried["state"] == "pending" and retried["attempts"] == 0
    world.until_settled()
    assert receiver.ids()[before:] == [wanted[0]] and set(world.dead()) == set(wanted[1:])
    removed = ask(world.api, "DELETE", f"{SHOWN}/{wanted[1]}")
    assert removed["id"] == wanted[1] and set(world.dead()) == set(wanted[2:])
    gone = [("DELETE", wanted[1]), ("POST", f"{wanted[1]}/retry"), ("DELETE", "nonsense"), ("POST", f"{'0' * 290}/retry")]
    for method, path in gone:
        assert call(world.api, method, f"{SHOWN}/{path}").status == 404


def test_the_dead_are_bounded(world):
    """By number; what is kept of them goes with them, and leftovers of a crash too."""
    world.start(**{"alerts.dead_max": 3})
    receiver = world.receiver(lambda request, n: 410)
    channel = world.webhook(receiver.url())
    world.client.hset(INFO, f"{'0' * 32}.raised.{channel['id']}", '{"attempts":3}')
    for _ in range(6):
        world.raise_for(channel)
    world.until_settled()
    world.start("sweeper", **{"alerts.dead_max": 3})  # who begins, sweeps
    wait_until(lambda: len(world.dead()) == world.client.hlen(INFO) == 3, 60, lambda: (world.dead(), world.client.hgetall(INFO)))
    assert set(world.client.hkeys(INFO)) == set(world.dead())


def test_what_is_gone_is_dropped(world):
    world.start()
    receiver = world.receiver()
    channel, other = world.webhook(receiver.url()), world.webhook(receiver.url("/other"))
    [mine] = world.raise_for(channel, due_ms=int(time.time() * 1000) + 10**7)
    [theirs] = world.raise_for(other)
    wait_until(lambda: theirs in receiver.ids(), 60, "the other one arrives")
    ask(world.api, "DELETE", f"{CHANNELS}/{channel['id']}")
    lost = f"{'f' * 32}.raised.{other['id']}"
    world.client.zadd(DELIVERIES, {mine: 1, lost: 1})
    wait_until(lambda: mine not in world.pending(), 60, "that of a channel that is gone is dropped")
    wait_until(lambda: world.pending().get(lost, 0) > time.time() * 1000, 60, "an alert that is not there may come")
    time.sleep(1.5)
    due_now(world, lost)
    world.until_settled()
    assert receiver.ids() == [theirs]
    world.until_counted(2, "dropped")


# ---- at least once ----


def test_killed_between_sending_and_noting(world):
    """It arrives once more, under the same id, when the claim has ended."""
    world.start()
    world.api.kill()
    receiver = world.receiver()
    world.api.start(env={"DAYBOOK_CRASH_AT": "delivery_sent"})
    [identity] = world.raise_for(world.webhook(receiver.url()))
    wait_until(lambda: not world.api.alive(), 60, "it is killed")
    assert receiver.ids() == [identity]
    due_ms = world.pending()[identity]
    assert 40_000 < due_ms - time.time() * 1000 <= 60_000
    world.api.start()
    time.sleep(2)
    assert receiver.ids() == [identity]  # not before the claim ends
    due_now(world, identity)
    world.until_settled()
    assert receiver.ids() == [identity] * 2
    assert receiver.requests[0].json["id"] == receiver.requests[1].json["id"]


def test_two_replicas_share(world):
    """While nothing fails, each delivery is sent by one of them."""
    one, two = world.start(), world.start("second")
    receiver = world.receiver(lambda request, n: time.sleep(0.1) or 200)
    channel = world.webhook(receiver.url())
    wanted = [world.raise_for(channel)[0] for _ in range(120)]
    world.until_settled()
    assert collections.Counter(receiver.ids()) == collections.Counter(wanted)

    def sent():
        return [world.meter("daybook_api_deliveries_total", part, outcome="delivered") for part in (one, two)]

    wait_until(lambda: sum(sent()) == 120, 60, sent)
    assert min(sent()) > 0, sent()


def test_kills_of_replicas(world):
    """kill -9 of both at random moments: nothing is lost; claims are ended by the test, so that it need not wait for them."""
    one, two = world.start(), world.start("second")
    receiver = world.receiver(lambda request, n: time.sleep(0.02) or (200 if n % 5 else 500))
    channels = [world.webhook(receiver.url(f"/{n}")) for n in range(4)]
    wanted = set()
    for round_ in range(6):
        wanted.update(world.raise_for(*channels))
        time.sleep(0.3)
        victim = (one, two)[round_ % 2]
        victim.kill()
        wanted.update(world.raise_for(*channels))
        victim.start()
    world.end_claims()
    world.until_settled()
    assert set(receiver.ids()) == wanted and not world.dead()


def test_redis_away_while_sending(world):
    """What was sent is noted when Redis is back, and not sent again."""
    world.start(**{"alerts.timeout_s": 30})
    release = threading.Event()
    receiver = world.receiver(lambda request, n: release.wait(60) and 200)
    world.client.config_set("appendfsync", "always")  # the claim must be there when Redis comes back
    [identity] = world.raise_for(world.webhook(receiver.url()))
    wait_until(lambda: receiver.requests, 60, "it is on its way")
    world.redis.kill()
    release.set()
    time.sleep(2)
    world.redis.start()
    world.until_settled()
    assert receiver.ids() == [identity]


# ---- nobody delays others ----


def test_slow_receivers_delay_nobody(world):
    """Many that hang, and one that answers: its deliveries arrive as if it were alone, whatever a busy machine does to one."""
    world.start(**{"alerts.timeout_s": 5, "alerts.retry_most_s": 10})
    done = threading.Event()
    hanging, well = world.receiver(lambda request, n: done.wait(30) and None), world.receiver()
    slow = [world.webhook(hanging.url(f"/{n}")) for n in range(6)]
    for _ in range(40):
        world.raise_for(*slow)
    wait_until(lambda: len(hanging.requests) >= 6, 60, "they hang")
    time.sleep(6)  # they are known by now
    channel, took = world.webhook(well.url()), []
    for _ in range(5):
        begin = time.monotonic()
        [identity] = world.raise_for(channel)
        wait_until(lambda: identity in well.ids(), 60, "the well one is served")
        took.append(time.monotonic() - begin)
    done.set()
    assert statistics.median(took) < 4, took


def test_answers_are_not_read_for_ever(world):
    """A body without end, and a head without end: the status counts, and no more is read than is said."""
    world.start()
    sizes = {}

    def endless(request, n):
        out, sent = request.handler.wfile, 0
        head = request.path == "/head"
        out.write(b"HTTP/1.1 200 OK\r\n" + (b"" if head else b"\r\n"))
        try:
            while sent < 64 << 20:
                sent += out.write(b"X-A: " + b"a" * 1000 + b"\r\n" if head else b"a" * 65536)
        except OSError:
            pass
        sizes[request.path] = sent

    receiver = world.receiver(endless)
    for path in ("/body", "/head"):
        world.raise_for(world.webhook(receiver.url(path)))
    wait_until(lambda: len(sizes) == 2, 60, "both ended")
    assert max(sizes.values()) < 16 << 20, sizes  # what fits into the kernel's buffers
    world.until_settled()


# ---- where webhooks may not go ----


OURSELVES = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("host", OURSELVES)
def test_private_addresses_are_refused(world, host):
    world.start(**{"alerts.allow_private": None})
    receiver = world.receiver()
    channel = world.webhook(f"http://{host}:{receiver.port}/")
    answer = ask(world.api, "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer["delivered"] is False and "alerts.allow_private" in answer["error"] and receiver.requests == []


def test_private_addresses_of_names_and_proxies(world, monkeypatch):
    """The environment's proxy is not used; and an alert goes nowhere either."""
    receiver = world.receiver()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, receiver.url(""))
    world.start(**{"alerts.allow_private": None, "alerts.retry_for_s": 1})
    [identity] = world.raise_for(world.webhook(f"http://localhost:{receiver.port}/"))
    wait_until(lambda: world.dead() == [identity], 60, "it is given up")
    assert "alerts.allow_private" in world.tried(identity)["lastError"] and receiver.requests == []


def test_redirects_are_not_followed(world):
    world.start()
    target = world.receiver()
    receiver = world.receiver(lambda request, n: (307, {"Location": target.url()}, b""))
    channel = world.webhook(receiver.url())
    answer = ask(world.api, "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer == {"channelId": channel["id"], "delivered": False, "status": 307, "error": answer["error"]}
    assert "redirects" in answer["error"] and target.requests == []


def test_certificates_are_verified(world, tmp_path):
    context, _ = server_tls(tmp_path)
    world.start()
    receiver = world.receiver()
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    channel = world.webhook(f"https://localhost:{receiver.port}/")
    answer = ask(world.api, "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer["delivered"] is False and "certificate" in answer["error"].lower() and receiver.requests == []


# ---- mail ----


def by_mail(port):
    return {"alerts.smtp_url": f"smtp://localhost:{port}", "alerts.mail_from": "usage@example.com"}


def message_of(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def test_mail(world):
    sink = world.sink()
    world.start(**by_mail(sink.port), **{"alerts.public_url": "https://usage.example.com/"})
    channel = world.mail("ops@example.org")
    [identity] = world.raise_for(channel, of_client="Käse-日本", level=120)
    world.until_settled()
    [(sender, to, data, _)] = sink.messages
    message = message_of(data)
    assert (sender, to) == ("usage@example.com", ["ops@example.org"])
    assert [message[name].addresses[0].addr_spec for name in ("From", "To")] == [sender, *to]
    assert message["Message-ID"] == f"<{identity}@example.com>" and message["Date"].datetime and not message.defects
    assert "Käse-日本" in message["Subject"] and "120 %" in message["Subject"]
    text = message.get_content()
    alert = identity.partition(".")[0]
    link = f"https://usage.example.com/api/v2/usage/alerts/{alert}"
    for part in ("Käse-日本", "acme", "hits", "day", iso(BEGIN), "1201", "1001", alert, link):
        assert part in text, (part, text)
    for line in data.split(b"\r\n"):
        assert (len(line) <= 78 or line.startswith(b"Message-ID")) and line.isascii() and b"\n" not in line


def test_mail_is_tried_again_under_the_same_id(world):
    sink = world.sink(refuse="451 later")
    world.start(**by_mail(sink.port))
    [identity] = world.raise_for(world.mail("ops@example.org"))
    wait_until(lambda: world.tried(identity).get("attempts", 0) >= 2, 60, "it is tried")
    assert world.tried(identity)["status"] == 451
    sink.refuse = None
    world.until_settled()
    assert [message_of(data)["Message-ID"] for _, _, data, _ in sink.messages] == [f"<{identity}@example.com>"]


def test_mail_without_a_server_is_given_up(world):
    world.start()
    [identity] = world.raise_for(world.mail("ops@example.org"))
    wait_until(lambda: world.dead() == [identity], 60, "it is given up")
    assert "alerts.smtp_url" in world.tried(identity)["lastError"]
    channel = identity.rpartition(".")[2]
    assert "alerts.smtp_url" in ask(world.api, "POST", f"{CHANNELS}/{channel}/test")["error"]


def test_mail_with_tls_and_a_password(world, tmp_path):
    context, certificate = server_tls(tmp_path)
    sink = world.sink(tls=context, login=True)
    login = {"alerts.smtp_user": "daybook", "alerts.smtp_password": "geheim"}
    world.start(**by_mail(sink.port), **login)
    channel = world.mail("ops@example.org")
    answer = ask(world.api, "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer["delivered"] is False and "certificate" in answer["error"].lower() and sink.logins == []
    plain = world.sink(login=True)
    answer = ask(world.start("plain", **by_mail(plain.port), **login), "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer["delivered"] is False and plain.logins == []  # no password without TLS
    never = world.start("never", **by_mail(plain.port), **login, **{"alerts.smtp_tls": "never"})
    assert ask(never, "POST", f"{CHANNELS}/{channel['id']}/test") == {"channelId": channel["id"], "delivered": True, "status": 250}
    assert len(plain.logins) == 1 and len(plain.messages) == 1
    log = "".join(part.log_text() for part in world.parts if hasattr(part, "log_text"))
    assert "geheim" not in log


def test_a_mail_server_that_hangs_delays_no_webhook(world):
    sink = world.sink()
    sink.stop()
    hole = world.receiver(lambda request, n: None)  # speaks no SMTP, and waits for a request
    world.start(**{**by_mail(hole.port), "alerts.timeout_s": 30})
    for _ in range(10):
        world.raise_for(world.mail("ops@example.org"))
    receiver = world.receiver()
    time.sleep(1.5)
    begin = time.monotonic()
    [identity] = world.raise_for(world.webhook(receiver.url()))
    wait_until(lambda: identity in receiver.ids(), 60, "the webhook is sent")
    assert time.monotonic() - begin < 20


# ---- administration ----


def test_a_channel_is_tested(world):
    world.start()
    receiver = world.receiver()
    channel = world.webhook(receiver.url())
    answer = ask(world.api, "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer == {"channelId": channel["id"], "delivered": True, "status": 200}
    [request] = receiver.requests
    assert verify(request, channel["secret"]) and request.headers["Daybook-Event"] == "channel.test"
    assert request.json["event"] == "channel.test" and request.json["alert"] is None
    assert request.headers["Daybook-Delivery"] == request.json["id"]
    receiver.stop()
    answer = ask(world.api, "POST", f"{CHANNELS}/{channel['id']}/test")
    assert answer["delivered"] is False and "status" not in answer and answer["error"]
    assert call(world.api, "POST", f"{CHANNELS}/w-{'0' * 32}/test").status == 404


def test_tests_are_bounded_and_answered_at_the_end(world):
    """Those of a receiver that hangs hold up nobody, and are answered when the program ends."""
    world.start(**{"alerts.timeout_s": 30})
    done = threading.Event()
    receiver = world.receiver(lambda request, n: done.wait(30) and None)
    channel, answers = world.webhook(receiver.url()), []
    path = f"{CHANNELS}/{channel['id']}/test"
    threads = [threading.Thread(target=lambda: answers.append(call(world.api, "POST", path))) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answers) == 4, 60, lambda: f"some are refused: {answers}")
    assert {answer.status for answer in answers} == {503} and all(answer.headers["Retry-After"] for answer in answers)
    begin = time.monotonic()
    assert world.api.stop() == 0 and time.monotonic() - begin < 25
    for thread in threads:
        thread.join(20)
    done.set()
    assert len(answers) == 20 and {answer.status for answer in answers} == {503, 200}
    assert all(json.loads(answer.text)["error"] for answer in answers)


def test_administrators_of_one_organization(world):
    world.start()
    receiver = world.receiver(lambda request, n: 410)
    mine, theirs = world.webhook(receiver.url()), world.webhook(receiver.url(), organization="globex")
    every = world.webhook(receiver.url(), organization=None)
    ids = [world.raise_for(channel)[0] for channel in (mine, theirs, every)]
    world.until_settled()
    token = make_token(world.api, organization="acme")["token"]
    assert [one["id"] for one in ask(world.api, "GET", SHOWN, token, state="dead")["entities"]] == ids[:1]
    assert {one["id"] for one in ask(world.api, "GET", SHOWN, state="DEAD")["entities"]} == set(ids)
    assert [one["id"] for one in ask(world.api, "GET", SHOWN, state="dead", channel=theirs["id"])["entities"]] == ids[1:2]
    assert ask(world.api, "GET", SHOWN, token, state="dead", channel=theirs["id"])["entities"] == []
    for identity in ids[1:]:
        assert call(world.api, "DELETE", f"{SHOWN}/{identity}", token).status == 404
        assert call(world.api, "POST", f"{SHOWN}/{identity}/retry", token).status == 404
    for channel in (theirs, every):
        assert call(world.api, "POST", f"{CHANNELS}/{channel['id']}/test", token).status == 404
    assert len(world.dead()) == 3


def test_pages_of_deliveries_due_at_the_same_time(world):
    world.start()
    receiver = world.receiver()
    channel, other = world.webhook(receiver.url()), world.webhook(receiver.url())
    due_ms = int(time.time() * 1000) + 10**7
    ids = sorted(world.raise_for(channel, due_ms=due_ms)[0] for _ in range(23))
    for _ in range(10):
        world.raise_for(other, due_ms=due_ms)
    path, found = f"{SHOWN}?channel={channel['id']}&pageSize=5", []
    while path:
        page = ask(world.api, "GET", path)
        found += [one["id"] for one in page["entities"]]
        assert len(page["entities"]) <= 5
        path = page.get("nextUri")
    assert found == ids
    for wrong in ({"state": "alive"}, {"after": "eA"}, {"pageSize": 0}, {"status": "dead"}):
        answer = call(world.api, "GET", f"{SHOWN}?{urllib.parse.urlencode(wrong)}")
        error = json.loads(answer.text)
        assert answer.status == 400 and error["field"] == next(iter(wrong)) and error["allowed"]


def test_metrics(world):
    settings = {"alerts.retry_first_s": 60, "alerts.retry_most_s": 60}
    world.start(**settings)
    receiver = world.receiver(lambda request, n: 500)
    world.raise_for(world.webhook(receiver.url()))
    wait_until(lambda: world.meter("daybook_api_deliveries_total", outcome="failed") == 1, 60, "it fails")
    time.sleep(1)
    counter = world.start("counter", **settings)  # who begins, counts
    wait_until(lambda: world.meter("daybook_api_deliveries_pending", counter) == 1, 60, "it is counted")
    wait_until(lambda: world.meter("daybook_api_deliveries_oldest_seconds", counter) >= 1, 60, "its age is known")
