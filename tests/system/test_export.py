"""Exports of the report: CSV, JSON lines and workbooks say what the page says, and can be gone on with at any byte."""

import gzip
import io
import json
import random

import openpyxl
import pytest
from harness import csv_rows, shared_world, wait_until
from report_fixture import COUNTS, World, number
from test_usage_api import failure, fetch

SECTIONS = ("days", "clients", "urls", "clientUrls")
ASKED = {"interval": "2024-10-01/2024-11-15", "timeZone": "Asia/Kathmandu"}
SPAN = (number("2024-10-01"), number("2024-11-15"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("export")) as made:
        yield made


@pytest.fixture(scope="module")
def sections(world):
    return world.expected(SPAN, "Asia/Kathmandu").sections()


def export(world, suffix, **options):
    status, headers, body = world.fetch(suffix=f".{suffix}", **{**ASKED, **options})
    assert status == 200, body
    return headers, body


def read_csv(body):
    names, *rows = csv_rows(body.decode())
    return [{name: int(value) if name in COUNTS else value for name, value in zip(names, row, strict=True)} for row in rows]


def read_jsonl(body):
    assert not body or body.endswith(b"\n")
    return [json.loads(line) for line in body.splitlines()]


def read_xlsx(body):
    rows = []
    for sheet in openpyxl.load_workbook(io.BytesIO(body), read_only=True).worksheets:
        names, *cells = sheet.iter_rows(values_only=True)
        rows += [{name: "" if value is None else value for name, value in zip(names, row)} for row in cells]
    return rows


READERS = {"csv": read_csv, "jsonl": read_jsonl, "xlsx": read_xlsx}


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("section", SECTIONS)
def test_sections(world, sections, section, suffix):
    _, body = export(world, suffix, section=section)
    assert READERS[suffix](body) == sections[section], f"seed {world.seed}"


@pytest.mark.parametrize("suffix", READERS)
def test_all_sections(world, sections, suffix):
    columns = ("section", "date", "begin", "end", "clientId", "clientName", "organizationId", "templateUri", *COUNTS)
    _, body = export(world, suffix, section="ALL")
    expected = [{name: ({"section": section} | row).get(name, "") for name in columns} for section in SECTIONS for row in sections[section]]
    assert READERS[suffix](body) == expected


@pytest.mark.parametrize("suffix", READERS)
def test_top_and_filters(world, suffix):
    expected = world.expected(SPAN, "Asia/Kathmandu", True, clients=["c-1", "-"]).sections()
    asked = {"dayBoundary": "local", "clients": "c-1,-", "top": 3}
    for section in SECTIONS:
        _, body = export(world, suffix, section=section, **asked)
        assert READERS[suffix](body) == (expected[section] if section == "days" else expected[section][:3])


def test_days_are_the_default_and_the_page_agrees(world):
    _, body = export(world, "csv")
    page = world.page(top=1000, **ASKED)
    assert read_csv(body) == page["days"]
    assert read_jsonl(export(world, "jsonl", section="urls")[1]) == page["urls"]
    rows = read_jsonl(export(world, "jsonl", section="clientUrls")[1])
    for name in COUNTS:
        assert sum(row[name] for row in rows) == page["statuses"][name]
    by_client = [{"templateUri": url["templateUri"], **{n: url[n] for n in COUNTS}} for c in page["clients"] for url in c["urls"]]
    key = json.dumps
    assert sorted(({"templateUri": r["templateUri"], **{n: r[n] for n in COUNTS}} for r in rows), key=key) == sorted(by_client, key=key)


def test_nothing(world):
    asked = {"interval": "2024-10-20/2024-10-20"}  # not closed
    assert export(world, "csv", **asked)[1] == b"date,begin,end,status200,status300,status400,status500,status429,requests\r\n"
    assert export(world, "jsonl", **asked)[1] == b""
    assert read_xlsx(export(world, "xlsx", **asked)[1]) == []


def test_by_accept(world):
    for suffix, accept in {
        "csv": "text/csv",
        "jsonl": "application/x-ndjson",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }.items():
        headers, by_path = export(world, suffix)
        status, by_accept, body = world.fetch(headers={"Accept": accept}, **ASKED)
        assert (status, body) == (200, by_path) and by_accept["ETag"] == headers["ETag"]
        assert headers["Content-Type"].split(";")[0] == accept
    status, headers, _ = world.fetch(headers={"Accept": "text/html, */*;q=0.8"}, **ASKED)
    assert (status, headers["Content-Type"]) == (200, "application/json")


def test_names_of_files(world):
    def name(suffix, **options):
        return export(world, suffix, **options)[0]["Content-Disposition"]

    assert name("csv") == 'attachment; filename="usage-report_days_2024-10-01_2024-11-15_Asia-Kathmandu.csv"'
    assert (
        name("xlsx", section="clientUrls", dayBoundary="local", timeZone="UTC")
        == 'attachment; filename="usage-report_clientUrls_2024-10-01_2024-11-15_UTC_local.xlsx"'
    )
    assert world.fetch(**ASKED)[1]["Content-Disposition"] is None


# ---- parts ----


@pytest.mark.parametrize("suffix", READERS)
def test_ranges(world, suffix):
    rng = random.Random(world.seed)
    headers, whole = export(world, suffix, section="all")
    assert headers["Accept-Ranges"] == "bytes" and headers["Content-Length"] == str(len(whole))
    cuts = sorted({0, len(whole), *(rng.randrange(1, len(whole)) for _ in range(9))})
    found = b""
    for first, end in zip(cuts, cuts[1:]):
        asked = {"Range": f"bytes={first}-{end - 1}", "If-Range": headers["ETag"], "Accept-Encoding": "gzip"}
        status, part, body = world.fetch(suffix=f".{suffix}", headers=asked, section="all", **ASKED)
        assert status == 206 and part["Content-Range"] == f"bytes {first}-{end - 1}/{len(whole)}"
        assert "Content-Encoding" not in part and part["ETag"] == headers["ETag"]
        found += body
    assert found == whole
    beyond = {"Range": f"bytes={len(whole)}-"}
    assert world.fetch(suffix=f".{suffix}", headers=beyond, section="all", **ASKED)[0] == 416
    other = {"Range": "bytes=5-", "If-Range": '"another"'}
    assert world.fetch(suffix=f".{suffix}", headers=other, section="all", **ASKED)[::2] == (200, whole)


@pytest.mark.parametrize("suffix", READERS)
def test_another_process_goes_on(world, suffix):
    """The bytes are a function of what is asked: a replica that never made this file has the other half of it."""
    headers, whole = export(world, suffix, section="clientUrls")
    half = len(whole) // 2
    world.api.kill()
    world.api = world.start_api("api-again")
    wait_until(lambda: export(world, suffix, section="clientUrls")[0]["ETag"] == headers["ETag"], 30, "clients have their names")
    asked = {"Range": f"bytes={half}-", "If-Range": headers["ETag"]}
    status, _, body = world.fetch(suffix=f".{suffix}", headers=asked, section="clientUrls", **ASKED)
    assert status == 206 and body == whole[half:]


def test_gzip(world):
    for suffix in ("csv", "jsonl"):
        headers, whole = export(world, suffix, section="all")
        packed, body = export(world, suffix, section="all", headers={"Accept-Encoding": "gzip"})
        assert packed["Content-Encoding"] == "gzip" and gzip.decompress(body) == whole
        assert packed["ETag"] != headers["ETag"] and "Accept-Encoding" in packed["Vary"] and "Accept-Encoding" in headers["Vary"]
        assert packed["Content-Length"] == str(len(body))
        again = {"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]}
        assert world.fetch(suffix=f".{suffix}", headers=again, section="all", **ASKED)[0] == 304
    small = export(world, "csv", interval="2024-10-01/2024-10-01", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small[0] and read_csv(small[1])
    book, _ = export(world, "xlsx", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in book


def test_entity_tags(world):
    for suffix in READERS:
        headers, _ = export(world, suffix)
        assert headers["ETag"].startswith('"') and headers["Cache-Control"] == "private, no-cache"
        asked = {"If-None-Match": headers["ETag"]}
        status, again, body = world.fetch(suffix=f".{suffix}", headers=asked, **ASKED)
        assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])


def test_who_sees_what(world):
    token = world.make_token("acme")
    wait_until(lambda: world.fetch(token=token)[0] == 200, 30, "the token is known")
    _, everybody = export(world, "csv", section="all")
    expected = world.expected(SPAN, "Asia/Kathmandu", organization="acme").sections()
    for section in SECTIONS:  # also what was made for others is not handed out
        _, body = export(world, "csv", section=section, token=token)
        assert read_csv(body) == expected[section]
    assert "größe" in everybody.decode() and "größe" not in export(world, "csv", section="clients", token=token)[1].decode()


def test_no_room(world):
    """Where files cannot be made, an export says so, and nothing of it is sent; the page needs none."""
    cache = world.directory / "gone"
    cache.mkdir()
    api = world.start_api("api-without", **{"cache.directory": cache})
    cache.rmdir()
    assert fetch(api, path="/api/v2/usage/report")[0] == 200
    for suffix in READERS:
        status, error, _ = failure(api, path=f"/api/v2/usage/report.{suffix}")
        assert status == 503 and error["code"] == "service.unavailable"
    api.kill()
