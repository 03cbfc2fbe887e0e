"""`daybook reconcile`: somebody else's count against days that were really closed."""

import csv
import io
import subprocess

import pytest

from closed_days import ClosedDays, day_before
from harness import BIN


@pytest.fixture
def closed(kafka, redis, topic, daybook, tmp_path):
    system = ClosedDays(kafka, redis, topic, daybook, tmp_path)
    system.directory = tmp_path
    return system


def month_of(day):
    return f"{day:%Y-%m}"


def invoice(closed, header, *lines, end="\r\n"):
    path = closed.directory / "invoice.csv"
    path.write_bytes(end.join([header, *lines, ""]).encode())
    return path


def test_agrees_and_differs(closed):
    day = day_before(2)
    month = month_of(day)
    closed.post(day, 10, client="c-1", organization="acme")
    closed.post(day, 4, client="c-1", organization="globex")
    closed.post(day, 3, client="c,2")
    closed.close(day)
    path = invoice(closed, "Client ID,Calls", "c-1,14", '"c,2",3')
    said = closed.run("reconcile", path, "--month", month)
    assert "client = 'Client ID' (guessed), requests = 'Calls' (guessed)" in said
    assert "2 clients compared: the file has 17 requests, the ledger 17; no difference." in said
    assert f"file      2 lines of {month}" in said and "1 of " in said
    path = invoice(closed, "org,client,n", "acme,c-1,10", "globex,c-1,5", ",\"c,2\",3", "acme,c-7,2")
    given = ["--month", month, "--requests-column", "n"]
    said = closed.run("reconcile", path, *given, code=1)
    assert "'org' is not used" in said and "requests = 'n'\n" in said
    assert "c-7" in said and "unknown client" in said
    said = closed.run("reconcile", path, *given, "--organization-column", "org", "--csv", code=1)
    rows = list(csv.DictReader(io.StringIO(said, newline="")))
    assert [(row["organization"], row["client"], row["month"], row["difference"]) for row in rows] == [
        ("acme", "c-7", month, "2"),
        ("globex", "c-1", month, "1"),
    ]
    assert rows[1]["cause"] == "never received: 1"
    raw = subprocess.run([BIN / "daybook", "reconcile", path, *given, "--csv"], env=closed.environment, capture_output=True, timeout=60)
    assert raw.returncode == 1 and raw.stdout.startswith(b"client,month,file,ledger,difference,cause\r\n")
    assert raw.stdout.count(b"\r\n") == raw.stdout.count(b"\n") == 3
    assert "no difference above the tolerance" in closed.run("reconcile", path, *given, "--tolerance", "2")
    assert "no difference above" not in closed.run("reconcile", path, *given, "--tolerance", "10%", code=1)


def test_causes(closed):
    first, second = day_before(3), day_before(2)
    closed.post(first, 10, client="c-late")
    closed.post(first, 10, client="c-restated")
    closed.close(first)
    closed.post(first, 2, client="c-restated")
    closed.close(first)
    closed.post(first, 3, client="c-late")
    closed.post(second, 5, client="c-open")

    def reconcile(day, *lines, code=1):
        path = invoice(closed, "date,client,requests", *lines, end="\n")
        return closed.run("reconcile", path, "--month", month_of(day), "--csv", code=code)

    said = reconcile(first, f"{first},c-late,13", f"{first},c-restated,10")
    assert f"c-late,{first},13,10,3,late: 3 came after the day was closed" in said
    assert f"c-restated,{first},10,12,-2,restated: 2 were added by later revisions" in said
    said = reconcile(second, f"{second},c-open,6", f"{first},c-late,10", f"{first},c-restated,12")
    assert f"c-open,{second},6,0,6,not yet closed: 5; never received: 1" in said
    assert said.count("\n") == 2
    closed.close(first)
    closed.close(second)
    lines = [f"{second},c-open,5", f"{first},c-late,13", f"{first},c-restated,12"]
    for day in {month_of(first): first, month_of(second): second}.values():
        assert reconcile(day, *lines, code=0) == "client,day,file,ledger,difference,cause\n"


def test_wrong_usage_and_wrong_files(closed):
    day = day_before(2)
    month = ["--month", month_of(day)]
    closed.post(day, 1)
    good = invoice(closed, "client,requests", "-,1")
    assert "which FILE" in closed.run("reconcile", code=2)
    assert "which month?" in closed.run("reconcile", good, code=2)
    assert "is no month" in closed.run("reconcile", good, "--month", "2026-13", code=2)
    assert "--tolerance 'x'" in closed.run("reconcile", good, *month, "--tolerance", "x", code=2)
    assert "one FILE" in closed.run("reconcile", good, good, *month, code=2)
    assert "none.csv" in closed.run("reconcile", closed.directory / "none.csv", *month, code=2)
    for header, line, said in (
        ("client,requests", "c,1\r\nc,x", "line 3: 'x' is no number of requests"),
        ("client,requests", 'c,"1', "line 2: a field in quotes does not end"),
        ("client,requests", "c", "line 2: it has 1 fields"),
        ("client,day,requests", "c,5.11.2026,1", "line 2: '5.11.2026' is no day"),
        ("a,b", "c,1", "which column has the clients? Give --client-column; there are 'a', 'b'"),
    ):
        wrong = invoice(closed, header, line)
        answer = closed.run("reconcile", wrong, *month, code=2)
        assert said in answer and str(wrong) in answer, answer
