"""A stage with elves-cron: on either store, asked by pika, its work taken by listeners."""

import contextlib
import datetime
import json
import os
import sqlite3

import pika

from services import ask_postgres

from .mq import Inbox
from .ports import free_port
from .process import Daemon
from .stage import Stage
from .wait import wait_until

STORES = ("sqlite", "postgresql")


def seconds(text):
    """Of a time such as 2026-03-29T01:00:00.000000Z, since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def time_text(at):
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return moment.isoformat().replace("+00:00", "Z")


class CronStage(Stage):
    """Its cron listens on a queue of its own; what it fires goes to the stage's exchange."""

    def __init__(self, services, folder, store="sqlite"):
        super().__init__(services, folder)
        self.cron_queue = self.name + "-cron"
        self.messages = self.name + "-messages"
        self.others = self.name + "-others"  # an exchange that a task may name
        self.store = store
        self.url = self._make_store()

    def _make_store(self):
        if self.store == "sqlite":
            return f"sqlite:{self.folder}/cron.db"
        admin = os.environ["ELVES_TEST_POSTGRES"]
        ask_postgres(admin, f'CREATE DATABASE "{self.name}"')
        self.exits.callback(self._drop_store, admin)
        return admin.rsplit("/", 1)[0] + "/" + self.name

    def sql(self, *statements):
        """Into the store of a cron that does not run; the rows of the last statement."""
        if self.store == "sqlite":
            with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:"))) as database:
                rows = [database.execute(statement).fetchall() for statement in statements]
                database.commit()
            return rows[-1]
        answer = [ask_postgres(self.url, statement) for statement in statements][-1]
        return [tuple(line.split("|")) for line in answer.splitlines()]

    def _drop_store(self, admin):
        with contextlib.suppress(Exception):
            ask_postgres(admin, f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def _remove_traces(self):
        with contextlib.suppress(Exception):
            connection = pika.BlockingConnection(self.services.mq_parameters())
            connection.channel().queue_delete(self.cron_queue)
            connection.channel().queue_delete(self.cron_queue + ".sent")
            connection.channel().exchange_delete(self.messages)
            connection.channel().exchange_delete(self.others)
            connection.close()
        super()._remove_traces()

    def cron_settings(self, overrides=None):
        settings = {
            "mq.ip": self.services.mq_host,
            "mq.port": self.services.mq_port,
            "mq.user": self.services.mq_user,
            "mq.password": self.services.mq_password,
            "mq.exchange": self.exchange,
            "mq.queue": self.cron_queue,
            "messages.exchange": self.messages,
            "messages.exchanges": "taskcenter " + self.others,
            "metrics.port": free_port(),
            "shutdown.timeout": 5,
            "retry.cap": 1000,
            "store.url": self.url,
            "zookeeper.enabled": str(self.store != "sqlite").lower(),
        }
        if self.store != "sqlite":
            settings["zookeeper.host"] = self.services.zookeeper
            settings["zookeeper.root"] = self.root
            settings["zookeeper.outTime"] = 4000
        settings.update(overrides or {})
        return settings

    def cron(self, settings=None, start=True, environment=None, leads=True):
        """An elves-cron; with `leads`, returned when it takes requests."""
        merged = self.cron_settings(settings)
        folder = self.folder / f"cron-{next(self.numbers)}"
        daemon = Daemon("elves-cron", folder, merged, (), environment)
        daemon.status_port = int(merged["metrics.port"])
        self._adopt(daemon, start)
        if start and leads:
            wait_until(lambda: "consuming queue" in daemon.log(), "cron takes requests", 20)
        return daemon

    def ask(self, action, wait=10, **body):
        """A request and its mqbody."""
        inbox = self.asker.inbox()
        self.send(action, body, reply_to=inbox.name)
        return inbox.take(wait, f"the reply of {action}").json["mqbody"]

    def send(self, action, body, mqtype="call", sender="openapi", **properties):
        message = {"mqkey": f"{sender}.cron.{action}", "mqtype": mqtype, "mqbody": body}
        properties = pika.BasicProperties(**properties)
        self.asker.channel.basic_publish("", self.cron_queue, json.dumps(message).encode(), properties)

    def create(self, start=False, **members):
        """createCron of a job that nothing hears; its id."""
        body = dict(ip="10.0.0.1", mode="NP", app="testApp", func="test", param="p", proxy="")
        if "url" in members or "topic" in members:
            body = {}
        if not {"rule", "every", "at"} & members.keys():
            body["rule"] = "0/1 * * * * ?"
        body.update(members)
        if start:
            body["started"] = "true"
        answer = self.ask("createCron", **body)
        assert answer["flag"] == "true", answer
        return answer["id"]

    def make(self, **members):
        """createCron; its whole answer."""
        body = {} if {"url", "urls", "topic"} & members.keys() else dict(ip="10.0.0.1", mode="NP", app="a", func="f")
        answer = self.ask("createCron", **{**body, **members})
        assert answer["flag"] == "true", answer
        return answer

    def detail(self, id):
        return self.ask("cronDetail", id=id)

    def history(self, id, **members):
        return self.ask("cronHistory", id=id, **members)

    def jobs(self):
        """What a scheduler would get."""
        return self.asker.inbox("cron.scheduler")

    def topic(self, key, exchange=None):
        """What a consumer of the messages' exchange gets."""
        inbox, exchange = Inbox(self.asker), exchange or self.messages
        inbox.channel.exchange_declare(exchange, "topic", durable=True)
        inbox.channel.queue_bind(inbox.name, exchange, key)
        return inbox

    def report(self, id, worker_flag=1, rand_id=None, **members):
        """A result, as the scheduler casts it."""
        result = {"id": id, "worker_flag": worker_flag, "worker_message": "out", "worker_costtime": 3}
        if rand_id is not None:
            result["rand_id"] = rand_id
        result.update(members)
        body = {"flag": "true", "error": "", "result": result}
        self.send("cronResult", body, "cast", "scheduler")


def keys_of(messages):
    return [message.properties.message_id for message in messages]


def planned_of(message):
    """Seconds since 1970 of the instant that a job or message is for."""
    return int(message.properties.message_id.split(":")[1]) / 1e6


