"""Timed tasks that belong to somebody: ids and their spellings, unique keys, cards, finding,
deleting and replacing; and stores of an earlier version."""

import time

import pytest

from support.cron import keys_of, planned_of, seconds, time_text
from support.wait import wait_until

NOT_FOUND = "[411.1]Not Find Cron Job To Operate"
DAILY = dict(rule="0 0 0 * * ?")

V2_INDEXES = ["cron_schedule_by_unique", "cron_schedule_by_owner", "cron_schedule_by_name",
              "cron_schedule_deleted", "cron_schedule_spawned", "cron_firing_by_token",
              "cron_firing_by_report"]
V2_COLUMNS = {
    "cron_schedule": ["owner", "unique_key", "extra", "spelling", "first_now", "exchange", "targets",
                      "token_param", "report_timeout_s", "retry_delays", "spawn", "spawned_by",
                      "deleted_us"],
    "cron_firing": ["request", "token", "report_until_us", "reason", "http_status", "tries", "attempts"],
}


def spellings(id):
    number = int(id, 16)
    return {"hex": id, "decimal": str(number), "objectid": f"{(number >> 23) // 1000:08x}{number:016x}"}


def refused(answer, code):
    return answer["flag"] == "false" and answer["error"].startswith(f"[{code}]")


# ---- ids -------------------------------------------------------------------------------------


def test_ids_grow_and_tell_when_they_were_made(cron_stage):
    cron_stage.cron()
    before = time.time()
    ids = [cron_stage.make(**DAILY)["id"] for _ in range(20)]
    assert ids == sorted(ids) and len(set(ids)) == 20
    for id in ids:
        made = (int(id, 16) >> 23) / 1000
        assert before - 0.002 <= made <= time.time()
        assert len(spellings(id)["decimal"]) == 20


@pytest.mark.parametrize("spelling", ["hex", "decimal", "objectid"])
def test_an_id_in_each_spelling(cron_stage, spelling):
    cron_stage.cron()
    answer = cron_stage.make(spelling=spelling, **DAILY)
    all = spellings(answer["id"])
    assert answer["key"] == answer["result"]["key"] == all[spelling]
    created = seconds(answer["result"]["created"])
    assert int(all["objectid"][:8], 16) == int(created)
    for id in [*all.values(), all["hex"].lower(), all["objectid"].upper()]:
        assert cron_stage.detail(id)["id"] == answer["id"]
    for bad in ("0" + all["objectid"][1:], all["objectid"] + "0", "9" * 20, all["decimal"][1:]):
        assert cron_stage.detail(bad)["error"] == NOT_FOUND, bad
    assert cron_stage.ask("startCron", id=all["objectid"])["flag"] == "true"
    assert cron_stage.ask("stopCron", id=all["decimal"])["flag"] == "true"
    assert cron_stage.ask("deleteCron", id=all["decimal"]) == {"flag": "true", "error": ""}
    assert cron_stage.detail(answer["id"])["error"] == NOT_FOUND


# ---- owners and unique keys ------------------------------------------------------------------


def test_the_second_of_a_unique_key_is_the_first(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    first = cron_stage.make(owner="taskcenter", unique=" a b", name="n", extra="{\"x\": 1}", at=time_text(time.time() - 5),
                            started="true")
    assert first["existed"] == "false"
    assert len(keys_of(jobs.take_many(1))) == 1
    second = cron_stage.make(owner="taskcenter", unique=" a b", name="other", every=1, first="now", started="true")
    assert (second["existed"], second["id"]) == ("true", first["id"])
    assert (second["result"]["name"], second["result"]["extra"]) == ("n", "{\"x\": 1}")
    jobs.stays_empty(1.2)
    other = cron_stage.make(owner="romens", unique=" a b", **DAILY)
    assert (other["existed"], other["id"] != first["id"]) == ("false", True)
    assert cron_stage.ask("deleteCron", owner="taskcenter", id=first["id"])["flag"] == "true"
    third = cron_stage.make(owner="taskcenter", unique=" a b", **DAILY)
    assert (third["existed"], third["id"] != first["id"]) == ("false", True)


def test_many_requests_of_one_unique_key_make_one(cron_stage):
    cron_stage.cron()
    inbox = cron_stage.asker.inbox()
    for _ in range(50):
        body = dict(ip="1", mode="NP", app="a", func="f", owner="o", unique="u", **DAILY)
        cron_stage.send("createCron", body, reply_to=inbox.name)
    answers = [message.json["mqbody"] for message in inbox.take_many(50)]
    assert len({answer["id"] for answer in answers}) == 1
    assert sorted(answer["existed"] for answer in answers) == ["false"] + ["true"] * 49
    assert cron_stage.ask("findCron", owner="o")["total"] == 1


def test_a_task_of_another_owner_is_not_found(cron_stage):
    cron_stage.cron()
    id = cron_stage.make(owner="romens", **DAILY)["id"]
    for action in ("cronDetail", "startCron", "stopCron", "deleteCron", "cronHistory"):
        assert cron_stage.ask(action, id=id, owner="qbasecron")["error"] == NOT_FOUND, action
    for action in ("cronDetail", "startCron", "stopCron", "cronHistory", "deleteCron"):
        assert cron_stage.ask(action, id=id, owner="romens")["flag"] == "true", action


def test_members_that_are_too_long(cron_stage):
    cron_stage.cron()
    body = dict(ip="1", mode="NP", app="a", func="f", **DAILY)
    for name, limit in dict(owner=64, unique=128, extra=65536).items():
        assert refused(cron_stage.ask("createCron", **body, **{name: "x" * (limit + 1)}), "403.8"), name
        assert cron_stage.ask("createCron", **body, **{name: "x" * limit})["flag"] == "true", name
    assert refused(cron_stage.ask("createCron", **body, spelling="roman"), "403.8")


def test_the_card(cron_stage):
    cron_stage.cron()
    answer = cron_stage.make(owner="romens", name="n", unique="u", extra="opaque ", url="http://127.0.0.1:1/",
                             method="PUT", headers={"A": "b"}, content_type="text/x", retries=0, param="p",
                             count=3, **DAILY)
    card = answer["result"]
    expected = dict(id=answer["id"], key=answer["id"], owner="romens", unique="u", extra="opaque ", exchange="",
                    urls=["http://127.0.0.1:1/"], headers={"A": "b"}, content_type="text/x", retries=0,
                    deleted="false", is_expired="false", is_max_reached="false", spawned_by="", next="",
                    fired=0, count=3, state="stopped", param="p", last_exec_result={})
    assert {name: card[name] for name in expected} == expected
    assert abs(seconds(card["created"]) - time.time()) < 30
    assert cron_stage.detail(answer["id"])["result"] == card
    assert cron_stage.ask("findCron", owner="romens")["result"] == [card]


# ---- when ------------------------------------------------------------------------------------


def test_an_instant_of_the_past_fires_at_once(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    answer = cron_stage.make(at=time_text(time.time() - 86400), started="true")
    message = jobs.take()
    assert message.properties.message_id.startswith(answer["id"] + ":")
    assert abs(planned_of(message) - seconds(answer["result"]["created"])) < 1
    wait_until(lambda: cron_stage.detail(answer["id"])["state"] == "finished", "it has fired")
    assert cron_stage.detail(answer["id"])["result"]["is_max_reached"] == "true"
    body = dict(ip="1", mode="NP", app="a", func="f", at=time_text(time.time() - 5))
    assert refused(cron_stage.ask("createCron", **body), "403.5"), "of what is not started none comes"
    jobs.stays_empty(0.5)


def test_the_first_instant_is_now_and_the_others_follow_it(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    made = cron_stage.make(every=1, first="now", count=3, started="true")
    planned = [planned_of(message) for message in jobs.take_many(3)]
    assert abs(planned[0] - seconds(made["result"]["created"])) < 0.001
    assert [round(at - planned[0], 3) for at in planned] == [0, 1, 2]
    jobs.stays_empty(1.2)
    start = time.time() + 2
    cron_stage.make(every=1, first="now", start=time_text(start), count=1, started="true")
    assert abs(planned_of(jobs.take()) - start) < 0.001
    report = cron_stage.ask("cronAudit", to=time_text(time.time()))["result"]
    assert (report["lost"], report["unplanned"], report["doubled"]) == (0, 0, 0)


def test_first_now_of_what_is_started_later(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.make(every=1000, first="now")["id"]
    jobs.stays_empty(0.5)
    cron_stage.ask("startCron", id=id)
    assert abs(planned_of(jobs.take()) - time.time()) < 10
    jobs.stays_empty(0.5)


# ---- findCron --------------------------------------------------------------------------------


def found(cron_stage, **query):
    answer = cron_stage.ask("findCron", **query)
    assert answer["flag"] == "true", answer
    return [card["id"] for card in answer["result"]], answer["total"]


def test_finding_pages_newest_first(cron_stage):
    cron_stage.cron()
    ids = [cron_stage.make(owner="o", name=f"n{number % 2}", **DAILY)["id"] for number in range(25)][::-1]
    cron_stage.make(owner="other", **DAILY)
    assert found(cron_stage, owner="o") == (ids[:10], 25)
    assert found(cron_stage, owner="o", page=3) == (ids[20:], 25)
    assert found(cron_stage, owner="o", page=4) == ([], 25)
    assert found(cron_stage, owner="o", name="n0", size=1000) == (ids[::2], 13)
    assert found(cron_stage, owner="o", ids=[ids[3], "nonsense", ids[1], ids[7]]) == ([ids[1], ids[3], ids[7]], 3)
    assert found(cron_stage, owner="o", ids=ids[:5], page=2, size=2) == (ids[2:4], 5)
    assert found(cron_stage, owner="o", id=spellings(ids[4])["decimal"]) == ([ids[4]], 1)
    assert found(cron_stage, owner="other", id=ids[4]) == ([], 0)
    assert found(cron_stage, owner="o", id="nonsense") == ([], 0)
    assert found(cron_stage)[1] == 26
    for page in (dict(size=1001), dict(size=0), dict(page=0), dict(page="x")):
        assert refused(cron_stage.ask("findCron", owner="o", **page), "500"), page


def test_finding_by_state_and_flags(cron_stage):
    cron_stage.cron()
    plain = cron_stage.make(owner="o", unique="u", **DAILY)["id"]
    expired = cron_stage.make(owner="o", every=0.5, end=time_text(time.time() + 1), started="true")["id"]
    reached = cron_stage.make(owner="o", every=0.5, count=1, started="true")["id"]
    started = cron_stage.make(owner="o", started="true", **DAILY)["id"]
    gone = cron_stage.make(owner="o", **DAILY)["id"]
    cron_stage.ask("deleteCron", id=gone, soft="true")
    wait_until(lambda: found(cron_stage, owner="o", state="finished")[1] == 2, "two have finished")
    time.sleep(1)
    assert found(cron_stage, owner="o", unique="u") == ([plain], 1)
    assert found(cron_stage, owner="o", state="started") == ([started], 1)
    assert found(cron_stage, owner="o", expired="true") == ([expired], 1)
    assert found(cron_stage, owner="o", expired="false")[1] == 3
    assert found(cron_stage, owner="o", max_reached="true") == ([reached], 1)
    assert found(cron_stage, owner="o", deleted="true") == ([gone], 1)
    assert found(cron_stage, owner="o", deleted="all")[1] == 5
    assert found(cron_stage, owner="o")[1] == 4


# ---- deleteCron ------------------------------------------------------------------------------


def test_deleting_several(cron_stage):
    cron_stage.cron()
    made = [cron_stage.make(owner="o", spelling="objectid", name="n", **DAILY) for _ in range(4)]
    other = cron_stage.make(owner="other", name="n", **DAILY)
    keys = [answer["key"] for answer in made]
    answer = cron_stage.ask("deleteCron", owner="o", ids=[keys[2], "x", other["key"], keys[0], keys[2]])
    assert answer == {"flag": "true", "error": "", "result": [keys[2], keys[0]]}
    assert cron_stage.ask("deleteCron", owner="o", ids=[])["result"] == []
    assert cron_stage.ask("deleteCron", owner="o", name="n")["result"] == [keys[3], keys[1]]
    assert cron_stage.ask("deleteCron", owner="o", name="n")["result"] == []
    assert found(cron_stage)[0] == [other["id"]]


def test_what_was_deleted_softly_is_kept_and_silent(cron_stage):
    cron = cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.make(owner="o", unique="u", every=0.5, started="true")["id"]
    jobs.take()
    assert cron_stage.ask("deleteCron", id=id, owner="o", soft="true")["flag"] == "true"
    while jobs.poll():
        pass
    jobs.stays_empty(1.2)
    for action in ("startCron", "stopCron", "cronDetail", "deleteCron", "replaceCron"):
        assert cron_stage.ask(action, id=id, ip="1", app="a", func="f", mode="P", **DAILY)["error"] == NOT_FOUND
    assert cron_stage.history(id)["result"]
    assert cron_stage.ask("cronList")["result"] == []
    cron.terminate()
    cron.start()
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    card = cron_stage.ask("findCron", owner="o", deleted="true")["result"][0]
    assert (card["id"], card["deleted"], card["state"]) == (id, "true", "stopped")
    assert cron_stage.make(owner="o", unique="u", **DAILY)["existed"] == "false"
    jobs.stays_empty(1.2)


# ---- replaceCron -----------------------------------------------------------------------------


def test_replacing_keeps_id_history_and_creation(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    made = cron_stage.make(owner="o", spelling="decimal", every=0.5, count=2, param="old", started="true")
    jobs.take_many(2)
    wait_until(lambda: cron_stage.detail(made["id"])["state"] == "finished", "it has fired twice")
    before = cron_stage.history(made["id"])["result"]
    answer = cron_stage.ask("replaceCron", owner="o", id=made["key"], ip="1", mode="NP", app="a", func="g",
                            param="new", every=1, count=2)
    card = answer["result"]
    assert (answer["id"], answer["key"]) == (made["id"], made["key"])
    assert (card["created"], card["state"], card["fired"]) == (made["result"]["created"], "started", 0)
    messages = jobs.take_many(2)
    assert [message.json["mqbody"]["param"] for message in messages] == ["new", "new"]
    jobs.stays_empty(1.2)
    assert cron_stage.history(made["id"])["result"][2:] == before
    report = cron_stage.ask("cronAudit", to=time_text(time.time()))["result"]
    assert (report["lost"], report["unplanned"], report["doubled"]) == (0, 0, 0)


def test_replacing_what_is_not_there_or_cannot_be(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    body = dict(ip="1", mode="NP", app="a", func="f")
    id = cron_stage.make(owner="o", every=0.5, started="true")["id"]
    assert cron_stage.ask("replaceCron", owner="x", id=id, **body, **DAILY)["error"] == NOT_FOUND
    assert cron_stage.ask("replaceCron", owner="o", id="0" * 16, **body, **DAILY)["error"] == NOT_FOUND
    assert refused(cron_stage.ask("replaceCron", owner="o", id=id, **body, rule="x"), "403.5")
    cron_stage.make(owner="o", unique="u", **DAILY)
    assert cron_stage.ask("replaceCron", owner="o", id=id, unique="u", **body, **DAILY)["flag"] == "false"
    while jobs.poll():
        pass
    jobs.take_many(2)
    assert cron_stage.ask("replaceCron", owner="o", id=id, started="false", **body, **DAILY)["flag"] == "true"
    assert cron_stage.ask("replaceCron", owner="o", id=id, **body, every=0.5)["result"]["state"] == "stopped"
    while jobs.poll():
        pass
    jobs.stays_empty(1.2)


# ---- the store of an earlier version ----------------------------------------------------------


def make_version_1(cron_stage):
    statements = [f"DROP INDEX {name}" for name in V2_INDEXES]
    for table, columns in V2_COLUMNS.items():
        statements += [f"ALTER TABLE {table} DROP COLUMN {name}" for name in columns]
    cron_stage.sql(*statements, "UPDATE elves_schema SET version = 1 WHERE name = 'cron'",
                   "UPDATE cron_schedule SET id = '0123456789ABCDEF'",
                   "UPDATE cron_firing SET schedule = '0123456789ABCDEF'")


def test_a_store_of_version_1_goes_on(cron_stage):
    cron = cron_stage.cron()
    jobs = cron_stage.jobs()
    cron_stage.make(every=1, started="true", name="old", missed="all", param="p")
    first = planned_of(jobs.take_many(2)[1])
    cron.terminate()
    make_version_1(cron_stage)
    cron.start()
    id = "0123456789ABCDEF"
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    planned = []
    while not planned or planned[-1] < first + 4:
        planned.append(planned_of(jobs.take()))
    assert [round(at - first) for at in planned if at > first] == [1, 2, 3, 4]
    card = cron_stage.detail(id)["result"]
    assert (card["owner"], card["key"], card["name"], card["deleted"]) == ("", id, "old", "false")
    assert len(cron_stage.history(id)["result"]) >= 6
    assert cron_stage.detail(spellings(id)["objectid"])["id"] == id
