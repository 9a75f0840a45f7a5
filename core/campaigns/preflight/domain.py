"""What DNS tells of a From domain: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), and whether answers arrive.

Gmail and Yahoo ask bulk senders for all three (https://support.google.com/a/answer/81126). DNS cannot tell everything:
a provider's own DKIM selector is known to it alone, and which machine hands the mail over is seen when it arrives.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import dns.exception
import dns.resolver

from core.audience import addresses
from core.campaigns.findings import Finding, note, warning
from core.delivery import dkim_keys, dkim_record

SECONDS = 3.0  # for one question
_ALL_SECONDS = 12.0
_KEPT = 600.0  # seconds an answer is believed
_MOST_KEPT = 500
_MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4
# Where a mail handed in at this host leaves by: what the From domain's SPF must include, and its usual DKIM selectors.
PROVIDERS = {
    "smtp.gmail.com": ("_spf.google.com", ("google",)),
    "smtp-relay.gmail.com": ("_spf.google.com", ("google",)),
    "smtp.office365.com": ("spf.protection.outlook.com", ("selector1", "selector2")),
    "smtp.hostinger.com": ("_spf.mail.hostinger.com", ("hostingermail-a", "hostingermail-b", "hostingermail-c")),
    "smtp.zoho.com": ("zohomail.com", ("zmail", "zoho")),
    "smtppro.zoho.com": ("zohomail.com", ("zmail", "zoho")),
    "smtp.zoho.eu": ("zohomail.eu", ("zmail", "zoho")),
    "smtp.zoho.in": ("zohomail.in", ("zmail", "zoho")),
    "smtp.fastmail.com": ("spf.messagingengine.com", ("fm1", "fm2", "fm3")),
    "smtp.mailgun.org": ("mailgun.org", ("k1", "mg", "smtp", "pic")),
    "smtp.eu.mailgun.org": ("mailgun.org", ("k1", "mg", "smtp", "pic")),
    "smtp.sendgrid.net": ("", ("s1", "s2")),
    "smtp-relay.brevo.com": ("", ("brevo1", "brevo2", "mail")),
    "smtp.postmarkapp.com": ("", ("pm",)),
    "smtp-broadcasts.postmarkapp.com": ("", ("pm",)),
}


@dataclass(frozen=True)
class Asked:
    """The From address's domain, the SMTP host, and our own DKIM keys that sign for it."""

    domain: str
    host: str
    keys: tuple[dkim_keys.Key, ...] = ()

    @property
    def shown(self) -> str:
        """The domain for people."""
        return addresses.shown_domain(self.domain)


class _Away(Exception):
    """DNS did not answer in time: nothing can be told."""


def findings(asked: Asked, resolver: dns.resolver.Resolver | None = None) -> list[Finding]:
    """What to say before mails of this domain go out; empty where all is well.

    Blocks for up to 12 s the first time (an answer is kept for ten minutes): call it off the event loop. Never raises.
    ``resolver``: whom to ask (default: as this machine is set up).
    """
    if resolver is not None:
        return _look(asked, resolver)
    with _lock:
        kept = _known.get(asked)
    if kept is not None and kept[0] > monotonic():
        return kept[1]
    try:
        found = _look(asked, dns.resolver.Resolver())
    except (dns.exception.DNSException, OSError):  # a machine without name servers
        found = [_unknown(asked)]
    _keep(asked, found)
    return found


def forget(asked: Asked) -> None:
    """Ask again: the user changed a record."""
    with _lock:
        _known.pop(asked, None)


_known: OrderedDict[Asked, tuple[float, list[Finding]]] = OrderedDict()
_lock = threading.Lock()


def _keep(asked: Asked, found: list[Finding]) -> None:
    seconds = 30.0 if found == [_unknown(asked)] else _KEPT
    with _lock:
        _known[asked] = (monotonic() + seconds, found)
        while len(_known) > _MOST_KEPT:
            _known.popitem(last=False)


def _look(asked: Asked, resolver: dns.resolver.Resolver) -> list[Finding]:
    ask = _Questions(resolver)
    known = PROVIDERS.get(asked.host.lower().rstrip("."), ("", ()))
    try:
        spf, spf_said = _spf(ask, asked, known[0])
        signed, dkim_said = _dkim(ask, asked, known[1])
        policy, dmarc_said = _dmarc(ask, asked)
        said = [*spf_said, *dkim_said, *dmarc_said, *_answers(ask, asked)]
    except _Away:
        return [_unknown(asked)]
    if policy in ("quarantine", "reject") and spf is False and signed is False:
        words = f"{asked.shown} asks receivers to {policy} mails that are neither signed nor from its own servers."
        said.insert(0, _say(warning, f"{words} These would be both. Sign with DKIM or change the From address.", asked))
    return said


class _Questions:
    def __init__(self, resolver: dns.resolver.Resolver) -> None:
        self.resolver, self.ends = resolver, monotonic() + _ALL_SECONDS

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, empty where there are none. Raises _Away."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self.records(name, "TXT")]

    def records(self, name: str, kind: str) -> list[Any]:
        seconds = min(SECONDS, self.ends - monotonic())
        if seconds <= 0:
            raise _Away
        try:
            return list(self.resolver.resolve(f"{name.rstrip('.')}.", kind, lifetime=seconds, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, UnicodeError):
            raise _Away from None


def _spf(ask: _Questions, asked: Asked, include: str) -> tuple[bool | None, list[Finding]]:
    """Whether SPF lets this provider send (None: cannot be told), RFC 7208 sections 3 to 5."""
    records = [text for text in ask.texts(asked.domain) if _is_spf(text)]
    if not records:
        add = f" Add v=spf1 include:{include} ~all as a TXT record." if include else " Your provider tells which."
        words = f"{asked.shown} has no SPF record, which says who may send for it; receivers ask for one.{add}"
        return False, [_say(warning, words, asked)]
    if len(records) > 1:
        words = f"{asked.shown} has {len(records)} SPF records: receivers then trust none. Merge them into one."
        return False, [_say(warning, words, asked)]
    terms = records[0].lower().split()[1:]
    said = []
    if any(term in ("all", "+all") for term in terms):
        words = f"The SPF record of {asked.shown} lets everybody send (+all): it protects nothing. End it with ~all."
        said.append(_say(warning, words, asked))
    count, includes = _lookups(ask, terms)
    if count > _MOST_LOOKUPS:
        words = f"The SPF record of {asked.shown} needs {count} look-ups; receivers stop after 10 and trust none."
        said.append(_say(warning, words, asked))
    if include and include not in includes:
        words = f"The SPF record of {asked.shown} does not name {asked.host}: add include:{include} to it."
        return False, [*said, _say(warning, words, asked)]
    return (True if include else None), said


def _is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def _lookups(ask: _Questions, terms: list[str], depth: int = 0) -> tuple[int, set[str]]:
    """(how many look-ups the terms cost, all domains they include)."""
    count, includes = 0, set[str]()
    for term in terms:
        bare = term.lstrip("+-~?")
        name, _, value = bare.replace("=", ":", 1).partition(":")
        count += name.partition("/")[0] in ("include", "a", "mx", "ptr", "exists", "redirect")
        if name in ("include", "redirect") and value and "%" not in value and depth < 6 and count <= _MOST_LOOKUPS:
            includes.add(value.rstrip("."))
            below = next((text for text in ask.texts(value) if _is_spf(text)), "")
            more, further = _lookups(ask, below.lower().split()[1:], depth + 1)
            count, includes = count + more, includes | further
    return count, includes


def _dkim(ask: _Questions, asked: Asked, usual: tuple[str, ...]) -> tuple[bool | None, list[Finding]]:
    """Whether mails are signed for the domain (None: cannot be told), RFC 6376 section 3.6."""
    for key in asked.keys:
        there = dkim_record.compared(key, ask.texts(key.name))
        if there.state != "right":
            words = f"The DKIM key {key.name} is on, but signatures fail. {there.sentence}"
            return False, [_say(warning, words, asked)]
    if asked.keys or any(_has_key(ask, selector, asked.domain) for selector in usual):
        return True, []
    words = f"Whether {asked.host or 'your provider'} signs for {asked.shown} with DKIM cannot be told from DNS."
    return None, [_say(note, f"{words} Send a test and look for “dkim=pass”, or sign here.", asked)]


def _has_key(ask: _Questions, selector: str, domain: str) -> bool:
    texts = [text.replace(" ", "") for text in ask.texts(f"{selector}._domainkey.{domain}")]
    return any("p=" in text and not text.endswith("p=") and "p=;" not in text for text in texts)


def _dmarc(ask: _Questions, asked: Asked) -> tuple[str, list[Finding]]:
    """The policy for the domain, "" without one; its own record or that of a parent (RFC 7489 section 6.6.3)."""
    labels = asked.domain.split(".")
    for start in range(len(labels) - 1):
        records = [text for text in ask.texts("_dmarc." + ".".join(labels[start:])) if _is_dmarc(text)]
        if len(records) == 1:
            return _policy(records[0], is_parent=start > 0), []
        if records:
            break
    words = f"{asked.shown} has no DMARC record, which Gmail and Yahoo ask of whoever mails many people."
    if len(labels) > 1:
        words += f" Begin with v=DMARC1; p=none as a TXT record at _dmarc.{asked.domain}."
    return "", [_say(warning, words, asked)]


def _is_dmarc(text: str) -> bool:
    return text.replace(" ", "").lower().partition(";")[0] == "v=dmarc1"


def _policy(record: str, is_parent: bool) -> str:
    tags = dict(pair.partition("=")[::2] for pair in "".join(record.split()).lower().split(";"))
    return (tags.get("sp") if is_parent else None) or tags.get("p", "none")


def _answers(ask: _Questions, asked: Asked) -> list[Finding]:
    """RFC 5321 section 5.1; a null MX (RFC 7505) says that nobody takes mail."""
    exchanges = ask.records(asked.domain, "MX")
    if any(str(record).endswith(" .") for record in exchanges) or not (exchanges or ask.records(asked.domain, "A")):
        words = f"{asked.shown} takes no mail, so answers and bounces are lost; many receivers refuse such senders."
        return [_say(warning, words, asked)]
    return []


def _unknown(asked: Asked) -> Finding:
    words = f"DNS did not answer, so SPF, DKIM and DMARC of {asked.shown} cannot be told just now."
    return _say(note, words, asked)


def _say(level: Callable[[str, str, str], Finding], words: str, asked: Asked) -> Finding:
    return level(words, "senders", asked.domain)
