"""`daybook dev`: the contract of its options and of DIR/env, on real processes."""

import json
import os
import re
import signal
import subprocess
import urllib.request

import pytest

from dev_system import DevSystem, events, is_running
from harness import BIN, run_program, wait_until

NAMES = {
    "COLLECTOR_URL", "COLLECTOR_SOCKET", "API_URL", "DASHBOARD_URL", "API_TOKEN", "KAFKA_BROKERS", "TOPIC", "REDIS_URL", "ARCHIVE_DIR", "COLLECTOR_PID", "AGGREGATOR_PID",
    "API_PID", "BROKER_PID", "REDIS_PID",
}
PARTS = ["collector", "aggregator", "api", "redis", "broker"]


@pytest.fixture
def dev(tmp_path):
    system = DevSystem(tmp_path / "dev")
    yield system
    system.clean_up()


def pids(dev):
    return {part: dev.pid(part) for part in PARTS}


def test_start_use_and_stop(dev):
    said = dev.start()
    assert "for trying out" in said
    env = dev.env
    assert set(env) >= NAMES
    assert os.stat(dev.directory / "env").st_mode & 0o077 == 0, "it holds the API's token"
    code = re.search(rf"^  signs in   {env['DASHBOARD_URL']}/sign-in#code=(\S+)  \(once", said, re.M).group(1)
    request = urllib.request.Request(env["DASHBOARD_URL"] + "/session", json.dumps({"code": code}).encode(),
        {"X-Daybook": "dashboard", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 204 and "daybook_session=" in answer.headers["Set-Cookie"]
    assert all(is_running(pid) for pid in pids(dev).values())
    for name in "COLLECTOR_URL", "API_URL":
        with urllib.request.urlopen(env[name] + "/readyz", timeout=5) as answer:
            assert answer.status == 200
    assert dev.post(events(10))["accepted"] == 10
    assert dev.post(events(5, client="c-2", status=503), unix=True)["accepted"] == 5
    dev.wait_total(15)
    done = dev.recount("--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    status = dev.status()
    assert sum(partition["events"] for partition in status["partitions"]) == 15
    assert sum(partition["lag"] for partition in status["partitions"]) == 0
    before = pids(dev)
    order = [line.split()[0] for line in dev.stop().splitlines() if "ended" in line]
    assert order == ["collector", "aggregator", "api", "redis", "broker"]
    assert not (dev.directory / "env").exists()
    assert not any(is_running(pid) for pid in before.values())


def test_only_one_runs_in_a_directory(dev):
    dev.start()
    done = dev.run("--detach")
    assert done.returncode == 2
    assert "runs already" in done.stderr
    assert all(is_running(pid) for pid in pids(dev).values())


@pytest.mark.parametrize("part", ["collector", "aggregator", "api", "redis"])
def test_a_killed_part_is_restarted_only_when_asked(dev, part):
    dev.start()
    dev.post(events(20))
    dev.wait_total(20)
    before = dev.env
    # The append-only file is written every second; what Redis loses is replayed from the log, but not while it is down.
    os.kill(dev.pid(part), signal.SIGKILL)
    wait_until(lambda: f"{part} ended with signal 9" in dev.log("dev"), 30, "the supervisor says so")
    assert f"--restart {part}" in dev.log("dev")
    assert not is_running(dev.pid(part))
    dev.restart(part)
    after = dev.env
    assert after[f"{part.upper()}_PID"] != before[f"{part.upper()}_PID"]
    assert {k: v for k, v in after.items() if k != f"{part.upper()}_PID"} == {
        k: v for k, v in before.items() if k != f"{part.upper()}_PID"
    }, "addresses and the other processes stay"
    dev.post(events(3))
    dev.wait_total(23)
    done = dev.recount("--wait")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_part_that_runs_is_restarted_too(dev):
    dev.start()
    dev.post(events(4))
    before = dev.pid("aggregator")
    dev.restart("aggregator")
    assert dev.pid("aggregator") != before
    dev.wait_total(4)


def test_restart_of_the_embedded_broker(dev):
    dev.start()
    dev.post(events(50))
    before, addresses = pids(dev), dev.env
    said = dev.restart("broker")
    assert "for trying out" in said
    after = pids(dev)
    assert all(after[part] != before[part] for part in ["collector", "aggregator", "api", "broker"])
    assert after["redis"] == before["redis"]
    assert dev.env["TOPIC"] != addresses["TOPIC"]
    assert dev.env["API_URL"] == addresses["API_URL"]
    dev.wait_total(50)  # what was acknowledged was counted before the broker went
    dev.post(events(7))
    dev.wait_total(57)


def test_counts_survive_stop_and_start(dev):
    dev.start()
    first = dev.env
    dev.post(events(30))
    dev.stop()  # at once: it waits until everything is counted
    dev.start()
    assert dev.env["TOPIC"] != first["TOPIC"], "an embedded broker begins a new log"
    for name in "API_URL", "API_TOKEN", "COLLECTOR_URL", "REDIS_URL":
        assert dev.env[name] == first[name]
    dev.wait_total(30)
    dev.post(events(5))
    dev.wait_total(35)
    done = dev.recount()
    assert done.returncode == 2 and "earlier topics" in done.stderr


def test_real_broker(dev):
    dev.start("--broker", "kafka", "--partitions", "3")
    first = dev.env
    assert len(dev.status()["partitions"]) == 3
    dev.post(events(40))
    dev.wait_total(40)
    os.kill(dev.pid("broker"), signal.SIGKILL)
    dev.post(events(2))  # the journal takes it
    dev.restart("broker")
    dev.wait_total(42, timeout_s=40)
    dev.stop()
    dev.start("--broker", "kafka")
    assert {k: v for k, v in dev.env.items() if not k.endswith("_PID")} == {k: v for k, v in first.items() if not k.endswith("_PID")}
    dev.post(events(1))
    dev.wait_total(43, timeout_s=40)
    done = dev.recount("--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    supervisor = dev.supervisor()
    os.kill(supervisor, signal.SIGKILL)
    dev.start("--broker", "kafka")  # ends the broker that was left behind, and takes its place
    assert dev.env["KAFKA_BROKERS"] == first["KAFKA_BROKERS"]
    dev.wait_total(43)


def test_broker_and_redis_of_somebody_else(dev, kafka, redis):
    dev.start("--broker", kafka.brokers, "--redis", redis.url, "--topic", "dev.external")
    assert dev.env["KAFKA_BROKERS"] == kafka.brokers
    assert dev.env["REDIS_URL"] == redis.url
    assert not {"BROKER_PID", "REDIS_PID"} & set(dev.env)
    dev.post(events(3))
    dev.wait_total(3)
    done = dev.run("--restart", "redis")
    assert done.returncode == 2 and "not started by" in done.stdout
    dev.stop()
    assert redis.client().ping()


def test_settings_reach_the_daemons(dev):
    dev.start("--set", "collector.collector.name=my name", "--set", "collector.input.organization=acme")
    dev.post(events(1))
    dev.wait_total(1)
    assert "acme" in {entry["organization"] for entry in dev.usage()["breakdown"]["byKey"]}


def test_a_part_that_cannot_start_is_shown(dev):
    done = dev.run("--detach", "--set", "collector.journal.commit_ms=soon")
    assert done.returncode == 2
    assert "journal.commit_ms" in done.stdout, "the last lines of its log"
    assert "collector ended with exit code 2" in done.stderr
    assert done.stdout.count(" ended with") >= 4, "everything else is stopped"
    assert not (dev.directory / "env").exists()
    dev.start()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--dir", "x", "--broker", "rabbit"],
        ["--dir", "x", "--redis", "http://127.0.0.1"],
        ["--dir", "x", "--set", "journal.dir=/y"],
        ["--dir", "x", "--partitions", "0"],
        ["--dir", "x", "--stop", "--restart", "api"],
        ["--dir", "x", "--no-such-option"],
        ["--dir", "x", "surplus"],
        ["--dir", "/proc/no/such/place"],
        ["--dir", "nothing-runs-here", "--stop"],
        ["--dir", "nothing-runs-here", "--restart", "api"],
    ],
)
def test_wrong_usage(tmp_path, arguments):
    done = run_program("daybook", "dev", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("daybook dev: ")


def test_restart_of_nobody(dev):
    dev.start()
    done = dev.run("--restart", "dashboard")
    assert done.returncode == 2 and "no part 'dashboard'" in done.stdout


def test_killed_supervisor(dev):
    dev.start()
    first = dev.env
    before = pids(dev)
    dev.post(events(6))
    dev.wait_total(6)
    os.kill(dev.supervisor(), signal.SIGKILL)
    wait_until(lambda: not any(is_running(pid) for pid in before.values()), 30, "its children end with it")
    dev.start()
    for name in "API_URL", "COLLECTOR_URL", "REDIS_URL":
        assert dev.env[name] == first[name]
    dev.wait_total(6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_foreground(dev, number):
    process = subprocess.Popen([BIN / "daybook", "dev", "--dir", dev.directory], stdout=subprocess.PIPE, text=True)
    try:
        wait_until((dev.directory / "env").exists, 60, "everything is ready")
        before = pids(dev)
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Ctrl-C ends it" in said
    assert not any(is_running(pid) for pid in before.values())
    assert not (dev.directory / "env").exists()


def test_ctrl_c_during_start(dev):
    process = subprocess.Popen([BIN / "daybook", "dev", "--dir", dev.directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    while "redis" not in line:
        line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "redis      ended with exit code 0" in said
