"""Callbacks of timed tasks: several targets, tokens and reports, tries that are kept, and firing by hand."""

import re
import signal
import time
import urllib.parse

import pytest

from support.cron import seconds, time_text
from support.receiver import Receiver
from support.wait import FACTOR, wait_until

NOT_FOUND = "[411.1]Not Find Cron Job To Operate"
NO_EXECUTION = "[411.2]Not Find Execution To Report"


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def other():
    one = Receiver()
    yield one
    one.close()


def now():
    return time_text(time.time())


def page(cron_stage, id, **members):
    answer = cron_stage.history(id, page=1, **members)
    assert answer["flag"] == "true", answer
    return answer["result"]


def statuses(cron_stage, id):
    return [row["status"] for row in page(cron_stage, id, size=1000)]


def wait_for(cron_stage, id, *expected, timeout=30):
    wait_until(lambda: statuses(cron_stage, id) == list(expected), f"{expected}, not {statuses(cron_stage, id)}", timeout)
    return page(cron_stage, id)


def token_of(request, name="statusToken"):
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(request[1]).query)
    return query[name][0]


def report(cron_stage, token, status="SUCCESS", **members):
    return cron_stage.ask("reportCron", token=token, status=status, **members)


REPORTED = dict(token_param="statusToken", report="true", retries=0, started="true")

# ---- targets and tries -------------------------------------------------------------------------


def test_several_targets_in_turn_and_the_next_one_on_failure(cron_stage, receiver, other):
    cron_stage.cron()
    id = cron_stage.make(urls=[receiver.url, other.url], every=0.3, count=4, retries=0, started="true")["id"]
    wait_for(cron_stage, id, *["SUCCESS"] * 4)
    assert (len(receiver.requests), len(other.requests)) == (2, 2)
    receiver.answers = [500] * 10
    id = cron_stage.make(urls=[receiver.url, other.url], at=now(), retries=0, started="true", spelling="decimal")["id"]
    row = wait_for(cron_stage, id, "SUCCESS")[0]
    assert [(try_["target"], try_["status"]) for try_ in row["attempts"]] == [(receiver.url, 500), (other.url, 200)]
    assert row["http_status"] == 200
    assert cron_stage.detail(id)["result"]["urls"] == [receiver.url, other.url]


def test_targets_that_cannot_be(cron_stage):
    cron_stage.cron()
    good = "http://127.0.0.1:1/"
    for members in (dict(urls=[]), dict(urls=[good, "ftp://x/"]), dict(urls=[good] * 17),
                    dict(url=good, token_param="a=b"), dict(url=good, report="true"),
                    dict(url=good, retry_delays=["1"]), dict(url=good, retry_delays=5),
                    dict(url=good, retry_delays=[86400, 1]), dict(url=good, retry_delays=[-1]),
                    dict(url=good, report="true", token_param="t", report_timeout=0)):
        answer = cron_stage.ask("createCron", every=1000, **members)
        assert answer["flag"] == "false" and answer["error"].startswith("[403.9]"), members


def test_fixed_delays_and_every_try_is_kept(cron_stage, receiver):
    cron_stage.cron()
    receiver.answers = [503, 500, 404 + 25, 200]
    id = cron_stage.make(url=receiver.url + "&a=1", retry_delays=[0.2, 0.6, 0.2], at=now(), started="true")["id"]
    row = wait_for(cron_stage, id, "SUCCESS")[0]
    assert [try_["status"] for try_ in row["attempts"]] == [503, 500, 429, 200]
    assert all(try_["target"] == receiver.url + "&a=1" for try_ in row["attempts"])
    began = [seconds(try_["at"]) for try_ in row["attempts"]]
    gaps = [later - earlier for earlier, later in zip(began, began[1:])]
    assert all(wanted <= gap + 0.05 for wanted, gap in zip((0.2, 0.6, 0.2), gaps)), gaps
    assert gaps[1] > 0.55 and sum(gaps) < 10 * FACTOR
    card = cron_stage.detail(id)["result"]
    assert (card["retries"], card["retry_delays"]) == (3, [0.2, 0.6, 0.2])


def test_a_callback_that_fails_for_good(cron_stage, receiver):
    cron_stage.cron()
    receiver.answers = [404]
    refused = cron_stage.make(url=receiver.url, retries=5, at=now(), started="true")["id"]
    nobody = cron_stage.make(url="http://127.0.0.1:1/", retries=1, retry_delays=[0], at=now(), started="true")["id"]
    row = wait_for(cron_stage, refused, "FAILED")[0]
    assert (row["http_status"], [try_["status"] for try_ in row["attempts"]]) == (404, [404])
    row = wait_for(cron_stage, nobody, "FAILED")[0]
    assert (row["http_status"], [try_["status"] for try_ in row["attempts"]]) == (0, [0, 0])
    assert all(try_["text"] for try_ in row["attempts"])


def test_tries_go_on_after_a_kill(cron_stage, receiver):
    cron = cron_stage.cron()
    receiver.answers = [500] * 100
    id = cron_stage.make(url=receiver.url, retry_delays=[0, 0, 1000, 0], at=now(), started="true")["id"]
    wait_until(lambda: page(cron_stage, id) and len(page(cron_stage, id)[0]["attempts"]) == 3, "three tries")
    cron.kill()
    cron.start()
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    row = wait_for(cron_stage, id, "FAILED")[0]
    assert [try_["status"] for try_ in row["attempts"]] == [500] * 5
    assert len(receiver.requests) == 5
    assert len({request[2]["Elves-Execution"] for request in receiver.requests}) == 1


@pytest.mark.parametrize("soft", ["true", "false"])
def test_a_deleted_task_is_tried_no_more(cron_stage, receiver, soft):
    cron_stage.cron()
    receiver.answers = [500] * 100
    made = [cron_stage.make(url=receiver.url, retry_delays=[1] * 50, at=now(), started="true")["id"] for _ in range(3)]
    wait_until(lambda: len(receiver.requests) >= 3, "each was tried")
    deleted = cron_stage.ask("deleteCron", ids=made, soft=soft)
    assert deleted["result"] == made
    called = len(receiver.requests)
    time.sleep(2.5)
    assert len(receiver.requests) <= called + 3, "no more than what was under way"
    called = len(receiver.requests)
    time.sleep(1.5)
    assert len(receiver.requests) == called
    if soft == "true":
        assert statuses(cron_stage, made[0]) == ["FAILED"]
        assert page(cron_stage, made[0])[0]["error"] == "the task was deleted"


# ---- tokens and reports ------------------------------------------------------------------------


def test_a_token_for_each_execution(cron_stage, receiver):
    cron_stage.cron()
    made = cron_stage.make(url=f"http://127.0.0.1:{receiver.port}/p?a=1&b=2#part", every=0.3, count=3, **REPORTED)
    wait_until(lambda: len(receiver.requests) == 3, "three requests")
    tokens = [token_of(request) for request in receiver.requests]
    assert len(set(tokens)) == 3
    for request, token in zip(receiver.requests, tokens):
        assert re.fullmatch("[0-9]{20}", token) and int(token) < 1 << 64
        assert request[1] == f"/p?a=1&b=2&statusToken={token}"
    rows = wait_for(cron_stage, made["id"], *["RUNNING"] * 3)
    assert [row["token"] for row in rows] == tokens[::-1]
    assert "statusToken" not in rows[0]["attempts"][0]["target"]


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
def test_the_first_report_counts(cron_stage, receiver, status):
    cron_stage.cron()
    made = cron_stage.make(owner="romens", spelling="decimal", url=receiver.url, at=now(), **REPORTED)
    wait_for(cron_stage, made["id"], "RUNNING")
    token = token_of(receiver.requests[0])
    assert report(cron_stage, token, "MAYBE")["error"].startswith("[403.8]")
    assert report(cron_stage, token, owner="qbasecron")["error"] == NO_EXECUTION
    assert report(cron_stage, "1" * 20)["error"] == NO_EXECUTION
    assert report(cron_stage, "x")["error"] == NO_EXECUTION
    assert statuses(cron_stage, made["id"]) == ["RUNNING"]
    answer = report(cron_stage, token, status, owner="romens", message="all \u4e2d")
    assert answer["result"] == dict(key=made["key"], status=status, already="false")
    row = page(cron_stage, made["id"])[0]
    assert (row["status"], row["worker_message"], row["http_status"]) == (status, "all \u4e2d", 200)
    again = report(cron_stage, token, "FAILED" if status == "SUCCESS" else "SUCCESS", message="no")
    assert again["result"] == dict(key=made["key"], status=status, already="true")
    assert page(cron_stage, made["id"])[0] == row
    last = cron_stage.detail(made["id"])["last_exec_result"]["result"]
    assert (last["worker_flag"], last["worker_message"]) == (1 if status == "SUCCESS" else 0, "all \u4e2d")


def test_a_report_that_overtakes_the_answer(cron_stage, receiver):
    cron_stage.cron()
    receiver.delay = 2
    made = cron_stage.make(url=receiver.url, at=now(), **REPORTED)
    wait_until(lambda: receiver.requests, "it is called")
    assert report(cron_stage, token_of(receiver.requests[0]))["result"]["already"] == "false"
    wait_for(cron_stage, made["id"], "SUCCESS")
    wait_until(lambda: page(cron_stage, made["id"])[0]["attempts"], "the answer")
    assert statuses(cron_stage, made["id"]) == ["SUCCESS"]


def test_without_a_report_it_ends_by_time_also_after_a_restart(cron_stage, receiver):
    cron = cron_stage.cron()
    soon = cron_stage.make(url=receiver.url, at=now(), report_timeout=1, **REPORTED)["id"]
    later = cron_stage.make(url=receiver.url, at=now(), report_timeout=4, **REPORTED)["id"]
    last = cron_stage.make(url=receiver.url, at=now(), report_timeout=1000, **REPORTED)["id"]
    row = wait_for(cron_stage, soon, "TIMEOUT")[0]
    assert (row["reason"], row["flag"]) == ("report-timeout", "false")
    assert 1 <= seconds(row["ended"]) - seconds(row["sent"]) < 10 * FACTOR
    wait_for(cron_stage, last, "RUNNING")
    cron.kill()
    cron.start()
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    wait_for(cron_stage, later, "TIMEOUT")
    answer = report(cron_stage, row["token"])
    assert (answer["result"]["status"], answer["result"]["already"]) == ("TIMEOUT", "true")
    token = page(cron_stage, last)[0]["token"]
    assert report(cron_stage, token)["result"]["status"] == "SUCCESS"
    assert len(receiver.requests) == 3, "none was called twice"


def test_an_execution_that_is_not_reported_holds_up_the_next(cron_stage, receiver):
    cron = cron_stage.cron()
    id = cron_stage.make(url=receiver.url, every=0.5, overlap="skip", timeout=1, **REPORTED)["id"]
    wait_until(lambda: statuses(cron_stage, id)[2:] and statuses(cron_stage, id)[-1] == "RUNNING", "three instants")
    assert set(statuses(cron_stage, id)[:-1]) == {"SKIPPED"}
    cron.kill()
    cron.start()
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    skipped = statuses(cron_stage, id).count("SKIPPED")
    wait_until(lambda: statuses(cron_stage, id).count("SKIPPED") >= skipped + 2, "others are passed over", 20)
    assert len(receiver.requests) == 1
    assert report(cron_stage, token_of(receiver.requests[0]))["flag"] == "true"
    wait_until(lambda: len(receiver.requests) == 2, "the next one")
    assert statuses(cron_stage, id).count("RUNNING") == 1
    card = cron_stage.detail(id)["result"]
    assert card["fired"] == 2


def test_the_end_by_time_lets_the_next_one_go(cron_stage, receiver):
    cron_stage.cron()
    id = cron_stage.make(url=receiver.url, every=0.5, overlap="skip", report_timeout=1, **REPORTED)["id"]
    wait_until(lambda: len(receiver.requests) >= 3, "three were called", 30)
    assert statuses(cron_stage, id).count("TIMEOUT") >= 2
    assert statuses(cron_stage, id).count("SKIPPED") >= 2


def test_a_token_without_reports_and_its_answer(cron_stage, receiver):
    cron_stage.cron()
    members = dict(url=receiver.url, token_param="t", retries=0, started="true")
    id = cron_stage.make(at=now(), **members)["id"]
    wait_for(cron_stage, id, "SUCCESS")
    assert report(cron_stage, token_of(receiver.requests[0], "t"), "FAILED")["result"]["status"] == "SUCCESS"


# ---- history by pages --------------------------------------------------------------------------


def test_history_by_pages(cron_stage, receiver):
    cron_stage.cron()
    id = cron_stage.make(owner="o", url=receiver.url, every=0.05, count=25, started="true")["id"]
    wait_until(lambda: cron_stage.history(id, page=1)["total"] == 25, "all were fired", 30)
    wait_until(lambda: set(row["status"] for row in page(cron_stage, id, size=100)) == {"SUCCESS"}, "all have ended")
    pages = [cron_stage.history(id, owner="o", page=number) for number in (1, 2, 3, 4)]
    assert [len(answer["result"]) for answer in pages] == [10, 10, 5, 0]
    assert [answer["total"] for answer in pages] == [25] * 4
    planned = [row["planned"] for answer in pages for row in answer["result"]]
    assert planned == sorted(planned, reverse=True) and len(set(planned)) == 25
    assert [row["planned"] for row in page(cron_stage, id, size=7)] == planned[:7]
    answer = cron_stage.history(id, page=1, size=100, begin=planned[9], end=planned[3])
    assert [row["planned"] for row in answer["result"]] == planned[3:10]
    assert answer["total"] == 7
    assert cron_stage.history(id, owner="x", page=1)["error"] == NOT_FOUND
    for bad in (dict(page=0), dict(page=1, size=1001), dict(page="x"), dict(page=1, begin="yesterday")):
        assert cron_stage.history(id, **bad)["error"].startswith("[500]"), bad
    cron_stage.ask("deleteCron", id=id, soft="true")
    assert cron_stage.history(id, page=1)["total"] == 25


# ---- fireCron ----------------------------------------------------------------------------------


def test_fired_by_hand_besides_the_plan(cron_stage, receiver):
    cron_stage.cron()
    made = cron_stage.make(owner="o", url=receiver.url, rule="0 0 0 1 1 ?", token_param="t", retries=0, count=5)
    answer = cron_stage.ask("fireCron", id=made["id"], owner="o")["result"]
    row = wait_for(cron_stage, made["id"], "SUCCESS")[0]
    assert (answer["key"], answer["execution"], answer["token"]) == (made["key"], row["key"], row["token"])
    assert token_of(receiver.requests[0], "t") == row["token"]
    assert cron_stage.ask("fireCron", id=made["id"], owner="x")["error"] == NOT_FOUND
    assert cron_stage.ask("fireCron", id="0" * 16)["error"] == NOT_FOUND
    for _ in range(20):
        cron_stage.ask("fireCron", id=made["id"])
    wait_until(lambda: len(receiver.requests) == 21, "each one")
    assert cron_stage.detail(made["id"])["result"]["fired"] == 0


def test_what_was_fired_by_hand_is_no_fault_of_the_plan(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.make(every=0.5, count=4, started="true")["id"]
    keys = [cron_stage.ask("fireCron", id=id)["result"]["execution"] for _ in range(3)]
    got = [message.properties.message_id for message in jobs.take_many(7)]
    assert set(keys) < set(got) and len(set(got)) == 7
    result = cron_stage.ask("cronAudit", to=time_text(time.time()))["result"]
    assert (result["fired"], result["unplanned"], result["lost"], result["doubled"]) == (4, 0, 0, 0)


# ---- spawn -------------------------------------------------------------------------------------


def test_each_occurrence_makes_a_task(cron_stage, receiver):
    cron_stage.cron()
    parent = cron_stage.make(owner="o", name="n", extra="e", spelling="objectid", unique="u", url=receiver.url,
                             param="p", token_param="t", every=0.5, count=3, spawn="true", started="true")
    wait_until(lambda: len(receiver.requests) == 3, "three were called")
    wait_until(lambda: cron_stage.ask("findCron", owner="o", max_reached="true")["total"] == 4, "all are done")
    cards = cron_stage.ask("findCron", owner="o")["result"]
    children = [card for card in cards if card["spawned_by"] == parent["id"]]
    assert len(children) == 3 and len(cards) == 4
    for card in children:
        assert (card["owner"], card["name"], card["extra"], card["param"], card["unique"]) == ("o", "n", "e", "p", "")
        assert (card["state"], card["fired"], card["spawn"], len(card["key"])) == ("finished", 1, "false", 24)
        row = wait_for(cron_stage, card["id"], "SUCCESS")[0]
        assert row["token"] in [token_of(request, "t") for request in receiver.requests]
    rows = wait_for(cron_stage, parent["id"], *["SUCCESS"] * 3)
    assert {row["worker_message"] for row in rows} == {card["id"] for card in children}
    assert cron_stage.ask("deleteCron", owner="o", id=parent["id"])["flag"] == "true"
    assert cron_stage.ask("findCron", owner="o")["total"] == 3
    result = cron_stage.ask("cronAudit", to=time_text(time.time()))["result"]
    assert (result["unplanned"], result["lost"], result["doubled"]) == (0, 0, 0)


@pytest.mark.parametrize("point", ["cron-after-record", "before-commit", "after-commit"])
def test_no_occurrence_makes_two_tasks(cron_stage, point):
    cron = cron_stage.cron()
    inbox = cron_stage.topic("t")
    parent = cron_stage.make(owner="o", topic="t", every=0.5, spawn="true", missed="all", started="true")["id"]
    inbox.take()
    cron.terminate()
    cron.environment = {"ELVES_CRASH": f"{point}:3"}
    cron.start(ready=False)
    wait_until(lambda: not cron.alive(), f"it dies at {point}", 30)
    cron.expected = (0, -signal.SIGKILL)
    cron.environment = {}
    began = cron.log().count("consuming queue")
    cron.start(ready=False)
    wait_until(lambda: cron.log().count("consuming queue") > began, "it takes requests", 30)
    inbox.take_many(3)
    cron_stage.ask("stopCron", id=parent)
    wait_until(lambda: set(statuses(cron_stage, parent)) == {"SUCCESS"}, "all were made")
    rows = page(cron_stage, parent, size=1000)
    cards = cron_stage.ask("findCron", owner="o", size=1000)["result"]
    children = {card["id"] for card in cards if card["spawned_by"] == parent}
    assert {row["worker_message"] for row in rows} == children and len(rows) == len(children)
    result = cron_stage.ask("cronAudit", to=time_text(time.time()), id=parent)["result"]
    assert (result["unplanned"], result["lost"], result["doubled"]) == (0, 0, 0)
