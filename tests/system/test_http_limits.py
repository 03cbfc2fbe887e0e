"""What one client can take from the others: large heads and bodies, connections, slowness; and what pages of other origins may read."""

import http.client
import socket
import time

import pytest

from harness import Daybook, wait_until

APP = "https://app.example.com"


@pytest.fixture
def start(request, tmp_path, redis):
    """start({"section.key": value}): an API."""
    daybook = Daybook(tmp_path, None, redis)
    yield lambda settings=None: daybook.api(settings=settings)
    daybook.kill()
    if getattr(request.node, "failed", False):
        print(daybook.logs())


def ask(api, method="GET", path="/healthz", headers=None, body=None, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, api.port, timeout=20)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    answer.read()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def connect(api, host="127.0.0.1"):
    return socket.create_connection((host, api.port), timeout=20)


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith(("127.", "0.")) else address


def test_large_heads(start):
    api = start()
    assert ask(api, headers={"X-Large": "x" * 60000})[0] == 431
    assert ask(api, path="/healthz?" + "x" * 60000)[0] == 414
    assert ask(api, headers={"X-Large": "x" * 8000})[0] == 200


def test_large_bodies(start):
    api = start()
    status, _ = ask(api, "POST", "/healthz", headers={"Expect": "100-continue", "Content-Length": str(1 << 32)})
    assert status == 413
    assert ask(api)[0] == 200


def test_connections_per_address(start):
    host = own_address()
    if host is None:
        pytest.skip("this machine has loopback only")
    api = start({"listen.address": "0.0.0.0", "listen.connections_per_address": 5})
    held = [connect(api, host) for _ in range(5)]
    for connection in held:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    with connect(api, host) as surplus:
        try:
            assert surplus.recv(1) == b""
        except ConnectionResetError:
            pass
    assert ask(api)[0] == 200, "loopback is let off"
    held.pop().close()

    def answers():
        try:
            return ask(api, host=host)[0] == 200
        except OSError:
            return False

    wait_until(answers, 30, "there is room again")


def test_slow_senders(start):
    """A head that trickles for ever, a body that stops, and silence are ended; a client that asks now and then is not."""
    api = start({"listen.idle_timeout_s": 4})  # much longer than a busy machine makes the good one wait
    head, body, silent, good = (connect(api) for _ in range(4))
    head.sendall(b"GET /healthz HTTP/1.1\r\n")
    body.sendall(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
    ended, number = set(), 0
    end = time.monotonic() + 60
    while len(ended) < 3 and time.monotonic() < end:
        time.sleep(0.2)
        good.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good.recv(4096).startswith(b"HTTP/1.1 200")
        number += 1
        for connection in {head, body, silent} - ended:
            connection.settimeout(0.01)
            try:
                if connection is head:
                    connection.sendall(b"X-%d: x\r\n" % number)
                if connection.recv(4096) == b"":
                    ended.add(connection)
            except TimeoutError:
                continue
            except OSError:
                ended.add(connection)
    assert ended == {head, body, silent}


def test_other_origins(start):
    api = start({"listen.cors_origins": f"{APP}; http://localhost:3000"})
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    status, headers = ask(api, "OPTIONS", "/api/v2/usage/days", {"Origin": APP, **preflight})
    assert status == 204
    assert headers["access-control-allow-origin"] == APP
    assert "Authorization" in headers["access-control-allow-headers"]
    assert "POST" in headers["access-control-allow-methods"]
    status, headers = ask(api, path="/api/v2/usage/days", headers={"Origin": APP})
    assert status == 401
    assert headers["access-control-allow-origin"] == APP, "a page can read why"
    for origin in ("https://evil.example.com", "null", APP + ".evil.org"):
        for method in ("GET", "OPTIONS"):
            _, headers = ask(api, method, headers={"Origin": origin, **preflight})
            assert not any(name.startswith("access-control") for name in headers)


def test_security_headers(start):
    api = start()
    for path in ("/healthz", "/nothing", "/metrics", "/api/v2/usage/days"):
        _, headers = ask(api, path=path)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "strict-transport-security" not in headers, "only TLS can promise it"
        assert "access-control-allow-origin" not in headers
