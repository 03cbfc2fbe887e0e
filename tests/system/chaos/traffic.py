"""Traffic whose every event is accounted for by the test itself.

A Sum counts events by (organization, client, METHOD template, status, UTC day). A source adds an event to its sum once, when it has
made sure that the event will be counted: an HTTP sender when its batch was acknowledged (it repeats a batch until it is, with
the same event ids, so that a batch that was taken but not answered is still counted once); a file writer when the
line is in the file.

Most events are of today, some of yesterday and the days before. Late events are of days that are long over: all sources send
them at the same time and then none of them for some seconds, so that those days are closed over and over during a run.
"""

import collections
import dataclasses
import http.client
import json
import os
import random
import socket
import threading
import time

CLIENTS = [(f"org-{i % 3}", f"client-{i:02d}") for i in range(40)]
ROUTES = [
    (("GET", "POST", "PUT", "DELETE")[i % 4], f"/v1/things{i // 4}/{{id}}" if i % 2 else f"/v1/things{i // 4}") for i in range(30)
]
STATUSES = [200] * 80 + [201] * 10 + [204] * 3 + [301, 400, 401, 404, 429, 500, 503]
DAY_MS = 86_400_000


@dataclasses.dataclass(frozen=True)
class Late:
    """When events are late, and of which days (since 1970, UTC). Time runs in turns: a burst, then a pause."""

    days: tuple
    turn_s: float = 3.5
    burst_s: float = 0.6
    share: float = 0.3  # of the events of a burst

    def pick(self, random):
        """A time in ms, or None."""
        turn, at = divmod(time.monotonic(), self.turn_s)
        if at >= self.burst_s or random.random() >= self.share:
            return None
        day = self.days[(int(turn) + random.randrange(2)) % len(self.days)]
        return day * DAY_MS + random.randrange(DAY_MS)


class Sum:
    """Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._counts = collections.Counter()

    def add(self, events):
        with self._lock:
            for event in events:
                self._counts[key_of(event)] += 1

    def total(self):
        with self._lock:
            return sum(self._counts.values())

    def counts(self):
        with self._lock:
            return dict(self._counts)


def key_of(event):
    return (
        event["organization"],
        event["client"],
        f"{event['method']} {event['route']}",
        event["status"],
        event["time"] // DAY_MS,
    )


class Source(threading.Thread):
    """Sends `rate` events a second until told to stop. What it could not do is in `failure`."""

    def __init__(self, name, total, seed, rate, late=None):
        super().__init__(name=name, daemon=True)
        self.total = total
        self.late = late
        self.random = random.Random(seed)
        self.rate = rate
        self.ending = threading.Event()
        self.failure = None

    def event(self):
        organization, client = self.random.choice(CLIENTS[: 1 + int(self.random.expovariate(0.1)) % len(CLIENTS)])
        method, route = self.random.choice(ROUTES)
        event = {
            "time": self.event_time(),
            "organization": organization,
            "client": client,
            "method": method,
            "route": route,
            "status": self.random.choice(STATUSES),
            "latencyMs": round(self.random.lognormvariate(2.5, 1), 3),
            "requestBytes": self.random.randrange(100, 1000),
            "responseBytes": self.random.randrange(100, 10000),
        }
        if self.random.random() < 0.3:
            event["user"] = f"user-{self.random.randrange(300)}"
        return event

    def event_time(self):
        """In ms: mostly now."""
        late = self.late and self.late.pick(self.random)
        ago = abs(self.random.gauss(0, 1)) * DAY_MS / 2 if self.random.random() < 0.3 else 0
        return late or int(time.time() * 1000 - ago)

    def stop(self):
        self.ending.set()

    def pace(self, n):
        self.ending.wait(self.random.expovariate(1) * n / self.rate)

    def run(self):
        try:
            while not self.ending.is_set():
                self.step()
        except Exception as error:  # reported by the test, which looks at it
            self.failure = error


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class HttpSender(Source):
    """Posts batches with ids over TCP or a unix socket; repeats one until it is acknowledged, and some even afterwards."""

    def __init__(self, name, total, seed, rate, port=None, socket_path=None, late=None):
        super().__init__(name, total, seed, rate, late)
        self.port = port
        self.socket_path = socket_path
        self.connection = None
        self.number = 0
        self.repeated = 0
        self.refused = 0

    def step(self):
        batch = []
        for _ in range(self.random.randrange(1, 120)):
            self.number += 1
            batch.append({**self.event(), "id": f"{self.name}-{self.number}"})
        self.post(batch)
        self.total.add(batch)
        if self.random.random() < 0.02:
            self.post(batch)
            self.repeated += 1
        self.pace(len(batch))

    def post(self, batch):
        """Until it is acknowledged, also past stop(): a batch that was begun is finished."""
        body = json.dumps(batch)
        while True:
            try:
                status, answer = self.request(body)
            except (OSError, http.client.HTTPException):
                self.connection = None
                self.repeated += 1
                time.sleep(0.05)
                continue
            if status == 202:
                assert json.loads(answer) == {"accepted": len(batch), "rejected": []}, answer
                return
            assert status in (429, 503), f"{status}: {answer}"
            self.refused += 1
            time.sleep(0.1)

    def request(self, body):
        if self.connection is None:
            if self.socket_path:
                self.connection = _UnixConnection(self.socket_path, timeout=10)
            else:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.connection.request("POST", "/v1/events", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()


class Burst(HttpSender):
    """An HTTP sender whose ids are so long that the journal grows by some MiB a second; idle until go()."""

    def __init__(self, name, total, seed, port):
        super().__init__(name, total, seed, rate=1)
        self.port = port
        self.going = threading.Event()

    def go(self):
        self.going.set()

    def rest(self):
        self.going.clear()

    def step(self):
        if not self.going.wait(0.05):
            return
        batch = []
        for _ in range(400):
            self.number += 1
            batch.append({**self.event(), "id": f"{self.name}-{self.number}-".ljust(250, "x")})
        self.post(batch)
        self.total.add(batch)


class FileWriter(Source):
    """Appends JSON lines to a followed file, now and then only half a line at first, and rotates it by renaming."""

    def __init__(self, name, total, seed, rate, path, rotate_every=0, late=None):
        super().__init__(name, total, seed, rate, late)
        self.path = path
        self.rotate_every = rotate_every
        self.file = open(path, "ab", buffering=0)
        self.lines = 0
        self.rotations = 0

    def step(self):
        events = [self.event() for _ in range(self.random.randrange(1, 60))]
        text = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        cut = self.random.randrange(len(text)) if self.random.random() < 0.3 else len(text)
        self.file.write(text[:cut])
        if cut < len(text):
            time.sleep(self.random.random() * 0.05)
            self.file.write(text[cut:])
        self.lines += len(events)
        self.total.add(events)
        if self.rotate_every and self.lines // self.rotate_every > self.rotations:
            self.rotate()
        self.pace(len(events))

    def rotate(self):
        self.rotations += 1
        os.rename(self.path, f"{self.path}.{self.rotations}")
        self.file.close()
        self.file = open(self.path, "ab", buffering=0)
