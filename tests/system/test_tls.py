"""The API over TLS, as clients of other makes see it: curl, OpenSSL and Python; and a certificate that is replaced under load."""

import http.client
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import Daybook, free_port, wait_until

CLIENTS = 8


def make_pair(directory, name):
    """A certificate for 127.0.0.1, signed by itself: (certificate, key)."""
    cert, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


class Served:
    """An API with TLS, and the pairs that it can be given."""

    def __init__(self, directory, daybook):
        directory.mkdir()
        self.pairs = {name: make_pair(directory, name) for name in ("one", "two")}
        self.cert, self.key = directory / "server.crt", directory / "server.key"
        self.trusted = directory / "trusted.crt"
        self.trusted.write_text("".join(cert.read_text() for cert, _ in self.pairs.values()))
        self.put("one")
        self.api = daybook.api(settings={"listen.tls_cert": self.cert, "listen.tls_key": self.key}, wait_s=0)
        wait_until(self.answers, 30, "the API answers over TLS")

    def put(self, name):
        cert, key = self.pairs[name]
        self.cert.write_text(cert.read_text())
        self.key.write_text(key.read_text())

    def context(self, version=None):
        context = ssl.create_default_context(cafile=str(self.trusted))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def connect(self, version=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.api.port, timeout=10, context=self.context(version))
        connection.connect()
        return connection

    def answers(self):
        assert self.api.alive(), self.api.log_tail()
        try:
            return get(self.connect())[0] == 200
        except OSError:
            return False

    def name(self):
        """The name in the certificate that a new connection gets."""
        with self.context().wrap_socket(socket.create_connection(("127.0.0.1", self.api.port), 10), server_hostname="127.0.0.1") as tls:
            return dict(part[0] for part in tls.getpeercert()["subject"])["commonName"]

    def reload(self):
        self.api.signal(signal.SIGHUP)


def get(connection, path="/healthz"):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers


@pytest.fixture
def served(request, tmp_path, redis):
    daybook = Daybook(tmp_path, None, redis)
    yield Served(tmp_path / "pairs", daybook)
    daybook.kill()
    if getattr(request.node, "failed", False):
        print(daybook.logs())


def test_curl(served):
    url = f"https://127.0.0.1:{served.api.port}/healthz"
    done = subprocess.run(["curl", "-sSi", "--cacert", served.trusted, url], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    head = done.stdout.lower()
    assert head.startswith("http/1.1 200")
    assert "strict-transport-security: max-age=" in head
    assert "x-content-type-options: nosniff" in head
    plain = subprocess.run(["curl", "-sS", url.replace("https", "http")], capture_output=True, text=True, timeout=20)
    assert plain.returncode != 0 and "ok" not in plain.stdout


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_versions_are_served(served, version):
    connection = served.connect(version)
    assert connection.sock.version() == version.name.replace("_", ".")
    assert connection.sock.cipher()[2] >= 128
    assert get(connection)[0] == 200


def shakes_hands(port, options):
    command = ["openssl", "s_client", *options, "-connect", f"127.0.0.1:{port}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return "Cipher is (NONE)" not in done.stdout and done.returncode == 0


@pytest.fixture
def lax(served):
    """The port of a server that takes everything: what a client is refused by ours, it can do with this one."""
    port, (cert, key) = free_port(), served.pairs["one"]
    command = ["openssl", "s_server", "-accept", str(port), "-cert", cert, "-key", key, "-cipher", "ALL:@SECLEVEL=0", "-quiet"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: shakes_hands(port, []), 30, "openssl s_server answers")
    yield port
    server.kill()
    server.wait()


@pytest.mark.parametrize(
    "options",
    [
        ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],  # no forward secrecy
        ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"],  # no authenticated encryption
    ],
    ids=" ".join,
)
def test_what_is_old_is_refused(served, lax, options):
    assert shakes_hands(lax, options)
    assert not shakes_hands(served.api.port, options)
    assert shakes_hands(served.api.port, ["-tls1_2"])


def test_a_new_certificate(served):
    before = served.connect()
    assert get(before)[0] == 200
    assert served.name() == "one"
    served.put("two")
    assert served.name() == "one"
    served.reload()
    wait_until(lambda: served.name() == "two", 30, "new connections get the new certificate")
    assert get(before)[0] == 200, "the connection that was open goes on"
    assert served.api.alive()


def test_a_bad_pair_changes_nothing(served):
    served.put("two")
    served.key.write_text(served.pairs["one"][1].read_text())
    served.reload()
    wait_until(lambda: str(served.key) in served.api.log_text(), 30, "the log names the file")
    assert served.name() == "one"
    served.put("two")
    served.reload()
    wait_until(lambda: served.name() == "two", 30, "the next reload works")


def test_replaced_under_load(served):
    """Clients that come and go while the certificate is replaced again and again see no error."""
    errors, counts, stop = [], [0] * CLIENTS, threading.Event()

    def ask(number):
        try:
            kept = served.connect()
            while not stop.is_set():
                assert get(kept)[0] == 200
                fresh = served.connect()
                assert get(fresh)[0] == 200
                fresh.close()
                counts[number] += 1
        except Exception as error:  # any is one too many
            errors.append(repr(error))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for i in range(20):
        name = ("two", "one")[i % 2]
        served.put(name)
        served.reload()
        wait_until(lambda name=name: served.name() == name or errors, 30, f"{name} is served")
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert min(counts) > 0


def test_not_started_with_a_bad_pair(tmp_path, redis):
    daybook = Daybook(tmp_path, None, redis)
    cert, key = make_pair(tmp_path, "good")
    cases = {
        "no-file": ({"listen.tls_cert": tmp_path / "none", "listen.tls_key": key}, tmp_path / "none"),
        "no-key": ({"listen.tls_cert": cert}, "listen.tls_key"),
    }
    for name, (settings, named) in cases.items():
        api = daybook.api(settings=settings, name=name, wait_s=0)
        assert api.process.wait(20) == 2
        assert str(named) in api.log_text()
    daybook.kill()
