"""`make demo`'s script, to its end: it compares by itself, and fails when something is not equal."""

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import ROOT

DEMO = ROOT / "tests/demo/demo.sh"


def run_demo(tmp_path, *arguments, broker="embedded"):
    env = {**os.environ, "BROKER": broker, "TMPDIR": str(tmp_path)}
    return subprocess.run([DEMO, *arguments], capture_output=True, text=True, timeout=240, env=env)


@pytest.mark.parametrize("broker", ["embedded", "kafka"])
def test_demo(tmp_path, broker):
    done = run_demo(tmp_path, "--exit", broker=broker)
    assert done.returncode == 0, done.stdout + done.stderr
    totals = re.findall(r"^all +(\d+) +(\d+)$", done.stdout, re.M)
    assert len(totals) == 3, "by status, by route, by client"
    assert all(ours == awk and int(awk) >= 20000 for ours, awk in totals)
    statuses = set(re.findall(r"^(\d{3}) +\d+ +\d+$", done.stdout, re.M))
    assert statuses == {"200", "201", "204", "301", "400", "401", "403", "404", "429", "500", "502", "503", "504"}
    assert "GET /v1/users/{uuid}" in done.stdout and "GET {unmatched}" in done.stdout
    assert "no difference" in done.stdout
    assert re.search(r"^final through \d{4}-\d\d-\d\d: 15 entries of the ledger, \d{6} events$", done.stdout, re.M), "14 days, one twice"
    url = re.search(r"^  dashboard (http://127\.0\.0\.1:\d+)$", done.stdout, re.M).group(1)
    assert re.search(rf"^  sign in   {url}/sign-in#code=dbk_[\w-]{{43}}$", done.stdout, re.M)
    assert "token=secret" not in done.stdout
    assert not list(tmp_path.glob("daybook-demo*")), "it cleans up"


@pytest.fixture
def short_path():
    """What lies deep below it has sockets: their paths may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="demo") as path:
        yield Path(path)


def test_it_stays_until_it_is_ended(short_path):
    process = subprocess.Popen(
        [DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "TMPDIR": str(short_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C ends" in line:
            break
    assert said and "Ctrl-C ends" in said[-1], "".join(said)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert not list(short_path.glob("daybook-demo*"))


def test_wrong_usage(tmp_path):
    done = run_demo(tmp_path, "--no-such-option")
    assert done.returncode == 2 and "usage" in done.stderr
