"""Which mail servers we connect to. A user names the host, so it must not open this machine's network to them."""

import ipaddress
import socket

from core import config
from core.errors import RuleError

# Where mail is handed in (RFC 6409, RFC 8314) and the other doors that providers keep for closed networks.
MAIL_PORTS = frozenset({25, 26, 80, 443, 465, 587, 588, 2465, 2525, 2526, 2587, 8025})

# Where mailboxes are read (RFC 9051, RFC 8314) and the doors that some hosts keep instead.
MAILBOX_PORTS = frozenset({143, 993, 1143, 1993})

# IPv6 addresses that end in an IPv4 address: RFC 6052, RFC 8215 (as most translators have it), RFC 2765, RFC 4291.
_EMBEDDED = [ipaddress.ip_network(form) for form in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")]

# What reaches the internet: what IANA gives out, and IPv4 written as IPv6. All else means something only here.
_PUBLIC = [ipaddress.ip_network(form) for form in ("2000::/3", "64:ff9b::/96", "::ffff:0:0/96")]


class HostNotFound(RuleError):
    """The name has no address."""


class HostRefused(RuleError):
    """We do not connect there (SMTP_ALLOW_PRIVATE)."""


def resolve(host: str, port: int, ports: frozenset[int] = MAIL_PORTS) -> str:
    """The one address to connect to, looked up once so that the name cannot mean another machine a moment later.

    ``ports``: those that may be connected to. Blocks on DNS: call it off the event loop. Raises HostNotFound or
    HostRefused.
    """
    if port not in ports and not config.settings.smtp_allow_private:
        common = "993 and 143" if ports is MAILBOX_PORTS else "587, 465 and 25"
        raise HostRefused(f"Port {port} is not one that mail servers use. Common are {common}.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        raise HostNotFound(f"There is no server named {host}. Check the spelling of the host.") from None
    addresses = [str(row[4][0]).split("%")[0] for row in found]
    # IPv4 first: many servers have an IPv6 address on paper only, and mail providers judge it harder.
    for address in sorted(addresses, key=lambda address: ":" in address):
        if may_connect(address):
            return address
    raise HostRefused(
        f"{host} is an address inside a private network. The administrator can allow such mail servers with "
        "SMTP_ALLOW_PRIVATE=yes."
    )


def why_not(error: OSError, host: str, port: int) -> str:
    """Why no connection to ``port`` of ``host`` came about, and what to do."""
    if isinstance(error, ConnectionRefusedError):
        return (
            f"Nothing answers on port {port} of {host}. Check the port: common are 587 with STARTTLS and 465 with TLS."
        )
    if isinstance(error, TimeoutError):
        return (
            f"{host} did not answer on port {port}. Often a firewall or the internet provider blocks this port: "
            "try 587 or 465."
        )
    return f"{host} cannot be reached from here: {error.strerror or error}."


def may_connect(address: str) -> bool:
    """Whether SMTP_ALLOW_PRIVATE lets us connect to this IP address; cloud metadata services are never allowed."""
    given = ipaddress.ip_address(address)
    ip = _real(given)
    if ip.is_multicast or ip.is_unspecified or ip.is_link_local or str(ip) == "fd00:ec2::254":
        return False
    is_public = given.version == 4 or any(given in network for network in _PUBLIC)
    return config.settings.smtp_allow_private or (is_public and ip.is_global)


def _real(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(ip, ipaddress.IPv4Address) or ip.is_loopback or ip.is_unspecified:
        return ip
    if any(ip in form for form in _EMBEDDED):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)
