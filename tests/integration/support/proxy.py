"""A TCP proxy in front of the broker, whose connections can be made to swallow what comes back."""

import contextlib
import socket
import threading


class Wire:
    """One connection through the proxy."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.sent = b""  # the beginning of what the client has sent
        self.flows = threading.Event()
        self.flows.set()

    def swallow(self):
        """From now on the client hears nothing, as when packets are lost."""
        self.flows.clear()

    def close(self):
        for one in (self.near, self.far):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.flows.set()

    def there(self):
        with contextlib.suppress(OSError):
            while data := self.near.recv(65536):
                self.sent = (self.sent + data)[:65536]
                self.far.sendall(data)
        self.close()

    def back(self):
        with contextlib.suppress(OSError):
            while data := self.far.recv(65536):
                self.flows.wait()
                self.near.sendall(data)
        self.close()


class Proxy:
    def __init__(self, host, port):
        self.target = (host, port)
        self.wires = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                wire = Wire(near, socket.create_connection(self.target))
                self.wires.append(wire)
                for way in (wire.there, wire.back):
                    threading.Thread(target=way, daemon=True).start()

    def wire(self, mark):
        """The last connection on whose way there these bytes were seen."""
        return [wire for wire in self.wires if mark in wire.sent][-1]

    def close(self):
        self.listener.close()
        for wire in self.wires:
            wire.close()
