"""The exactness run: traffic flows, faults strike, and in the end every count agrees to the last event.

    cd tests/system && python -m chaos.run --seed 7 [--faults 40] [--directory DIR] [--keep]

What decides is the test's own sum of all that it sent, compared with what Redis holds as this package reads it, with `daybook
recount`, which counts the topic again, and with the sheets of the days that were closed under all this: late events close some
days over and over. `daybook verify` must find nothing in the ledger, in Redis, in the archive and in the log. The same seed gives
the same faults in the same order; what they hit is a matter of timing, which is the point.
"""

import argparse
import collections
import dataclasses
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from . import closed, counts, faults
from .parts import Broker, Redis
from .traffic import Late
from .world import World, create_topic

PARTITIONS = 6
RATE = 600  # events per second and source; there are four
RECORDS = "daybook_aggregator_records_read_total"
LATE_DAYS = 4
REVISIONS_MIN = 12  # that the days with late events must have in all


@dataclasses.dataclass
class Row:
    """What one kind of fault brought about, over all its hits."""

    hits: int = 0
    missed: int = 0
    at_stake: int = 0
    claims: int = 0
    replayed: int = 0
    duplicates: int = 0
    bytes_cut: int = 0
    rolled_back: int = 0


class Monitor(threading.Thread):
    """Adds up how many records the aggregators read, over all their processes."""

    def __init__(self, aggregators):
        super().__init__(daemon=True)
        self.aggregators = aggregators
        self.by_process = {}
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(0.05):
            for aggregator in self.aggregators:
                start, metrics = aggregator.starts, aggregator.metrics()
                if metrics and start == aggregator.starts:
                    self.by_process[aggregator.name, start] = metrics.get(RECORDS, 0)

    def records(self):
        """At least: what a process read between the last look and its death is not in it."""
        return int(sum(dict(self.by_process).values()))


class Claims:
    """Counts claims in the aggregators' logs, reading each line once."""

    def __init__(self, aggregators):
        self.offsets = {aggregator.directory / "log": 0 for aggregator in aggregators}
        self.count = 0

    def get(self):
        for path, offset in self.offsets.items():
            with open(path, "rb") as log:
                log.seek(offset)
                text = log.read()
            end = text.rfind(b"\n") + 1
            self.count += text[:end].count(b" partition_claimed ")
            self.offsets[path] = offset + end
        return self.count


class Run:
    def __init__(self, seed, directory, n_faults=36, partitions=PARTITIONS):
        self.seed = seed
        self.random = random.Random(seed)
        self.n_faults = n_faults
        self.directory = Path(directory)
        # A short session, so that partitions move within seconds.
        self.broker = Broker("broker", self.directory / "broker", options={"group.min.session.timeout.ms": 1000})
        self.redis = Redis("redis", self.directory / "redis")
        self.broker.start()
        self.redis.start()
        create_topic(self.broker.address, partitions=partitions)
        self.archive = self.directory / "archive"
        aggregator = {
            "kafka.properties": "session.timeout.ms=3000;heartbeat.interval.ms=500",
            "closing.archive": self.archive,
            "closing.grace_s": 0,
            "closing.restate_after_s": 1,
            "closing.check_ms": 200,
        }
        settings = {"aggregator": aggregator}
        self.world = World(self.directory, self.broker, self.redis, partitions, settings=settings)
        self.monitor = Monitor(self.world.aggregators)
        self.claims = Claims(self.world.aggregators)
        self.rows = collections.defaultdict(Row)
        self.late = Late(tuple(range(closed.today() - 10 - LATE_DAYS, closed.today() - 10)))
        self.ledger = []

    def close(self):
        self.monitor.ending.set()
        for source in self.world.sources:
            source.stop()
        self.world.kill()

    # ---- the run ----

    def execute(self):
        self.world.start()
        self.monitor.start()
        self.world.start_traffic(self.seed, RATE, late=self.late)
        faults.wait_moving(self.world)
        for number, (kind, fault) in enumerate(faults.schedule(self.random, self.n_faults), 1):
            self.strike(number, kind, fault)
        for kind in [kind for kind, row in self.rows.items() if row.hits == 0]:
            self.retry(kind)
        self.world.stop_traffic()
        self.world.wait_settled()
        today = self.world.wait_closed()
        total, recount = self.world.verify()
        self.ledger, said = self.world.verify_closed(today, self.archive)
        print(said, flush=True)
        self.world.stop()
        return total, recount

    def retry(self, kind):
        """A point that was not reached in its time gets further chances."""
        fault = dict(faults.schedule(random.Random(0), 0))[kind]
        for number in range(3):
            if self.rows[kind].hits == 0:
                self.strike(f"retry {number + 1}", kind, fault)

    def strike(self, number, kind, fault):
        row = self.rows[kind]
        before = self.seen()
        begin = time.monotonic()
        try:
            hit = fault(self.world, self.random)
            row.hits += hit.at_stake > 0
            row.missed += hit.at_stake == 0
            row.at_stake += hit.at_stake
            row.bytes_cut += hit.bytes_cut
            row.rolled_back += hit.rolled_back
        except faults.Missed as miss:
            hit = miss
            row.missed += 1
        faults.wait_moving(self.world)
        self.check_alive()
        after = self.seen()
        row.claims += max(0, after["claims"] - before["claims"])
        row.replayed += max(0, after["replayed"] - before["replayed"])
        row.duplicates += max(0, after["duplicates"] - before["duplicates"])
        print(f"{number:>8}  {kind:<32} {time.monotonic() - begin:5.1f} s  {hit}", flush=True)
        time.sleep(self.random.random())

    def check_alive(self):
        self.world.check_traffic()
        for part in self.world.parts():
            assert part.alive(), f"{part.name} ended by itself with {part.process.returncode}:\n{part.log_tail()}"
            assert " partition_stopped " not in part.log_text(), f"{part.name} believes that something is damaged:\n{part.log_tail()}"

    def seen(self):
        claims = self.claims.get()
        ends = sum(self.world.ends.get() or [0])
        return {
            "claims": claims,
            # Every claim reads one record again only to compare its fingerprint.
            "replayed": self.monitor.records() - ends - claims,
            "duplicates": counts.meta(self.redis.client(), self.world.partitions)["duplicate_batches"],
        }

    # ---- the report ----

    def report(self):
        names = ["hits", "at_stake", "claims", "replayed", "duplicates", "bytes_cut", "rolled_back"]
        lines = [f"{'fault':<34}" + "".join(f"{name.replace('_', ' '):>13}" for name in names)]
        for kind, row in [*sorted(self.rows.items()), ("all", self.total())]:
            lines.append(f"{kind:<34}" + "".join(f"{getattr(row, name):>13}" for name in names))
        return "\n".join(lines)

    def total(self):
        names = [field.name for field in dataclasses.fields(Row)]
        return Row(**{name: sum(getattr(row, name) for row in self.rows.values()) for name in names})

    def revisions(self):
        """Last revision by day."""
        return dict(sorted((closed.date_of(entry.day), entry.revision) for entry in self.ledger))

    def sheets_again(self):
        """Sheets that were made and lost, or made by two, and made again."""
        return self.world.log_count(" sheet_made ") - len(self.ledger) * self.world.partitions

    def silent(self):
        """What stayed at 0 though it must not."""
        found = [f"{kind}: no hit" for kind, row in self.rows.items() if row.hits == 0]
        found += [f"{kind}: no bytes cut" for kind in faults.MUST_CUT if self.rows[kind].bytes_cut == 0]
        claimed = [
            kind for kind in self.rows if kind.startswith(("aggregator killed", "aggregator moved", "redis torn", "power"))
        ]
        found += [f"{kind}: no claim" for kind in claimed if self.rows[kind].claims == 0]
        total = self.total()
        found += [
            f"{name}: 0 in all"
            for name in ("claims", "replayed", "duplicates", "bytes_cut", "rolled_back")
            if getattr(total, name) == 0
        ]
        late = [self.revisions().get(closed.date_of(day), 0) for day in self.late.days]
        if min(late) < 2 or sum(late) < REVISIONS_MIN:
            found.append(f"days were closed too seldom: {self.revisions()}")
        if self.sheets_again() <= 0:
            found.append("no sheet was made again")
        return found


def run(seed, directory, n_faults=36):
    """Runs once; AssertionError when a count differs or a kind of fault did not strike."""
    print(f"seed {seed}, directory {directory}", flush=True)
    begin = time.monotonic()
    chaos = Run(seed, directory, n_faults)
    try:
        total, recount = chaos.execute()
        ignored = counts.meta(chaos.redis.client(), chaos.world.partitions)
    finally:
        print(chaos.report(), flush=True)
        chaos.close()
    repeated = sum(getattr(source, "repeated", 0) for source in chaos.world.sources)
    print(f"recount: {recount['sums']}")
    print(f"closed: {len(chaos.revisions())} days in {len(chaos.ledger)} revisions, {chaos.sheets_again()} sheets made again")
    print(f"revisions: {chaos.revisions()}")
    print(f"ignored: {ignored['seals_ignored']} seals and {ignored['ledger_ignored']} entries that were sent twice")
    print(
        f"exact: seed {seed}: {total} events sent and counted, {repeated} requests repeated, {chaos.total().hits} faults, "
        f"{time.monotonic() - begin:.0f} s",
        flush=True,
    )
    assert not chaos.silent(), chaos.silent()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--faults", type=int, default=36)
    parser.add_argument("--directory")
    parser.add_argument("--keep", action="store_true", help="leave the directory after success, too")
    options = parser.parse_args()
    directory = Path(options.directory or tempfile.mkdtemp(prefix="daybook-exactness-"))
    try:
        run(options.seed, directory, options.faults)
    except AssertionError as error:
        sys.exit(f"seed {options.seed} failed, see {directory}: {error}")
    if not options.keep:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
