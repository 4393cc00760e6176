"""What is asked of the scheduler itself: which agents there are."""

import itertools

import pytest

from support.mq import new_id
from support.process import run_tool
from support.wait import wait_until

numbers = itertools.count(1)


def ask(stage, action, wait=30, **body):
    return stage.asker.call(body, wait, action=action).json["mqbody"]


def agents(stage, **body):
    answer = ask(stage, "agents", **body)
    assert answer["flag"] == "true" and answer["error"] == "", answer
    return answer


@pytest.fixture
def fleet(stage):
    """A scheduler that knows four agents, one of them with an empty node."""
    stage.daemon = stage.scheduler()
    stage.register("10.9.0.1", 1, version="1.0", type="elves-c", apps={"web": "1.2", "db": "7"},
                   labels={"role": "db", "zone": "a"}, features=["journal", "lists"])
    stage.register("10.9.0.2", 1, version="1.1", type="elves-c", labels={"role": "db", "zone": "b", "canary": ""})
    stage.register("10.9.0.3", 1, version="1.1", type="java", labels={"role": "web", "odd name": "x", "n": 7}, started="then")
    stage.kazoo.create(f"{stage.root}/agent/10.9.0.4", b"", ephemeral=True)
    wait_until(lambda: agents(stage)["total"] == 4, "the scheduler knows the agents")
    return stage


def test_agents_tells_what_each_says(fleet):
    answer = agents(fleet)
    assert [agent["ip"] for agent in answer["result"]] == [f"10.9.0.{n}" for n in (1, 2, 3, 4)]
    assert answer["result"][0] == {
        "ip": "10.9.0.1", "asset": "10.9.0.1", "version": "1.0", "type": "elves-c", "apps": {"web": "1.2", "db": "7"},
        "features": ["journal", "lists"], "labels": {"role": "db", "zone": "a"}, "started": "1700000000",
    }
    assert answer["result"][2]["labels"] == {"role": "web", "odd name": "x"}
    assert answer["result"][2]["started"] == "then"
    assert answer["result"][3] == {
        "ip": "10.9.0.4", "asset": "", "version": "", "type": "", "apps": {}, "features": [], "labels": {}, "started": "",
    }


@pytest.mark.parametrize("selector, expected", [
    ("", [1, 2, 3, 4]), ("role=db", [1, 2]), ("role=db,zone!=a", [2]), ("zone in (a,b),!canary", [1]), ("!role", [4]),
    ("canary", [2]), ("ip in (10.9.0.3,10.9.0.1)", [1, 3]), ("version=1.1,type=elves-c", [2]), ("app.web", [1]),
    ("app.web=1.2,app.db", [1]), ("app.web!=1.2", [2, 3, 4]), ("role=none", []),
])
def test_agents_by_selector(fleet, selector, expected):
    answer = agents(fleet, selector=selector)
    assert [agent["ip"] for agent in answer["result"]] == [f"10.9.0.{n}" for n in expected]
    assert answer["total"] == len(expected)


def test_agents_by_ip_and_page(fleet):
    assert [agent["ip"] for agent in agents(fleet, ip="10.9.0.2")["result"]] == ["10.9.0.2"]
    assert agents(fleet, ip="10.9.0.2", selector="role=web")["total"] == 0
    pages = [agents(fleet, page=page, size="3") for page in (1, 2, 3)]
    assert [len(page["result"]) for page in pages] == [3, 1, 0]
    assert [page["total"] for page in pages] == [4, 4, 4]
    assert pages[1]["result"][0]["ip"] == "10.9.0.4"


def test_agents_refuses_with_the_place(fleet):
    for body, detail in (({"selector": "role=db,"}, "selector: at 9: expected a name, found the end"),
                         ({"selector": []}, "selector: expected a text"),
                         ({"size": 1001}, "size: expected a whole number from 1 to 1000"),
                         ({"page": 0}, "page: expected a whole number from 1 to 1000000")):
        answer = ask(fleet, "agents", **body)
        assert answer == {"flag": "false", "error": "[403.2]Request Params (param) Illegal", "detail": detail}


def test_agents_follows_the_registry(fleet):
    fleet.register("10.9.0.1", 1, labels={"role": "new"})
    wait_until(lambda: agents(fleet, selector="role=new")["total"] == 1, "the new labels are known")
    fleet.unregister("10.9.0.2")
    wait_until(lambda: agents(fleet)["total"] == 3, "one has gone")


def test_requests_are_acknowledged_and_others_dropped(fleet):
    """With and without somebody to answer; an action that is none is passed over as before."""
    for body in ({}, {"selector": "("}):
        fleet.asker.later("agents", body, "cast")
    fleet.asker.later("agentz", {}, "call", reply_to=fleet.asker.inbox().name)
    assert agents(fleet)["total"] == 4
    fleet.daemon.terminate()  # gives back what is not acknowledged
    wait_until(lambda: not fleet.daemon.alive(), "it has ended")
    assert fleet.asker.waiting() == 0


def test_agents_by_the_other_forms_of_messages(fleet):
    id = new_id()
    inbox = fleet.asker.inbox(id)
    fleet.asker.flat("agents", "call", id, selector="role=db")
    answer = inbox.take(30).json
    assert answer["mqflag"] == "1" and answer["data"]["total"] == 2
    assert fleet.asker.call_id({"selector": "canary"}, 30, "agents").json["mqbody"]["total"] == 1


def test_labels_of_a_real_agent(stage):
    stage.scheduler()
    agent = stage.agent({"agent.labels": " role = db ,zone=b,canary"})
    wait_until(lambda: agents(stage, selector="role=db,zone=b,canary")["total"] == 1, "the agent's labels are known")
    found = agents(stage)["result"][0]
    assert found["ip"] == agent.ip and found["labels"] == {"role": "db", "zone": "b", "canary": ""}


def test_wrong_labels_stop_the_agent(stage):
    for value, why in (("a b=c", "a name is"), ("ip=1", "are taken"), ("x=1,x=2", "it is given twice")):
        answer = run_tool("elves-agent", "--config", stage.agent(start=False).config, "--check-config",
                          "--set", f"agent.labels={value}")
        assert answer.returncode == 2 and why in answer.stderr, answer.stderr


def test_ctl_agents_by_selector(fleet):
    def listed(*arguments):
        return run_tool("elvesctl", "--config", fleet.daemon.config, "agents", *arguments, timeout=60)

    lines = listed("--selector", "role=db,zone in (b,c)").stdout.splitlines()
    assert len(lines) == 2 and lines[1].startswith("10.9.0.2 "), lines
    assert "role=web" in listed("-l", "type=java").stdout
    assert len(listed("-l", "app.db=7").stdout.splitlines()) == 2
    wrong = listed("-l", "role=")
    assert wrong.returncode == 0 and "no agent" in wrong.stderr
    wrong = listed("-l", "role db")
    assert wrong.returncode != 0 and "at 6" in wrong.stderr
