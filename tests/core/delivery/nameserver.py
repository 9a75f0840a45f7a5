"""A name server on 127.0.0.1 for a test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset


@contextmanager
def nameserver(
    texts: dict[str, list[str]], silent: bool = False, exchanges: dict[str, list[str]] | None = None
) -> Iterator[dns.resolver.Resolver]:
    """``texts``: name -> its TXT records, each as in a zone file; "" = the name is there without one. Yields who asks.

    ``silent``: it never answers. ``exchanges``: name -> its MX records.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(line, {"TXT": texts, "MX": exchanges or {}}, silent))
        thread.start()
        asking = dns.resolver.Resolver(configure=False)
        asking.nameservers, asking.port = ["127.0.0.1"], line.getsockname()[1]
        try:
            yield asking
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", line.getsockname())
            thread.join(5)


def _serve(line: socket.socket, records: dict[str, dict[str, list[str]]], silent: bool) -> None:
    while True:
        asked, who = line.recvfrom(4096)
        if not asked:
            return
        if silent:
            continue
        query = dns.message.from_wire(asked)
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text().rstrip(".")
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        if not any(name in of_kind for of_kind in records.values()):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found := records.get(kind, {}).get(name):
            answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", kind, *found))
        line.sendto(answer.to_wire(), who)
