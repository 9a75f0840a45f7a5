"""Certificates made for a test."""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.delivery import tls


def certificate(folder: Path, days: int, host: str = "localhost") -> Path:
    """Signed by itself, for ``host``; good for ``days``, expired where these are negative."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime(2026, 1, 1, tzinfo=UTC) if days < 0 else datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}{days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@contextmanager
def old_server(path: Path, starttls: bool) -> Iterator[int]:
    """A mail server that speaks nothing newer than TLS 1.1, and says so; yields its port."""
    context = server_context(path)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_greet_old, args=(door, context, starttls), daemon=True).start()
        yield door.getsockname()[1]


def _greet_old(door: socket.socket, context: ssl.SSLContext, starttls: bool) -> None:
    guest, _ = door.accept()
    with guest, guest.makefile("rb") as heard:
        if starttls:
            for line in (b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", b"220 go\r\n"):
                guest.sendall(line)
                if line != b"220 go\r\n":
                    heard.readline()
        with suppress(OSError):
            context.wrap_socket(guest, server_side=True)


def trust(path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Let this machine trust the certificate; returns its server's context."""
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    # Made anew each time: not the one that is kept for the process.
    monkeypatch.setattr(tls, "context", getattr(tls.context, "__wrapped__", tls.context))
    return server_context(path)
