"""What Redis holds, read by a few lines of its own: no code is shared with the daemons.

The layout is that of lib/keys.h and lib/measure.h: a slot bucket {p3}:s:<generation>:<slot>:<client> maps
a shard to lines "route.user.platform 200:15,404:2 …"; symbols are resolved through {p3}:c:<generation>
and {p3}:r:<generation>:<client>.
"""

import collections
import re

_SLOT = re.compile(r"\{p(\d+)\}:s:(\d+)\.(\d+):(\d+):(\d+)")


class _Symbols:
    def __init__(self, client):
        self.redis = client
        self.known = {}

    def names(self, key):
        if key not in self.known:
            self.known[key] = {int(symbol): name for name, symbol in self.redis.hgetall(key).items()}
        return self.known[key]

    def client(self, partition, generation, symbol):
        return tuple(self.names(f"{{p{partition}}}:c:{generation}")[symbol].split("\x1f"))

    def route(self, partition, generation, client, symbol):
        key = f"{{p{partition}}}:r:{generation}:{client}"
        if key not in self.known:
            pairs = self.redis.hgetall(key).items()
            self.known[key] = {int(value): name[1:] for name, value in pairs if name.startswith("r")}
        return self.known[key][symbol]


def read(client):
    """Counter of (organization, client, "METHOD template", status, UTC day); `client` decodes responses."""
    counts = collections.Counter()
    symbols = _Symbols(client)
    keys = sorted(key for key in client.scan_iter("{p*}:s:*", count=5000) if _SLOT.fullmatch(key))
    for start in range(0, len(keys), 1000):
        part = keys[start : start + 1000]
        pipeline = client.pipeline(transaction=False)
        for key in part:
            pipeline.hgetall(key)
        for key, fields in zip(part, pipeline.execute()):
            _add(counts, symbols, _SLOT.fullmatch(key), fields)
    return counts


def _add(counts, symbols, match, fields):
    partition, day, revision, _slot, client = map(int, match.groups())
    generation = f"{day}.{revision}"
    organization, name = symbols.client(partition, generation, client)
    for line in (line for lines in fields.values() for line in lines.splitlines()):
        combination, statuses = line.split(" ")[:2]
        route = symbols.route(partition, generation, client, int(combination.split(".")[0]))
        for pair in statuses.split(","):
            status, _, count = pair.partition(":")  # a single request has just its status
            counts[organization, name, route, int(status), day] += int(count or 1)


def differences(wanted, found, limit=10):
    """Lines that say where two counters differ; none when they are equal."""
    lines = []
    for key in sorted(set(wanted) | set(found)):
        if wanted.get(key, 0) != found.get(key, 0):
            lines.append(f"{key}: sent {wanted.get(key, 0)}, counted {found.get(key, 0)}")
    more = len(lines) - limit
    return lines[:limit] + ([f"… and {more} more"] if more > 0 else [])


def meta(client, partitions):
    """Counter over all partitions of the numbers in {p}:meta."""
    total = collections.Counter()
    for partition in range(partitions):
        for name, value in client.hgetall(f"{{p{partition}}}:meta").items():
            if value.isdigit():
                total[name] += int(value)
    return total


def next_offsets(client, partitions):
    """Committed next offset by partition; 0 where there is no commit record."""
    return [int(client.hget(f"{{p{p}}}:commit", "next") or 0) for p in range(partitions)]
