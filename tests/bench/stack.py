"""What the benchmarks share: a broker and a Redis at full speed, the bench programs, and how CPU and time are taken."""

import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))
from chaos.parts import Broker, Daemon, Redis, free_port, wait_until  # noqa: E402, F401

PROGRAMS = ROOT / "build/release/bench"
PARTITIONS = 4
REDIS_OPTIONS = {"rdbcompression": "no", "auto-aof-rewrite-min-size": "1gb"}  # as docs/OPERATIONS.md says


class FastBroker(Broker):
    """As in production: the full compiler, room to work."""

    java_flags = ("-Xms512m", "-Xmx512m", "-XX:+UseG1GC")


class Stack:
    """A broker and a Redis under `directory`, which is emptied first."""

    def __init__(self, directory):
        self.directory = Path(directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.broker = FastBroker("broker", self.directory / "broker", options={"num.network.threads": 3, "num.io.threads": 4})
        self.redis = Redis("redis", self.directory / "redis", options=REDIS_OPTIONS)

    def __enter__(self):
        self.broker.start()
        self.redis.start()
        return self

    def __exit__(self, *_):
        self.broker.kill()
        self.redis.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def fresh_redis(self, **options):
        """Another Redis in place of the one before; what that held is gone."""
        self.redis.kill()
        shutil.rmtree(self.redis.directory)
        self.redis = Redis("redis", self.directory / "redis", options={**REDIS_OPTIONS, **options})
        self.redis.start()
        return self.redis

    def create_topic(self, name):
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.broker.address})
        config = {"message.timestamp.type": "LogAppendTime"}
        admin.create_topics([NewTopic(name, PARTITIONS, 1, config=config)])[name].result(30)

    def collector(self, topic, settings=None, name="collector", brokers=None):
        directory = self.directory / name
        return Daemon(
            name,
            "collector",
            directory,
            {
                "kafka.brokers": brokers or self.broker.address,
                "kafka.topic": topic,
                "journal.dir": directory / "journal",
                "listen.socket": directory / "socket",
                **(settings or {}),
            },
        )

    def aggregator(self, topic, settings=None):
        return Daemon(
            "aggregator",
            "aggregator",
            self.directory / f"aggregator-{topic}",
            {
                "kafka.brokers": self.broker.address,
                "kafka.topic": topic,
                "redis.url": self.redis.url,
                "kafka.instance": "bench",
                "worker.threads": 2,
                **(settings or {}),
            },
        )

    def api(self, token):
        settings = {"redis.url": self.redis.url, "auth.token": token}
        return Daemon("api", "api", self.directory / "api", settings)


def program(name, *arguments, timeout_s=900):
    """Runs a bench program; the JSON that it prints."""
    command = [str(PROGRAMS / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


class Cpu:
    """CPU seconds that parts take between the start and each question."""

    def __init__(self, **parts):
        self.parts = parts
        self.before = {name: part.cpu_seconds() for name, part in parts.items()}

    def taken(self):
        return {name: part.cpu_seconds() - self.before[name] for name, part in self.parts.items()}


def machine():
    """Lines that say on what it ran."""
    cpu = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine()
    )
    cores = len([line for line in open("/proc/cpuinfo") if line.startswith("processor")])
    memory = next(int(line.split()[1]) // 1048576 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()[2]
    kafka = next((path.name[len("kafka_2.13-") : -4] for path in Broker.jars.glob("kafka_2.13-*.jar")), "?")
    package = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "librdkafka1"], capture_output=True, text=True).stdout
    return [
        f"machine: {cores} x {cpu}, {memory} GiB, Linux {platform.release()}; broker, Redis and clients share it",
        f"parts: Kafka {kafka} (one broker, G1, 512 MiB), Redis {redis} (appendonly, everysec, rdbcompression no, auto-aof-rewrite-min-size 1gb), librdkafka {package}",
    ]


def table(title, rows, width=64):
    """Prints rows of (what, value) under a title."""
    print(f"\n{title}")
    for what, value in rows:
        print(f"  {what:<{width}} {value}")
    sys.stdout.flush()


def rate(number):
    """Events per second for people."""
    return f"{number / 1e6:.2f} M/s" if number >= 1e6 else f"{number / 1e3:.1f} k/s"


def now_ms():
    return int(time.time() * 1000)
