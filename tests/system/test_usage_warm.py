"""What is asked first is in memory before anybody asks: an API that was just started brings it there, and answers the same as one that does not."""

import time

import live_fixture as fixture
from harness import wait_until
from test_usage_end_to_end import native

COMMANDS = "daybook_api_redis_commands_total"


def first_question(api):
    """What it counts, and the commands that it costs."""
    before = api.metrics().get(COMMANDS, 0)
    answer = api.usage()
    return answer["usage"]["totalRequests"], api.metrics()[COMMANDS] - before


def test_the_first_question_reads_little(kafka, redis, daybook):
    topic = kafka.create_topic(partitions=4)
    collector, _ = daybook.collector(topic=topic), daybook.aggregator(topic=topic)
    now = int(time.time() * 1000)
    events = [event._replace(revision=1) for event in fixture.random_events(41, now, n=4000)]
    events = [event for event in events if now - 47 * fixture.HOUR < event.time <= now]
    for at in range(0, len(events), 250):
        status, answer = collector.post([native(event) for event in events[at : at + 250]])
        assert status == 202 and answer["rejected"] == [], answer
    counting = daybook.api(settings={"cache.warm": "false"})

    def counted():
        status, answer = counting.ask("/v1/developer/usage", timeframe="7d", granularity="day")
        return status == 200 and answer["usage"]["totalRequests"] == len(events)

    wait_until(counted, 30, "everything is counted")
    began = time.time() * 1000
    cold, warm = daybook.api(settings={"cache.warm": "false"}), daybook.api()
    wait_until(lambda: warm.metrics().get('daybook_api_warm_rounds_total{outcome="done"}'), 60, "it is warm")
    assert warm.metric("daybook_api_warm_percent") == 100
    assert warm.metrics().get(COMMANDS, 0) == 0 and warm.metric("daybook_api_warm_commands_total") > 0
    assert cold.metric("daybook_api_warm_percent") == 0
    (cold_requests, cold_cost), (warm_requests, warm_cost) = first_question(cold), first_question(warm)
    if time.time() * 1000 // fixture.SLOT == began // fixture.SLOT:  # else the window is another
        assert warm_cost < cold_cost / 2, (warm_cost, cold_cost)
        assert warm_requests == cold_requests > 0
