"""elves-openapi over TLS: a certificate by configuration, and one that is none."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess

import pytest

from support.openapi import Openapi
from support.ports import free_port
from support.process import run_tool
from support.wait import wait_until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")


def make_certificate(folder, name="openapi"):
    """(certificate, key), signed by itself."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=openapi", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )
    return certificate, key


@pytest.fixture
def secured(stage, tmp_path):
    """(openapi, client context)"""
    certificate, key = make_certificate(tmp_path)
    openapi = Openapi(stage, {"server.tls.certificate": certificate, "server.tls.key": key, "server.clientTimeout": 5})
    return openapi, ssl.create_default_context(cafile=certificate)


def descriptors(openapi):
    return len(os.listdir(f"/proc/{openapi.daemon.pid}/fd"))


def test_requests_over_tls(secured):
    openapi, context = secured
    count = descriptors(openapi)
    connection = http.client.HTTPSConnection("127.0.0.1", openapi.port, timeout=60, context=context)
    for path, status in (("/doc", 200), ("/nothing", 404), ("/api/v2/rt/exec", 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == status and answer.read()
    assert connection.sock.version() in ("TLSv1.2", "TLSv1.3")
    connection.request("POST", "/doc", b"x" * 300000)
    assert connection.getresponse().status == 200
    connection.close()
    wait_until(lambda: descriptors(openapi) <= count, "nothing is left of it")


def test_strangers_over_tls(secured):
    openapi, context = secured
    count = descriptors(openapi)
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", openapi.port), timeout=60) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
    for said in (b"GET /doc HTTP/1.1\r\nHost: x\r\n\r\n", b"", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", openapi.port), timeout=60) as plain:
            plain.sendall(said)
            received = b""
            while chunk := recv_or_end(plain):
                received += chunk
            assert b"Elves" not in received
    connection = http.client.HTTPSConnection("127.0.0.1", openapi.port, timeout=60, context=context)
    connection.request("GET", "/doc")
    assert connection.getresponse().status == 200
    connection.close()
    wait_until(lambda: descriptors(openapi) <= count, "nothing is left of them")


def recv_or_end(connection):
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("case", ["absent", "nonsense", "no-key", "unreadable-key"])
def test_a_bad_certificate(tmp_path, case):
    certificate, key = make_certificate(tmp_path)
    if case == "absent":
        certificate.unlink()
    elif case == "nonsense":
        certificate.write_text("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n")
    elif case == "no-key":
        key.write_text("")
    else:
        key.unlink()
        key.mkdir()
    file = tmp_path / "openapi.properties"
    file.write_text(
        f"mq.ip=127.0.0.1\nmq.user=u\nmq.password=p\nserver.port={free_port()}\nmetrics.port={free_port()}\n"
        f"server.tls.certificate={certificate}\nserver.tls.key={key}\n"
    )
    result = run_tool("elves-openapi", "--config", file)
    assert result.returncode in (1, 2)
    assert "server.tls.certificate" in result.stderr and "CRITICAL" not in result.stderr, result.stderr
