"""An asker and a listener on the broker, by pika."""

import json
import time
import uuid

import pika

from .wait import FACTOR, wait_until


class Message:
    """One delivery: routing key, properties, bytes, and the JSON in them."""

    def __init__(self, method, properties, body):
        self.exchange = method.exchange
        self.routing_key = method.routing_key
        self.redelivered = method.redelivered
        self.properties = properties
        self.raw = body

    @property
    def json(self):
        return json.loads(self.raw.decode("utf-8"))

    def __repr__(self):
        return f"<{self.exchange!r} {self.routing_key!r} {self.raw[:300]!r}>"


class Inbox:
    """An exclusive queue; take() waits for the next message."""

    def __init__(self, asker, keys=()):
        self.asker = asker
        self.channel = asker.connection.channel()
        self.name = self.channel.queue_declare("", exclusive=True).method.queue
        self.seen = []
        for key in keys:
            self.bind(key)

    def bind(self, key):
        self.channel.queue_bind(self.name, self.asker.exchange, key)
        return self

    def poll(self):
        method, properties, body = self.channel.basic_get(self.name, auto_ack=True)
        return None if method is None else Message(method, properties, body)

    def take(self, timeout=10, what="a message arrives"):
        return wait_until(self.poll, what, timeout)

    def take_many(self, count, timeout=30):
        """So many messages, or fails saying how many came."""
        messages = []
        deadline = time.monotonic() + timeout * FACTOR
        while len(messages) < count:
            message = self.poll()
            if message is not None:
                messages.append(message)
            elif time.monotonic() > deadline:
                raise AssertionError(f"{len(messages)} of {count} messages within {timeout} s")
            else:
                time.sleep(0.01)
        return messages

    def stays_empty(self, seconds=0.4):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.poll()
            assert message is None, f"unexpected message {message}"
            time.sleep(0.02)


def new_id():
    return uuid.uuid4().hex[:16].upper()


class Asker:
    """A component that publishes jobs."""

    def __init__(self, services, exchange, queue):
        self.exchange = exchange
        self.queue = queue
        self.connection = pika.BlockingConnection(services.mq_parameters())
        self.channel = self.connection.channel()

    def close(self):
        if self.connection.is_open:
            self.connection.close()

    def inbox(self, *keys):
        return Inbox(self, keys)

    def publish(self, body, key="openapi.scheduler", **properties):
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.channel.basic_publish(self.exchange, key, body, pika.BasicProperties(**properties))

    def waiting(self):
        """Messages ready in the scheduler's queue; what a consumer holds is not counted."""
        answer = self.channel.queue_declare(self.queue, passive=True)
        return answer.method.message_count

    # The three generations.

    def flat(self, action="sendSync", mqtype="cast", id=None, sender="openapi", **members):
        """Publishes a flat message; its id is also the last word of mqkey."""
        id = id or new_id()
        message = {"mqkey": f"{sender}.scheduler.{action}.{id}", "mqtype": mqtype, "id": id}
        properties = members.pop("properties", {})
        message.update(members)
        self.publish(message, f"{sender}.scheduler", **properties)
        return id

    def flat_sync(self, wait=10, **members):
        """sendSync and its reply, for which it waits so many seconds."""
        id = members.pop("id", None) or new_id()
        inbox = self.inbox(id)
        self.flat(id=id, **flat_members(members))
        return inbox.take(wait, f"the reply of {id}")

    def later(self, action, body, mqtype="call", sender="openapi", **properties):
        message = {"mqkey": f"{sender}.scheduler.{action}", "mqtype": mqtype, "mqbody": body}
        self.publish(message, f"{sender}.scheduler", **properties)

    def call(self, body, wait=10, action="syncJob", sender="openapi", **properties):
        """syncJob of the last form and its reply, by reply_to."""
        inbox = self.inbox()
        self.later(action, body, "call", sender, reply_to=inbox.name, **properties)
        return inbox.take(wait, "the reply of syncJob")

    def call_id(self, body, wait=10, action="syncJob"):
        """syncJob of the middle form (call.ID) and its reply, by routing key."""
        id = new_id()
        inbox = self.inbox(id)
        self.later(action, body, f"call.{id}")
        return inbox.take(wait, f"the reply of call.{id}")

    def cast(self, body, sender):
        """asyncJob as cron and queue send it."""
        self.later("asyncJob", body, "cast", sender)


def flat_members(given):
    """The members of the seed's message, with our values over them."""
    members = dict(agent_ip="", mode="sanp", app="testApp", func="test", param="", timeout=0, proxy="")
    members.update(given)
    return members


def flat_async_members(**given):
    return flat_members({"mode": "sanp", **given})


def job_body(ip, **given):
    """mqbody of syncJob and asyncJob."""
    body = dict(ip=ip, app="testApp", func="test", param="", timeout=10, proxy="")
    body.update(given)
    return body


def async_body(ip, type, **given):
    return job_body(ip, **{"id": new_id(), "type": type, "mode": "NP", **given})
