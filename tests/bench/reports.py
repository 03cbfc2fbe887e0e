"""Questions about a year of closed days: the report engine on sheets in Redis, and DuckDB on the same rows as Parquet."""

import os
import subprocess
import time

import duckdb
from stack import PROGRAMS, program, table

PARTITIONS = 16
CLIENT, ORGANIZATION = "client-0004", "acme"
ROUNDS = 7
COUNTS = """sum(requests) AS requests,
    sum(requests) FILTER (status // 100 = 2) AS s200, sum(requests) FILTER (status // 100 = 3) AS s300,
    sum(requests) FILTER (status // 100 = 4) AS s400, sum(requests) FILTER (status // 100 = 5) AS s500,
    sum(requests) FILTER (status = 429) AS s429"""
OF_CLIENT = f"WHERE client = '{CLIENT}' AND organization = '{ORGANIZATION}'"
# name of bench-report -> (what it is, grouped by, filter, order)
QUESTIONS = {
    "day_client": ("day x client", "day, client", "", "day, requests DESC, client"),
    "client_template": ("total by client and template", "client, template", "", "requests DESC, client, template"),
    "top_templates": ("top 5 templates of one client", "template", OF_CLIENT, "requests DESC, template LIMIT 5"),
    "client_by_day": ("one client by day", "day", OF_CLIENT, "day"),
}


def make_parquet(stack, connection):
    """All rows of the sheets, a row for each status, in their order; the number of them."""
    text, parquet = stack.directory / "rows.csv", stack.directory / "rows.parquet"
    with open(text, "wb") as file:
        subprocess.run([PROGRAMS / "report", stack.redis.url, "rows"], stdout=file, check=True)
    # Templates are compared without their leading slash.
    connection.execute(f"""COPY (SELECT day::DATE AS day, slot::UTINYINT AS slot, organization, client, user, method,
        regexp_replace(template, '^/', '') AS template, platform, status::USMALLINT AS status, requests::BIGINT AS requests
        FROM read_csv('{text}', header = true, all_varchar = true, nullstr = '?')) TO '{parquet}' (FORMAT parquet)""")
    text.unlink()
    connection.execute(f"CREATE VIEW rows AS SELECT * FROM '{parquet}'")
    return connection.execute("SELECT count(*) FROM rows").fetchone()[0]


def ask_duckdb(connection, question):
    """The best time; the answer is in the table `theirs`."""
    _, groups, only, order = QUESTIONS[question]
    best = None
    for _ in range(ROUNDS):
        begin = time.monotonic()
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE theirs AS SELECT {groups}, {COUNTS} FROM rows {only} GROUP BY {groups} ORDER BY {order}"
        )
        taken = time.monotonic() - begin
        best = taken if best is None else min(best, taken)
    return best


def compare(stack, connection, question):
    """Both answers are the same, row by row."""
    _, groups, _, _ = QUESTIONS[question]
    first = connection.execute("SELECT min(day) FROM rows").fetchone()[0]
    columns = groups.replace("day", f"(DATE '{first}' + period::INTEGER)::DATE AS day")
    counts = ", ".join(f"{name}::HUGEINT AS {name}" for name in ("requests", "s200", "s300", "s400", "s500", "s429"))
    ours = f"SELECT {columns}, {counts} FROM read_csv('{stack.directory}/{question}.csv', header = true, all_varchar = true)"
    zero = ", ".join(f"coalesce({name}, 0)::HUGEINT AS {name}" for name in ("requests", "s200", "s300", "s400", "s500", "s429"))
    theirs = f"SELECT {groups}, {zero} FROM theirs"
    rows = connection.execute(f"SELECT count(*) FROM ({ours})").fetchone()[0]
    for one, other in ((ours, theirs), (theirs, ours)):
        differ = connection.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchone()[0]
        if differ:
            raise SystemExit(f"reports: {differ} rows of {question} differ from DuckDB's")
    return rows


def run(stack, quick):
    cores = os.cpu_count()
    days, rows = 60 if quick else 365, 40_000
    stack.fresh_redis()
    program("year", stack.redis.url, days, rows, PARTITIONS)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {cores}")
    n_rows = make_parquet(stack, connection)
    arguments = (stack.redis.url, "ask", CLIENT, ORGANIZATION, cores, ROUNDS, stack.directory)
    ours, theirs = program("report", *arguments), {}
    lines = []
    for question, (what, *_) in QUESTIONS.items():
        theirs[question] = ask_duckdb(connection, question)
        n = compare(stack, connection, question)
        mine, bar = ours[question], "bar 0.5 s" if "one client" in what else "bar 3 s"
        lines.append(
            (
                f"{what}, {n:,} rows",
                f"{mine['cached_s'] * 1000:.0f} ms, DuckDB {theirs[question] * 1000:.0f} ms: ratio "
                f"{mine['cached_s'] / theirs[question]:.2f} (bar 1); cold {mine['cold_s']:.2f} s ({bar})",
            )
        )
    lines.append(("opened sheets in memory", f"{ours['sheets_bytes'] / 2**20:.0f} MiB"))
    title = f"Reports: {days} days of {rows:,} series in {PARTITIONS} partitions, {cores} threads"
    table(f"{title}; DuckDB {duckdb.__version__}: {n_rows:,} rows of Parquet", lines, 48)
    return {"days": days, "rows": n_rows, "ours": ours, "duckdb": theirs}
