"""A whole Daybook under test: a broker, a Redis, two collectors, two aggregators, and the traffic that flows through them."""

import dataclasses
import datetime
import json
import os
import re
import subprocess

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

from . import closed, counts
from .parts import BIN, Broker, Daemon, Redis, wait_until
from .traffic import Burst, FileWriter, HttpSender, Source, Sum

TOPIC = "usage.events"


def create_topic(brokers, topic=TOPIC, partitions=4, **config):
    settings = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete", **config}
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])[topic].result(30)


class LogEnds:
    """High watermarks of the topic, asked on one kept connection."""

    def __init__(self, brokers, topic, partitions):
        self.topic = topic
        self.partitions = partitions
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "chaos-ends", "log_level": 0})

    def get(self):
        """Offsets by partition, or None when the broker does not answer."""
        try:
            return [
                self.consumer.get_watermark_offsets(TopicPartition(self.topic, p), timeout=5)[1] for p in range(self.partitions)
            ]
        except Exception:  # KafkaException of many kinds: the broker may be dead just now
            return None


class World:
    def __init__(self, directory, broker, redis, partitions=6, aggregators=2, topic=TOPIC, redis_url=None, settings=None):
        self.directory = directory
        self.broker = broker
        self.redis = redis
        self.partitions = partitions
        self.topic = topic
        self.redis_url = redis_url or redis.url
        self.sum = Sum()
        self.sources = []
        self.bursts = {}
        self.tears = 0
        self.late = None
        settings = settings or {}
        self.collectors = [self._collector(i, settings.get("collector", {})) for i in range(2)]
        self.aggregators = [self._aggregator(i, settings.get("aggregator", {})) for i in range(aggregators)]
        self.admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
        self.ends = LogEnds(broker.address, topic, partitions)

    def _collector(self, number, settings):
        directory = self.directory / f"collector{number}"
        followed = directory / "requests.log"
        directory.mkdir(parents=True)
        followed.touch()
        return Daemon(
            f"collector{number}",
            "collector",
            directory,
            {
                "kafka.brokers": self.broker.address,
                "kafka.topic": self.topic,
                "journal.dir": directory / "journal",
                "listen.socket": directory / "socket",
                "follow.requests.path": followed,
                "follow.requests.format": "ndjson",
                **settings,
            },
        )

    def _aggregator(self, number, settings):
        return Daemon(
            f"aggregator{number}",
            "aggregator",
            self.directory / f"aggregator{number}",
            {
                "kafka.brokers": self.broker.address,
                "kafka.topic": self.topic,
                "kafka.group": self.topic,
                "kafka.instance": f"chaos-{number}",
                "redis.url": self.redis_url,
                "worker.threads": 2,
                **settings,
            },
        )

    # ---- life ----

    def start(self, wait_s=60):
        for daemon in self.collectors + self.aggregators:
            daemon.start(wait_s=0)
        for daemon in self.collectors + self.aggregators:
            daemon.wait_ready(wait_s)

    def start_traffic(self, seed, rate, rotate_every=3000, late=None):
        self.late = late
        for number, collector in enumerate(self.collectors):
            socket_path = collector.directory / "socket" if number % 2 else None
            port = None if socket_path else collector.port
            self.sources += [
                HttpSender(f"http{number}", self.sum, f"{seed}-h{number}", rate, port, socket_path, late),
                FileWriter(
                    f"file{number}", self.sum, f"{seed}-f{number}", rate, collector.directory / "requests.log", rotate_every, late
                ),
            ]
            self.bursts[collector.name] = Burst(f"burst{number}", self.sum, f"{seed}-b{number}", collector.port)
        self.sources += self.bursts.values()
        for source in self.sources:
            source.start()

    def check_traffic(self):
        for source in self.sources:
            if source.failure:
                raise source.failure

    def stop_traffic(self, timeout_s=60):
        for source in self.sources:
            source.stop()
        for source in self.sources:
            source.join(timeout_s)
            assert not source.is_alive(), f"{source.name} could not finish"
        self.check_traffic()

    def parts(self):
        return [*self.collectors, *self.aggregators, self.broker, self.redis]

    def stop(self):
        """Daemons by SIGTERM; their exit codes must be 0."""
        codes = {daemon.name: daemon.stop() for daemon in self.collectors + self.aggregators}
        assert all(code == 0 for code in codes.values()), codes

    def kill(self):
        for part in self.parts():
            part.kill()

    def set_topic(self, name, value):
        """Changes one setting of the topic."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, self.topic, incremental_configs=[entry])
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(20)

    # ---- imports ----

    def write_import(self, random, lines=6000):
        """A file of events that nobody has imported yet; (path, events)."""
        path = self.directory / f"import{len(list(self.directory.glob('import*')))}.ndjson"
        late = self.late and dataclasses.replace(self.late, burst_s=self.late.turn_s, share=0.1)  # whenever it is written
        source = Source(path.name, self.sum, random.random(), rate=1, late=late)
        events = [source.event() for _ in range(lines)]
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return path, events

    def start_import(self, path, crash_at=None):
        command = [str(BIN / "daybook"), "import", "--format", "ndjson", "--no-wait", "--quiet", str(path)]
        environment = {**os.environ, **self.place(), **({"DAYBOOK_CRASH_AT": crash_at} if crash_at else {})}
        with open(self.directory / "import.log", "ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def finish_import(self, path, events):
        """Imports it to its end, and once more."""
        for _ in range(2):
            code = self.start_import(path).wait(60)
            assert code == 0, f"import: exit {code}: {(self.directory / 'import.log').read_text()[-2000:]}"
        self.sum.add(events)

    def place(self):
        """What the commands of `daybook` read from the environment."""
        return {"KAFKA_BROKERS": self.broker.address, "TOPIC": self.topic, "REDIS_URL": self.redis_url}

    # ---- what can be seen from outside ----

    def lag(self):
        """Records in the log that are not committed; None when a part does not answer."""
        ends = self.ends.get()
        try:
            done = counts.next_offsets(self.redis.client(), self.partitions)
        except Exception:  # a dead Redis
            return None
        return ends and sum(ends) - sum(done)

    def committed(self):
        """Sum of the committed offsets."""
        return sum(counts.next_offsets(self.redis.client(), self.partitions))

    def unacknowledged(self):
        """Journalled batches that Kafka has not acknowledged, over all living collectors."""
        return sum(collector.metric("daybook_collector_journal_unacknowledged_batches") for collector in self.collectors)

    def wait_settled(self, timeout_s=60):
        """Everything sent is in the log, and everything in the log is committed."""
        wait_until(
            lambda: self._sent_is_counted() and self.unacknowledged() == 0, timeout_s, f"all is in the log: {self.state()}", 0.2
        )
        wait_until(lambda: self.lag() == 0, timeout_s, f"the log is committed: {self.state()}", 0.2)

    def wait_closed(self, timeout_s=60):
        """Every day that is over is in the ledger and in the archive with all that was counted; the first day that is not over."""
        today = closed.today()
        client = self.redis.client()
        wait_until(
            lambda: not closed.unfinished(client, self.partitions, today),
            timeout_s,
            lambda: "all days that are over are closed:\n" + "\n".join(closed.unfinished(client, self.partitions, today)),
            0.2,
        )
        return today

    def _sent_is_counted(self):
        """Every collector has read its followed file to the end."""
        for collector in self.collectors:
            metrics = collector.metrics()
            if not metrics or sum(v for k, v in metrics.items() if k.startswith("daybook_collector_follow_behind_bytes")) > 0:
                return False
        return True

    def state(self):
        return f"lag {self.lag()}, unacknowledged {self.unacknowledged()}"

    def log_count(self, pattern):
        """How often a log line of any aggregator or collector matches."""
        found = re.compile(pattern)
        return sum(
            1 for daemon in self.collectors + self.aggregators for line in daemon.log_text().splitlines() if found.search(line)
        )

    # ---- the verdict ----

    def recount(self, *options):
        """(exit code, output) of `daybook recount`."""
        command = [str(BIN / "daybook"), "recount", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **self.place()})
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, done.stdout

    def verify(self):
        """The test's own sum, Redis, and `daybook recount` agree to the last event; (events, recount's answer)."""
        wanted = self.sum.counts()
        found = counts.read(self.redis.client())
        different = counts.differences(wanted, found)
        assert not different, "sent and counted differ:\n" + "\n".join(different)
        code, output = self.recount("--json")
        answer = json.loads(output)
        rows = answer.pop("rows")
        assert code == 0 and answer["equal"], answer
        in_log = {_row_key(row): row["log"] for row in rows}
        different = counts.differences(wanted, in_log)
        assert not different, "sent and recounted differ:\n" + "\n".join(different)
        return sum(found.values()), answer


    def verify_closed(self, today, archive):
        """Sheets and ledger have exactly what was sent for every day before `today`, and `daybook verify` finds nothing; (entries, what
        it printed)."""
        binary = self.redis.client(decode_responses=False)
        ledger, found = closed.check(binary, self.partitions)
        wanted = {key: number for key, number in self.sum.counts().items() if key[-1] < today}
        different = counts.differences(wanted, {key: number for key, number in found.items() if key[-1] < today})
        assert not different, "sent and closed differ:\n" + "\n".join(different)
        command = [str(BIN / "daybook"), "verify", "--from-kafka", "--archive", str(archive)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **self.place()})
        assert done.returncode == 0, done.stdout + done.stderr
        return ledger, done.stdout


def _row_key(row):
    day = datetime.date.fromisoformat(row["day"]) - datetime.date(1970, 1, 1)
    return row["organization"], row["client"], row["route"], row["status"], day.days
