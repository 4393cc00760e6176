"""A scriptable AgentService, SchedulerService and AppService in Python, thread per connection."""

import socket
import threading
import time

from thrift.transport import TTransport
from thrift.transport.TSocket import TSocket

from . import rpc


# Any other exception of a script becomes a reply: the generated processor lets only these through.


class CloseConnection(TTransport.TTransportException):
    """Raised by a script: the connection is closed with no reply."""


class NeverAnswer(TTransport.TTransportException):
    """Raised by a script: the call stays open until the peer or the test ends it."""


class ThriftPeer:
    """Serves one Thrift service; subclasses have the methods."""

    def __init__(self, service, host="127.0.0.1", port=0):
        self.processor = service.Processor(self)
        self.lock = threading.Lock()
        self.connections = []
        self.connection_count = 0
        self.closing = threading.Event()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(256)
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.closing.is_set():
                    connection.close()
                    return
                self.connections.append(connection)
                self.connection_count += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        wrapped = TSocket()
        wrapped.setHandle(connection)
        protocol = rpc.Protocol(TTransport.TBufferedTransport(wrapped))
        try:
            while True:
                self.processor.process(protocol, protocol)
        except CloseConnection:
            pass
        except NeverAnswer:
            self.closing.wait()
        except (TTransport.TTransportException, OSError, ValueError):
            pass
        finally:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            wrapped.close()

    def drop_connections(self):
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.connections = []

    def close(self):
        self.closing.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop_connections()


class FakeAgent(ThriftPeer):
    """Records every Instruct. By default a call succeeds with the parameter as its result.

    on_sync(ins) -> Reinstruct; on_async(list) -> list of acknowledgements, or None for the
    default. Asynchronous jobs are finished by finish(ins, ...), or at once when auto_finish is a
    function from Instruct to the keywords of finish().
    """

    def __init__(self, host="127.0.0.1", port=0, scheduler=None):
        self.sync_calls = []
        self.async_calls = []  # one list per call
        self.times = []
        self.on_sync = None
        self.on_async = None
        self.auto_finish = None
        self.scheduler = scheduler  # (host, port) for jobs without an origin
        self.transport_answers = []
        super().__init__(rpc.generated().AgentService, host, port)

    @property
    def async_jobs(self):
        with self.lock:
            return [ins for call in self.async_calls for ins in call]

    @property
    def jobs(self):
        with self.lock:
            return list(self.sync_calls) + [ins for call in self.async_calls for ins in call]

    def aliveCheck(self):
        return "success"

    def instructionInvokeSync(self, ins):
        with self.lock:
            self.sync_calls.append(ins)
            self.times.append(time.monotonic())
        if self.on_sync is not None:
            return self.on_sync(ins)
        return self.reply(ins)

    def instructionInvokeAsync(self, insList):
        with self.lock:
            self.async_calls.append(insList)
            self.times.append(time.monotonic())
        answer = self.on_async(insList) if self.on_async is not None else None
        if self.auto_finish is not None:
            for ins in insList:
                threading.Thread(target=self._finish_quietly, args=(ins,), daemon=True).start()
        return [self.reply(ins, result="", costtime=0) for ins in insList] if answer is None else answer

    def reply(self, ins, flag=1, costtime=7, result=None, **extra):
        text = ins.param if result is None else result
        return rpc.generated().Reinstruct(ins=ins, flag=flag, costtime=costtime, result=text, **extra)

    def _finish_quietly(self, ins):
        keywords = self.auto_finish(ins)
        for _ in range(60):  # a scheduler that is away is asked again
            try:
                self.finish(ins, **keywords)
                return
            except (OSError, TTransport.TTransportException):
                if self.closing.wait(0.25):
                    return

    def finish(self, ins, flag=1, costtime=5, result=None, **extra):
        """Reports the result as an agent does: a new connection, dataTransport, close."""
        host, port = self.scheduler or (None, None)
        if ins.origin and self.scheduler is None:
            host, port = ins.origin.rsplit(":", 1)
        with rpc.scheduler_client(host, int(port)) as client:
            answer = client.dataTransport(self.reply(ins, flag, costtime, result, **extra))
        with self.lock:
            self.transport_answers.append(answer)
        return answer


class FakeScheduler(ThriftPeer):
    """Takes results. on_result(reins) -> answer text, or raises to steer."""

    def __init__(self, host="127.0.0.1", port=0):
        self.results = []
        self.on_result = None
        super().__init__(rpc.generated().SchedulerService, host, port)

    def aliveCheck(self):
        return "success"

    def dataTransport(self, reins):
        with self.lock:
            self.results.append(reins)
        if self.on_result is not None:
            return self.on_result(reins)
        return "success"


class FakeProcessor(ThriftPeer):
    """The app's own processor, for jobs of mode P."""

    def __init__(self, host="127.0.0.1", port=0):
        self.results = []
        self.on_result = None
        super().__init__(rpc.generated().AppService, host, port)

    def runProcessor(self, reins):
        with self.lock:
            self.results.append(reins)
        if self.on_result is not None:
            return self.on_result(reins)
        return "success"
