"""Whether what a mail links to is there: fetched over the web, only when the user asks for it.

The addresses are the user's, so none may open this machine's network to them: each host is looked up once and judged
by the rule for mail servers (``hosts``: SMTP_ALLOW_PRIVATE), again after each redirect, and connected to at just that
address. No body is read, nothing is sent but the request, and everything has an end.
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from string import punctuation
from time import monotonic
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from core import config
from core.campaigns.findings import Finding, warning
from core.campaigns.preflight import size, tags
from core.campaigns.preflight.links import is_placeholder
from core.content import links, merge
from core.delivery import hosts
from core.errors import RuleError

SECONDS = 8.0  # for one address, redirects included
MOST = 100  # addresses
_AT_ONCE = 6
_REDIRECTS = 5
_PORTS = {80, 443, 8080, 8443}
_OTHERS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)
_AGENT = "Mozilla/5.0 (compatible; campaign link check)"


@dataclass(frozen=True)
class Reached:
    """``status``: the last answer's, 0 without one; ``words``: why not, else ""; ``size``: bytes as announced, or 0."""

    address: str
    status: int
    words: str = ""
    size: int = 0
    ends_at: str = ""

    @property
    def is_there(self) -> bool:
        return not self.words


def addresses(body: str) -> tuple[list[str], list[str]]:
    """The links and the images of ``body`` that can be fetched: http(s) without a merge field, each once."""
    linked = [each for link in tags.links(body) if (each := _plain(link.address or ""))]
    shown = [each for image in tags.images(body) if (each := _plain(image.address))]
    return list(dict.fromkeys(linked))[:MOST], list(dict.fromkeys(shown))[:MOST]


def look(wanted: Iterable[str], tell: Callable[[int], None] = lambda done: None) -> dict[str, Reached]:
    """Fetch each address. Blocks for some seconds up to a few minutes: call it off the event loop. Never raises.

    ``tell`` hears, on this thread, how many are done.
    """
    found: dict[str, Reached] = {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="reach") as pool:
        for number, task in enumerate(as_completed([pool.submit(fetch, each) for each in dict.fromkeys(wanted)]), 1):
            reached = task.result()
            found[reached.address] = reached
            tell(number)
    return found


def findings(linked: Sequence[str], shown: Sequence[str], found: dict[str, Reached]) -> list[Finding]:
    """What was not there, and images that weigh too much together."""
    said = []
    for kind, wanted in (("link", linked), ("image", shown)):
        for address in wanted:
            reached = found.get(address)
            if kind == "link" and is_placeholder(address):
                continue  # said of the body by itself
            if reached is not None and not reached.is_there:
                said.append(warning(f"The {kind} {tags.short(address)}: {reached.words}", mark=address))
    return [*said, *size.heavy_images(sum(found[address].size for address in shown if address in found))]


def fetch(address: str) -> Reached:
    """One address, its redirects followed."""
    ends, now_at = monotonic() + SECONDS, address
    try:
        for _ in range(_REDIRECTS + 1):
            status, headers = _ask(now_at, ends)
            where = quote(headers.get(b"location", b""), safe=punctuation)  # in ASCII, as a browser would ask for it
            if status not in (301, 302, 303, 307, 308) or not where:
                return _judged(address, status, headers, now_at)
            now_at = urljoin(now_at, where)
        return Reached(address, status, "it leads from one page to the next without an end.")
    except RuleError as error:
        return Reached(address, 0, str(error))
    except (httpcore.TimeoutException, TimeoutError):
        return Reached(address, 0, f"no answer within {SECONDS:g} seconds.")
    except ssl.SSLError as error:
        return Reached(address, 0, f"its certificate is not valid ({getattr(error, 'verify_message', '') or error}).")
    except (*_OTHERS, OSError, ValueError, TypeError) as error:  # TypeError: an address that is not in ASCII
        words = "its certificate is not valid." if "CERTIFICATE" in str(error) else "its server does not answer."
        return Reached(address, 0, words)


def _judged(address: str, status: int, headers: dict[bytes, bytes], ends_at: str) -> Reached:
    length = headers.get(b"content-length", b"")
    weight = int(length) if length.isdigit() and len(length) < 16 else 0
    if status in (404, 410):
        return Reached(address, status, f"there is no such page ({status}).", weight, ends_at)
    if status >= 500:
        return Reached(address, status, f"its server has a fault ({status}).", weight, ends_at)
    return Reached(address, status, "", weight, ends_at)  # 401, 403 and 429 are for robots: people may well see it


def _ask(address: str, ends: float) -> tuple[int, dict[bytes, bytes]]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RuleError("it leads to what is no web page.")
    backend = _Guarded(ends)
    with httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend, retries=0) as pool:
        seconds = max(0.1, ends - monotonic())
        limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        headers: dict[bytes | str, bytes | str] = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        with pool.stream("GET", address, headers=headers, extensions={"timeout": limits}) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers}


class _Guarded(httpcore.NetworkBackend):
    """Connects to nothing that a user may not reach, and to nothing after ``ends``."""

    def __init__(self, ends: float) -> None:
        self._plain, self._ends = httpcore.SyncBackend(), ends

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **more: Any) -> Any:
        if port not in _PORTS and not config.settings.smtp_allow_private:
            raise RuleError(f"its port {port} is not one of web sites.")
        try:
            found = hosts.resolve(host, 443)
        except hosts.HostRefused:
            raise RuleError("it leads into a private network.") from None
        except hosts.HostNotFound:
            raise RuleError(f"there is no server named {tags.short(host)}.") from None
        return _Timed(self._plain.connect_tcp(found, port, self._left()), self._ends)

    def _left(self) -> float:
        return max(0.1, self._ends - monotonic())


class _Timed(httpcore.NetworkStream):
    """A stream that has an end, however slowly its server drips."""

    def __init__(self, inner: httpcore.NetworkStream, ends: float) -> None:
        self._inner, self._ends = inner, ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, self._left()), self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _left(self) -> float:
        if (left := self._ends - monotonic()) <= 0:
            raise httpcore.ReadTimeout
        return left


def _plain(address: str) -> str:
    return "" if merge.fields_used(address) else links.plain(address)
