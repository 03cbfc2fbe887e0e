"""Time zones beside Python's zoneinfo, for every zone of the system's database.

Debian's files list transitions up to 2037. The same database is compiled again with "slim" files, where footers say what they can, and
the same answers are expected of them. (zoneinfo reads Debian's only: with slim ones it is wrong in America/Ojinaga in November 2022.)

Each transition is looked for in two ways that do not know of our reader: in the file's 64-bit block, and by going through 1970 to 2100 week by
week with zoneinfo. At each: offset, whether it is daylight saving time, and abbreviation one second before, at it and one after; all wall
clock times around it back to instants, in gaps and folds; where the dates around it begin. zoneinfo does not tell a file's isdst, but guesses
a dst() from it: compared is whether that is zero.
"""

import os
import random
import struct
import subprocess
import zoneinfo
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness import ROOT

SYSTEM = Path("/usr/share/zoneinfo")
EPOCH = datetime(1970, 1, 1)
BEGIN, END = 0, int(datetime(2101, 1, 1, tzinfo=timezone.utc).timestamp())
FAR = int(datetime(9998, 12, 31, tzinfo=timezone.utc).timestamp())
EARLIEST = int(datetime(1800, 1, 1, tzinfo=timezone.utc).timestamp())
CUT_SHORT = ("Asia/Gaza", "Asia/Hebron")  # Debian 12's zic leaves out of slim files what differs from the footer after 2072
DAY, WEEK = 86400, 7 * 86400


@pytest.fixture(scope="module")
def ask():
    """ask(directory, questions) -> answers, by tests/unit/test_tz_database.c."""
    program = "build/release/tests/test_tz_database"
    subprocess.run(["make", "--no-print-directory", program], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def run(directory, questions):
        given = "".join(f"{question}\n" for question in questions)
        environment = {**os.environ, "TZDIR": str(directory)}
        done = subprocess.run([ROOT / program, "--answer"], input=given, capture_output=True, text=True, env=environment, check=True, timeout=120)
        return done.stdout.splitlines()

    return run


def zone_names(directory):
    """All files of zones below a directory."""
    found = (path.relative_to(directory) for path in directory.rglob("[A-Z]*") if path.is_file() and path.read_bytes()[:4] == b"TZif")
    return sorted(str(path) for path in found if path.parts[0] not in ("posix", "right"))


class Clock:
    """A zone by zoneinfo."""

    def __init__(self, path):
        with path.open("rb") as file:
            self.zone = zoneinfo.ZoneInfo.from_file(file)

    def at(self, instant):
        moment = datetime.fromtimestamp(instant, self.zone)
        return int(moment.utcoffset().total_seconds()), bool(moment.dst()), moment.tzname()

    def wall(self, instant):
        return instant + self.at(instant)[0]

    def instants(self, wall):
        """Those at which the wall clock shows it."""
        shown = EPOCH + timedelta(seconds=wall)
        found = {wall - int(shown.replace(tzinfo=self.zone, fold=fold).utcoffset().total_seconds()) for fold in (0, 1)}
        return sorted(instant for instant in found if self.wall(instant) == wall)

    def day_start(self, day, transitions):
        """The first instant at which the clock shows the date or a later one: at midnight, or where it jumps over it."""
        midnight = day * DAY
        jumps = [t for t in transitions if abs(t - midnight) < 2 * DAY and self.wall(t) >= midnight]
        return min(self.instants(midnight) + jumps)


def listed_transitions(path):
    """The times in the file's 64-bit block."""
    content = path.read_bytes()
    ut, standard, leap, times, types, letters = struct.unpack(">6l", content[20:44])
    second = 44 + times * 5 + types * 6 + letters + leap * 8 + standard + ut
    times = struct.unpack(">6l", content[second + 20 : second + 44])[3]
    listed = struct.unpack(f">{times}q", content[second + 44 : second + 44 + 8 * times])
    return [time for time in listed if EARLIEST < time < END]


def found_transitions(clock):
    """By looking at each week."""
    before = clock.at(BEGIN)
    for later in range(BEGIN + WEEK, END, WEEK):
        after = clock.at(later)
        if after != before:
            low, high = later - WEEK, later
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if clock.at(middle) == before else (low, middle)
            yield high
        before = after


def transitions_of(path, clock):
    """Where something changes."""
    candidates = sorted({*listed_transitions(path), *found_transitions(clock)})
    return [time for time in candidates if clock.at(time) != clock.at(time - 1)]


def instants_to_ask(clock, transitions, rng):
    near = [time + by for time in transitions for by in (-1, 0, 1)]
    return [*near, *(rng.randrange(BEGIN, END) for _ in range(20)), *(rng.randrange(END, FAR) for _ in range(20))]


def walls_to_ask(clock, transitions):
    for time in transitions:
        before, after = clock.wall(time - 1) + 1, clock.wall(time)
        yield from (wall + by for wall in (before, after, (before + after) // 2) for by in (-1, 0, 1))


def days_to_ask(clock, transitions):
    return sorted({clock.wall(time + by) // DAY + more for time in transitions for by in (-1, 0) for more in (0, 1)})


def questions_and_answers(path):
    clock, rng = Clock(path), random.Random(str(path))
    transitions = transitions_of(path, clock)
    for time in instants_to_ask(clock, transitions, rng):
        offset, dst, name = clock.at(time)
        yield f"at {time}", f"{offset} {int(dst)} {name}"
    for time in transitions:
        yield f"next {time - 1}", str(time)
    for wall in walls_to_ask(clock, transitions):
        found = clock.instants(wall)
        yield f"local {wall}", f"{len(found)} {found[0]} {found[-1]}" if found else "0 0 0"
    for day in days_to_ask(clock, transitions):
        start = clock.day_start(day, transitions)
        yield f"day {day}", f"{int(clock.wall(start) // DAY == day)} {start}"


def test_names(ask):
    known = zoneinfo.available_timezones() - {"localtime", "posixrules"}
    answer = ask(SYSTEM, ["names"])[0].split()
    assert sorted(answer) == sorted(known) == zone_names(SYSTEM)
    assert len(known) > 500


@pytest.fixture(scope="module")
def asked():
    """(zone, question, answer) for every zone."""
    rows, by_content = [], {}
    for name in zone_names(SYSTEM):
        content = (SYSTEM / name).read_bytes()
        if content not in by_content:  # names of one zone are asked the same
            by_content[content] = list(questions_and_answers(SYSTEM / name))
        rows.append((name, f"zone {name}", name))
        rows += [(name, question, answer) for question, answer in by_content[content]]
    return rows


def compare(asked, answers):
    assert len(answers) == len(asked) > 500_000
    wrong = [f"{name}: {question}: {got}, not {want}" for (name, question, want), got in zip(asked, answers) if got != want]
    assert wrong[:20] == []


def test_every_zone(ask, asked):
    compare(asked, ask(SYSTEM, [question for _, question, _ in asked]))


def test_slim_files(ask, asked, tmp_path):
    subprocess.run(["/usr/sbin/zic", "-b", "slim", "-d", tmp_path, SYSTEM / "tzdata.zi"], check=True, capture_output=True)
    assert zone_names(tmp_path) == zone_names(SYSTEM)
    assert (tmp_path / "Europe/Dublin").stat().st_size < (SYSTEM / "Europe/Dublin").stat().st_size / 2
    asked = [row for row in asked if row[0] not in CUT_SHORT]
    compare(asked, ask(tmp_path, [question for _, question, _ in asked]))


def test_known(ask):
    """What the comparison is about, without zoneinfo."""
    apia = (date(2011, 12, 30) - EPOCH.date()).days
    dublin = int(datetime(2050, 1, 1, tzinfo=timezone.utc).timestamp())
    answers = ask(SYSTEM, ["zone Europe/Dublin", f"at {dublin}", "zone Pacific/Apia", f"day {apia}", "zone right/UTC", "zone ../UTC"])
    assert answers[1] == "0 1 GMT"
    assert answers[3] == f"0 {int(datetime(2011, 12, 30, 10, tzinfo=timezone.utc).timestamp())}"
    assert answers[4:] == ["error", "error"]
