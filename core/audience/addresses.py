"""Which text is a mail address, how it is kept, and in words why it is not one."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import email_validator

from core.errors import RuleError

MAX_LENGTH = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets with its angle brackets

# Dot-atom @ host name, lower case: what nearly every address is; 0.6 µs where email-validator takes 29.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_USUAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")
_NAMED = re.compile(r"[^<>]*[^<>\s][^<>]*<([^<>]*@[^<>]*)>\s*")  # Name <a@b>
# What surrounds addresses in real files: spaces of all kinds, zero-width marks, brackets, quotes, separators.
_AROUND = " \t\r\n\f\v\u00a0\u200b\u200c\u200d\u2060\ufeff<>\"',;"

_TOLD = 3  # domains inside a sentence


@dataclass(frozen=True)
class Address:
    """``email`` is lower case, an international domain as A-label; empty where ``reason`` says why not.

    Letters beyond ASCII before the @ are kept (RFC 6531): whether they can be mailed is the mail server's to say.
    """

    email: str
    reason: str = ""


def read(text: str) -> Address:
    """The address in a cell, with stray brackets, quotes and ``mailto:`` taken off. Never raises."""
    bare = text.strip(_AROUND)
    lower = bare.lower().removeprefix("mailto:")
    if len(lower) <= MAX_LENGTH and _USUAL.fullmatch(lower) and lower.index("@") <= 64:
        return Address(lower)
    if named := _NAMED.fullmatch(text):
        return read(named[1])
    reason = _plain_reason(lower)
    return Address("", reason) if reason else _by_library(lower)


def one(text: str) -> str:
    """The address in ``text``, as ``read`` makes it. Raises RuleError where there is none, or more than one."""
    address = read(text)
    if not address.email:
        raise RuleError(f"This is not an email address: {address.reason}.")
    return address.email


def wire(email: str) -> str:
    """``email`` for an envelope or a header: NFC, its domain as A-labels (IDNA 2008, UTS 46). Raises ValueError."""
    try:
        found = email_validator.validate_email(email, check_deliverability=False, globally_deliverable=False)
    except (email_validator.EmailNotValidError, UnicodeError, IndexError):  # its own parser trips over hostile text
        raise ValueError("not a mail address") from None
    return f"{found.local_part}@{found.ascii_domain}"


def shown(email: str) -> str:
    """``email`` for people: an international domain with its letters, where ``read`` makes the same of them again."""
    local, at, domain = email.rpartition("@")
    return f"{local}@{shown_domain(domain)}" if at else email


def shown_domain(domain: str) -> str:
    """``domain`` for people, likewise."""
    return _letters(domain) if "xn--" in domain else domain


def shown_domains(domains: Sequence[str]) -> str:
    """``a.example, b.example and 2 more``."""
    named = [shown_domain(domain) for domain in domains[:_TOLD]]
    named += [f"{len(domains) - _TOLD:,} more"] if len(domains) > _TOLD else []
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


@lru_cache(4_096)
def _letters(domain: str) -> str:
    try:
        found = email_validator.validate_email(f"a@{domain}", check_deliverability=False, globally_deliverable=False)
    except (email_validator.EmailNotValidError, UnicodeError, IndexError):
        return domain
    is_same = read(f"a@{found.domain}").email == f"a@{domain}"
    return found.domain if is_same and not any(_is_mixed(label) for label in found.domain.split(".")) else domain


def _is_mixed(label: str) -> bool:
    """Whether Latin letters stand beside those that look like them, as in many forged names."""
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in label if letter.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def ascii_domain(domain: str) -> str:
    """``domain``, or its beginning, as it is kept; labels that can be none as they are. Never raises."""
    return ".".join(label if label.isascii() else _a_label(label) for label in domain.split("."))


def _a_label(label: str) -> str:
    try:
        return wire(f"a@{label}.example").removeprefix("a@").removesuffix(".example")
    except ValueError:
        return label


def looks_like_one(text: str) -> bool:
    """Whether ``text`` is an address or nearly one: enough to tell an address column from others."""
    return "@" in text and bool(read(text).email)


def domain_of(email: str) -> str:
    """What stands after the @."""
    return email.rpartition("@")[2]


def _plain_reason(text: str) -> str:
    """The commonest faults in words; empty where the library must decide."""
    local, at, domain = text.rpartition("@")
    checks = (
        (not text, "no address"),
        (not at, "no @ sign"),
        (len(text) > MAX_LENGTH, f"longer than {MAX_LENGTH} characters"),
        ("@" in local and re.search(r"[\s,;/]", text), "more than one address"),
        ("@" in local, "more than one @ sign"),
        (not local, "nothing before the @ sign"),
        (not domain, "nothing after the @ sign"),
        (len(local.encode("utf-8", "surrogatepass")) > 64, "more than 64 characters before the @ sign"),
        (re.search(r"\s", text), "a space inside the address"),
        (".." in f".{domain}.", "a stray dot after the @ sign"),
        (".." in f".{local}.", "a stray dot before the @ sign"),
        ("." not in domain and domain.isascii(), "no dot after the @ sign"),
    )
    return next((reason for failed, reason in checks if failed), "")


def _by_library(text: str) -> Address:
    try:
        found = email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        return Address("", str(error).rstrip("."))
    except (UnicodeError, ValueError, IndexError):  # hostile text that the library's own parser trips over
        return Address("", "not a mail address")
    email = f"{found.local_part}@{found.ascii_domain}".lower()
    if len(email.encode()) > MAX_LENGTH:
        return Address("", f"longer than {MAX_LENGTH} characters")
    return Address(email)
