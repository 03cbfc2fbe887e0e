"""Everything on a Redis Cluster of three: a partition's keys lie together, nodes die, slots move between runs."""

import subprocess
import time

import pytest
import redis as redis_py
from chaos import faults
from chaos.parts import Redis, free_port, wait_until
from chaos.world import World

PARTITIONS = 12  # so that every node has some
NODES = 3


class Cluster:
    """Looks like one Redis to a World."""

    name = "cluster"

    def __init__(self, directory):
        self.nodes = []
        for number in range(NODES):
            port = free_port()
            options = {
                "cluster-enabled": "yes",
                "cluster-node-timeout": "2000",
                "cluster-require-full-coverage": "no",
                "cluster-port": free_port(),
            }
            self.nodes.append(Redis(f"node{number}", directory / f"node{number}", port, options).start())
        addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
        command = ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "0", "--cluster-yes"]
        subprocess.run(command, check=True, capture_output=True, text=True)
        wait_until(
            lambda: all(n.client().cluster("info")["cluster_state"] == "ok" for n in self.nodes), 30, "the cluster is up", 0.1
        )

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def client(self):
        nodes = [redis_py.cluster.ClusterNode("127.0.0.1", node.port) for node in self.nodes]
        return redis_py.RedisCluster(startup_nodes=nodes, decode_responses=True, require_full_coverage=False)

    def node_of(self, key):
        slot = self.nodes[0].client().cluster("keyslot", key)
        port = next(entry["primary"][1] for entry in self._slots() if entry["start"] <= slot <= entry["end"])
        return slot, next(node for node in self.nodes if node.port == port)

    def _slots(self):
        for start, end, primary, *_ in self.nodes[0].client().cluster("slots"):
            yield {"start": start, "end": end, "primary": primary}

    def _agree(self):
        """Every node has heard the same epoch and the same slots of every other."""
        heard = [
            {each["node_id"]: (each["epoch"], each["slots"]) for each in node.client().cluster("nodes").values()}
            for node in self.nodes
        ]
        return all(each == heard[0] for each in heard)

    def move_slot(self, slot, source, target):
        """By hand, as redis-cli --cluster reshard does it; returns when all nodes have heard of it.

        Among nodes that claim a slot the newest epoch wins, and a target takes one above those that it has heard of. A move that
        begins too early may get an epoch below the source's own: news that were under way then give the slot back to the source,
        which sends everybody to the target, which has dropped its keys. Nothing mends that.
        """
        ids = {node: node.client().cluster("myid") for node in (source, target)}
        target.client().cluster("setslot", slot, "IMPORTING", ids[source])
        source.client().cluster("setslot", slot, "MIGRATING", ids[target])
        moved = 0
        while keys := source.client().cluster("getkeysinslot", slot, 500):
            source.client().execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 20000, "KEYS", *keys)
            moved += len(keys)
        for node in (target, source, *self.nodes):
            node.client().cluster("setslot", slot, "NODE", ids[target])
        wait_until(self._agree, 30, f"the nodes agree on slot {slot}")
        return moved

    def alive(self):
        return all(node.alive() for node in self.nodes)

    def kill(self):
        for node in self.nodes:
            node.kill()

    def log_tail(self):
        return "\n".join(node.log_tail() for node in self.nodes)


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def world(tmp_path, kafka, cluster):
    topic = kafka.create_topic(partitions=PARTITIONS)
    settings = {"aggregator": {"redis.timeout_ms": 2000}}
    made = World(tmp_path, kafka, cluster, partitions=PARTITIONS, topic=topic, settings=settings)
    yield made
    for source in made.sources:
        source.stop()
    for daemon in made.collectors + made.aggregators:
        daemon.kill()


def is_on_the_board(cluster):
    """Said in the last seconds, of every partition, and counted to the end."""
    board = cluster.node_of("{daybook}:workers")[1].client().hgetall("{daybook}:workers")
    lines = [board.get(str(partition), "0 1 0").split() for partition in range(PARTITIONS)]
    return all(line[0] == line[1] and int(line[2]) > (time.time() - 10) * 1000 for line in lines)


@pytest.mark.timeout(300)
def test_counts_are_exact_on_a_cluster_whose_nodes_die_and_whose_slots_move(world, cluster):
    world.start()
    world.start_traffic(seed=3, rate=400)
    faults.wait_moving(world)
    used = {cluster.node_of(f"{{p{partition}}}:commit")[1].name for partition in range(PARTITIONS)}
    assert len(used) == NODES, f"partitions only on {used}"
    for node in cluster.nodes:
        faults.wait_uncommitted(world)
        node.kill()
        node.cut_tail(20_000)
        time.sleep(0.5)
        node.start()
        faults.wait_moving(world)

    for aggregator in world.aggregators:
        aggregator.stop()
    moved = 0
    for partition in range(0, PARTITIONS, 2):
        slot, source = cluster.node_of(f"{{p{partition}}}:commit")
        target = cluster.nodes[(cluster.nodes.index(source) + 1) % NODES]
        moved += cluster.move_slot(slot, source, target)
    assert moved > PARTITIONS, "no keys were moved"
    for aggregator in world.aggregators:
        aggregator.start()
    faults.wait_moving(world)
    world.stop_traffic()
    world.wait_settled()
    total, output = world.verify()
    print(f"{total} events\n{output}")
    wait_until(lambda: is_on_the_board(cluster), 30, "the workers say how far all partitions are, on the node of that key")
    world.stop()
