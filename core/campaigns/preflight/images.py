"""The images of a mail: whether readers get to see them, and what the others see."""

from dataclasses import replace
from urllib.parse import urlsplit

from core import config
from core.campaigns.findings import Finding, error, note, warning
from core.campaigns.preflight import links, tags
from core.content import foreign, html, merge
from core.content import images as kept

_FEW_WORDS = 20


def findings(body: str) -> list[Finding]:
    """What is wrong with the images of ``body`` (before merging)."""
    images = tags.images(body)
    found: dict[str, Finding] = {}
    for image in images:
        if (judged := _judge(image.address)) is not None:
            found.setdefault(judged.text, replace(judged, mark=image.address))
    silent = [image.address for image in images if image.alt is None]
    if silent:
        words = "An image has no alternative text for readers who do not see it."
        if len(silent) > 1:
            words = f"{len(silent):,} images have no alternative text for readers who do not see them."
        found["alt"] = warning(words, mark=silent[0])
    if images and len(html.to_text(body).split()) < _FEW_WORDS:
        found["words"] = warning("The mail is nearly all image: filters of spam and readers without images see little.")
    return list(found.values())


def _judge(address: str) -> Finding | None:
    shown = tags.short(address)
    if not address:
        return error("An image has no address, so readers see a broken picture.", "content", "body")
    lower = address.lower()
    if kept.are_in(address):
        return _ours(address)
    if foreign.are_in(address) or any(isinstance(piece, merge.Field) for piece in merge.parse(address)):
        return None
    if lower.startswith("data:"):
        return warning("An image is written into the mail itself (data:): Gmail and Outlook do not show it.")
    if lower.startswith("cid:"):
        return error(f"The image {shown} should be attached, and nothing is: readers see a broken picture.", "content")
    if not lower.startswith(("http://", "https://")):
        return error(f"The image {shown} has no https:// before it, so no reader sees it.", "content", "body")
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    return _by_host(host, shown, lower.startswith("http:"))


def _ours(address: str) -> Finding | None:
    """An image that this server serves: readers need an address of it that they can reach."""
    base = config.settings.base_url
    if address.startswith("/"):
        text = "Readers will not see your images: BASE_URL is not set. Set it to the address at which they reach this "
        return error(f"{text}server, or take the images out.", "content", "body")
    host = urlsplit(base).hostname or ""
    if links.place(host) in ("here", "inside"):
        return warning(
            f"Your images come from {host}, which readers elsewhere do not reach. Set BASE_URL to one they do."
        )
    return None  # without BASE_URL: a mail of the sandbox, which is read here


def _by_host(host: str, shown: str, plain: bool) -> Finding | None:
    kind = links.place(host) if host else "bad"
    if kind == "bad":
        return error(f"The image {shown} has no web address.", "content", "body")
    if kind == "here":
        return error(f"The image {shown} is on the reader's own computer: nobody else sees it.", "content", "body")
    if kind == "inside":
        return warning(f"The image {shown} is in a private network: readers elsewhere do not see it.")
    if plain:
        return note(f"The image {shown} comes without https://: some mail programs do not show it.")
    return None
