"""`daybook erase`: a pseudonym in place of a user in every closed day, totals as before, and what named the user is gone."""

import pytest

from closed_days import ClosedDays, day_before
from harness import run_program


@pytest.fixture
def closed(kafka, redis, topic, daybook, tmp_path):
    return ClosedDays(kafka, redis, topic, daybook, tmp_path)


def revisions(closed):
    return [(row["day"], row["revision"], row["reason"], row["events"]) for row in closed.days()["entities"]]


def pseudonyms(redis):
    return {redis.client().hget(key, "ann").split(" ")[1] for key in redis.client().scan_iter("{p*}:erasures")}


def test_erased_everywhere(closed, redis, tmp_path):
    first, second, third = day_before(4), day_before(3), day_before(2)
    for day in first, second:
        for client in range(4):
            closed.post(day, 3, client=f"c-{client}", user="ann" if day == first else "bob")
    closed.post(first, 2, client="c-1", user="bob")
    for day in first, second:
        closed.close(day)
    closed.post(third, 5, client="ann", user="ann")  # not closed yet; a client of that name stays
    said = closed.run("erase", "--user", "ann")
    assert f"Restated: {first}\n" in said
    (pseudonym,) = pseudonyms(redis)
    assert pseudonym in said
    assert revisions(closed) == [
        (str(first), 1, "requested", 14),
        (str(first), 2, "erasure", 14),
        (str(second), 1, "requested", 12),
    ]
    proof = closed.run("verify", "--from-kafka")
    assert "12 sheets made anew" in proof, proof
    closed.close(third)
    again = closed.run("erase", "--user", "ann")
    assert "was erased before" in again and "No closed day names the user" in again and pseudonym not in again
    assert "are the same" in closed.run("verify", "--from-kafka")
    assert "no difference" in closed.run("recount")
    # What the sheets hold, as another program reads it.
    invoice = tmp_path / "invoice.csv"
    invoice.write_text("client,requests\nann,5\n")
    said = closed.run("reconcile", invoice, "--month", f"{third:%Y-%m}", "--csv", code=1)
    assert "ann," not in said


def test_killed_between_partitions(closed, redis, kafka, topic):
    """A repeat goes on where the first run was: the same pseudonym, and what was not restated is."""
    day = day_before(2)
    for client in range(6):
        closed.post(day, 2, client=f"c-{client}", user="ann")
    closed.close(day)
    closed.aggregator.kill()
    waited = closed.run("erase", "--user", "ann", "--timeout", "1", code=1)
    assert "the erasure to be taken in 4 partitions" in waited and "give the command again" in waited
    closed.aggregator.start()
    said = closed.run("erase", "--user", "ann")
    assert f"Restated: {day}" in said
    assert len(pseudonyms(redis)) == 1
    assert revisions(closed)[-1] == (str(day), 2, "erasure", 12)
    assert "are the same" in closed.run("verify", "--from-kafka")


def test_late_events_of_an_erased_user(closed):
    day = day_before(2)
    closed.post(day, 2, client="c-1", user="ann")
    closed.close(day)
    closed.run("erase", "--user", "ann")
    closed.post(day, 3, client="c-1", user="ann")
    closed.close(day)
    assert revisions(closed) == [(str(day), 1, "requested", 2), (str(day), 2, "erasure", 2), (str(day), 3, "requested", 5)]
    assert "No closed day names the user" in closed.run("erase", "--user", "ann")
    assert "are the same" in closed.run("verify", "--from-kafka")


def test_wrong_usage(closed):
    closed.post(day_before(2), 1)
    assert "which user?" in closed.run("erase", code=2)
    assert "1 to 256 bytes" in closed.run("erase", "--user", "", code=2)
    assert "1 to 256 bytes" in closed.run("erase", "--user", "x" * 257, code=2)
    assert "--timeout" in closed.run("erase", "--user", "x", "--timeout", "0", code=2)
    done = run_program("daybook", "erase", "--user", "x", env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 2 and "KAFKA_BROKERS" in done.stderr
