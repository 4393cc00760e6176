"""Many agents, sick agents, many jobs in flight; a scheduler that starts among them.

Agents are emulated: they cost what their end of a connection costs, and nothing else.
"""

import glob
import os
import re
import socket
import statistics
import time

from .crowd import Crowd
from .lanes import median, ratio, take_turns
from .process import Process
from .stage import Stage

OURS = ("--features", '"journal","lists"')  # as our own agents
ALL_S = 60  # limit of what takes as long as it takes
SICK_EVERY = 10
SICK_AGENTS, SICK_RATE = 1000, 1000.0  # calls a second
JOB_AGENTS = 100
PREFETCH = 20000  # ten times as many jobs may be with agents without a journal


def names():
    return ["restart-10k", "fleet-10k", "fleet-sick", "inflight-100k"]


def run(report, cases, world):
    functions = {
        "restart-10k": restart, "fleet-10k": fleet, "fleet-sick": sick, "inflight-100k": in_flight,
    }  # fmt: skip
    for name in cases:
        with world.folder() as (folder, exits):
            functions[name](report, name, Stage(world.build, folder, exits), world)


def wait_for(what, condition, timeout=ALL_S):
    """Returns: seconds"""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > timeout:
            raise TimeoutError("%s: not within %d s" % (what, timeout))
        time.sleep(0.005)
    return time.monotonic() - begin


# --- a scheduler starts ------------------------------------------------------------------------------


class ZooKeeper(Process):
    def __init__(self):
        super().__init__("zookeeper", find_zookeeper())
        host, port = os.environ["ELVES_TEST_ZOOKEEPER"].split(":")
        self.address = host, int(port)

    def requests(self):
        with socket.create_connection(self.address, 5) as connection:
            connection.sendall(b"srvr")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        return int(re.search(rb"Received: (\d+)", answer).group(1))


def find_zookeeper():
    folder = os.environ["ELVES_TEST_SERVICES_DIR"].encode()
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue  # it has just ended
        if words[0].endswith(b"java") and any(folder in word for word in words):
            return int(path.split("/")[2])
    raise RuntimeError("no ZooKeeper of ours")


def start_until_complete(stage, count, instance):
    """A scheduler, and the seconds from its start until it knows all agents."""
    scheduler = stage.start_scheduler(instance=instance)
    complete = re.compile(r"table of agents is complete agents=%d\b" % count)
    wait_for("the table of agents", lambda: complete.search(scheduler.log_text()))
    return scheduler, time.monotonic() - scheduler.started


def measure_start(stage, count, number, zookeeper):
    cpu, requests = zookeeper.cpu_us(), zookeeper.requests()
    scheduler, seconds = start_until_complete(stage, count, "scheduler-%d" % number)
    result = {
        "seconds": seconds,
        "scheduler_cpu": scheduler.cpu_us() / 1e6,
        "zookeeper_cpu": (zookeeper.cpu_us() - cpu) / 1e6,
        "requests": zookeeper.requests() - requests,
        "rss_kb": scheduler.rss_kb(),
    }
    scheduler.close()
    return result


def restart(report, name, stage, world):
    count = world.scaled(10000)
    crowd = Crowd(stage, count, *OURS)
    zookeeper = ZooKeeper()
    numbers = iter(range(1000))
    results = take_turns(
        {
            "read": crowd.read,
            "start": lambda: measure_start(stage, count, next(numbers), zookeeper),
        },
        world.rounds,
    )
    starts, reads = results["start"], results["read"]
    report.add(name, "bare read", median(reads, "seconds"), "s")
    report.add(
        name, "table complete", median(starts, "seconds"), "s", "bare read", ratio(starts, reads, "seconds")
    )
    report.add(name, "scheduler cpu", median(starts, "scheduler_cpu"), "s")
    report.add(name, "zookeeper cpu", median(starts, "zookeeper_cpu"), "s")
    report.add(name, "zookeeper requests", median(starts, "requests"), "")
    report.add(name, "memory per agent", memory_per_agent(stage, world, starts, count), "B")
    add_renewal(report, name, stage, crowd, zookeeper)


def memory_per_agent(stage, world, starts, count):
    with world.folder() as (folder, exits):
        empty, _ = start_until_complete(Stage(world.build, folder, exits), 0, "scheduler")
        return (median(starts, "rss_kb") - empty.rss_kb()) * 1024 / count


def add_renewal(report, name, stage, crowd, zookeeper):
    """All agents lose their session and register again, while a scheduler looks on."""
    scheduler, _ = start_until_complete(stage, crowd.count, "scheduler-renew")
    before, cpu, begin = zookeeper.requests(), scheduler.cpu_us(), time.monotonic()
    crowd.ask("renew")
    quiet = wait_until_quiet(scheduler, zookeeper)
    report.add(name, "all register again", quiet - begin, "s")
    report.add(name, "again: scheduler cpu", (scheduler.cpu_us() - cpu) / 1e6, "s")
    report.add(name, "again: zookeeper requests", zookeeper.requests() - before, "")


def wait_until_quiet(scheduler, zookeeper, still=0.3):
    """Returns: when the scheduler last did something."""
    last, since = scheduler.cpu_us(), time.monotonic()
    while time.monotonic() - since < still:
        time.sleep(0.02)
        now = scheduler.cpu_us()
        if now - last > 2000:
            last, since = now, time.monotonic()
    return since


# --- calls to all of them ----------------------------------------------------------------------------


def fleet(report, name, stage, world):
    count = world.scaled(10000)
    crowd = Crowd(stage, count, *OURS)
    scheduler = stage.start_scheduler({"mq.prefetch": min(count, 65535)})
    everybody = ["--crowd", str(count)]
    add_noop(report, name, "no-op to all, cold", stage, count, everybody)
    add_noop(report, name, "no-op to all", stage, count, everybody)
    add_noop(report, name, "async no-op to all", stage, count, everybody + ["--async"])
    asked = crowd.total("agents_asked")
    report.add(name, "agents asked", asked, "")
    lanes = {
        "one": lambda: stage.rpc(256, world.seconds, "--agent", "127.32.0.1"),
        "all": lambda: stage.rpc(256, world.seconds, *everybody),
    }
    results = take_turns(lanes, world.rounds)
    one, everyone = results["one"], results["all"]
    report.add(name, "flood to one", median(one, "per_s"), "1/s")
    report.add(name, "flood to all", median(everyone, "per_s"), "1/s", "one agent", ratio(everyone, one, "per_s"))
    report.add(name, "to one: scheduler cpu", median(one, "scheduler_cpu_us"), "us")
    report.add(name, "to all: scheduler cpu", median(everyone, "scheduler_cpu_us"), "us")
    report.add(name, "memory", scheduler.rss_kb() * 1024, "B")


def add_noop(report, name, metric, stage, count, flags):
    calls = ["-n", str(count)]
    echo = stage.echo(count, ALL_S, *calls)
    result = stage.rpc(count, ALL_S, *calls, *flags)
    report.add(name, metric, result["seconds"], "s", "amqp-echo", result["seconds"] / echo["seconds"])
    report.add(name, metric + ": scheduler cpu", result["scheduler_cpu_us"], "us")
    report.add(name, metric + ": failed", result["bad"] + result["lost"], "")


# --- sick agents -------------------------------------------------------------------------------------


def sick(report, name, stage, world):
    """A tenth does not listen, a tenth never answers; how do calls to the others fare?"""
    count = world.scaled(SICK_AGENTS)
    flags = ["--dead-every", str(SICK_EVERY), "--hanging-every", str(SICK_EVERY)]
    Crowd(stage, count, *flags)
    stage.start_scheduler({"thrift.outTime": 2000, "mq.prefetch": 10000})
    load = flags + ["--crowd", str(count), "--rate", str(SICK_RATE), "--timeout", "1"]
    lanes = {
        "healthy": lambda: stage.rpc(100000, 2 * world.seconds, *load, "--spare-sick"),
        "sick": lambda: stage.rpc(100000, 2 * world.seconds, *load),
    }
    lanes["healthy"]()  # connections are made
    results = take_turns(lanes, world.rounds)
    for key in ("p50_us", "p99_us"):
        report.add(name, "all asked are well: " + key[:-3], median(results["healthy"], key), "us")
        report.add(
            name, "a fifth is not: " + key[:-3], median(results["sick"], key), "us", "all well",
            ratio(results["sick"], results["healthy"], key),
        )  # fmt: skip
    report.add(name, "failed", sum(r["bad"] + r["lost"] for r in results["sick"] + results["healthy"]), "")


# --- jobs in flight ----------------------------------------------------------------------------------


def in_flight(report, name, stage, world):
    """Jobs that come to no end, more and more of them; what does each cost, and what do calls?"""
    crowd = Crowd(stage, JOB_AGENTS, "--result-links", "64")
    scheduler = stage.start_scheduler({"mq.prefetch": PREFETCH})
    stage.rpc(64, world.seconds, "--crowd", str(JOB_AGENTS))
    crowd.ask("hold")
    base = statistics.median(sync_rate(stage, world) for _ in range(world.rounds))
    empty, sent = scheduler.rss_kb(), 0
    for level in [world.scaled(number) for number in (1000, 10000, 100000)]:
        sent = add_level(report, name, stage, world, crowd, sent, level, base)
        report.add(name, "%d in flight: memory" % level, (scheduler.rss_kb() - empty) * 1024 / level, "B")
    begin = time.monotonic()
    crowd.ask("release")
    wait_for("results", lambda: crowd.total("results_taken") >= sent)
    report.add(name, "results taken", sent / (time.monotonic() - begin), "1/s")


def sync_rate(stage, world):
    return stage.rpc(64, world.seconds, "--crowd", str(JOB_AGENTS))["per_s"]


def add_level(report, name, stage, world, crowd, sent, level, base):
    begin = time.monotonic()
    more = ["-n", str(level - sent), "--async", "--send-only", "--crowd", str(JOB_AGENTS), "--timeout", "600"]
    stage.rpc(level, ALL_S, *more)
    wait_for("jobs to be accepted", lambda: crowd.total("async_jobs") >= level)
    report.add(name, "%d in flight: accepted" % level, (level - sent) / (time.monotonic() - begin), "1/s")
    rate = statistics.median(sync_rate(stage, world) for _ in range(world.rounds))
    report.add(name, "%d in flight: sync w64" % level, rate, "1/s", "none in flight", rate / base)
    return level
