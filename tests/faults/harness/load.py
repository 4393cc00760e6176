"""The load: jobs of all generations, published with confirms, and every answer to them."""

import base64
import contextlib
import itertools
import json
import random
import threading
import time

import pika

from .history import Answer, Job

ANSWERS = "answers"  # our queue; durable, so that no answer is lost on our side
TIMEOUT_S = 30
REPEATED_IDS = 3
WARM = 0.3  # of the jobs that leave nothing behind: run by workers that stay alive

# Weight of each form of message.
KINDS = {
    "flat-sync": 20,
    "call-id-sync": 10,
    "reply-to-sync": 10,  # with a message_id: that is its key
    "reply-to-sync-keyless": 10,
    "flat-queue": 15,
    "flat-cron": 10,
    "queue": 15,
    "cron": 5,  # with a message_id
    "cron-keyless": 3,
    "cron-repeated": 2,  # the same id at every firing
}

KEYLESS = {"call-id-sync", "reply-to-sync-keyless", "cron-keyless", "cron-repeated"}

# Weight, seconds, result and timeout of what is asked for.
WORK = [
    (75, (0.02, 0.3), "true", TIMEOUT_S),
    (12, (0.5, 2.0), "true", TIMEOUT_S),
    (3, (4.0, 14.0), "true", TIMEOUT_S),  # longer than mq.ackTimeout
    (4, (0.02, 0.3), "false", TIMEOUT_S),
    (2, (60.0, 60.0), "true", 2),
    (4, (0.02, 0.3), "leave", TIMEOUT_S),
]


def connect(broker):
    credentials = pika.PlainCredentials(broker.user, broker.password)
    parameters = pika.ConnectionParameters("127.0.0.1", broker.port, "/", credentials, heartbeat=0, socket_timeout=3)
    return pika.BlockingConnection(parameters)


class Load:
    def __init__(self, world, seed, rate, kinds=None, work=None, publishers=2, most=None):
        """kinds, work: other than KINDS and WORK; most: no more jobs than that"""
        self._kinds, self._work, self._most = kinds or KINDS, work or WORK, most
        self._world, self._rate = world, rate
        self._seed = seed
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._prefix = "%08X" % random.getrandbits(32)
        self.jobs, self.answers = {}, []
        self.unattributed = 0  # answers of a repeated id that name no job
        self._tokens = {}  # reply id or task id -> token
        self._strangers = {}  # id that is not known yet -> [Answer]
        self._acceptances = set()
        self._answered = set()
        self._publishing, self._collecting = True, True
        self._threads = [threading.Thread(target=self._collect, name="collect", daemon=True)]
        self._publishers = publishers
        for number in range(publishers):
            self._threads.append(threading.Thread(target=self._publish, args=(number,), name="publish", daemon=True))

    def start(self):
        with contextlib.closing(connect(self._world.broker)) as connection:
            channel = connection.channel()
            channel.queue_declare(ANSWERS, durable=True)
            for key in ("*", "scheduler.queue", "scheduler.cron"):
                channel.queue_bind(ANSWERS, self._world.exchange, key)
        for thread in self._threads:
            thread.start()

    def wait_published(self):
        for thread in self._threads[1:]:
            thread.join()

    def stop_publishing(self):
        self._publishing = False
        for thread in self._threads[1:]:
            thread.join(60)

    def close(self):
        self._publishing = self._collecting = False
        for thread in self._threads:
            thread.join(20)

    def waiting(self):
        """Confirmed jobs without an answer; not those that may never have one."""
        with self._lock:
            jobs = list(self.jobs.values())
            return [j for j in jobs if j.must_be_answered and j.token not in self._answered]

    # Tasks of queues: elves-queue publishes their jobs.

    def new_task(self, agent, func):
        """Its job, in the books; one that need not be answered: it may never become ready."""
        return self.new_job("task", agent, func)

    def new_job(self, kind, agent, func):
        """One that somebody else asks for, and that may have no answer."""
        with self._lock:
            token = "%s%08d" % (self._prefix, next(self._numbers))
            self.jobs[token] = Job(token, kind, agent.ip, func, time.time(), confirmed=False)
            self.jobs[token].is_sync = "sync" in kind
            self.jobs[token].plain = not agent.has_journal
            return self.jobs[token]

    def know(self, id, job):
        """The results with that id are of this job, also those that came before."""
        with self._lock:
            self._tokens[id] = job.token
            for answer in self._strangers.pop(id, ()):
                answer.token = job.token

    def add(self, answer):
        """The answer of a job that somebody else has asked for."""
        answer.at = time.time()
        answer.alive = self._world.executions.alive(answer.token)
        with self._lock:
            self.answers.append(answer)
            self._answered.add(answer.token)

    # Publishing.

    def _publish(self, number):
        rng = random.Random(f"{self._seed}-load-{number}")
        due = time.monotonic()
        channel = None
        while self._publishing:
            if self._most is not None and len(self.jobs) >= self._most:
                break
            due = max(due + rng.expovariate(self._rate / self._publishers), time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))
            channel = channel or self._open_channel()
            if channel is None:
                time.sleep(0.2)
                continue
            job, body, properties = self._make(rng)
            try:
                key = job.kind.split("-")[0] if job.kind in ("queue", "cron") else "openapi"
                channel.basic_publish(
                    self._world.exchange, key + ".scheduler", json.dumps(body).encode(), properties, mandatory=True
                )
                job.confirmed = True
            except Exception:  # of pika, of any kind: whether the broker has it is not known
                channel = None
        if channel is not None:
            with contextlib.suppress(Exception):
                channel.connection.close()

    def _open_channel(self):
        try:
            channel = connect(self._world.broker).channel()
            channel.confirm_delivery()
            return channel
        except Exception:  # the broker is away
            return None

    def _make(self, rng):
        """(job, body, properties), the job in the books and not confirmed."""
        with self._lock:
            token = "%s%08d" % (self._prefix, next(self._numbers))
        kind = rng.choices(list(self._kinds), self._kinds.values())[0]
        _, (least, most), result, timeout = rng.choices(self._work, [work[0] for work in self._work])[0]
        program = "warm" if result != "leave" and rng.random() < WARM else "worker"
        agent = rng.choice(self._world.agents)
        func = "%.3f,%s" % (rng.uniform(least, most), result)
        job = Job(token, kind, agent.ip, func, time.time(), confirmed=False)
        job.plain = not agent.has_journal
        job.keyed, job.repeats = kind not in KEYLESS, "repeated" in kind
        job.is_sync = "sync" in kind
        task = "REPEATED%08d" % rng.randrange(REPEATED_IDS) if job.repeats else token
        body, properties = self._message(job, task, program, func, timeout, rng)
        with self._lock:
            self.jobs[token] = job
            self._tokens[task] = token
        return job, body, properties

    def _message(self, job, task, program, func, timeout, rng):
        kind, token = job.kind, job.token
        properties = pika.BasicProperties(delivery_mode=2)
        common = {"app": "load", "func": func, "param": token, "timeout": timeout, "proxy": program}
        if kind == "flat-sync":
            common.update(mqkey=f"openapi.scheduler.sendSync.{token}", mqtype="cast", id=token)
            return {**common, "agent_ip": job.agent, "mode": "sanp"}, properties
        if kind.startswith("flat"):
            reply, mqtype = "A" + token, rng.choice(("call", "cast"))
            self._acceptances.add(reply)
            common.update(mqkey=f"openapi.scheduler.sendAsync.{reply}", mqtype=mqtype, id=token)
            common.update(rand_id=token[::-1], job_type=kind.split("-")[1])
            return {**common, "agent_ip": job.agent, "mode": "sanp"}, properties
        body = {**common, "ip": job.agent}
        if "sync" in kind:
            mqtype = "call"
            if kind == "call-id-sync":
                mqtype = f"call.{token}"
            else:
                properties.reply_to, properties.correlation_id = ANSWERS, token
            if kind == "reply-to-sync":
                properties.message_id = "M" + token
            return {"mqkey": "openapi.scheduler.syncJob", "mqtype": mqtype, "mqbody": body}, properties
        sender = kind.split("-")[0]
        body.update(id=task, type=sender, mode="NP")
        if kind == "cron":
            properties.message_id = "M" + token
        return {"mqkey": f"{sender}.scheduler.asyncJob", "mqtype": "cast", "mqbody": body}, properties

    # Collecting.

    def _collect(self):
        seen = set()
        while self._collecting:
            try:
                with contextlib.closing(connect(self._world.broker)) as connection:
                    self._collect_from(connection.channel(), seen)
            except Exception:  # the broker is away
                time.sleep(0.2)

    def _collect_from(self, channel, seen):
        channel.basic_qos(prefetch_count=1000)
        for method, properties, body in channel.consume(ANSWERS, inactivity_timeout=0.2):
            if method is not None:
                # One that we had and could not acknowledge comes again: that is not an answer more.
                again = method.redelivered and body in seen
                seen.add(body)
                if not again:
                    self._take(method.routing_key, properties, json.loads(body))
                channel.basic_ack(method.delivery_tag)
            if not self._collecting:
                return

    def _take(self, routing_key, properties, message):
        if routing_key in self._acceptances:
            return
        token = self._token_of(routing_key, properties, message)
        answer = make_answer(token, message)
        if answer is None:
            self.unattributed += 1
            return
        self.add(answer)
        if not answer.token and routing_key.startswith("scheduler."):
            self._remember_stranger(message["mqbody"]["result"]["id"], answer)

    def _remember_stranger(self, id, answer):
        """A result may be here before the answer that names its task."""
        with self._lock:
            if id in self._tokens:
                answer.token = self._tokens[id]
            else:
                self._strangers.setdefault(id, []).append(answer)

    def _token_of(self, routing_key, properties, message):
        with self._lock:
            if routing_key.startswith("scheduler."):
                id = message["mqbody"]["result"]["id"]
                return None if id.startswith("REPEATED") else self._tokens.get(id, "")
            if routing_key == ANSWERS:
                return self._tokens.get(properties.correlation_id, "")
            return self._tokens.get(routing_key, "")


def plain(message):
    """What a worker said: it answers what it was given, a token in base64."""
    with contextlib.suppress(ValueError):
        return base64.b64decode(message, validate=True).decode()
    return message


def make_answer(token, message):
    """The Answer in a message of any generation. token None: of a repeated id, so what the worker
    says tells; None when it says nothing."""
    text = json.dumps(message)
    if "data" in message:
        data = message["data"]
        delivered = data.get("agent_sync_flag") == 1
        flag = data.get("worker_flag", data.get("result_flag")) if delivered else None
        parts = (message, data)
    else:
        body = message["mqbody"]
        data = body.get("result", {})
        delivered = body.get("flag") == "true"
        flag = data.get("worker_flag") if delivered else None
        parts = (body, data)
    reason = next((part["reason"] for part in parts if part.get("reason")), "")
    said = plain(data.get("worker_message") or "")
    if token is None:
        if not said or flag not in (0, 1):
            return None
        token = said
    return Answer(token, delivered, flag, said, reason, text=text)
