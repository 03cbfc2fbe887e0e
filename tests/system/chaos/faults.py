"""Faults, each of which lands while something is at stake: batches that are not acknowledged, or records that are not committed.

A fault is a function of (world, random): it does the damage, mends it and returns what it must tell (Hit). Named points come from
the programs' source: every crashpoint("name"), and crash_here(…, "name"), is one kind of fault, so that a new point is tested
from the day it is written.
"""

import contextlib
import dataclasses
import re
import signal
import time

from . import counts
from .parts import ROOT, wait_until


@dataclasses.dataclass
class Hit:
    """What a fault did."""

    at_stake: int  # batches not acknowledged by Kafka, or records not committed in Redis, when it struck
    bytes_cut: int = 0
    rolled_back: int = 0  # committed records that Redis lost


class Missed(Exception):
    """The moment for the fault did not come."""


def named_points(program, pattern="*.c", but="import"):
    """Crash points of a program, from its source."""
    found = set()
    for path in sorted((ROOT / program).glob(pattern)):
        if path.name.startswith(but):
            continue
        found.update(re.findall(r'(?:crashpoint|crash_here)\((?:\w+, )?"([^"]+)"\)', path.read_text()))
    return sorted(found)


# ---- what is at stake ----


def wait_uncommitted(world, timeout_s=20):
    return wait_until(lambda: world.lag(), timeout_s, "records in the log that are not committed", 0.005)


def wait_unacknowledged(collector, timeout_s=20):
    name = "daybook_collector_journal_unacknowledged_batches"
    return wait_until(
        lambda: int(collector.metric(name)), timeout_s, f"batches of {collector.name} that are not acknowledged", 0.005
    )


def wait_moving(world, timeout_s=60):
    """All that is in the log now is committed: everybody works again."""

    def is_done():
        try:
            done = counts.next_offsets(world.redis.client(), world.partitions)
        except Exception:  # a dead or loading Redis
            return False
        return all(have >= want for have, want in zip(done, ends))

    ends = wait_until(world.ends.get, timeout_s, "the broker answers")
    wait_until(is_done, timeout_s, f"the log up to {ends} is committed; {world.state()}", 0.05)


# ---- collector ----


def collector_killed(world, random):
    """kill -9 while the broker holds its breath: what was sent is appended afterwards, and sent again by the next run."""
    collector = random.choice(world.collectors)
    world.broker.signal(signal.SIGSTOP)
    try:
        at_stake = wait_unacknowledged(collector)
        time.sleep(random.random() * 0.3)
        collector.kill()
    finally:
        world.broker.signal(signal.SIGCONT)
    time.sleep(random.random() * 0.5)
    collector.start()
    return Hit(at_stake)


def collector_killed_while_broker_is_down(world, random):
    """Both die; the journal grows without a broker, over a further kill."""
    collector = random.choice(world.collectors)
    world.broker.kill()
    at_stake = wait_unacknowledged(collector)
    collector.kill()
    collector.start(wait_s=0)
    time.sleep(random.uniform(0.5, 1.5))
    collector.kill()
    collector.start(wait_s=0)
    world.broker.start()
    collector.wait_ready()
    return Hit(at_stake)


def at_collector_point(name):
    def fault(world, random):
        collector = random.choice(world.collectors)
        collector.kill()
        help_along = HELP.get(name, nothing)
        with help_along(world, collector):
            return run_to_point(world, collector, name, random)

    return fault


@contextlib.contextmanager
def nothing(_world, _collector):
    yield


@contextlib.contextmanager
def a_segment_fills(world, collector):
    """So much traffic that the journal needs a new segment within seconds."""
    burst = world.bursts[collector.name]
    burst.go()
    try:
        yield
    finally:
        burst.rest()


@contextlib.contextmanager
def the_producer_fails(world, _collector):
    """The topic takes only tiny messages for a while: for the producer that is fatal."""
    world.set_topic("max.message.bytes", "100")
    try:
        yield
    finally:
        world.set_topic("max.message.bytes", "1048588")


# What brings a collector to a rare point.
HELP = {
    "journal.deleting": a_segment_fills,
    "journal.unlinked": a_segment_fills,
    "shipper.restarted": the_producer_fails,
}
# Points that are passed once in a while: the first time must do.
RARE = {*HELP, "journal.segment_written", "journal.segment_renamed", "claim.taken"}
# Points of the thread that closes days. They are passed a few times when late events made a day due.
CLOSER = ("seal.", "ledger.")


# ---- import ----


def import_killed(world, random):
    """kill -9 of `daybook import` at some moment, twice; then the same file again, and once more than needed."""
    path, events = world.write_import(random)
    for _ in range(2):
        process = world.start_import(path)
        time.sleep(random.uniform(0.02, 0.4))
        process.kill()
        process.wait()
    at_stake = wait_uncommitted(world)
    world.finish_import(path, events)
    return Hit(at_stake)


def at_import_point(name):
    def fault(world, random):
        path, events = world.write_import(random)
        process = world.start_import(path, f"{name}:{random.choice((1, 1, 2, 4))}")
        code = process.wait(60)
        at_stake = world.lag() or 0
        world.finish_import(path, events)
        assert code in (0, -signal.SIGKILL), f"daybook import ended with {code}"
        if code == 0:
            raise Missed(f"daybook import did not reach {name}")
        return Hit(at_stake)

    return fault


# ---- aggregator ----


def aggregator_killed(world, random):
    """kill -9 and back at once: static membership gives it the same partitions."""
    aggregator = random.choice(world.aggregators)
    at_stake = wait_uncommitted(world)
    aggregator.kill()
    time.sleep(random.random() * 0.5)
    aggregator.start(wait_s=0)
    return Hit(at_stake)


def aggregator_moved(world, random):
    """kill -9, and away until the other one has taken its partitions over."""
    aggregator = random.choice(world.aggregators)
    at_stake = wait_uncommitted(world)
    aggregator.kill()
    wait_moving(world)
    aggregator.start(wait_s=0)
    return Hit(at_stake)


def aggregator_frozen(world, random):
    """A zombie: stopped until the other one has its partitions, then awake again with its commands half sent."""
    aggregator = random.choice(world.aggregators)
    at_stake = wait_uncommitted(world)
    aggregator.signal(signal.SIGSTOP)
    try:
        wait_moving(world)
    finally:
        aggregator.signal(signal.SIGCONT)
    return Hit(at_stake)


def both_aggregators_killed(world, random):
    at_stake = wait_uncommitted(world)
    for aggregator in world.aggregators:
        aggregator.kill()
    time.sleep(random.random())
    for aggregator in world.aggregators:
        aggregator.start(wait_s=0)
    return Hit(at_stake)


def closer(world):
    """The aggregator that closes days: the owner of partition 0."""

    def find():
        return next((each for each in world.aggregators if each.metric("daybook_aggregator_closer") == 1), None)

    return wait_until(find, 20, "somebody closes days")


def at_aggregator_point(name):
    def fault(world, random):
        aggregator = closer(world) if name.startswith(CLOSER) else random.choice(world.aggregators)
        aggregator.kill()
        return run_to_point(world, aggregator, name, random)

    return fault


# ---- Redis ----


def tear(world, random):
    """Tears bytes off the dead Redis' file: any number, but each second time enough to take commits with it; how many went."""
    world.tears += 1
    exponent = random.uniform(5.5, 6.2) if world.tears % 2 == 0 else random.uniform(0.5, 6)
    return world.redis.cut_tail(int(10**exponent))


def redis_torn(world, random):
    """kill -9, the tail of its file torn off, started; killed and started once more, as 7.0.15's half transactions need."""
    at_stake = wait_uncommitted(world)
    before = world.committed()
    world.redis.kill()
    cut = tear(world, random)
    world.redis.start()
    after = world.committed()
    time.sleep(random.uniform(0.1, 1.5))
    world.redis.kill()
    if random.random() < 0.5:
        cut += world.redis.cut_tail(int(10 ** random.uniform(0.5, 4)))
    world.redis.start()
    return Hit(at_stake, bytes_cut=cut, rolled_back=max(0, before - after))


def redis_killed_with_aggregator(world, random):
    """Redis loses its tail while a worker is dead; the claim meets a Redis that has just been rolled back."""
    aggregator = random.choice(world.aggregators)
    at_stake = wait_uncommitted(world)
    before = world.committed()
    aggregator.kill()
    world.redis.kill()
    cut = tear(world, random)
    aggregator.start(wait_s=0)
    time.sleep(random.random())
    world.redis.start()
    after = world.committed()
    return Hit(at_stake, bytes_cut=cut, rolled_back=max(0, before - after))


def redis_frozen(world, random):
    """Answers come late, but they come."""
    at_stake = wait_uncommitted(world)
    world.redis.signal(signal.SIGSTOP)
    time.sleep(random.uniform(0.5, 2))
    world.redis.signal(signal.SIGCONT)
    return Hit(at_stake)


# ---- broker ----


def broker_killed(world, random):
    """kill -9 with produce requests in its buffers."""
    world.broker.signal(signal.SIGSTOP)
    at_stake = wait_unacknowledged(random.choice(world.collectors))
    world.broker.kill()
    world.broker.start()
    return Hit(at_stake)


# ---- everything ----


def power_lost(world, random):
    """All processes at once, and the tail of Redis' file."""
    at_stake = wait_uncommitted(world)
    before = world.committed()
    parts = world.parts()
    random.shuffle(parts)
    for part in parts:
        part.kill()
    cut = tear(world, random)
    world.redis.start()
    after = world.committed()
    for daemon in world.collectors + world.aggregators:
        daemon.start(wait_s=0)
    world.broker.start()
    return Hit(at_stake, bytes_cut=cut, rolled_back=max(0, before - after))


def run_to_point(world, daemon, name, random):
    """Starts a daemon that dies at a named point, and starts it again without one."""
    nth = 1 if name in RARE else random.choice((1, 1, 2) if name.startswith(CLOSER) else (1, 1, 2, 3, 5, 8))
    daemon.start(wait_s=0, env={"DAYBOOK_CRASH_AT": f"{name}:{nth}"})
    try:
        wait_until(lambda: not daemon.alive(), 20, f"{daemon.name} reaches {name}:{nth}\n{daemon.log_tail()}")
    except AssertionError as error:
        daemon.kill()
        daemon.start(wait_s=0)
        raise Missed(str(error)) from None
    assert daemon.process.returncode == -signal.SIGKILL, f"{daemon.name} ended with {daemon.process.returncode} at {name}"
    at_stake = world.lag() or 0
    daemon.start(wait_s=0)
    return Hit(at_stake)


RANDOM_FAULTS = {
    "collector killed": collector_killed,
    "collector killed, broker down": collector_killed_while_broker_is_down,
    "import killed": import_killed,
    "aggregator killed": aggregator_killed,
    "aggregator moved": aggregator_moved,
    "aggregator frozen": aggregator_frozen,
    "both aggregators killed": both_aggregators_killed,
    "redis torn": redis_torn,
    "redis torn, worker dead": redis_killed_with_aggregator,
    "redis frozen": redis_frozen,
    "broker killed": broker_killed,
    "power lost": power_lost,
}
# What a kind of fault must have brought about at least once in a run, besides having hit.
MUST_CUT = {"redis torn", "redis torn, worker dead", "power lost"}


def schedule(random, wanted):
    """(kind, fault) in random order: every named point once, every random kind at least twice, `wanted` in all at least."""
    points = [(f"collector @{name}", at_collector_point(name)) for name in named_points("collector")]
    points += [(f"import @{name}", at_import_point(name)) for name in named_points("collector", "import*.c", but="-")]
    points += [(f"aggregator @{name}", at_aggregator_point(name)) for name in named_points("aggregator") + named_points("lib")]
    kinds = list(RANDOM_FAULTS.items())
    chosen = points + kinds + kinds
    while len(chosen) < wanted:
        chosen.append(random.choice(kinds))
    random.shuffle(chosen)
    return chosen
