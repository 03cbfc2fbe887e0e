"""GET /v1/developer/usage on a Redis Cluster of three: partitions lie on all of them, and slots move while it runs."""

import time

import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, wait_until
from test_cluster import Cluster
from test_usage_api import usage

PARTITIONS = 12


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def api(tmp_path, cluster):
    settings = {"redis.url": cluster.url, "auth.token": API_TOKEN, "redis.timeout_ms": 1000}
    made = Api("api", "api", tmp_path / "api", settings).start()
    yield made
    made.kill()


def check(api, events, **parameters):
    answer = usage(api, **parameters)
    for row in answer["errors"]["byType"]:
        row.pop("description")
    answer.pop("alerts")
    now = fixture.parse(answer.pop("timestamp"))
    assert answer == fixture.expected(events, now, parameters)


def test_answers_from_all_nodes_and_follows_slots(api, cluster):
    now = int(time.time() * 1000)
    events = fixture.random_events(21, now, n=2000)
    fixture.write(cluster.client(), events, PARTITIONS, now)
    used = {cluster.node_of(f"{{p{partition}}}:meta")[1].name for partition in range(PARTITIONS)}
    assert len(used) == 3
    for _ in range(6):  # every worker
        check(api, events, timeframe="7d", granularity="day")
    check(api, events, timeframe="24h", granularity="minute", keyId="c-3")
    for partition in (0, 5, 7):
        slot, source = cluster.node_of(f"{{p{partition}}}:meta")
        assert cluster.move_slot(slot, source, cluster.nodes[(cluster.nodes.index(source) + 1) % 3]) > 0
        for _ in range(6):
            check(api, events, timeframe="7d", granularity="day")
    assert api.metric("daybook_api_query_retries_total") > 0


def test_a_dead_node_is_named(api, cluster):
    now = int(time.time() * 1000)
    events = fixture.random_events(22, now, n=500)
    fixture.write(cluster.client(), events, PARTITIONS, now)
    check(api, events, timeframe="7d", granularity="day")
    cluster.nodes[1].kill()
    status, error = api.ask("/v1/developer/usage")
    assert status == 503 and error["error"] == "SERVICE_UNAVAILABLE"
    wait_until(lambda: api.get("/readyz")[0] == 503, 30, "not ready")
    assert str(cluster.nodes[1].port) in api.ask("/readyz")[1]["message"]
    cluster.nodes[1].start()
    wait_until(lambda: api.get("/readyz")[0] == 200, 30, "ready again")
    wait_until(lambda: api.ask("/v1/developer/usage")[0] == 200, 30, "answers again")
    check(api, events, timeframe="7d", granularity="day")
