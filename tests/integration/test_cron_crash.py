"""P7: each instant is decided once and recorded before it is published, whatever dies in between."""

import signal
import time

import pytest

from services import ask_postgres
from support.cron import keys_of, planned_of, seconds
from support.wait import wait_until

POINTS = ["cron-after-record", "component-before-confirm", "cron-before-mark", "before-commit",
          "after-commit", "component-after-consume"]


def assert_each_second_once(keys):
    planned = sorted(int(key.split(":")[1]) for key in keys)
    assert len(set(planned)) == len(planned), "an instant came twice"
    assert planned == list(range(planned[0], planned[-1] + 1, 1000000)), "an instant did not come"


@pytest.mark.parametrize("point", POINTS)
def test_p7_a_crash_at_each_hop_loses_and_doubles_nothing(cron_stage, point):
    cron = cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True, every=1, missed="all")
    keys = keys_of(jobs.take_many(2))
    cron.terminate()

    cron.environment = {"ELVES_CRASH": f"{point}:2"}
    cron.start(ready=False)
    if point == "component-after-consume":
        wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
        cron_stage.send("cronList", {}, reply_to="nobody")
        cron_stage.send("cronList", {}, reply_to="nobody")
    wait_until(lambda: not cron.alive(), f"it dies at {point}", 30)
    assert cron.process.returncode == -signal.SIGKILL
    cron.expected = (0, -signal.SIGKILL)

    cron.environment = {}
    cron.start()
    began = time.time()
    while planned_of(message := jobs.take(20)) < began + 1:
        keys.append(message.properties.message_id)
    assert {key.split(":")[0] for key in keys} == {id}
    assert_each_second_once(keys)


def test_p7_the_audit_agrees_and_finds_what_was_deleted(cron_stage):
    cron = cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True, every=1)
    jobs.take_many(3)
    cron_stage.ask("stopCron", id=id)
    to = "2199-01-01T00:00:00Z"
    result = cron_stage.ask("cronAudit", id=id, to=to)["result"]
    assert (result["lost"], result["unplanned"], result["unsent"]) == (0, 0, 0)
    assert result["expected"] == result["fired"] == len(cron_stage.history(id)["result"]) >= 3
    rows = cron_stage.history(id)["result"]
    victim = rows[1]
    planned = round(seconds(victim["planned"]) * 1e6)
    statement = f"DELETE FROM cron_firing WHERE schedule = '{id}' AND planned_us = {planned}"
    if cron_stage.store == "sqlite":
        cron.terminate()
        import sqlite3

        with sqlite3.connect(cron_stage.url.removeprefix("sqlite:")) as database:
            database.execute(statement)
        database.close()
        cron.start()
    else:
        ask_postgres(cron_stage.url, statement)
    result = cron_stage.ask("cronAudit", wait=20, id=id, to=to)["result"]
    assert result["lost"] == 1
    assert [(finding["kind"], finding["planned"]) for finding in result["findings"]
            if finding["kind"] != "late"] == [("lost", victim["planned"])]


def test_p7_a_stop_is_a_pause_and_no_loss(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True, every=0.5)
    jobs.take_many(2)
    cron_stage.ask("stopCron", id=id)
    time.sleep(2)
    cron_stage.ask("startCron", id=id)
    wait_until(lambda: jobs.poll(), "it fires again")
    cron_stage.ask("stopCron", id=id)
    result = cron_stage.ask("cronAudit", id=id, to="2199-01-01T00:00:00Z")["result"]
    assert (result["lost"], result["unplanned"]) == (0, 0), result
    assert result["paused"] >= 3


def test_p7_two_processes_one_leads_and_the_other_takes_over_at_its_end(services, tmp_path):
    from support.cron import CronStage

    stage = CronStage(services, tmp_path, "postgresql")
    try:
        first = stage.cron()
        second = stage.cron(leads=False)
        jobs = stage.jobs()
        stage.create(start=True, every=1, missed="all")
        keys = keys_of(jobs.take_many(3))
        assert "consuming queue" not in second.log()
        first.terminate()
        wait_until(lambda: "consuming queue" in second.log(), "the other one leads", 20)
        keys += keys_of(jobs.take_many(4))
        assert_each_second_once(keys)
    finally:
        stage.close()


def test_p7_a_leader_that_slept_too_long_writes_nothing_more(services, tmp_path):
    """SIGSTOP beyond the session: the other one leads; the first one wakes up, and finds the fence."""
    from support.cron import CronStage

    stage = CronStage(services, tmp_path, "postgresql")
    try:
        first = stage.cron()
        second = stage.cron(leads=False)
        jobs = stage.jobs()
        stage.create(start=True, every=1, missed="all")
        keys = keys_of(jobs.take_many(2))
        first.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: "consuming queue" in second.log(), "the other one leads", 30)
        first.process.send_signal(signal.SIGCONT)
        keys += keys_of(jobs.take_many(8, 60))
        assert_each_second_once(keys)
    finally:
        stage.close()
