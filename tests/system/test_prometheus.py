"""What Prometheus sees: the daemons' metrics pass promtool; a real Prometheus scrapes a whole system, takes the alert rules, and has data
for every query of the dashboard and every metric that a rule names. The rules themselves are tested by promtool."""

import http.client
import json
import re
import subprocess
import threading

import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml
from dev_system import DevSystem, events
from harness import ROOT, free_port, wait_until

RULES, RULE_TESTS = ROOT / "deploy/prometheus/daybook.rules.yml", ROOT / "deploy/prometheus/daybook.rules.test.yml"
DASHBOARD = json.loads((ROOT / "deploy/grafana/daybook.json").read_text())
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
RECORDED = {rule["record"]: rule for group in GROUPS for rule in group["rules"] if "record" in rule}
NAME = re.compile(r"\b(daybook_[a-z_]+|up)\b(?=[\s{\[)]|$)")
INTERVAL = "5s"
# Metrics with a label are there from the first time on that something happens. What does not happen here:
NEVER = {
    "daybook_aggregator_failures_total": "no partition is given up",
    "daybook_api_query_failures_total": "no query fails",
    "daybook_api_alerts_raised_total": "nothing is alerted",
    "daybook_api_deliveries_total": "nothing is alerted",
}


def promtool(*arguments, stdin=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60)


def queries():
    """(panel, expression) of the dashboard, with its variables filled in."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$__rate_interval", INTERVAL)


class Watched:
    """A system with traffic, and a Prometheus that scrapes it."""

    def __init__(self, directory):
        self.dev, self.log = DevSystem(directory / "dev"), directory / "access.log"
        self.log.touch()
        self.dev.start(f"--set=collector.follow.nginx.path={self.log}", "--set=collector.follow.nginx.format=ndjson")
        self.port = free_port()
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config["rule_files"], config["alerting"] = [str(RULES)], {}
        for job in config["scrape_configs"]:
            job["static_configs"] = [{"targets": [self.target(job["job_name"])]}]
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        log = open(directory / "prometheus.log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={directory / 'prometheus.yml'}", f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=log,
            stderr=log,
        )
        self.stopping = threading.Event()
        self.traffic = threading.Thread(target=self.make_traffic)
        self.traffic.start()

    def url(self, part):
        return self.dev.env[f"{part.upper()}_URL"]

    def target(self, job):
        return urllib.parse.urlsplit(self.url(job.removeprefix("daybook-"))).netloc

    def make_traffic(self):
        collector = http.client.HTTPConnection(urllib.parse.urlsplit(self.url("collector")).netloc, timeout=10)
        while not self.stopping.wait(0.1):
            batch = events(20) + [{"client": "c-1", "status": 200}] + events(1, id="once")
            collector.request("POST", "/v1/events", json.dumps(batch), {"Content-Type": "application/json"})
            collector.getresponse().read()
            with open(self.log, "a") as log:
                log.write(json.dumps(events(1)[0]) + "\n")
            self.dev.usage()
            self.ask_without_token()

    def ask_without_token(self):
        try:
            urllib.request.urlopen(f"{self.url('api')}/v1/developer/usage", timeout=10).read()
        except urllib.error.HTTPError as error:
            error.read()

    def api(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            message = error.read().decode()
            assert error.code == 503, f"{path} {parameters}: {message}"
            return None  # it is starting
        except OSError:
            return None

    def query(self, expression):
        found = self.api("query", query=expression)
        return found["result"] if found else []

    def metrics(self, part):
        with urllib.request.urlopen(f"{self.url(part)}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def close(self):
        self.stopping.set()
        self.traffic.join()
        self.process.terminate()
        self.process.wait(20)
        self.dev.clean_up()


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    made = Watched(tmp_path_factory.mktemp("watched"))
    try:
        wait_until(lambda: len(made.query('count_over_time(up{job=~"daybook-.+"}[1m]) > 8')) == 3, 60, "Prometheus has scraped the daemons for a while")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("part", ["collector", "aggregator", "api"])
def test_metrics_pass_promtool(watched, part):
    text = watched.metrics(part)
    assert re.search(r"^daybook_\w+\{\w+=\"[^\"]+\"\} [1-9]", text, re.MULTILINE), "something has happened, with labels"
    done = promtool("check", "metrics", stdin=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rules_pass_promtool():
    for arguments in (("check", "rules", RULES), ("test", "rules", RULE_TESTS), ("check", "config", "--syntax-only", ROOT / "deploy/prometheus/prometheus.yml")):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_explained():
    tested = {test["alertname"] for case in yaml.safe_load(RULE_TESTS.read_text())["tests"] for test in case["alert_rule_test"] if "exp_alerts" in test}
    assert tested == set(ALERTS)
    page = (ROOT / "docs/MONITORING.md").read_text()
    for name, rule in ALERTS.items():
        assert set(rule["annotations"]) == {"summary", "description", "runbook"} and rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["runbook"] == f"docs/MONITORING.md#{name.lower()}" and f"### {name}\n" in page, name


def test_targets_are_up(watched):
    targets = watched.api("targets")["activeTargets"]
    assert {target["labels"]["job"]: target["health"] for target in targets} == {f"daybook-{part}": "up" for part in ("collector", "aggregator", "api")}


def test_prometheus_takes_the_rules(watched):
    def rules():
        return [rule for group in watched.api("rules")["groups"] for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] == "ok" for rule in rules()), 30, "all rules were evaluated")
    assert {rule["name"] for rule in rules()} == set(ALERTS) | set(RECORDED)
    firing = {rule["name"] for rule in rules() if rule.get("state") == "firing"}
    assert firing == set(), "nothing is wrong"
    for name in RECORDED:
        wait_until(lambda: watched.query(name), 30, f"{name} has data")


def known_names(watched):
    return {line.split()[2] for part in ("collector", "aggregator", "api") for line in watched.metrics(part).splitlines() if line.startswith("# TYPE ")} | {"up"}


def test_rules_and_dashboard_name_metrics_that_there_are(watched):
    """Also those of which there is no data yet: a daemon tells the type of all of its metrics."""
    known = known_names(watched)
    expressions = [rule["expr"] for group in GROUPS for rule in group["rules"]] + [expression for _, expression in queries()]
    named = set().union(*(NAME.findall(re.sub(r'"[^"]*"', '""', expression)) for expression in expressions))
    assert len(named) > 40 and named <= known, named - known
    for name in sorted(named - set(NEVER)):
        wait_until(lambda: watched.query(name), 30, f"{name} has data")


def test_every_query_of_the_dashboard_has_data(watched):
    seen = 0
    for panel, expression in queries():
        excused = set(NAME.findall(expression)) & set(NEVER)
        if excused:
            watched.query(expression)  # it is understood
        else:
            wait_until(lambda: watched.query(expression), 30, f"{panel}: {expression} has data")
        seen += 1
    assert seen > 50


def test_the_dashboard_can_be_imported():
    assert DASHBOARD["uid"] == "daybook" and DASHBOARD["schemaVersion"] >= 36
    assert [variable["type"] for variable in DASHBOARD["templating"]["list"]] == ["datasource"]
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in panels:
        assert panel["title"] and panel["description"] and panel["datasource"]["uid"] == "${datasource}"
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    cells = [(x, y) for p in DASHBOARD["panels"] for g in [p["gridPos"]] for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24, "no panel lies over another"
