"""Thrift in Python: code generated from idl/elves.thrift, clients, and the bytes themselves."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import types

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport import TTransport
from thrift.transport.TSocket import TSocket

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
_generated = None


def generated():
    """A namespace with the services and structs of the IDL."""
    global _generated
    if _generated is None:
        folder = tempfile.TemporaryDirectory(prefix="elves-thrift-")
        idl = os.path.join(TOP, "idl", "elves.thrift")
        subprocess.run(["thrift", "--gen", "py", "-out", folder.name, idl], check=True)
        sys.path.insert(0, folder.name)
        sys.dont_write_bytecode = True
        from elves import AgentService, AppService, SchedulerService, ttypes

        sys.path.remove(folder.name)
        _generated = types.SimpleNamespace(
            AgentService=AgentService,
            AppService=AppService,
            SchedulerService=SchedulerService,
            Instruct=ttypes.Instruct,
            Reinstruct=ttypes.Reinstruct,
            folder=folder,
        )
    return _generated


class Protocol(TBinaryProtocol):
    """Strings may hold any bytes: those that are no UTF-8 travel as surrogates."""

    def writeString(self, text):
        self.writeBinary(text.encode("utf-8", "surrogateescape"))

    def readString(self):
        return self.readBinary().decode("utf-8", "surrogateescape")


def any_bytes(data):
    """A str that is written as exactly these bytes."""
    return data.decode("utf-8", "surrogateescape")


class Client:
    """One connection to a Thrift service: unframed binary protocol, calls one after another."""

    def __init__(self, service, host, port, timeout=20, framed=False, strict=True):
        self.socket = TSocket(host, port)
        self.socket.setTimeout(timeout * 1000)
        wrap = TTransport.TFramedTransport if framed else TTransport.TBufferedTransport
        self.transport = wrap(self.socket)
        protocol = Protocol(self.transport, strictRead=False, strictWrite=strict)
        self.stub = service.Client(protocol)
        self.transport.open()

    def __getattr__(self, name):
        return getattr(self.stub, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.transport.close()


def agent_client(host, port, **options):
    return Client(generated().AgentService, host, port, **options)


def scheduler_client(host, port, **options):
    return Client(generated().SchedulerService, host, port, **options)


def instruct(**fields):
    """An Instruct with every string field set, as the original center sends it."""
    values = dict(id="", ip="", type="rt", mode="NP", app="", func="", param="", timeout=10, proxy="")
    values.update(fields)
    return generated().Instruct(**values)


# The bytes. Types of the binary protocol:
BOOL, BYTE, DOUBLE, I16, I32, I64, STRING, STRUCT, MAP, SET, LIST = 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15
CALL, REPLY, EXCEPTION, ONEWAY = 1, 2, 3, 4


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!i", len(data)) + data


def field(type_, id_, payload):
    return struct.pack("!bh", type_, id_) + payload


def string_field(id_, value):
    return field(STRING, id_, text(value))


def i32_field(id_, value):
    return field(I32, id_, struct.pack("!i", value))


STOP = b"\0"


def strict_header(method, seqid=1, type_=CALL):
    return struct.pack("!I", 0x80010000 | type_) + text(method) + struct.pack("!i", seqid)


def old_header(method, seqid=1, type_=CALL):
    return text(method) + struct.pack("!bi", type_, seqid)


def call(method, arguments=b"", seqid=1):
    """A whole call; arguments: fields without the final stop."""
    return strict_header(method, seqid) + arguments + STOP


def instruct_bytes(**fields):
    """The struct as the seed's IDL has it: fields 1 to 9, in order, with the final stop."""
    values = dict(id="i", ip="", type="rt", mode="NP", app="", func="", param="", timeout=10, proxy="")
    values.update(fields)
    out = b""
    for number, name in enumerate(("id", "ip", "type", "mode", "app", "func", "param"), 1):
        out += string_field(number, values[name])
    return out + i32_field(8, values["timeout"]) + string_field(9, values["proxy"]) + STOP


def sync_call(seqid=1, **fields):
    return call("instructionInvokeSync", field(STRUCT, 1, instruct_bytes(**fields)), seqid)


def connect(host, port, timeout=10):
    connection = socket.create_connection((host, port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Reader:
    """Reads one Thrift message after another from a socket into plain Python values."""

    def __init__(self, connection):
        self.connection = connection
        self.raw = b""

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.connection.recv(count - len(data))
            if not piece:
                raise EOFError(f"connection closed after {len(data)} of {count} bytes")
            data += piece
        self.raw += data
        return data

    def unpack(self, form):
        return struct.unpack("!" + form, self.take(struct.calcsize("!" + form)))[0]

    def string(self):
        return self.take(self.unpack("i"))

    def value(self, type_):
        if type_ == STRING:
            return self.string()
        if type_ == STRUCT:
            return self.struct()
        if type_ == LIST:
            element = self.unpack("b")
            return [self.value(element) for _ in range(self.unpack("i"))]
        return self.unpack({BOOL: "b", BYTE: "b", DOUBLE: "d", I16: "h", I32: "i", I64: "q"}[type_])

    def struct(self):
        fields = {}
        while True:
            type_ = self.unpack("b")
            if type_ == 0:
                return fields
            id_ = self.unpack("h")
            fields[id_] = self.value(type_)

    def message(self):
        """(method, type, seqid, fields) of a strict message."""
        self.raw = b""
        version = self.unpack("I")
        assert version & 0xFFFF0000 == 0x80010000, f"not a strict header: {version:#x}"
        return self.string().decode(), version & 0xFF, self.unpack("i"), self.struct()


def reads_end(connection, timeout=10):
    """True when the peer closes the connection in time (what it still sends is thrown away)."""
    connection.settimeout(timeout)
    try:
        while connection.recv(65536):
            pass
        return True
    except ConnectionError:
        return True
    except socket.timeout:
        return False
