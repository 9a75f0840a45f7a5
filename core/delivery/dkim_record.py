"""Whether a DKIM key's record is in DNS as it should be."""

from dataclasses import dataclass

import dns.exception
import dns.rdatatype
import dns.resolver

from core.delivery.dkim_keys import Key

SECONDS = 4.0


@dataclass(frozen=True)
class Finding:
    """``state``: right, missing, differs, or unknown where DNS did not answer; ``sentence`` is for the user."""

    state: str
    sentence: str


def look(key: Key, resolver: dns.resolver.Resolver | None = None) -> Finding:
    """Ask DNS for the key's record. Blocks for SECONDS at most: call it off the event loop. Never raises.

    ``resolver``: whom to ask (default: as this machine is set up).
    """
    try:
        asked = resolver or dns.resolver.Resolver()
        answer = asked.resolve(key.name + ".", dns.rdatatype.TXT, lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return compared(key, [])
    except (dns.exception.DNSException, OSError):
        return Finding("unknown", "DNS did not answer just now. Try again in a minute.")
    texts = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return compared(key, texts)


def compared(key: Key, texts: list[str]) -> Finding:
    """``texts``: the TXT records under the key's name, each in one piece."""
    if not texts:
        return Finding("missing", "The record is not there yet. A new one can take an hour to be seen everywhere.")
    want = _tags(key.value)
    right = [text for text in texts if _is(_tags(text), want)]
    if right and len(texts) == 1:
        return Finding("right", "The record is right: receivers can check this signature.")
    if right:
        return Finding("differs", f"There are {len(texts):,} records under this name. Keep only the one shown here.")
    found = _tags(texts[0]).get("p", "")
    if found and found != want["p"] and want["p"].startswith(found):
        return Finding("differs", "The record is cut off. Enter it in strings of at most 255 characters, as shown.")
    return Finding("differs", "The record differs from the one shown here. Copy its value again.")


def _is(found: dict[str, str], want: dict[str, str]) -> bool:
    usable = found.get("v", "DKIM1") == "DKIM1" and found.get("k", "rsa") == want["k"]
    return usable and found.get("p") == want["p"]


def _tags(text: str) -> dict[str, str]:
    """The tags of a record (RFC 6376 section 3.2), without spaces, which may stand anywhere in them."""
    pairs = ("".join(part.split()).partition("=") for part in text.split(";"))
    return {name: value for name, equals, value in pairs if equals}
