"""elvesctl cron next: which rules are taken, and what daylight saving does to them.

The expected instants are written down as local times; Python's zoneinfo makes UTC of them, which is
another reader of the time-zone data than ours."""

import datetime
import json
import zoneinfo

import pytest

from support.process import run_tool

UTC = datetime.timezone.utc


def cron_next(*arguments, environment=None):
    return run_tool("elvesctl", "cron", "next", *arguments, environment=environment)


def instants(*arguments):
    answer = cron_next(*arguments, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def utc(zone, local, fold=0):
    time = datetime.datetime.fromisoformat(local).replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=fold)
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- accepted and refused (E38) ------------------------------------------------------------------

TAKEN = ["0/5 * * * * ?", "0 0 12 ? * MON-FRI 2099", "0 15 10 L-2 * ?", "0 0 0 15W * ?", "0 0 0 ? * 6#3",
         "0/60 * * * * ?", "0 0 0 ? * 1,2#1", "0 0 0 5C * ?", "0 0 22-2 ? * FRI-MON", "0 0 0 LW * ?"]

REFUSED = {
    "0/5 * * * * *": "day of month and day of week",
    "* * *": "3 fields, expected 6 or 7",
    "60 * * * * ?": 'second "60": expected 0-59',
    "0 0 0 L * 6L": "day of month and day of week",
    "0 0 0 ? * 8": 'day of week "8": expected 1-7 or SUN-SAT',
    "0 0 0 ? * ?": "both",
    "0 0 0 L,1 * ?": 'day of month "L,1"',
    "*/60 * * * * ?": "step of at most 59",
    "0 0 0 31 2 ?": "never fire",
    "@daily": "expected 6 or 7",
    "": "empty",
}


@pytest.mark.parametrize("rule", TAKEN)
def test_e38_rule_is_taken(rule):
    assert len(instants(rule, "--tz", "UTC", "--from", "2026-01-01T00:00:00Z", "-n", "3")) == 3


@pytest.mark.parametrize("rule", REFUSED)
def test_e38_rule_is_refused_with_the_reason(rule):
    answer = cron_next(rule)
    assert answer.returncode == 2
    assert REFUSED[rule] in answer.stderr
    assert answer.stdout == ""


def test_a_rule_of_the_past_is_refused():
    answer = cron_next("0 0 0 1 1 ? 2020", "--tz", "UTC")
    assert answer.returncode == 2
    assert "no instant after" in answer.stderr


@pytest.mark.parametrize("arguments", [
    [], ["a", "b"], ["0 0 0 * * ?", "-n", "0"], ["0 0 0 * * ?", "--dialect", "cron"],
    ["0 0 0 * * ?", "--tz", "Mars/Olympus"], ["0 0 0 * * ?", "--from", "yesterday"],
    ["0 0 0 * * ?", "--gap", "twice"], ["0 0 0 * * ?", "--fold", "skip"],
])
def test_usage_errors(arguments):
    answer = cron_next(*arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("elvesctl: ")


# --- dialects ------------------------------------------------------------------------------------

DIALECTS = [
    ("quartz", "0 0 0 ? * 2", "2026-01-05T00:00:00Z"),
    ("crontab", "0 0 * * 2", "2026-01-06T00:00:00Z"),
    ("crontab-seconds", "30 0 0 * * 2", "2026-01-06T00:00:30Z"),
    ("crontab-seconds", "@every 90s", "2026-01-01T00:01:30Z"),
    ("timecloud", "0 0 0 * * 2", "2026-01-07T00:00:00Z"),
    ("timecloud-sunday", "0 0 0 * * 2", "2026-01-06T00:00:00Z"),
    ("timecloud", "0 0 0 1 1 *", "2026-02-01T00:00:00Z"),
    ("cronjob", '{"second":"0","minute":"0","hour":"0","dow":"2"}', "2026-01-06T00:00:00Z"),
]


@pytest.mark.parametrize("dialect, rule, expected", DIALECTS)
def test_dialects(dialect, rule, expected):
    assert instants(rule, "--dialect", dialect, "--tz", "UTC", "--from", "2026-01-01T00:00:00Z", "-n", "1") == [expected]


def test_the_zone_of_the_process_is_used():
    answer = cron_next("0 0 8 * * ?", "--from", "2026-01-01T00:00:00Z", "-n", "1", "--json",
                       environment={"TZ": "Asia/Shanghai"})
    assert json.loads(answer.stdout) == ["2026-01-02T00:00:00Z"]


def test_from_is_local_without_an_offset():
    assert instants("0 0 8 * * ?", "--tz", "Asia/Shanghai", "--from", "2026-01-01T07:00:00", "-n", "1") == ["2026-01-01T00:00:00Z"]


# --- daylight saving -----------------------------------------------------------------------------

# zone, crontab rule, from (local), and per policy the first two instants: local times, "/2" for the
# second of two. "first" and "skip" say what becomes of a gap, "once" and "twice" of a fold.
CASES = [
    # An hour missing at two, an hour repeated at two.
    ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00", {"first": ["2026-03-29T03:00", "2026-03-30T02:30"],
                                                        "skip": ["2026-03-30T02:30", "2026-03-31T02:30"]}),
    ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00", {"once": ["2026-10-25T02:30", "2026-10-26T02:30"],
                                                        "twice": ["2026-10-25T02:30", "2026-10-25T02:30/2"]}),
    ("America/New_York", "*/30 2 * * *", "2026-03-07T12:00", {"first": ["2026-03-08T03:00", "2026-03-09T02:00"],
                                                             "skip": ["2026-03-09T02:00", "2026-03-09T02:30"]}),
    ("America/New_York", "59 1 * * *", "2026-10-31T12:00", {"once": ["2026-11-01T01:59", "2026-11-02T01:59"],
                                                           "twice": ["2026-11-01T01:59", "2026-11-01T01:59/2"]}),
    # Midnight itself is missing.
    ("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00", {"first": ["2018-11-04T01:00", "2018-11-05T00:00"],
                                                           "skip": ["2018-11-05T00:00", "2018-11-06T00:00"]}),
    ("Asia/Beirut", "15 0 * * *", "2022-03-26T12:00", {"first": ["2022-03-27T01:00", "2022-03-28T00:15"],
                                                      "skip": ["2022-03-28T00:15", "2022-03-29T00:15"]}),
    ("Africa/Cairo", "0 0 * * 5", "2026-04-23T12:00", {"first": ["2026-04-24T01:00", "2026-05-01T00:00"],
                                                      "skip": ["2026-05-01T00:00", "2026-05-08T00:00"]}),
    # The hour before midnight is repeated: the day begins once.
    ("America/Sao_Paulo", "30 23 * * *", "2019-02-16T12:00", {"once": ["2019-02-16T23:30", "2019-02-17T23:30"],
                                                             "twice": ["2019-02-16T23:30", "2019-02-16T23:30/2"]}),
    ("Africa/Cairo", "0 0 * * *", "2026-10-29T12:00", {"twice": ["2026-10-30T00:00", "2026-10-31T00:00"]}),
    # Half an hour, in the south.
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00", {"first": ["2026-10-04T02:30", "2026-10-05T02:15"],
                                                              "skip": ["2026-10-05T02:15", "2026-10-06T02:15"]}),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00", {"once": ["2026-04-05T01:45", "2026-04-06T01:45"],
                                                              "twice": ["2026-04-05T01:45", "2026-04-05T01:45/2"]}),
    ("Pacific/Chatham", "0 3 * * *", "2026-09-26T12:00", {"first": ["2026-09-27T03:45", "2026-09-28T03:00"],
                                                         "skip": ["2026-09-28T03:00", "2026-09-29T03:00"]}),
    ("Australia/Sydney", "30 2 * * *", "2026-04-04T12:00", {"once": ["2026-04-05T02:30", "2026-04-06T02:30"],
                                                           "twice": ["2026-04-05T02:30", "2026-04-05T02:30/2"]}),
    # Rules that changed: the last change of Istanbul, half an hour in Pyongyang there and back,
    # Sao Paulo after its last.
    ("Europe/Istanbul", "30 3 * * *", "2016-03-26T12:00", {"first": ["2016-03-27T04:00", "2016-03-28T03:30"]}),
    ("Europe/Istanbul", "30 3 * * *", "2017-03-25T12:00", {"first": ["2017-03-26T03:30", "2017-03-27T03:30"]}),
    ("Asia/Pyongyang", "45 23 * * *", "2015-08-14T12:00", {"once": ["2015-08-14T23:45", "2015-08-15T23:45"],
                                                          "twice": ["2015-08-14T23:45", "2015-08-14T23:45/2"]}),
    ("Asia/Pyongyang", "45 23 * * *", "2018-05-04T12:00", {"first": ["2018-05-05T00:00", "2018-05-05T23:45"],
                                                          "skip": ["2018-05-05T23:45", "2018-05-06T23:45"]}),
    ("America/Sao_Paulo", "0 0 * * *", "2019-11-02T12:00", {"first": ["2019-11-03T00:00", "2019-11-04T00:00"]}),
    # A whole day is missing.
    ("Pacific/Apia", "0 12 * * *", "2011-12-29T13:00", {"first": ["2011-12-31T00:00", "2011-12-31T12:00"],
                                                       "skip": ["2011-12-31T12:00", "2012-01-01T12:00"]}),
    # Winter is the daylight saving time; and after 2037, by the rule alone.
    ("Europe/Dublin", "30 1 * * *", "2026-03-28T12:00", {"first": ["2026-03-29T02:00", "2026-03-30T01:30"]}),
    ("Europe/Dublin", "30 1 * * *", "2045-10-28T12:00", {"once": ["2045-10-29T01:30", "2045-10-30T01:30"],
                                                        "twice": ["2045-10-29T01:30", "2045-10-29T01:30/2"]}),
    # Every hour is a beat: an hour of the day that is not there is not made up for.
    ("Europe/Berlin", "30 * * * *", "2026-03-29T01:45", {"": ["2026-03-29T03:30", "2026-03-29T04:30"]}),
    ("Europe/Berlin", "30 * * * *", "2026-10-25T01:45", {"": ["2026-10-25T02:30", "2026-10-25T02:30/2"]}),
]

POLICIES = {"first": ["--gap", "first"], "skip": ["--gap", "skip"], "once": ["--fold", "once"],
            "twice": ["--fold", "twice"], "": []}


@pytest.mark.parametrize("zone, rule, since, expected", CASES)
def test_daylight_saving(zone, rule, since, expected):
    for policy, times in expected.items():
        wanted = [utc(zone, time.removesuffix("/2"), fold=time.endswith("/2")) for time in times]
        found = instants(rule, "--dialect", "crontab", "--tz", zone, "--from", since + ":00", "-n", "2", *POLICIES[policy])
        assert found == wanted, policy


@pytest.mark.parametrize("dialect, gap, fold", [
    ("quartz", "skip", "once"), ("crontab", "first", "once"), ("crontab-seconds", "skip", "twice"),
    ("timecloud", "first", "once"), ("timecloud-sunday", "first", "once"), ("cronjob", "first", "once"),
])
def test_policies_of_a_dialect(dialect, gap, fold):
    rule = {"quartz": "0 30 2 * * ?", "cronjob": '{"minute":30,"hour":2}'}.get(dialect, "30 2 * * *")
    for since in ("2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"):
        common = [rule, "--dialect", dialect, "--tz", "Europe/Berlin", "--from", since, "-n", "3"]
        assert instants(*common) == instants(*common, "--gap", gap, "--fold", fold)
    other = instants(*common, "--fold", {"once": "twice", "twice": "once"}[fold])
    assert instants(*common) != other


def test_decisions_are_marked():
    common = ["--dialect", "crontab", "--tz", "Europe/Berlin", "-n", "2"]
    moved = cron_next("30 2 * * *", *common, "--from", "2026-03-28T12:00:00Z").stdout
    assert "2026-03-29T01:00:00Z  Sun 2026-03-29 03:00:00 +02:00  2026-03-29 02:30:00 does not exist: the first" in moved
    skipped = cron_next("30 2 * * *", *common, "--from", "2026-03-28T12:00:00Z", "--gap", "skip").stdout
    assert skipped.splitlines()[0].endswith("skipped: 2026-03-29 02:30:00 does not exist")
    once = cron_next("30 2 * * *", *common, "--from", "2026-10-24T12:00:00Z").stdout
    assert once.splitlines()[0].endswith("+02:00  comes twice: only this first time")
    twice = cron_next("30 2 * * *", *common, "--from", "2026-10-24T12:00:00Z", "--fold", "twice").stdout
    assert twice.splitlines()[0].endswith("comes twice: the first time")
    assert twice.splitlines()[1].endswith("+01:00  comes twice: the second time")
