"""Requests over HTTP: through elves-openapi to a warm worker and back, beside bare libsoup and the AMQP echo;
a no-op to a thousand agents, by /api/v3 and by elvesctl; a thousand requests that wait.

The load is wrk's. A signed request is signed once: its signature holds for minutes.
"""

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse

from .crowd import Crowd
from .lanes import median, ratio, take_turns
from .process import Process
from .stage import Stage

KEY, AUTH_ID, TOKEN = "bench-key", "bench", "bench-token"
SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
AGENTS, WAITING, WINDOW = 1000, 1000, 64
FEATURES = ("--features", '"journal","lists"')
TIMEOUT = 60  # s, of whatever takes as long as it takes
CHECK = """
function setup(thread) thread:set("bad", 0); threads = threads or {}; table.insert(threads, thread) end
function response(status, headers, body)
  if status ~= 200 or not string.find(body, '"worker_flag":1', 1, true) then bad = bad + 1 end
end
function done(summary, latency, requests)
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("bad") end
  io.write(string.format("BAD %d P50 %d P99 %d\\n", all, latency:percentile(50), latency:percentile(99)))
end
"""


def names():
    return ["http-exec", "http-waiting", "fanout-1k"]


def run(report, cases, world):
    functions = {"http-exec": execute, "http-waiting": waiting, "fanout-1k": fan_out}
    for name in cases:
        with world.folder() as (folder, exits):
            functions[name](report, name, Stage(world.build, folder, exits), world)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def broker_keys(stage):
    names = {"ip": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    return {"mq.exchange": stage.exchange,
            **{"mq." + key: os.environ["ELVES_TEST_MQ_" + name] for key, name in names.items()}}


def start_openapi(stage, settings=None):
    port = free_port()
    config = {**broker_keys(stage), "server.port": port, "metrics.port": 0, "auth.id": AUTH_ID,
              "auth.key": KEY, "auth.token." + AUTH_ID: TOKEN, "openapi.callTimeout": TIMEOUT * 1000,
              **(settings or {})}
    daemon = stage.start("openapi", config, "openapi")
    daemon.port = port
    return daemon


def start_queue(stage):
    config = {**broker_keys(stage), "mq.queue": stage.exchange + "-queue", "metrics.port": 0,
              "store.url": "sqlite:%s/queue.db" % stage.folder}
    return stage.start("queue", config, "queue")


def start_warm_agent(stage):
    shutil.copytree(os.path.join(SOURCE, "examples", "apps", "warm-python"),
                    os.path.join(stage.folder, "apps", "warm-python"))
    return stage.start_agent({"apps.allowed": "*"})


def signed(path, **parameters):
    """elves-openapi.md section 2."""
    values = {"auth_id": AUTH_ID, "timestamp": str(int(time.time())), **parameters}
    text = path + "?" + "&".join("%s=%s" % (name, values[name]) for name in sorted(values)) + KEY
    values.update(sign_type="md5", sign=hashlib.md5(text.encode()).hexdigest())
    return path + "?" + urllib.parse.urlencode(values)


def execute_target(timeout=30, app="warm-python", func="greet", **more):
    return signed("/api/v2/rt/exec", ip="127.0.0.1", app=app, func=func, timeout=str(timeout), **more)


def get(port, target, timeout=TIMEOUT):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", target)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def wait_until_it_answers(port, target):
    deadline = time.monotonic() + TIMEOUT
    while get(port, target).get("flag") != "true":
        if time.monotonic() > deadline:
            raise TimeoutError("no good answer to %s" % target)
        time.sleep(0.05)


# --- load ----------------------------------------------------------------------------------------


class Bare(Process):
    """libsoup alone."""

    def __init__(self, stage):
        program = os.path.join(stage.build, "tests", "bench", "bench-http")
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        super().__init__("libsoup", self.child.pid)
        self.port = int(self.child.stdout.readline())

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def load(folder, port, target, seconds):
    """wrk with a window of connections; an answer that is wrong is counted."""
    script = os.path.join(folder, "check.lua")
    with open(script, "w") as file:
        file.write(CHECK)
    argv = ["wrk", "-t1", "-c%d" % WINDOW, "-d%ds" % max(round(seconds), 1), "--timeout", "30s", "-s", script]
    text = subprocess.run(argv + ["http://127.0.0.1:%d%s" % (port, target)], stdout=subprocess.PIPE, text=True,
                          timeout=TIMEOUT, check=True).stdout
    bad, p50, p99 = map(int, re.search(r"BAD (\d+) P50 (\d+) P99 (\d+)", text).groups())
    errors = re.search(r"Socket errors: .*", text)
    return {"per_s": float(re.search(r"Requests/sec: +([\d.]+)", text).group(1)), "p50_us": p50, "p99_us": p99,
            "bad": bad, "errors": errors.group(0) if errors else ""}


def execute(report, name, stage, world):
    if not shutil.which("wrk"):
        report.note("%s is left out: wrk is not installed" % name)
        return
    stage.start_scheduler()
    start_warm_agent(stage)
    openapi = start_openapi(stage)
    bare = Bare(stage)
    stage.exits.callback(bare.close)
    target = execute_target()
    wait_until_it_answers(openapi.port, target)
    lanes = {
        "libsoup": lambda: load(stage.folder, bare.port, target, world.seconds),
        "amqp-echo": lambda: stage.echo(WINDOW, world.seconds),
        "elves": lambda: load_with_cpu(stage, openapi, target, world.seconds),
    }
    results = take_turns(lanes, world.rounds)
    ours = results.pop("elves")
    for other, theirs in results.items():
        report.add(name, other + " per_s", median(theirs, "per_s"), "1/s")
        report.add(name, "per_s", median(ours, "per_s"), "1/s", other, ratio(ours, theirs, "per_s"))
        report.add(name, other + " p99", median(theirs, "p99_us"), "us")
        report.add(name, "p99", median(ours, "p99_us"), "us", other, ratio(ours, theirs, "p99_us"))
    for process in stage.processes:
        report.add(name, process.name + " cpu", median(ours, process.name + "_cpu_us"), "us")
    report.add(name, "wrong answers", sum(result["bad"] for result in ours), "")
    for result in ours:
        if result["errors"]:
            report.note("%s: %s" % (name, result["errors"]))


def load_with_cpu(stage, openapi, target, seconds):
    before = {process.name: process.cpu_us() for process in stage.processes}
    result = load(stage.folder, openapi.port, target, seconds)
    requests = max(result["per_s"] * max(round(seconds), 1), 1)
    for process in stage.processes:
        result[process.name + "_cpu_us"] = (process.cpu_us() - before[process.name]) / requests
    return result


# --- many that wait ------------------------------------------------------------------------------


def waiting(report, name, stage, world):
    """Calls of a function that takes its time, all at once; others meanwhile."""
    count = world.scaled(WAITING)
    stage.start_scheduler()
    crowd = Crowd(stage, 10, *FEATURES, "--delay", "4000")
    stage.start_agent()
    openapi = start_openapi(stage)
    quick = execute_target(app="elves", func="ping")
    wait_until_it_answers(openapi.port, quick)
    memory = openapi.rss_kb()
    done = []
    threads = [threading.Thread(target=wait_for_one, args=(openapi.port, number % 10, done)) for number in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)  # all are sent; what is measured is what goes on meanwhile
    times = sorted(timed(lambda: get(openapi.port, quick)) for _ in range(20))
    report.add(name, "memory for each of %d" % count, (openapi.rss_kb() - memory) * 1024 / count, "B")
    report.add(name, "another request: median", times[10] * 1e3, "ms")
    report.add(name, "another request: slowest", times[-1] * 1e3, "ms")
    for thread in threads:
        thread.join()
    report.add(name, "waited and were answered", len(done), "", "asked", len(done) / count)
    report.add(name, "jobs at the agents", crowd.total("sync_calls"), "")


def wait_for_one(port, agent, done):
    target = signed("/api/v2/rt/exec", ip="127.32.0.%d" % (agent + 1), app="demo", func="wait",
                    timeout="60")
    if get(port, target).get("flag") == "true":
        done.append(agent)


def timed(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


# --- one job, a thousand agents ------------------------------------------------------------------


def fan_out(report, name, stage, world):
    count = world.scaled(AGENTS)
    stage.start_scheduler()
    Crowd(stage, count, *FEATURES)
    start_queue(stage)
    openapi = start_openapi(stage)
    wait_for_agents(openapi, count)
    doors = [by_http(openapi, count) for _ in range(world.rounds)]
    tool = [by_tool(stage, count) for _ in range(world.rounds)]
    for door, results in (("/api/v3", doors), ("elvesctl run all", tool)):
        report.add(name, door + ": last result", sorted(r[0] for r in results)[len(results) // 2], "s")
        report.add(name, door + ": failed", sum(r[1] for r in results), "")


def v3(openapi, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", openapi.port, timeout=TIMEOUT * 2)
    try:
        connection.request(method, "/api/v3" + path, body and json.dumps(body),
                           {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_for_agents(openapi, count):
    deadline = time.monotonic() + TIMEOUT
    while True:
        status, answer = v3(openapi, "GET", "/agents?size=1")
        if status == 200 and answer["total"] == count:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the scheduler does not know %d agents: %s" % (count, answer))
        time.sleep(0.1)


def by_http(openapi, count):
    """-> seconds, failures"""
    begin = time.monotonic()
    status, job = v3(openapi, "POST", "/jobs?wait=60", {"all": True, "app": "elves", "func": "ping"})
    took = time.monotonic() - begin
    if status != 200:
        raise RuntimeError("status %d: %s" % (status, job))
    return took, count - job["counts"]["succeeded"]


def by_tool(stage, count):
    sets = [word for item in broker_keys(stage).items() for word in ("-s", "%s=%s" % item)]
    argv = [os.path.join(stage.build, "elvesctl"), *sets, "run", "all", "elves", "ping"]
    begin = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT * 2)
    took = time.monotonic() - begin
    return took, count - sum(" succeeded " in line for line in done.stdout.splitlines())
