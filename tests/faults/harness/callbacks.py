"""The load of HTTP callbacks: timed tasks that call a server of ours, which is no good company.

    /take    takes most of what comes; at times it answers 503, or takes it and answers nothing at all
    /refuse  answers 404
    /hang    never answers

The server writes down what came, and what it answered; afterwards harness/calls.py compares that with
what elves-cron says of each instant.
"""

import http.server
import random
import threading
import time

from .calls import Call, Delivery, check_calls
from .crons import CronCaller

TASKS = {"/take": 4, "/refuse": 1, "/hang": 1}
TIMEOUT_S = 3
SETTLE_S = 60  # until the last ones have ended


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Who calls may be killed."""


class Receiver:
    def __init__(self, seed):
        self.deliveries = []
        rng, lock, over = random.Random(f"{seed}-receiver"), threading.Lock(), threading.Event()
        receiver = self
        self._over = over

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with lock:
                    status = receiver.draw(self.path, rng)
                # Written down before it is answered: who dies between the two has not been told.
                receiver.deliveries.append(Delivery(self.headers.get("Elves-Execution", ""), self.path, status, time.time()))
                if self.path == "/hang":
                    over.wait(TIMEOUT_S * 2)
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    @staticmethod
    def draw(path, rng):
        """The status that is answered; 0: nothing is."""
        if path == "/take":
            return rng.choices((200, 503, 0), (84, 8, 8))[0]
        return 404 if path == "/refuse" else 0

    def close(self):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


class CallbackLoad:
    def __init__(self, world, seed):
        self._world = world
        self._receiver = Receiver(seed)
        self._paths = {}  # id -> path
        self.calls, self.deliveries = [], []
        self.findings = []

    def start(self):
        """While nothing is broken yet."""
        caller = CronCaller(self._world)
        for path, count in TASKS.items():
            for _ in range(count):
                body = {"url": self._receiver.url + path, "param": "{}", "every": 1, "missed": "all", "missed_cap": 10000}
                body.update(timeout=TIMEOUT_S, retries=50 if path == "/take" else 0, started="true")
                self._paths[caller.insist("createCron", body)["id"]] = path
        caller.close()

    def stop(self, faults):
        """When all is healed: no more instants, and what there was is judged."""
        caller = CronCaller(self._world)
        for id in self._paths:
            caller.insist("stopCron", {"id": id})
        self._settle(caller)
        for id in self._paths:
            self.findings += caller.audit(id)
        caller.close()
        self.deliveries = list(self._receiver.deliveries)
        self._receiver.close()
        self.findings += check_calls(self.calls, self.deliveries, faults)

    def _settle(self, caller):
        deadline = time.monotonic() + SETTLE_S
        while True:
            rows = [(path, row) for id, path in self._paths.items() for row in caller.rows(id)]
            self.calls = [Call(row["key"], path, row["state"], row["flag"], row["error"]) for path, row in rows]
            if time.monotonic() > deadline or all(call.state in ("ended", "missed") for call in self.calls):
                return
            time.sleep(0.5)

    @property
    def numbers(self):
        keys = {delivery.key for delivery in self.deliveries}
        return {
            "callbacks": len(self.calls),
            "callbacks_taken": sum(call.flag == "true" for call in self.calls),
            "callbacks_failed": sum(call.flag == "false" for call in self.calls),
            "callbacks_repeated": len(self.deliveries) - len(keys),
        }
