"""E37: timed tasks are made, started, stopped, deleted, listed and shown; they survive a restart."""

import re

from support.cron import keys_of, planned_of
from support.wait import wait_until

NOT_FOUND = "[411.1]Not Find Cron Job To Operate"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def test_e37_created_stopped_started_stopped_deleted(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create()
    assert re.fullmatch("[0-9A-F]{16}", id)
    detail = cron_stage.detail(id)
    assert detail["cron_flag"] == 0
    assert detail["last_exec_time"] == "" and detail["last_exec_result"] == {}
    assert TIME.fullmatch(detail["create_time"])
    jobs.stays_empty(1.2)

    assert cron_stage.ask("startCron", id=id) == {"flag": "true", "error": ""}
    assert cron_stage.ask("startCron", id=id) == {"flag": "true", "error": ""}
    assert cron_stage.detail(id)["cron_flag"] == 1
    assert len(set(keys_of(jobs.take_many(2)))) == 2

    assert cron_stage.ask("stopCron", id=id) == {"flag": "true", "error": ""}
    assert cron_stage.ask("stopCron", id=id) == {"flag": "true", "error": ""}
    while jobs.poll():
        pass
    assert cron_stage.detail(id)["cron_flag"] == 0
    jobs.stays_empty(1.2)

    assert cron_stage.ask("deleteCron", id=id) == {"flag": "true", "error": ""}
    for action in ("deleteCron", "startCron", "stopCron", "cronDetail", "cronHistory"):
        answer = cron_stage.ask(action, id=id)
        assert (answer["flag"], answer["error"]) == ("false", NOT_FOUND), action


def test_e37_unknown_ids(cron_stage):
    cron_stage.cron()
    for id in ("", "x", "0000000000000000", "' OR 1=1", "1" * 17):
        for action in ("deleteCron", "startCron", "stopCron", "cronDetail"):
            answer = cron_stage.ask(action, id=id)
            assert (answer["flag"], answer["error"]) == ("false", NOT_FOUND), (action, id)


def test_e37_detail_is_flat_and_wrapped(cron_stage):
    cron_stage.cron()
    id = cron_stage.create(rule="0 15 10 L-2 * ?", ip="10.1.1.1", mode="sap", app="a", func="f",
                           param='{"x":"\u4e2d"}', proxy="run.sh", timeout=7)
    detail = cron_stage.detail(id)
    expected = dict(ip="10.1.1.1", app="a", func="f", param='{"x":"\u4e2d"}', mode="P", proxy="run.sh",
                    timeout=7, rule="0 15 10 L-2 * ?", cron_flag=0, last_exec_time="",
                    last_exec_result={})
    assert (detail["flag"], detail["error"]) == ("true", "")
    for name, value in expected.items():
        assert detail[name] == value, name
        assert detail["result"][name] == value, name


def test_e37_list_by_ip_newest_first_and_paged(cron_stage):
    cron_stage.cron()
    mine = [cron_stage.create(ip="10.2.2.2") for _ in range(3)]
    other = cron_stage.create(ip="10.3.3.3")
    answer = cron_stage.ask("cronList", ip="10.2.2.2")
    assert (answer["flag"], answer["error"]) == ("true", "")
    assert answer["result"] == mine[::-1]
    assert cron_stage.ask("cronList", ip="10.9.9.9")["result"] == []
    assert cron_stage.ask("cronList")["result"] == [other] + mine[::-1]
    page = cron_stage.ask("cronList", ip="10.2.2.2", limit=2)
    assert (page["result"], page["more"]) == (mine[:0:-1], "true")
    page = cron_stage.ask("cronList", ip="10.2.2.2", limit=2, after=mine[1])
    assert (page["result"], page["more"]) == (mine[:1], "false")


def test_e37_started_ones_survive_a_restart(cron_stage):
    cron = cron_stage.cron()
    jobs = cron_stage.jobs()
    started = cron_stage.create(start=True)
    stopped = cron_stage.create()
    jobs.take()
    cron.terminate()
    while jobs.poll():
        pass
    cron.start()
    wait_until(lambda: jobs.poll(), "it fires again", 20)
    assert {message.json["mqbody"]["id"] for message in jobs.take_many(2)} == {started}
    assert cron_stage.detail(stopped)["cron_flag"] == 0


def test_e37_timeout_is_a_json_number(cron_stage):
    cron_stage.cron()
    body = dict(ip="1", mode="NP", app="a", func="f", rule="0 0 0 * * ?", param="", proxy="")
    answer = cron_stage.ask("createCron", **body, timeout="90")
    assert answer["flag"] == "false" and answer["error"].startswith("[500]")
    assert cron_stage.detail(cron_stage.ask("createCron", **body)["id"])["timeout"] == 60


BAD_MEMBERS = [("ip", "", "403.1"), ("app", " ", "403.3"), ("mode", "x", "403.4"),
               ("mode", "", "403.4"), ("func", "", "403.7"), ("rule", "", "403.5"),
               ("tz", "Nowhere/At_All", "403.5"), ("overlap", "x", "403.9"), ("ip", [1], "500")]


def test_e37_bad_members_are_refused(cron_stage):
    cron_stage.cron()
    body = dict(ip="1", mode="NP", app="a", func="f", rule="0 0 0 * * ?", param="", proxy="")
    for field, value, code in BAD_MEMBERS:
        answer = cron_stage.ask("createCron", **{**body, field: value})
        assert answer["flag"] == "false" and answer["error"].startswith(f"[{code}]"), (field, answer)
        assert answer["detail"], field


def test_e37_two_of_the_same_second_fire_at_the_second(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    ids = {cron_stage.create(start=True, rule="0/2 * * * * ?") for _ in range(3)}
    messages = jobs.take_many(6)
    assert {message.json["mqbody"]["id"] for message in messages} == ids
    assert all(planned_of(message) % 2 == 0 for message in messages)
