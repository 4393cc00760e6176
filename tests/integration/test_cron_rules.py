"""E38: the rules of Quartz, as elves-cron takes them."""

REJECTED = ["0/5 * * * * *", "* * *", "60 * * * * ?", "0 0 0 L * 6L", "0 0 0 ? * 8", "", "@daily",
            "0 0 0 31 2 ?", "0 0 12 ? * MON-FRI 2009"]
ACCEPTED = ["0 0 12 ? * MON-FRI 2099", "0 15 10 L-2 * ?", "0 0 0 15W * ?", "0 0 0 ? * 6#3",
            "0/60 * * * * ?"]


def test_e38_rejected(cron_stage):
    cron_stage.cron()
    for rule in REJECTED:
        answer = cron_stage.ask("createCron", ip="1", mode="NP", app="a", func="f", rule=rule)
        assert answer["flag"] == "false", rule
        assert answer["error"].startswith("[403.5]"), (rule, answer)
        assert answer["detail"], rule
    assert cron_stage.ask("cronList", ip="1")["result"] == []


def test_e38_accepted(cron_stage):
    cron_stage.cron()
    for rule in ACCEPTED:
        answer = cron_stage.ask("createCron", ip="1", mode="NP", app="a", func="f", rule=rule)
        assert answer["flag"] == "true", (rule, answer)
        assert cron_stage.ask("startCron", id=answer["id"])["flag"] == "true"
