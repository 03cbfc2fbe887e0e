"""`daybook import`: every line counted once, whatever is killed and however often it is repeated; and what it refuses."""

import collections
import os
import random
import signal
import subprocess
import time

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from harness import BIN, ROOT, run_program, wait_until

APACHE_LOGS = ROOT / "tests/data/apache_logs"
PER_DAY = {16572: 1632, 16573: 2893, 16574: 2896, 16575: 2579}  # days since 1970: 17 to 20 May 2015


class Importer:
    """`daybook import` on this test's parts."""

    def __init__(self, kafka, redis, topic, directory):
        self.redis = redis
        self.directory = directory
        self.environment = {**os.environ, "KAFKA_BROKERS": kafka.brokers, "TOPIC": topic, "REDIS_URL": redis.url}

    def __call__(self, *arguments, crash_at=None, format="combined", timeout_s=120):
        environment = {**self.environment, **({"DAYBOOK_CRASH_AT": crash_at} if crash_at else {})}
        return run_program("daybook", "import", "--format", format, *arguments, env=environment, timeout_s=timeout_s)

    def start(self, *arguments, format="combined"):
        command = [str(BIN / "daybook"), "import", "--format", format, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def counted(self):
        """Events per day, from the counters that anyone can read in Redis."""
        days = collections.Counter()
        for key in self.redis.client().scan_iter("{p*}:meta"):
            for field, value in self.redis.client().hgetall(key).items():
                if field.startswith("cnt:"):
                    days[int(field[4:].split(".")[0])] += int(value)
        return dict(days)

    def duplicates(self):
        return sum(int(self.redis.client().hget(key, "duplicate_batches") or 0) for key in self.redis.client().scan_iter("{p*}:meta"))


@pytest.fixture
def importer(kafka, redis, topic, tmp_path):
    return Importer(kafka, redis, topic, tmp_path)


def combined_line(number, client, second=0):
    return (
        f"10.0.0.1 - {client} [20/Nov/2026:{10 + second // 3600 % 12:02}:{second // 60 % 60:02}:{second % 60:02} +0000] "
        f'"GET /v1/orders/{number}?q={number} HTTP/1.1" {200 if number % 7 else 404} {number % 5000} "-" "test"\n'
    )


def write_log(path, n, first=0, mode="w"):
    with open(path, mode, encoding="ascii") as file:
        for number in range(first, first + n):
            file.write(combined_line(number, f"c{number % 11}", number))


def test_apache_logs_killed_twice_and_repeated(importer, daybook, topic):
    daybook.aggregator(topic=topic)
    for crash_at in ("import_sent:1", "import_acknowledged:3"):
        killed = importer(APACHE_LOGS, crash_at=crash_at)
        assert killed.returncode == -signal.SIGKILL, killed
    done = importer(APACHE_LOGS)
    assert done.returncode == 0, done
    assert "10000 lines, received 10000, accepted 10000, rejected 0, excluded 0; counted" in done.stdout
    assert "begun by an earlier import" in done.stdout
    assert importer.counted() == PER_DAY
    repeated = importer(APACHE_LOGS)
    assert repeated.returncode == 0 and "(6 counted before)" in repeated.stdout or "(5 counted before)" in repeated.stdout
    assert importer.counted() == PER_DAY
    daybook.recount(topic)


@pytest.mark.parametrize("point", ["import_sent", "import_acknowledged"])
def test_killed_at_every_batch(importer, daybook, topic, tmp_path, point):
    """Whatever was the last batch that was sent, or was known to be there: nothing is missing, nothing is twice."""
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    write_log(log, 9000)
    for nth in range(1, 40):
        done = importer(log, crash_at=f"{point}:{nth}")
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done
    assert done.returncode == 0 and nth > 2
    assert importer.counted() == {20777: 9000}
    daybook.recount(topic)


def test_killed_at_random_and_everything_sent_again(importer, daybook, topic, tmp_path, redis):
    """Kills that hit anywhere, while the aggregator is killed as well; batches that are in the log twice are dropped."""
    seed = int(os.environ.get("DAYBOOK_SEED", random.randrange(2**32)))
    print("seed", seed)
    dice = random.Random(seed)
    aggregator = daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    write_log(log, 200_000)
    for _ in range(12):
        process = importer.start(log)
        time.sleep(dice.uniform(0.02, 0.5))
        process.kill()
        process.communicate()
        if dice.random() < 0.4:
            aggregator.kill()
            if dice.random() < 0.5:  # the import finds no aggregator, and sends what was sent before
                process = importer.start(log)
                time.sleep(dice.uniform(0.1, 0.4))
                process.kill()
                process.communicate()
            aggregator.start()
    done = importer(log)
    assert done.returncode == 0, done
    assert sum(importer.counted().values()) == 200_000
    daybook.recount(topic)


def test_two_at_the_same_time(importer, daybook, topic, tmp_path):
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    write_log(log, 50_000)
    processes = [importer.start(log) for _ in range(3)]
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    assert sum(importer.counted().values()) == 50_000
    daybook.recount(topic)


def test_grown_log_is_refused_and_from_line_goes_on(importer, daybook, topic, tmp_path):
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    write_log(log, 3000)
    assert importer(log).returncode == 0
    write_log(log, 500, first=3000, mode="a")
    refused = importer(log)
    assert refused.returncode == 1
    assert "Lines 1 to 3000 of this file were imported before" in refused.stderr and "--from-line 3001" in refused.stderr
    assert sum(importer.counted().values()) == 3000
    overlap = importer("--from-line", "2000", log)
    assert overlap.returncode == 1 and "--from-line 3001" in overlap.stderr
    rest = importer("--from-line", "3001", log)
    assert rest.returncode == 0 and "500 lines" in rest.stdout, rest
    again = importer("--from-line", "3001", log)
    assert again.returncode == 0, again
    first = importer("--lines", "3000", log)  # as the message says, for an import that was interrupted
    assert first.returncode == 0 and "counted before" in first.stdout, first
    assert sum(importer.counted().values()) == 3500
    daybook.recount(topic)


def test_small_grown_log_is_refused(importer, daybook, topic, tmp_path):
    """Fewer lines than a head has."""
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    write_log(log, 3)
    assert importer(log).returncode == 0
    write_log(log, 2, first=3, mode="a")
    refused = importer(log)
    assert refused.returncode == 1 and "--from-line 4" in refused.stderr
    assert sum(importer.counted().values()) == 3


def test_other_rules_are_refused(importer, daybook, topic, kafka, tmp_path):
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    write_log(log, 100)
    assert importer(log).returncode == 0
    for arguments in (
        ["--organization", "acme"],
        ["--set", "route.templates=GET /v1/orders/{id}"],
        ["--set", "exclude.clients=c1"],
        ["--set", "client.fields=source"],
        ["--fields", "client=remote_addr"],
    ):
        refused = importer(*arguments, log)
        assert refused.returncode == 1 and "under other rules" in refused.stderr, (arguments, refused)
    changed = tmp_path / "changed.log"
    changed.write_text(log.read_text() + "x\n")  # the same beginning, imported as something else
    refused = importer(changed, format="ndjson")
    assert refused.returncode == 1 and "same first 10 lines" in refused.stderr
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.create_partitions([NewPartitions(topic, 6)])[topic].result(30)
    wait_until(lambda: "now there are 6" in importer(log).stderr, 30, "the topic has six partitions")
    assert importer(log).returncode == 1
    assert sum(importer.counted().values()) == 100


def test_without_an_aggregator_it_can_be_repeated(importer, daybook, topic, tmp_path):
    log = tmp_path / "access.log"
    write_log(log, 100)
    waited = importer("--timeout", "2", log)
    assert waited.returncode == 1 and "no aggregator has taken it up" in waited.stderr
    daybook.aggregator(topic=topic)
    assert importer(log).returncode == 0
    assert sum(importer.counted().values()) == 100
    daybook.recount(topic)


def test_books_and_rejected_lines(importer, daybook, topic, tmp_path):
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    good = combined_line(1, "c1").encode()
    log.write_bytes(
        good + b"nonsense\n" + b"\n" + good.replace(b" 200 ", b" 999 ") + good.replace(b"GET /v1", b"\\x16\\x03") + b"x" * 2_000_000
        + b"\n" + good.replace(b"/v1/orders/1?q=1", b"/health") + good.replace(b"Nov", b"Foo") + good.rstrip(b"\n")
    )
    done = importer("--set", "exclude.routes=/health", log)
    assert done.returncode == 0, done
    assert "9 lines, received 8, accepted 3, rejected 4, excluded 1" in done.stdout
    for line in ("line 2: malformed: ", "line 4: out_of_range: ", "line 6: too_long: ", "line 8: invalid_time: ", "rejected malformed: 1"):
        assert line in done.stdout
    assert sum(importer.counted().values()) == 3


def test_json_with_a_field_map(importer, daybook, topic, tmp_path):
    daybook.aggregator(topic=topic)
    log = tmp_path / "access.log"
    log.write_text('{"ts":1795168800.5,"verb":"get","url":"/a?x","code":"200","ms":12.5,"who":"c1"}\n' * 10)
    done = importer("--fields", "time=ts;method=verb;path=url", "--fields", "status=code;latency=ms:ms;client=who", log, format="nginx-json")
    assert done.returncode == 0 and "accepted 10" in done.stdout, done
    without_time = tmp_path / "other.log"
    without_time.write_text('{"method":"GET","path":"/a","status":200}\n')
    done = importer(without_time, format="ndjson")
    assert done.returncode == 0 and "line 1: missing_field: The line has no time." in done.stdout
    assert sum(importer.counted().values()) == 10
    daybook.recount(topic)


def test_file_that_changes_meanwhile(importer, daybook, kafka, topic, tmp_path):
    """The second reading finds other bytes than the first one: nothing of that block is sent."""
    log = tmp_path / "access.log"
    write_log(log, 300_000)
    process = importer.start(log)  # it digests, announces, and waits for an aggregator
    wait_until(lambda: kafka.read(topic), 30, "it has announced what it digested")
    with open(log, "r+b") as file:
        file.seek(os.path.getsize(log) - 1000)
        file.write(b"9")
    daybook.aggregator(topic=topic)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "changed while it was imported" in output
    assert 0 < sum(importer.counted().values()) <= 298_000


def test_wrong_usage(importer, tmp_path):
    log = tmp_path / "access.log"
    write_log(log, 10)
    for arguments, word in (
        ([], "FILE"),
        (["--from-line", "0", log], "--from-line"),
        (["--lines", "-1", log], "--lines"),
        (["--from-line", "2", log, log], "one FILE"),
        (["--fields", "speed=x", log], "speed=x"),
        (["--set", "client.fields=nobody", log], "client.fields"),
        (["--set", "no.such=1", log], "no.such"),
        (["--timeout", "0", log], "--timeout"),
        (["--dir", tmp_path / "none", log], "none"),
    ):
        done = importer(*arguments)
        assert done.returncode == 2 and word in done.stderr, (arguments, done)
        assert done.stderr.count("\n") == 1
    assert importer(log, format="iis").returncode == 2
    missing = importer(tmp_path / "missing.log")
    assert missing.returncode == 1 and "missing.log cannot be read" in missing.stderr
    empty = tmp_path / "empty.log"
    empty.touch()
    assert "is empty" in importer(empty).stderr
    assert "is not a regular file" in importer("/dev/null").stderr
    assert importer("--from-line", "99", log).returncode == 1
    assert importer("--lines", "99", log).returncode == 1
