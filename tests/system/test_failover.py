"""Redis fails over to a replica that has not seen everything, in mid-run: every count is exact all the same.

Replication is asynchronous, so what was acknowledged can vanish. A stale replica is made by cutting its link for a while.
"""

import random
import signal
import time

import pytest
from chaos import faults
from chaos.parts import Part, Redis, free_port, wait_until
from chaos.world import World

RATE = 500
# A session of a worker may be short here: partitions that move do so within seconds.
SETTINGS = {"aggregator": {"kafka.properties": "session.timeout.ms=3000;heartbeat.interval.ms=500", "redis.timeout_ms": 2000}}


class Pair:
    """Two servers, one of them the master; looks like one Redis to a World."""

    def __init__(self, directory):
        self.servers = [Redis(f"redis{i}", directory / f"redis{i}") for i in range(2)]
        for server in self.servers:
            server.start()
        self.master, self.replica = self.servers
        self.follow()

    def follow(self):
        """The replica copies the master, and has caught up."""
        self.replica.client().replicaof("127.0.0.1", self.master.port)
        wait_until(
            lambda: self.replica.client().info("replication")["master_link_status"] == "up", 30, "the replica is connected"
        )

    def cut_link(self):
        """The replica goes on with what it has; it is still a replica, of nobody."""
        self.replica.client().replicaof("127.0.0.1", free_port())

    def promote(self):
        self.replica.client().replicaof("NO", "ONE")
        self.master, self.replica = self.replica, self.master

    @property
    def url(self):
        return "redis://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def client(self):
        return self.master.client()

    name = "redis"

    def alive(self):
        return self.master.alive()

    def kill(self):
        for server in self.servers:
            server.kill()

    def log_tail(self):
        return self.master.log_tail()


def writes(pair):
    """Where the master's replication stream is."""
    return pair.master.client().info("replication")["master_repl_offset"]


def lose_some(pair, world):
    """Cuts the link and waits until the master has written much that the replica will not see."""
    pair.cut_link()
    before = writes(pair)
    wait_until(lambda: writes(pair) - before > 200_000, 30, "the master writes on")
    faults.wait_uncommitted(world)


@pytest.fixture
def pair(tmp_path):
    made = Pair(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def world(request, tmp_path, kafka, pair):
    made = World(tmp_path, kafka, pair, partitions=4, topic=kafka.create_topic(partitions=4), settings=SETTINGS)
    made.start()
    made.start_traffic(seed=1, rate=RATE)
    faults.wait_moving(made)
    yield made
    for source in made.sources:
        source.stop()
    for daemon in made.collectors + made.aggregators:
        daemon.kill()


def finish(world):
    world.stop_traffic()
    world.wait_settled()
    total, output = world.verify()
    print(f"{total} events\n{output}")
    world.stop()


@pytest.mark.timeout(300)
def test_a_stale_replica_is_promoted_after_the_master_died(world, pair):
    for _ in range(3):
        lose_some(pair, world)
        before = world.committed()
        pair.master.kill()
        pair.promote()
        assert world.committed() < before, "the replica was not stale"
        faults.wait_moving(world)
        pair.replica.start()
        pair.follow()
    finish(world)


@pytest.mark.timeout(300)
def test_the_server_goes_back_behind_a_living_connection(world, pair):
    """REPLICAOF a stale peer and back, while the workers are frozen: no connection breaks, nothing is refused, only master_replid tells."""
    for _ in range(3):
        lose_some(pair, world)
        for aggregator in world.aggregators:
            aggregator.signal(signal.SIGSTOP)
        before, server = world.committed(), pair.master.client()
        try:
            connections = client_ids(server)
            pair.replica.client().replicaof("NO", "ONE")
            server.replicaof("127.0.0.1", pair.replica.port)
            wait_until(lambda: server.info("replication").get("master_link_status") == "up", 30, "it copied the stale one")
            server.replicaof("NO", "ONE")
            assert world.committed() < before, "the replica was not stale"
            assert connections <= {entry["id"] for entry in server.client_list()}, "a connection broke"
        finally:
            for aggregator in world.aggregators:
                aggregator.signal(signal.SIGCONT)
        faults.wait_moving(world)
        pair.follow()
    refused = sum(worker.metrics().get('daybook_aggregator_failures_total{reason="fenced"}', 0) for worker in world.aggregators)
    assert refused >= 3, "the change of history was not noticed by the fence"
    finish(world)


def client_ids(server):
    """The workers' connections: those that ran a script last."""
    return {entry["id"] for entry in server.client_list() if entry["cmd"].startswith("evalsha")}


class Sentinel(Part):
    def __init__(self, directory, master_port):
        super().__init__("sentinel", directory)
        self.port = free_port()
        config = (
            f"port {self.port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor daybook 127.0.0.1 {master_port} 1\n"
            "sentinel down-after-milliseconds daybook 1000\nsentinel failover-timeout daybook 5000\n"
        )
        (self.directory / "sentinel.conf").write_text(config)

    def argv(self):
        return ["redis-sentinel", str(self.directory / "sentinel.conf")]

    def client(self):
        import redis

        return redis.Redis(port=self.port, decode_responses=True)

    def master_port(self):
        return int(self.client().execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "daybook")[1])

    def ready(self):
        try:
            return self.client().ping()
        except Exception:  # not up yet
            return False


@pytest.mark.timeout(300)
def test_sentinel_promotes(tmp_path, kafka, pair):
    sentinel = Sentinel(tmp_path / "sentinel", pair.master.port).start()
    try:
        wait_until(
            lambda: sentinel.client().execute_command("SENTINEL", "REPLICAS", "daybook"), 30, "the Sentinel knows the replica"
        )
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/daybook"
        topic = kafka.create_topic(partitions=4)
        world = World(tmp_path, kafka, pair, partitions=4, topic=topic, redis_url=url, settings=SETTINGS)
        world.start()
        world.start_traffic(seed=2, rate=RATE)
        faults.wait_moving(world)
        for _ in range(2):
            time.sleep(random.uniform(0.5, 1.5))
            dead = pair.master
            dead.kill()
            wait_until(lambda: sentinel.master_port() != dead.port, 60, "the Sentinel has promoted the replica", 0.1)
            pair.master, pair.replica = pair.replica, pair.master
            faults.wait_moving(world)
            dead.start()
            wait_until(lambda: _is_replica(dead), 60, "the old master follows the new one", 0.1)
        finish(world)
    finally:
        sentinel.kill()


def _is_replica(server):
    info = server.client().info("replication")
    return info["role"] == "slave" and info["master_link_status"] == "up"
