"""What is said of a whole system when a part of it is away, and that it is said no more when the part is back."""

import json
import os
import signal
import urllib.request

import pytest
from dev_system import DevSystem, events
from harness import wait_until

SILENT_S, LAG_S = 20, 10


@pytest.fixture
def dev(tmp_path):
    system = DevSystem(tmp_path / "dev")
    settings = {"api.system.silent_after_s": SILENT_S, "api.system.lag_s": LAG_S, "api.alerts.check_s": 1}
    settings |= {"collector.collector.name": "web 1"}
    system.start(*(f"--set={name}={value}" for name, value in settings.items()))
    yield system
    system.clean_up()


def overview(dev):
    request = urllib.request.Request(f"{dev.env['API_URL']}/api/v2/usage/overview", headers={"Authorization": f"Bearer {dev.env['API_TOKEN']}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def health(dev):
    return overview(dev)["health"]


def alerts(dev):
    """(type, subject) -> whether it is active, of the newest that nobody has read."""
    return {(row["type"], row["subject"]): row["active"] for row in overview(dev)["alerts"]["newest"]}


def conditions(dev):
    return {(row["type"], row["subject"]): row["since"] for row in health(dev)["conditions"]}


@pytest.mark.slow
def test_parts_that_are_away(dev):
    dev.post(events(20))
    dev.wait_total(20)
    wait_until(lambda: {row["state"] for row in health(dev)["partitions"]} == {"counting"}, 30, "the aggregator has said how it is")
    wait_until(lambda: [row["name"] for row in health(dev)["collectors"]] == ["web 1"], 30, "the collector was heard")
    wait_until(lambda: sum(row["lag"] for row in health(dev)["partitions"]) == 0, 30, "it has said that all is counted")
    seen = health(dev)
    assert seen["status"] == "ok"
    assert [(row["partitions"], bool(row["worker"])) for row in seen["workers"]] == [(len(seen["partitions"]), True)]

    os.kill(dev.pid("collector"), signal.SIGKILL)
    silent = ("silent_collector", "web 1")
    wait_until(lambda: silent in conditions(dev), SILENT_S + 30, "the collector is missed")
    since = conditions(dev)
    assert set(since) == {silent} and conditions(dev) == since, "and nothing else, and its beginning does not move"
    wait_until(lambda: alerts(dev) == {silent: True}, 60, "it is alerted")
    dev.restart("collector")
    wait_until(lambda: conditions(dev) == {}, 30, "it is heard again")
    wait_until(lambda: alerts(dev) == {silent: False}, 60, "it is recovered")

    os.kill(dev.pid("aggregator"), signal.SIGKILL)
    subjects = {("lag_without_progress", f"partition {row['partition']}") for row in seen["partitions"]}
    wait_until(lambda: set(conditions(dev)) >= subjects, 60 + LAG_S + 30, "nobody counts")
    assert set(conditions(dev)) == subjects, "the collector, of which nobody hears now, is not called silent"
    dev.restart("aggregator")
    wait_until(lambda: conditions(dev) == {}, 40, "it is counted again")
