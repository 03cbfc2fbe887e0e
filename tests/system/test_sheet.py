"""A day sheet, read by another language with proto/sheet.proto alone: it holds every row that was put in, and its bytes are those that
the protobuf library itself would write."""

import importlib
import math
import subprocess
import sys
from bisect import bisect_right

import pytest
from harness import ROOT

CUTS = (23, 48, 76, 106, 139, 175, 214)


@pytest.fixture(scope="module")
def sheet_pb2():
    """proto/sheet.proto as protoc makes it for Python."""
    directory = ROOT / "build/gen/python"
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={directory}", "sheet.proto"], check=True)
    sys.path.insert(0, str(directory))
    yield importlib.import_module("sheet_pb2")
    sys.path.remove(str(directory))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A directory with what tests/unit/test_sheet.c writes: sheet, sheet.zst, and rows, one a line."""
    directory = tmp_path_factory.mktemp("sheet")
    program = "build/release/tests/test_sheet"
    subprocess.run(["make", "--no-print-directory", program], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([str(ROOT / program), "--write", str(directory)], check=True)
    return directory


def bucket_of(latency_us):
    """The formula of proto/sheet.proto, in integers."""
    if latency_us < 16:
        return latency_us
    octave = latency_us.bit_length() - 1
    fraction = latency_us * 256 // 2**octave - 256
    return 16 + 8 * (octave - 4) + bisect_right(CUTS, fraction)


def column(values, count, left_out=0):
    assert len(values) in (0, count)
    return list(values) or [left_out] * count


def lists(lengths, *columns):
    """The next lengths[i] of the columns' values, for every i."""
    at = 0
    for length in lengths:
        yield list(zip(*(values[at : at + length] for values in columns)))
        at += length
    assert all(at == len(values) for values in columns)


def histograms(block, count, maxima):
    lengths = column(block.buckets, count, 1)
    steps, counts = column(block.bucket_step, sum(lengths)), column(block.bucket_count, sum(lengths), 1)
    for maximum, pairs in zip(maxima, lists(lengths, steps, counts)):
        bucket, found = bucket_of(maximum), {}
        for step, number in pairs:
            bucket -= step
            found[bucket] = number
        yield dict(sorted(found.items()))


def rows_of(sheet):
    """{(organization, client, user, method, template, platform, slot): measure} of a sheet, in its order."""
    symbols, rows = sheet.symbols, {}
    clients = len(sheet.client)
    assert len(sheet.block) == len(sheet.client_rows) == len(sheet.client_requests) == clients
    for organization, client, count, total, block in zip(
        column(sheet.organization, clients), sheet.client, sheet.client_rows, sheet.client_requests, sheet.block
    ):
        routes = list(zip(column(block.method, len(block.template)), block.template))
        statuses_n = column(block.statuses, count, 1)
        statuses = lists(statuses_n, block.status, column(block.count, sum(statuses_n), 1))
        maxima, rests = column(block.latency_max_us, count), column(block.latency_rest_us, count)
        values = zip(
            column(block.user, count), column(block.route, count), column(block.platform, count), column(block.slot, count),
            statuses, maxima, rests, histograms(block, count, maxima),
            column(block.request_bytes, count), column(block.response_bytes, count),
        )  # fmt: skip
        user = requests = 0
        for step, route, platform, slot, by_status, maximum, rest, by_bucket, request_bytes, response_bytes in values:
            user += step
            names = (organization, client, user, *routes[route], platform)
            measure = (dict(by_status), maximum + rest, maximum, request_bytes, response_bytes, by_bucket)
            rows[(*(symbols[name] for name in names), slot)] = measure
            requests += sum(number for _, number in by_status)
        assert requests == total
    return rows


def tallies(text):
    return {} if text == "-" else {int(key): int(count) for key, count in (pair.split(":") for pair in text.split(","))}


def measure_of(text):
    """Reads lib/measure.h's text."""
    fields = text.split(" ")
    if ":" not in fields[0]:
        status, latency, request_bytes, response_bytes = map(int, fields[:4])
        return {status: 1}, latency, latency, request_bytes, response_bytes, ({} if len(fields) > 4 else {bucket_of(latency): 1})
    requests, latency_sum, latency_max, request_bytes, response_bytes = map(int, fields[1:6])
    statuses = tallies(fields[0])
    assert sum(statuses.values()) == requests
    return statuses, latency_sum, latency_max, request_bytes, response_bytes, tallies(fields[6])


def wanted_rows(files):
    lines = (files / "rows").read_text().splitlines()
    return {(*names, int(slot)): measure_of(text) for *names, slot, text in (line.split("\t") for line in lines)}


def test_every_row_is_there(files, sheet_pb2):
    sheet = sheet_pb2.DaySheet.FromString((files / "sheet").read_bytes())
    found, wanted = rows_of(sheet), wanted_rows(files)
    assert found == wanted
    assert list(found) == sorted(found, key=lambda row: (*(name.encode() for name in row[:6]), row[6]))
    assert (sheet.version, sheet.partition, sheet.day, sheet.revision) == (1, 3, 20778, 2)
    assert (sheet.first_offset, sheet.end_offset) == (17, 5_000_000_000)


def test_totals_are_the_sums_of_the_rows(files, sheet_pb2):
    sheet = sheet_pb2.DaySheet.FromString((files / "sheet").read_bytes())
    rows = rows_of(sheet).values()
    assert sheet.rows == len(rows)
    assert sheet.requests == sum(sum(statuses.values()) for statuses, *_ in rows)
    assert sheet.latency_sum_us == sum(row[1] for row in rows)
    assert sheet.request_bytes == sum(row[3] for row in rows)
    assert sheet.response_bytes == sum(row[4] for row in rows)


def test_the_bytes_are_those_of_any_protobuf_library(files, sheet_pb2):
    data = (files / "sheet").read_bytes()
    sheet = sheet_pb2.DaySheet.FromString(data)
    assert sheet.SerializeToString(deterministic=True) == data
    assert list(sheet.symbols) == sorted(set(sheet.symbols), key=str.encode)


def test_the_packed_sheet_is_a_plain_zstd_frame(files):
    """Debian's command reads it: no library of ours."""
    unpacked = subprocess.run(["zstd", "-d", "-c", str(files / "sheet.zst")], capture_output=True, check=True).stdout
    assert unpacked == (files / "sheet").read_bytes()


def test_the_formula_of_buckets_keeps_its_promise():
    """Buckets ascend without a hole, eight to an octave."""
    for latency_us in (*range(5000), *(2**k + d for k in range(13, 63) for d in (-1, 0, 1, 2**k // 11, 2**k * 7 // 8))):
        bucket = bucket_of(latency_us)
        assert bucket_of(latency_us + 1) - bucket in (0, 1)
        if latency_us >= 16:
            assert bucket == pytest.approx(16 + 8 * (math.log2(latency_us) - 4), abs=1.05)
