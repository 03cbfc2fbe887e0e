"""The parts of a Daybook that the chaos and fault tests start, kill, damage and start again.

Each part is one process with a directory of its own that survives the process. Children die with the test (PR_SET_PDEATHSIG), and
what a part writes goes to <directory>/log, all runs one after another.
"""

import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import redis

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("DAYBOOK_BIN", ROOT / "build/release/bin"))
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def free_port():
    """Below the range from which the kernel takes the ports of outgoing connections: one of those could take the port of a part that is dead for
    a moment, or even be connected to itself."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_until(condition, timeout_s, what, step_s=0.02):
    """The first true value of condition(); AssertionError naming `what`, a text or what gives one, after timeout_s."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(step_s)


def port_answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


class Part:
    """One process."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.starts = 0

    def argv(self):
        raise NotImplementedError

    def ready(self):
        raise NotImplementedError

    def start(self, wait_s=30, env=None):
        """wait_s=0: do not wait until it is ready."""
        assert not self.alive(), f"{self.name} runs already"
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.argv(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            )
        self.starts += 1
        if wait_s:
            self.wait_ready(wait_s)
        return self

    def wait_ready(self, wait_s=30):
        def is_ready():
            assert self.alive(), f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}"
            return self.ready()

        wait_until(is_ready, wait_s, f"{self.name} is ready\n{self.log_tail()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill(self):
        """kill -9, and waits until it is gone."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self, timeout_s=20):
        """SIGTERM; the exit code."""
        if self.process is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout_s} s of SIGTERM\n{self.log_tail()}") from None

    def log_text(self):
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_tail(self, lines=15):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def cpu_seconds(self):
        """User and system time so far, threads included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self):
        return self._status_kb("VmRSS") * 1024

    def peak_rss_bytes(self):
        return self._status_kb("VmHWM") * 1024

    def _status_kb(self, name):
        return int(re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text(), re.M).group(1))


class Redis(Part):
    """Debian's redis-server, append-only file on."""

    def __init__(self, name, directory, port=None, options=None):
        super().__init__(name, directory)
        self.port = port or free_port()
        self.options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "hash-max-listpack-entries": "512",
            "hash-max-listpack-value": "1024",
            "aof-load-truncated": "yes",
            "enable-debug-command": "local",
            **(options or {}),
        }

    def argv(self):
        config = self.directory / "redis.conf"
        config.write_text("".join(f'{k} {v if v != "" else chr(34) * 2}\n' for k, v in self.options.items()))
        return ["redis-server", str(config)]

    def client(self, **options):
        return redis.Redis(**{"port": self.port, "decode_responses": True, "socket_timeout": 20, **options})

    def ready(self):
        try:
            return self.client().ping()
        except redis.exceptions.RedisError:
            return False

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def tail_file(self):
        """The file to which the newest writes went."""
        files = self.directory.glob("appendonlydir/*.incr.aof")
        return max(files, key=lambda path: int(path.name.split(".")[-3]))

    def cut_tail(self, n_bytes):
        """Tears the last bytes off the append-only file of a dead Redis; how many went."""
        assert not self.alive()
        path = self.tail_file()
        cut = min(n_bytes, path.stat().st_size)
        os.truncate(path, path.stat().st_size - cut)
        return cut


class Broker(Part):
    """Apache Kafka in KRaft mode, one node; its data is in its directory."""

    jars = Path(os.environ.get("KAFKA_LIBS", ROOT / "build/kafka/libs"))
    java_flags = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

    def __init__(self, name, directory, port=None, options=None):
        super().__init__(name, directory)
        self.port = port or free_port()
        self.controller_port = free_port()
        self.options = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.directory / "data"),
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "auto.create.topics.enable": "false",
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 1000,
            "num.network.threads": 2,
            "num.io.threads": 2,
            **(options or {}),
        }

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _java(self, *arguments):
        logging = f"-Dlog4j2.configurationFile={ROOT}/tests/kafka/log4j2.properties"
        return ["java", *self.java_flags, logging, "-cp", f"{self.jars}/*", *arguments]

    def argv(self):
        config = self.directory / "server.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in self.options.items()))
        if not (self.directory / "data" / "meta.properties").exists():
            command = self._java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", str(config))
            subprocess.run(command, check=True, capture_output=True, cwd=self.directory)
        return self._java("kafka.Kafka", str(config))

    def ready(self):
        from confluent_kafka.admin import AdminClient

        if not port_answers(self.port):
            return False
        try:
            return bool(AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(timeout=2).brokers)
        except Exception:  # not there yet, whatever it says
            return False


class Daemon(Part):
    """A program of Daybook; settings are written to its configuration file, {"section.key": value}."""

    def __init__(self, name, program, directory, settings, port=None):
        super().__init__(name, directory)
        self.program = program
        self.port = port or free_port()
        # Tests ask faster than people do; those of the limits set their own.
        limits = {"limits.enterprise_per_minute": 100_000_000} if program == "api" else {}
        self.settings = {"listen.port": self.port, **limits, **settings}

    def argv(self):
        sections = {}
        for key, value in self.settings.items():
            section, _, last = key.rpartition(".")
            sections.setdefault(section, []).append(f"{last}={value}\n")
        config = self.directory / "daybook.conf"
        config.write_text("".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items()))
        return [str(BIN / f"daybook-{self.program}"), "--config", str(config)]

    def get(self, path, timeout_s=5, headers=None):
        """(status, text); status 0 when nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    def ready(self):
        return self.get("/readyz")[0] == 200

    def metrics(self):
        """{'name' or 'name{label="x"}': number}; empty when nobody answers."""
        status, text = self.get("/metrics")
        if status != 200:
            return {}
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def metric(self, name):
        """The sum over all labels."""
        return sum(value for key, value in self.metrics().items() if key.partition("{")[0] == name)
