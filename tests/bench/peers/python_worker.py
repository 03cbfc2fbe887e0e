"""The peer: what one would write in Python in an afternoon, done well.

confluent-kafka reads single events (rows.proto's SingleEvent), redis-py with hiredis sends HINCRBY in pipelines of 1,000. --counts says
what it keeps of an event:
  one   a count by client, 15-minute slot, route and status: one HINCRBY
  four  per client and minute the requests by status; per client, slot and combination of route, user and platform the requests by
        status, the latency sum and the bytes
  same  the sums that the aggregator keeps: for the minute and for the slot requests by status, latency, request and response
        bytes: eight
It is not transactional, deduplicates nothing and keeps no maximum, histogram, sorted sets or caps; nothing of that is held against it.

Prints one line of JSON: events and HINCRBY per second, from the first message to the last answer of Redis.
"""

import argparse
import json
import resource
import sys
import time

import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

PIPELINE = 1000
MINUTE_MS = 60_000
SLOT_MS = 15 * MINUTE_MS


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--redis-port", type=int, required=True)
    parser.add_argument("--proto", required=True, help="directory of the generated rows_pb2.py")
    parser.add_argument("--events", type=int, required=True, help="stop after so many")
    parser.add_argument("--counts", choices=COUNTS, default="four")
    return parser.parse_args()


def slot_of(event):
    key = f"s:{event.client}:{event.time_ms // SLOT_MS}"
    return key, f"{event.method} {event.route}|{event.user}|{event.platform}|"


def count_one(pipeline, event):
    pipeline.hincrby(f"s:{event.client}:{event.time_ms // SLOT_MS}", f"{event.method} {event.route}|{event.status}", 1)
    return 1


def count_four(pipeline, event):
    status = str(event.status)
    key, field = slot_of(event)
    pipeline.hincrby(f"m:{event.client}:{event.time_ms // MINUTE_MS}", status, 1)
    pipeline.hincrby(key, field + status, 1)
    pipeline.hincrby(key, field + "latency", event.latency_us)
    pipeline.hincrby(key, field + "bytes", event.request_bytes + event.response_bytes)
    return 4


def count_same(pipeline, event):
    status = str(event.status)
    for key, field in ((f"m:{event.client}:{event.time_ms // MINUTE_MS}", ""), slot_of(event)):
        pipeline.hincrby(key, field + status, 1)
        pipeline.hincrby(key, field + "latency", event.latency_us)
        pipeline.hincrby(key, field + "request_bytes", event.request_bytes)
        pipeline.hincrby(key, field + "response_bytes", event.response_bytes)
    return 8


COUNTS = {"one": count_one, "four": count_four, "same": count_same}


def messages(consumer, partitions):
    """Every message up to the end of all partitions."""
    left = partitions
    while left:
        for message in consumer.consume(num_messages=1000, timeout=0.1):
            error = message.error()
            if error is None:
                yield message.value()
            elif error.code() == KafkaError._PARTITION_EOF:
                left -= 1
            else:
                raise SystemExit(f"python_worker: {error}")


def main():
    options = arguments()
    sys.path.insert(0, options.proto)
    import rows_pb2  # generated: its directory is an argument

    decode = rows_pb2.SingleEvent.FromString
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": "python-worker",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "queued.min.messages": 1000000,
        }
    )
    consumer.assign([TopicPartition(options.topic, p, OFFSET_BEGINNING) for p in range(options.partitions)])
    pipeline = redis.Redis(port=options.redis_port).pipeline(transaction=False)
    count = COUNTS[options.counts]
    events = increments = pending = 0
    start = None
    for value in messages(consumer, options.partitions):
        if start is None:
            start, cpu = time.monotonic(), time.process_time()
        pending += count(pipeline, decode(value))
        events += 1
        if pending >= PIPELINE:
            pipeline.execute()
            increments += pending
            pending = 0
        if events >= options.events:
            break
    if pending:
        pipeline.execute()
        increments += pending
    seconds = time.monotonic() - start
    print(
        json.dumps(
            {
                "events": events,
                "increments": increments,
                "seconds": round(seconds, 3),
                "cpu_seconds": round(time.process_time() - cpu, 3),
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )
    consumer.close()


if __name__ == "__main__":
    main()
