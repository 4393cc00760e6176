"""Integration tests: the three programs, from outside, with independent clients.

Broker and ZooKeeper come from the environment (tests/lib/with-services sets it):

    ELVES_BUILD_DIR=build tests/lib/with-services /usr/bin/python3 -m pytest tests/integration

Without them the tests that need them are skipped, or fail with ELVES_REQUIRE_SERVICES=1.
"""

import collections
import os
import re
import sys
import time
import uuid

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

from services import Broker, ZooKeeper, ask_postgres  # noqa: E402
from support import rpc  # noqa: E402
from support.cron import STORES, CronStage  # noqa: E402
from support.stage import Services, Stage  # noqa: E402

# Of each system that is covered: its letter, and its features (the letters of the older ones are
# those of their interfaces; a system comes in here with its tests).
FEATURES = {
    "e": [*range(1, 31), 36, 38, 40, 41, 42, 43, 44, 45],
    "q": [*range(1, 16)],
    "r": [*range(1, 17)],
    "t": [*range(1, 23)],
}
NUMBERS = [f"{letter}{number:02}" for letter, numbers in FEATURES.items() for number in numbers]
NUMBER_IN_NAME = re.compile(r"test_([a-z]\d\d)_")


# Outcomes by number. Only from reports: with pytest-xdist the tests run in other processes.
outcomes_of = collections.defaultdict(collections.Counter)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than about three seconds")


def pytest_runtest_logreport(report):
    found = NUMBER_IN_NAME.search(report.nodeid)
    if found and (report.when == "call" or report.failed or report.skipped):
        outcomes_of[found.group(1)][report.outcome] += 1


def is_whole_suite(config):
    """Only a run of the whole folder can say that a number has no test."""
    named = [os.path.realpath(argument.split("::")[0]) for argument in config.args]
    chosen = config.option.keyword or config.option.markexpr
    return not chosen and any(HERE == n or HERE.startswith(n + os.sep) for n in named)


def uncovered(config):
    if hasattr(config, "workerinput") or not is_whole_suite(config):
        return []
    return [number for number in NUMBERS if not outcomes_of[number]]


def pytest_terminal_summary(terminalreporter, config):
    write = terminalreporter.write_line
    terminalreporter.section("feature numbers covered")
    for first in range(0, len(NUMBERS), 5):
        cells = []
        for number in NUMBERS[first : first + 5]:
            outcomes = outcomes_of[number]
            failed = outcomes["failed"]
            text = f"{outcomes['passed']} passed" + (f", {failed} FAILED" if failed else "")
            text += f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
            cells.append(f"{number.upper()}: {text if outcomes else 'not run'}".ljust(24))
        write(" ".join(cells).rstrip())
    missing = uncovered(config)
    if missing:
        write("WITHOUT ANY TEST: " + " ".join(missing).upper(), red=True)


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and uncovered(session.config):
        session.exitstatus = 1


# Broker and ZooKeeper.


@pytest.fixture(scope="session")
def services():
    """The shared ones of this run."""
    found = Services.from_environment()
    if found is None:
        message = "no broker and no ZooKeeper: run below tests/lib/with-services"
        if os.environ.get("ELVES_REQUIRE_SERVICES") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def private_broker(services):
    """One that a test may stop and start; it runs again after each use of `faults`."""
    with Broker() as broker:
        yield broker


@pytest.fixture(scope="session")
def private_zookeeper(services):
    with ZooKeeper() as zookeeper:
        yield zookeeper


@pytest.fixture
def faults(private_broker, private_zookeeper, tmp_path):
    """A stage on the private servers: .broker and .zookeeper may be stopped, killed, started."""
    private_broker.start()
    private_zookeeper.start()
    with_private = Stage(Services.private(private_broker, private_zookeeper), tmp_path)
    with_private.broker, with_private.zookeeper = private_broker, private_zookeeper
    yield with_private
    private_broker.start()
    private_zookeeper.start()
    with_private.close()


def postgres_database():
    """The URL of an empty database on the shared PostgreSQL, and how to remove it."""
    server = os.environ.get("ELVES_TEST_POSTGRES")
    if not server:
        message = "no PostgreSQL: run below tests/lib/with-services"
        if os.environ.get("ELVES_REQUIRE_SERVICES") == "1":
            pytest.fail(message)
        pytest.skip(message)
    name = "t" + uuid.uuid4().hex[:12]
    ask_postgres(server, f"CREATE DATABASE {name}")
    url = server.rsplit("/", 1)[0] + "/" + name
    return url, lambda: ask_postgres(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """store.url of an empty store of its own: each test that asks for it runs on both."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path}/store/elves.db"
        return
    url, remove = postgres_database()
    yield url
    remove()


# Stages.


@pytest.fixture
def stage(services, tmp_path):
    """A stage for one test: own exchange, queue and root."""
    one = Stage(services, tmp_path)
    yield one
    one.close()


@pytest.fixture
def dial_stage(services, tmp_path):
    """A stage without ZooKeeper: agents are dialled at thrift.agent.port."""
    one = Stage(services, tmp_path, registry=False)
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared(services, tmp_path_factory):
    """A stage with one scheduler for all tests of a module; agents are dialled."""
    one = Stage(services, tmp_path_factory.mktemp("shared"), registry=False)
    one.daemon = one.scheduler({"shutdown.timeout": 1})  # some async jobs never end
    yield one
    one.close()


@pytest.fixture
def alone(tmp_path):
    """A stage without broker and ZooKeeper, for agents that are called directly."""
    one = Stage(None, tmp_path, registry=False)
    yield one
    one.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """One agent for all tests of a module, called directly; .apps is the folder of its apps."""
    one = Stage(None, tmp_path_factory.mktemp("host"), registry=False)
    yield one.agent()
    one.close()


@pytest.fixture
def run(host):
    """run(app, func, ...) -> Reinstruct of a synchronous call to the module's agent."""
    with host.client() as client:

        def call(app, func="f", **fields):
            return client.instructionInvokeSync(rpc.instruct(app=app, func=func, **fields))

        yield call


@pytest.fixture
def asker(shared):
    return shared.asker


@pytest.fixture
def agent(shared):
    """A fresh fake agent for one test, reachable by the module's scheduler."""
    peer = shared.fake_agent()
    yield peer
    peer.close()


@pytest.fixture
def stopwatch():
    """Seconds since the last call (or the start of the test)."""
    started = [time.monotonic()]

    def lap():
        now = time.monotonic()
        seconds, started[0] = now - started[0], now
        return seconds

    return lap


# elves-cron on either store.


@pytest.fixture(params=STORES)
def cron_stage(request, services, tmp_path):
    """A stage for elves-cron: each test runs on SQLite and on PostgreSQL."""
    one = CronStage(services, tmp_path, request.param)
    yield one
    one.close()
