"""Whom we talk to in private: certificates verified, TLS 1.2 or newer; and in words why a server was not trusted."""

import functools
import ssl

from core.models import Security

_CERTIFICATE = {
    10: "The certificate of {host} has expired. Its provider must renew it.",
    9: "The certificate of {host} is not valid yet. Check the clock of this machine.",
    18: "{host} shows a certificate that it signed itself, so nobody vouches for it. "
    "Its provider must install one of a public authority.",
    19: "{host} shows a certificate whose issuer nobody here knows. "
    "Its provider must install one of a public authority.",
    20: "{host} shows a certificate whose issuer nobody here knows. "
    "Its provider must install one of a public authority, with its chain.",
    62: "The certificate of the server is not for {host}. Use the host name that your provider gives, not an alias.",
    64: "The certificate of the server is not for the address {host}. Use its name instead.",
}
_NOT_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")


class Cut(ssl.SSLError):
    """The server ended the connection while encryption began, without a word."""


@functools.cache
def context() -> ssl.SSLContext:
    """Verified certificates and host names, TLS 1.2 or newer. Made once: it costs 25 ms."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def why_not(error: Exception, host: str, port: int, security: str) -> str:
    """What went wrong when encryption began with ``host``, and what to do. ``error``: ssl.SSLError, OSError, …"""
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = _CERTIFICATE.get(error.verify_code, "The certificate of {host} cannot be trusted. Ask its provider.")
        return sentence.format(host=host)
    reason = getattr(error, "reason", None) or ""
    if security == Security.tls and reason in _NOT_TLS:
        hint = "STARTTLS, as port 587 usually does" if port != 465 else "STARTTLS or no encryption"
        return f"Port {port} of {host} does not begin with TLS. Set Security to {hint}."
    if "PROTOCOL" in reason or "VERSION" in reason:
        return f"{host} offers only TLS versions that are no longer safe. Its provider must update it."
    if isinstance(error, TimeoutError):
        return f"{host} did not answer to TLS on port {port}. With port 587 set Security to STARTTLS."
    return (
        f"{host} ended the connection on port {port} when encryption began. It may offer only TLS versions that are no "
        "longer safe: ask its provider."
    )
