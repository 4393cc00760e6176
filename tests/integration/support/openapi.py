"""elves-openapi, asked over HTTP by http.client."""

import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
import urllib.request

from .ports import free_port
from .process import Daemon
from .wait import FACTOR, wait_until

KEY, AUTH_ID = "123456", "1"


def signed(path, parameters, key=KEY, sign_type="md5", **changes):
    """The parameters with a signature, as a client makes it (elves-openapi.md section 2)."""
    values = {"auth_id": AUTH_ID, "timestamp": str(int(time.time())), **parameters}
    values.update({k: v for k, v in changes.items() if v is not None})
    text = path + "?" + "&".join(f"{name}={values[name]}" for name in sorted(values))
    if sign_type.lower() == "md5":
        sign = hashlib.md5((text + key).encode()).hexdigest()
    else:
        sign = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {**values, "sign_type": sign_type, "sign": sign}


class Openapi:
    def __init__(self, stage, settings=None, environment=None, arguments=()):
        self.stage = stage
        usual = {
            "mq.ip": stage.services.mq_host,
            "mq.port": stage.services.mq_port,
            "mq.user": stage.services.mq_user,
            "mq.password": stage.services.mq_password,
            "mq.exchange": stage.exchange,
            "server.port": free_port(),
            "metrics.port": free_port(),
            "auth.id": AUTH_ID,
            "auth.key": KEY + "    ",
            "openapi.callTimeout": int(5000 * FACTOR),
        }
        usual.update(settings or {})
        self.port, self.status_port = int(usual["server.port"]), int(usual["metrics.port"])
        folder = stage.folder / f"openapi-{next(stage.numbers)}"
        self.daemon = Daemon("elves-openapi", folder, usual, arguments, environment)
        stage.exits.callback(self.daemon.close)
        self.daemon.start()
        wait_until(self.healthy, "connected to the broker")

    def healthy(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def raw(self, target, method="GET", body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def get(self, path, parameters, headers=None):
        status, text, got = self.raw(path + "?" + urllib.parse.urlencode(parameters), headers=headers)
        assert status == 200, text
        assert got["Content-Type"] == "application/json;charset=UTF-8"
        return json.loads(text)

    def ask(self, path, key=KEY, sign_type="md5", changes=None, **parameters):
        return self.get(path, signed(path, parameters, key, sign_type, **(changes or {})))

    def error(self, path, **parameters):
        answer = self.ask(path, **parameters)
        assert answer["flag"] == "false", answer
        return answer["error"]
