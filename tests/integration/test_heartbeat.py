"""elves-heartbeat: heartbeats over Thrift, the nodes in ZooKeeper, and what others ask over AMQP."""

import json
import re
import time

import pytest
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from support import rpc
from support.ports import free_port, loopback_address
from support.process import Daemon, run_tool
from support.stage import Stage
from support.wait import wait_until


class Heartbeat:
    """A running elves-heartbeat and those who talk to it."""

    def __init__(self, stage, settings=None, registry=True):
        self.stage = stage
        self.queue = f"{stage.name}-heartbeat"
        usual = {
            "mq.ip": stage.services.mq_host,
            "mq.port": stage.services.mq_port,
            "mq.user": stage.services.mq_user,
            "mq.password": stage.services.mq_password,
            "mq.exchange": stage.exchange,
            "mq.queue": self.queue,
            "thrift.heartbeat.port": free_port(),
            "metrics.port": free_port(),
            "zookeeper.enabled": str(registry).lower(),
            "zookeeper.host": stage.services.zookeeper,
            "zookeeper.root": stage.root,
            "zookeeper.outTime": 4000,
        }
        usual.update(settings or {})
        self.port = int(usual["thrift.heartbeat.port"])
        folder = stage.folder / f"heartbeat-{next(stage.numbers)}"
        self.daemon = Daemon("elves-heartbeat", folder, usual)
        stage.exits.callback(self._remove_queue)
        stage.exits.callback(self.daemon.close)
        self.daemon.start()

    def _remove_queue(self):
        self.stage.new_asker().channel.queue_delete(self.queue)

    def beat(self, ip, id="asset-1", version="0.4.3", apps="{}"):
        """One heartbeat, as the original agent sends it: a connection of its own."""
        ttypes = rpc.generated()
        from elves import HeartbeatService
        from elves.ttypes import AgentInfo

        assert ttypes is not None
        socket = TSocket("127.0.0.1", self.port)
        socket.setTimeout(10000)
        transport = TBufferedTransport(socket)
        transport.open()
        try:
            client = HeartbeatService.Client(rpc.Protocol(transport))
            return json.loads(client.heartbeatPackage(AgentInfo(id, ip, version, apps)))
        finally:
            transport.close()

    def ask(self, action, **body):
        inbox = self.stage.asker.inbox()
        message = {"mqkey": f"openapi.heartbeat.{action}", "mqtype": "call", "mqbody": body}
        self.stage.asker.publish(message, "openapi.heartbeat", reply_to=inbox.name)
        return inbox.take(10, f"the reply of {action}").json["mqbody"]

    def cast(self, action, sender="supervisor", **body):
        message = {"mqkey": f"{sender}.heartbeat.{action}", "mqtype": "cast", "mqbody": body}
        self.stage.asker.publish(message, f"{sender}.heartbeat")

    def wait_known(self, ip):
        wait_until(lambda: self.ask("agentInfo", ip=ip)["flag"] == "true", f"{ip} is known")
        return self.ask("agentInfo", ip=ip)["result"]


@pytest.fixture
def stage(services, tmp_path):
    stage = Stage(services, tmp_path)
    yield stage
    stage.close()


def test_e36_beat_is_kept_and_told(stage):
    heartbeat = Heartbeat(stage, {"auth.localAppInfo": "{'apptest':'2.0','other':'1.1'}"})
    ip = loopback_address()
    before = int(time.time() * 1000)
    assert heartbeat.beat(ip, apps='{"apptest":"2.0"}') == {"data": {"apptest": "2.0", "other": "1.1"}}

    told = heartbeat.wait_known(ip)
    assert (told["ip"], told["asset"], told["apps"]) == (ip, "asset-1", {"apptest": "2.0"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told["last_hb_time"])

    data, stat = stage.kazoo.get(f"{stage.root}/heartbeat/agent/{ip}")
    node = json.loads(data)
    assert stat.ephemeralOwner == 0, "the node is persistent"
    assert before <= node["checkTime"] <= time.time() * 1000
    assert node["agent"] == {"id": "asset-1", "ip": ip, "version": "0.4.3", "apps": '{"apptest":"2.0"}'}


def test_e36_survives_a_restart_and_is_shared(stage):
    first = Heartbeat(stage)
    ip = loopback_address()
    first.beat(ip)
    first.wait_known(ip)
    first.daemon.kill()
    second = Heartbeat(stage)
    assert second.ask("agentInfo", ip=ip)["flag"] == "true", "known before it serves"


def test_e36_unknown_and_silent_agents_are_not_there(stage):
    heartbeat = Heartbeat(stage)
    ip = loopback_address()
    old = {"checkTime": int(time.time() * 1000) - 601000, "agent": {"id": "a", "ip": ip, "apps": "{}"}}
    stage.kazoo.create(f"{stage.root}/heartbeat/agent/{ip}", json.dumps(old).encode(), makepath=True)
    marker = loopback_address()
    heartbeat.beat(marker)
    heartbeat.wait_known(marker)
    for asked in (ip, "10.99.99.99", ""):
        answer = heartbeat.ask("agentInfo", ip=asked)
        assert answer == {"flag": "false", "error": "[414.1]Agent Info Not Found", "result": {}}
    old["checkTime"] = int(time.time() * 1000) - 590000
    stage.kazoo.set(f"{stage.root}/heartbeat/agent/{ip}", json.dumps(old).encode())
    assert heartbeat.wait_known(ip)["asset"] == "a"


def test_e36_agents_with_a_node_of_their_own_are_there(stage):
    heartbeat = Heartbeat(stage)
    ip = loopback_address()
    stage.register(ip, 11101, asset="box-7", apps={"demo": "1.2"})
    told = heartbeat.wait_known(ip)
    assert (told["asset"], told["apps"]) == ("box-7", {"demo": "1.2"})
    stage.unregister(ip)
    wait_until(lambda: heartbeat.ask("agentInfo", ip=ip)["flag"] == "false", "it has gone")


def test_e36_list_is_filtered_and_paged(stage):
    heartbeat = Heartbeat(stage)
    ips = sorted(loopback_address() for _ in range(5))
    for number, ip in enumerate(ips):
        heartbeat.beat(ip, id=f"asset-{number}")
    for ip in ips:
        heartbeat.wait_known(ip)

    everything = heartbeat.ask("agentList")
    assert everything["count"] == 5 and [agent["ip"] for agent in everything["result"]] == ips
    assert set(everything["result"][0]) == {"ip", "asset", "last_hb_time", "apps"}
    for name in ("id", "asset"):
        answer = heartbeat.ask("agentList", **{name: "asset-3"})
        assert answer["count"] == 1 and answer["result"][0]["ip"] == ips[3]
    assert heartbeat.ask("agentList", ip=ips[1], id="asset-2") == {"count": 0, "result": []}
    page = heartbeat.ask("agentList", pagesize=2, pagenumber="3")
    assert page["count"] == 5 and [agent["ip"] for agent in page["result"]] == ips[4:]
    assert heartbeat.ask("agentList", pagesize=2, pagenumber=9) == {"count": 5, "result": []}


def test_e36_odd_beats_are_answered(stage):
    heartbeat = Heartbeat(stage, {"auth.localAppInfo": '{"a":"1"}'})
    for ip in ("", "not an address", "../x", None):
        assert heartbeat.beat(ip) == {"data": {"a": "1"}}
    ip = loopback_address()
    heartbeat.beat(ip, version=None, apps='["no object"]')
    assert heartbeat.wait_known(ip)["apps"] == {}
    assert stage.kazoo.get_children(f"{stage.root}/heartbeat/agent") == [ip]


def test_e36_supervisor_says_which_apps(stage):
    def answer_asked(listener):
        message = listener.take(15, "appAuthInfo")
        assert message.json["mqkey"] == "heartbeat.supervisor.appAuthInfo" and message.json["mqtype"] == "call"
        return message.properties

    listener = stage.new_asker()
    listener.channel.exchange_declare(stage.exchange, "topic", durable=True)
    asked = listener.inbox("heartbeat.supervisor")
    heartbeat = Heartbeat(stage, {"auth.mode": "Supervisor", "retry.first": 50, "retry.cap": 200})
    mine, other = loopback_address(), loopback_address()
    assert heartbeat.beat(mine) == {}, "nothing is known yet: the agent changes nothing"

    properties = answer_asked(asked)
    apps = [
        {"app": "one", "version": "1.0", "agentList": [mine]},
        {"app": "both", "version": "2.0", "agentList": [mine, other]},
        {"app": "without", "version": "", "agentList": [mine]},
    ]
    reply = {"mqkey": "supervisor.heartbeat", "mqflag": "cast", "mqbody": {"result": apps}}
    listener.channel.basic_publish(
        "", properties.reply_to, json.dumps(reply).encode(),
        rpc_properties(properties.correlation_id),
    )
    wait_until(lambda: heartbeat.beat(mine) == {"data": {"one": "1.0", "both": "2.0"}}, "the list is taken")
    assert heartbeat.beat(other) == {"data": {"both": "2.0"}}
    assert heartbeat.beat("10.1.2.3") == {"data": {}}

    heartbeat.cast("updateAppInfo", result=[{"app": "new", "version": "3", "agentList": [other]}])
    wait_until(lambda: heartbeat.beat(other) == {"data": {"new": "3"}}, "the cast replaces all")
    assert heartbeat.beat(mine) == {"data": {}}
    heartbeat.cast("updateAppInfo", result="nonsense")
    assert heartbeat.ask("agentList")["count"] >= 0
    assert heartbeat.beat(other) == {"data": {"new": "3"}}, "what cannot be read changes nothing"


def rpc_properties(correlation_id):
    import pika

    return pika.BasicProperties(correlation_id=correlation_id)


def test_e36_without_zookeeper_it_is_kept_in_memory(stage):
    heartbeat = Heartbeat(stage, registry=False)
    ip = loopback_address()
    heartbeat.beat(ip)
    assert heartbeat.ask("agentInfo", ip=ip)["flag"] == "true"


def test_e36_other_methods(stage):
    heartbeat = Heartbeat(stage, registry=False)
    with rpc.connect("127.0.0.1", heartbeat.port) as connection:
        connection.sendall(rpc.call("aliveCheck"))
        assert rpc.Reader(connection).message()[3] == {0: b"success"}
        connection.sendall(rpc.sync_call())
        assert rpc.Reader(connection).message()[1] == rpc.EXCEPTION
    with rpc.connect("127.0.0.1", heartbeat.port) as connection:
        without_version = rpc.string_field(1, "a") + rpc.string_field(2, "10.0.0.9") + rpc.STOP
        connection.sendall(rpc.call("heartbeatPackage", rpc.field(rpc.STRUCT, 1, without_version)))
        assert json.loads(rpc.Reader(connection).message()[3][0]) == {}


def test_configuration(tmp_path):
    good = "mq.ip=x\nmq.user=x\nmq.password=\n"
    path = tmp_path / "heartbeat.properties"
    for lines, key in (
        ("auth.localAppInfo = {'a':", "auth.localAppInfo"),
        ("thrift.heartbeat.listen = 0.0.0.0", "thrift.heartbeat.authips"),
        ("zookeeper.enabled = true", "zookeeper.host"),
        ("auth.modus = x", "auth.modus"),
    ):
        path.write_text(good + lines)
        answer = run_tool("elves-heartbeat", "--config", path, "--check-config")
        assert answer.returncode == 2 and key in answer.stderr
    path.write_text(good)
    assert run_tool("elves-heartbeat", "--config", path, "--check-config").returncode == 0
