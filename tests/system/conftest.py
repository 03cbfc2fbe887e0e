"""Fixtures; what they hand out is described in harness.py. Nothing outlives the test that asked for it, but the broker (session)."""

import time

import pytest

from harness import Daybook, Kafka, Redis


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """A real broker for the whole session; topics are per test. A test that kills it makes a Kafka of its own."""
    broker = Kafka("kafka", tmp_path_factory.mktemp("kafka"))
    broker.start(wait_s=60)
    yield broker
    broker.kill()


@pytest.fixture
def redis(tmp_path):
    """A real redis-server, empty, append-only file on: url, client(), kill(), start(), stop()."""
    server = Redis("redis", tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def topic(kafka):
    return kafka.create_topic(partitions=4)


@pytest.fixture
def daybook(request, tmp_path, kafka, redis):
    """Makes daemons of this test: daybook.collector(topic), .aggregator(topic), .api(), .recount(topic)."""
    made = Daybook(tmp_path, kafka, redis)
    yield made
    failed = getattr(request.node, "failed", False)
    made.kill()
    if failed:
        print(made.logs())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True


_begun = set()  # files
DAY_S, FILE_S = 86400, 300


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """What a file's tests have counted is of today, of yesterday and so on: none begins where midnight (UTC) would come before its end."""
    left = DAY_S - time.time() % DAY_S
    if item.path not in _begun and left < FILE_S:
        time.sleep(left + 1)
    _begun.add(item.path)
    yield
