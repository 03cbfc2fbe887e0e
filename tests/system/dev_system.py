"""A whole system as `daybook dev` runs it, for the tests of the command-line tool."""

import http.client
import json
import os
import signal
import socket
import urllib.error
import urllib.parse
import urllib.request

from harness import run_program, wait_until


def is_running(pid):
    """A zombie does not run."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


class DevSystem:
    def __init__(self, directory):
        self.directory = directory

    def run(self, *arguments, timeout_s=120):
        return run_program("daybook", "dev", "--dir", self.directory, *arguments, timeout_s=timeout_s)

    def start(self, *arguments):
        """Starts detached; what it printed."""
        done = self.run("--detach", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self):
        done = self.run("--stop")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def restart(self, part):
        done = self.run("--restart", part)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def env(self):
        lines = (self.directory / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def pid(self, part):
        return int(self.env[f"{part.upper()}_PID"])

    def supervisor(self):
        with open(f"/proc/{self.pid('api')}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])

    def log(self, name):
        return (self.directory / "log" / f"{name}.log").read_text()

    def post(self, events, unix=False):
        """POST /v1/events; the decoded answer, which must be a 202."""
        headers = {"Content-Type": "application/json"}
        if unix:
            connection = _UnixConnection(self.env["COLLECTOR_SOCKET"])
        else:
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.env["COLLECTOR_URL"]).netloc, timeout=10)
        connection.request("POST", "/v1/events", json.dumps(events), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 202, (answer.status, body)
        return json.loads(body)

    def usage(self, **parameters):
        """The API's answer, or None while it has none."""
        query = urllib.parse.urlencode({"timeframe": "24h", "limit": 1000, **parameters})
        request = urllib.request.Request(
            f"{self.env['API_URL']}/v1/developer/usage?{query}", headers={"Authorization": f"Bearer {self.env['API_TOKEN']}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.read()
            return None

    def total(self, **parameters):
        answer = self.usage(**parameters)
        return answer["usage"]["totalRequests"] if answer else 0

    def wait_total(self, number, timeout_s=60, **parameters):
        def total():
            return self.total(**parameters)

        wait_until(lambda: total() == number, timeout_s, lambda: f"{number} requests are counted (now {total()})")

    def recount(self, *arguments):
        return run_program("daybook", "recount", "--dir", self.directory, *arguments, timeout_s=150)

    def status(self):
        done = run_program("daybook", "status", "--dir", self.directory, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def clean_up(self):
        """Whatever a failed test left behind."""
        pids = [int(value) for name, value in self.env.items() if name.endswith("_PID")] if (self.directory / "env").exists() else []
        self.run("--stop")
        for pid in filter(is_running, pids):
            os.kill(pid, signal.SIGKILL)


def events(number, client="c-1", **fields):
    """So many events; without a time they are of now."""
    return [{"client": client, "method": "GET", "route": f"/v1/things/{i % 7}", "status": 200, "latencyMs": 1.5, **fields} for i in range(number)]
