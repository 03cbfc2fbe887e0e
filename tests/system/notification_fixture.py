"""Receivers of notifications: a webhook's HTTP server and a mail server, which do as they are told; and alerts that are due."""

import http.server
import json
import os
import re
import socketserver
import ssl
import subprocess
import threading
import time

from access import ask
from alert_fixture import make_alert
from harness import ROOT, free_port, wait_until

DELIVERIES, INFO, DEAD = "{daybook}:deliveries", "{daybook}:deliveries:info", "{daybook}:deliveries:dead"
CHANNELS, SHOWN = "/api/v2/admin/channels", "/api/v2/admin/deliveries"
QUICK = {"alerts.allow_private": "true", "alerts.retry_first_s": 1, "alerts.retry_most_s": 2, "alerts.timeout_s": 10}


class Server:
    """A server of Python's in a thread. It can be stopped and started again on its port."""

    def __init__(self, handler, port=None):
        self.handler, self.port, self.server = handler, port or free_port(), None
        self.start()

    def start(self):
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        socketserver.ThreadingTCPServer.daemon_threads = True
        socketserver.ThreadingTCPServer.request_queue_size = 64
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), self.handler)
        self.server.owner = self
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class Request:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.monotonic()

    @property
    def json(self):
        return json.loads(self.body)


class Receiver(Server):
    """Takes webhooks. answer(request, n) gives a status, or (status, headers, body); or writes what it likes and gives None."""

    def __init__(self, answer=lambda request, n: 200):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.path, self.headers, body)
                request.handler = self
                with owner.lock:
                    owner.requests.append(request)
                    n = len(owner.requests)
                said = owner.answer(request, n)
                if said is None:
                    return
                status, headers, content = said if isinstance(said, tuple) else (said, {}, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.lock, self.requests, self.answer = threading.Lock(), [], answer
        super().__init__(Handler)

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self):
        with self.lock:
            return [request.headers["Daybook-Delivery"] for request in self.requests]


class MailSink(Server):
    """Takes mail: messages are (from, [to], bytes as they came, without the doubled dots, over TLS or not). refuse: a line for RCPT
    instead of 250."""

    def __init__(self, tls=None, login=None, refuse=None):
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                self.sender, self.to, self.known, self.secure = None, [], False, False
                self.say("220 sink ESMTP")
                while True:
                    line = self.rfile.readline(1000).decode().rstrip("\r\n")
                    owner.lines.append(line)
                    if not line or not self.obey(line.partition(" ")[0].upper(), line):
                        return

            def obey(self, word, line):
                if word in ("EHLO", "HELO"):
                    offers = ["sink", *(["STARTTLS"] if tls and not self.secure else []), *(["AUTH PLAIN"] if login else [])]
                    for n, offer in enumerate(offers):
                        self.say(f"250{' ' if n == len(offers) - 1 else '-'}{offer}")
                elif word == "STARTTLS" and tls:
                    self.say("220 go on")
                    self.request = tls.wrap_socket(self.request, server_side=True)
                    self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                    self.secure = True
                elif word == "AUTH":
                    if line.count(" ") == 1:
                        self.say("334 ")
                        line += " " + self.rfile.readline().decode().strip()
                    owner.logins.append((line, self.secure))
                    self.known = True
                    self.say("235 welcome")
                elif login and not self.known:
                    self.say("530 who are you?")
                elif word == "MAIL":
                    self.sender = re.search("<(.*)>", line).group(1)
                    self.say("250 ok")
                elif word == "RCPT":
                    self.to.append(re.search("<(.*)>", line).group(1))
                    self.say(owner.refuse or "250 ok")
                elif word == "DATA":
                    self.say("354 go on")
                    data = b""
                    while not data.endswith(b"\r\n.\r\n"):
                        data += self.rfile.readline()
                    owner.messages.append((self.sender, self.to, data[:-3].replace(b"\r\n..", b"\r\n."), self.secure))
                    self.to = []
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return False
                else:
                    self.say("250 ok")
                return True

        self.messages, self.lines, self.logins, self.refuse = [], [], [], refuse
        super().__init__(Handler)


def server_tls(directory):
    """A certificate that nobody signed, and the context of a server that has it."""
    key, certificate = directory / "mail.key", directory / "mail.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def documented(language):
    """The example in the documentation."""
    return re.search(rf"```{language}\n(.*?)```", (ROOT / "docs/LIMITS.md").read_text(), re.S).group(1)


def verify(request, secret):
    """By the example in Python."""
    names = {}
    exec(documented("python"), names)
    return names["verify"](secret, request.headers["Daybook-Signature"], request.body)


def verify_in_a_shell(request, secret, directory):
    """By the other one."""
    (directory / "body").write_bytes(request.body)
    given = dict(part.split("=", 1) for part in request.headers["Daybook-Signature"].split(","))
    environment = {**os.environ, **given, "secret": secret}
    return subprocess.run(["sh", "-c", documented("sh")], cwd=directory, env=environment, check=False).returncode == 0


class Alerts:
    """Channels, and alerts that are due at them, as whoever raises them writes them."""

    def __init__(self, api, client):
        self.api, self.client, self.n = api, client, 0

    def webhook(self, url, **fields):
        body = {"name": "a hook", "organization": "acme", "kind": "webhook", "target": url, **fields}
        return ask(self.api, "POST", CHANNELS, status=201, body=body)

    def mail(self, address, **fields):
        return self.webhook(address, kind="email", **fields)

    def raise_for(self, *channels, due_ms=None, of_client="c-1", **fields):
        """A new alert of the organization of the first of these channels, due at them; the ids of the deliveries."""
        self.n += 1
        organization = fields.pop("organization", channels[0].get("organization") or "acme")
        alert = make_alert(self.client, organization, of_client, limit=1000 + self.n, **fields)
        ids = [f"{alert}.raised.{channel['id']}" for channel in channels]
        self.client.zadd(DELIVERIES, {identity: due_ms or int(time.time() * 1000) for identity in ids}, nx=True)
        return ids

    def pending(self):
        return dict(self.client.zrange(DELIVERIES, 0, -1, withscores=True))

    def end_claims(self):
        """As if the time of all claims had passed: of those, too, whose replica is dead."""
        for identity in self.pending():
            self.client.zadd(DELIVERIES, {identity: int(time.time() * 1000)}, xx=True)

    def dead(self):
        return self.client.zrange(DEAD, 0, -1)

    def until_settled(self, timeout_s=120):
        wait_until(lambda: not self.pending(), timeout_s, lambda: f"all is settled: {self.pending()} {self.client.hgetall(INFO)}")
