"""Calls through broker, scheduler and agent, beside the bare AMQP echo.

The topic-echo is the same with its requests through an exchange like the scheduler's: no scheduler of
this interface can be faster.

A case is a window of outstanding calls and a flavour of queue. The echo's queue, its persistence and
its confirms are those of the case.
"""

import re

from .lanes import median, ratio, take_turns
from .peers import Celery, Gearman
from .stage import Stage

WINDOWS = (1, 64, 256)
# flavour -> settings of the scheduler, flags of both load clients, the peer that promises as much
FLAVOURS = {
    "": ({}, [], Celery),
    "-quorum": ({"mq.queueType": "quorum"}, ["--quorum"], None),
    "-transient": ({"mq.persistent": "false"}, ["--transient"], Gearman),
}
PERCENTILES = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")
WARM_UP = 0.3  # s


def names():
    sync = ["sync-w%d%s" % (window, flavour) for flavour in FLAVOURS for window in WINDOWS]
    return sync + ["async-w256", "async-w256-quorum"]


def parse(name):
    """Returns asynchronous, window, flavour."""
    kind, window, flavour = re.fullmatch(r"(sync|async)-w(\d+)(.*)", name).groups()
    return kind == "async", int(window), flavour


def run(report, cases, world):
    """cases: some of names()."""
    for flavour in FLAVOURS:
        wanted = [name for name in cases if parse(name)[2] == flavour]
        if wanted:
            run_flavour(report, wanted, flavour, world)


def run_flavour(report, cases, flavour, world):
    settings, flags, peer_class = FLAVOURS[flavour]
    with world.folder() as (folder, exits):
        stage = Stage(world.build, folder, exits)
        stage.start_agent()
        stage.start_scheduler(settings)
        peer = world.start_peer(peer_class, report, exits)
        stage.rpc(16, WARM_UP)
        for name in cases:
            run_case(report, name, stage, flags, peer, world)


def run_case(report, name, stage, flags, peer, world):
    asynchronous, window, _ = parse(name)
    seconds = world.seconds
    rpc_flags = [flag for flag in flags if flag != "--quorum"] + ["--async"] * asynchronous
    lanes = {
        "amqp-echo": lambda: stage.echo(window, seconds, *flags),
        "topic-echo": lambda: stage.echo(window, seconds, "--topic", *flags),
        "elves": lambda: stage.rpc(window, seconds, *rpc_flags),
    }
    if peer is not None and not asynchronous:
        lanes[peer.name] = lambda: peer.measure(window, seconds)
    results = take_turns(lanes, world.rounds)
    ours = results.pop("elves")
    for other, theirs in results.items():
        report.add(name, other + " per_s", median(theirs, "per_s"), "1/s")
        report.add(name, "per_s", median(ours, "per_s"), "1/s", other, ratio(ours, theirs, "per_s"))
    add_latencies(report, name, ours, results["amqp-echo"])
    add_cpu_of_each(report, name, ours)
    add_cpu(report, name, ours, results["topic-echo"], "topic-echo")
    add_cpu(report, name, ours, results["amqp-echo"], "amqp-echo")
    for kind in ("bad", "lost", "strange"):
        total = sum(result[kind] for result in ours)
        if total:
            report.add(name, kind + " answers", total, "")


def add_cpu(report, name, ours, echo, beside):
    """Of a call; the sum is the figure that a busy machine changes least."""
    for result in ours + echo:
        result["sum_us"] = sum(value for key, value in result.items() if key.endswith("_cpu_us"))
    report.add(name, beside + " cpu", median(echo, "sum_us"), "us")
    report.add(name, "cpu", median(ours, "sum_us"), "us", beside, ratio(ours, echo, "sum_us"))


def add_cpu_of_each(report, name, ours):
    for process in ("scheduler", "agent", "broker", "client"):
        report.add(name, process + " cpu", median(ours, process + "_cpu_us"), "us")


def add_latencies(report, name, ours, echo):
    report.add(name, "amqp-echo p50", median(echo, "p50_us"), "us")
    for key in PERCENTILES:
        report.add(name, key[:-3], median(ours, key), "us", "amqp-echo", ratio(ours, echo, key))
