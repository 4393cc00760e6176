"""scheduler-client-romens 0.0.2, as it is on the wire (romens-client.md section 1)."""

import json
import socket
import urllib.parse

from .wait import FACTOR

EVERY_SECOND = {"second": "*", "minute": "*", "hour": "*", "dom": "*", "month": "*", "dow": "*"}
NEVER_SOON = {"second": "0", "minute": "0", "hour": "0", "dom": "1", "month": "1", "dow": "*"}


def request_bytes(method, target, port, body):
    """The bytes of the client's HTTP library; `body` None: a GET, which has no length."""
    lines = [
        f"{method} {target} HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "accept: application/json",
        "content-type: application/json",
    ]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + (body or b"")


def exchange(port, data):
    """Status, headers and body of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60 * FACTOR) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(status.split()[1]), headers, body.decode()


class Client:
    """Each call returns (status, what the JSON text of the answer says)."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1/task"

    def call(self, method, target, body=None):
        status, headers, text = exchange(self.port, request_bytes(method, target, self.port, body))
        assert headers["content-type"].startswith("application/json"), (headers, text)
        return status, json.loads(text)

    def send(self, method, target, members):
        return self.call(method, target, json.dumps(members, separators=(",", ":")).encode())

    def task_members(self, receiver, **members):
        """Of a POST; the client has its own names for them, these are those of the wire."""
        return {
            "taskName": "testName",
            "repeatTimes": 1,
            "cronJobValue": EVERY_SECOND,
            "startAt": 0,
            "stopAt": 0,
            "isMultipleEntry": False,
            "callbackUrl": receiver.url,
            "callbackMethod": "POST",
            "callbackParams": "params",
            "callbackContentType": "application/json",
            "callbackAsync": True,
            **members,
        }

    def post(self, receiver, **members):
        """taskPost: the id."""
        status, task = self.send("POST", "/v1/task", self.task_members(receiver, **members))
        assert status == 200, task
        return task["taskId"]

    def quick(self, receiver, time, **members):
        """taskQuickPost: the id."""
        callback = {k: v for k, v in self.task_members(receiver).items() if k.startswith("callback")}
        members = {"taskName": "quickName", "timeValue": time, **callback, **members}
        status, task = self.send("POST", "/v1/task/quick", members)
        assert status == 200, task
        return task["taskId"]

    def put(self, id, receiver, **members):
        """taskIdPut: always with isMultipleEntry."""
        members = {**self.task_members(receiver, **members), "isMultipleEntry": True}
        return self.send("PUT", f"/v1/task/{id}", members)

    def delete(self, id):
        return self.call("DELETE", f"/v1/task/{id}", b"{}")

    def report(self, token, status, message=b""):
        return self.call("POST", f"/v1/task/status/{token}?status={status}", message)

    def history(self, id, beginAt=0, endAt=0, pageNum=1, pageSize=10):
        query = f"taskUrl={self.url}&taskId={id}&beginAt={beginAt}&endAt={endAt}&pageNum={pageNum}&pageSize={pageSize}"
        return self.call("GET", f"/v1/task/{id}/history?{query}")

    def list(self, **condition):
        members = {"taskUrl": self.url, "pageNum": 1, "pageSize": 10, **condition}
        return self.send("POST", "/v1/task/list", members)

    def task(self, id):
        """As the list shows it; None when it does not."""
        status, page = self.list(pageSize=1000)
        assert status == 200, page
        return next((task for task in page["list"] if task["taskId"] == id), None)


class Callback:
    """One request that a receiver got."""

    def __init__(self, request):
        self.method, self.target, headers, self.body = request
        self.headers = {name.lower(): value for name, value in headers.items()}
        parts = urllib.parse.urlsplit(self.target)
        self.path, self.query = parts.path, urllib.parse.parse_qsl(parts.query, keep_blank_values=True)

    @property
    def token(self):
        (token,) = [value for name, value in self.query if name == "statusToken"]
        return token


def callbacks(receiver):
    return [Callback(request) for request in list(receiver.requests)]
