"""HTTP servers that callbacks go to: one that keeps what it is sent, and bad company."""

import contextlib
import http.server
import socket
import threading
import time


class Receiver:
    """Keeps each request, answers from a list of statuses; then with 200."""

    def __init__(self, host="127.0.0.1"):
        self.requests, self.answers = [], []
        self.location = "/elsewhere"  # of redirects
        self.delay = 0  # seconds, before an answer
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.requests.append((self.command, self.path, dict(self.headers), body))
                time.sleep(receiver.delay)
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b"received")

            do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 512

        self.server = Server((host, 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}/hook?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class BadServer:
    """Accepts and says nothing; or says `head` and then `flood` again and again, as long as it is taken."""

    def __init__(self, head=b"", flood=b""):
        self.head, self.flood = head, flood
        self.connected = self.flooded = self.cut_off = 0  # connections, bytes, connections
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = "http://127.0.0.1:%d/" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                self.connected += 1
                self._sockets.append(connection)
                if self.flood:
                    threading.Thread(target=self._flood, args=(connection,), daemon=True).start()

    def _flood(self, connection):
        try:
            connection.recv(65536)
            connection.sendall(self.head)
            while True:
                self.flooded += connection.send(self.flood)
        except OSError:
            self.cut_off += 1

    def close(self):
        for one in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
