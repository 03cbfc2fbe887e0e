"""Schemathesis, which makes requests out of api/openapi.yaml, right ones and wrong ones, and chains of them by its links: no answer is
a server error, every answer is one that is described, and what is wrong is refused.

The requests are the same each time. What is checked: all that schemathesis knows, but that right data is always taken: a cursor
must be one that the API gave, an organization must be named where several have such a client, and the description cannot say so;
and that a query is gone after its DELETE: that stops it, and who asks for it is told that it was stopped, and by whom."""

import base64
import re
import subprocess

import pytest
from harness import API_TOKEN, ROOT, Redis
from openapi_document import CLIENT, World

CONFIG = """
base-url = "http://127.0.0.1:{port}"
headers = {{ Authorization = "Bearer {token}" }}
generation.deterministic = true
output.sanitization.enabled = false

[checks.positive_data_acceptance]
enabled = false

[phases.stateful]
max-steps = 12

[[operations]]
include-path-regex = "executionId|jobId"
checks.use_after_free.enabled = false

[[operations]]
include-path = "/oauth/token"
headers = {{ Authorization = "Basic {basic}" }}

[[operations]]
include-path = "/session"
headers = {{ X-Daybook = "dashboard" }}
"""
# For a query that is there, in the place of ids that somebody made up.
FIXED = """
[[operations]]
include-path-regex = "^{start}"
parameters = {{ {parameters} }}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    redis = Redis("redis", tmp_path_factory.mktemp("redis"))
    redis.start()
    made = World(redis, tmp_path_factory.mktemp("api"))
    yield made
    made.stop()
    redis.kill()


def config_of(world, directory, fixed=()):
    basic = base64.b64encode(f"{world.key['keyId']}:{world.key['secret']}".encode()).decode()
    text = CONFIG.format(port=world.api.port, token=API_TOKEN, basic=basic)
    for start, names in fixed:
        parameters = ", ".join(f'"path.{name}" = "{value}"' for name, value in names.items())
        text += FIXED.format(start=start, parameters=parameters)
    path = directory / "schemathesis.toml"
    path.write_text(text)
    return path


def answers(world):
    """{status: how many}, as the API counted them"""
    text = world.api.get("/metrics")[1]
    return {int(status): int(n) for status, n in re.findall(r'^\w*requests_total\{[^}]*"(\d+)"[^}]*\} (\d+)$', text, re.M)}


def run(world, config, *options):
    """Runs it to its end; the answers that were given meanwhile."""
    before = answers(world)
    command = [ROOT / "build/venv/bin/schemathesis", "--config-file", config, "run", ROOT / "api/openapi.yaml"]
    command += ["--no-color", "--continue-on-failure", "--suppress-health-check", "all", "--no-shrink", *map(str, options)]
    done = subprocess.run(command, cwd=config.parent, capture_output=True, text=True, timeout=400, check=False)
    print(done.stdout[-20000:], done.stderr[-5000:])
    assert done.returncode == 0
    assert re.search(r"\d+ generated, \d+ passed", done.stdout) and "failures" not in done.stdout
    assert world.api.alive() and world.api.get("/readyz")[0] == 200
    given = {status: n - before.get(status, 0) for status, n in answers(world).items() if n != before.get(status, 0)}
    assert not [status for status in given if status >= 500], given
    return given


def test_all_routes(world, tmp_path):
    """Each boundary of each value, some random ones, and chains of requests."""
    given = run(world, config_of(world, tmp_path), "--phases", "coverage,fuzzing,stateful", "--max-examples", 6)
    assert given[200] > 200 and given[201] > 20 and given[202] > 20 and given[400] > 500 and given[401] > 20


def test_results(world, tmp_path):
    """The same of queries that are there, so that rows, files, pages and cursors are among the answers."""
    post = "/api/v2/oauth/clients/{clientId}/usage/query".format(clientId=CLIENT)
    jobs = f"/api/v2/usage/client/{CLIENT}/aggregates/query/jobs"
    fixed = [
        ("/api/v2/usage/query/", {"executionId": world.new_query("/api/v2/usage/query")}),
        ("/api/v2/usage/simplesearch/", {"executionId": world.new_query("/api/v2/usage/simplesearch")}),
        ("/api/v2/oauth/clients/", {"clientId": CLIENT, "executionId": world.new_query(post)}),
        ("/api/v2/usage/aggregates/query/jobs/", {"jobId": world.new_query("/api/v2/usage/aggregates/query/jobs")}),
        ("/api/v2/usage/client/", {"clientId": CLIENT, "jobId": world.new_query(jobs)}),
    ]
    given = run(world, config_of(world, tmp_path, fixed), "--phases", "coverage,fuzzing", "--max-examples", 8,
        "--include-path-regex",
                r"executionId|jobId", "--exclude-method", "DELETE")
    assert given[200] > 100 and given[400] > 50
