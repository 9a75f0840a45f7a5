"""What a mail says: lengths that mail programs cut, and manners that filters of spam count against it.

Filters learn from what readers mark, so no list of words is the truth: these are the ones that SpamAssassin's rules
(SUBJ_ALL_CAPS, FAKE_REPLY, the phrases of 20_phrases.cf) and the advice of Gmail and Mailchimp have in common.
"""

import re

from core.campaigns.findings import Finding, note, warning
from core.content import html, merge

SUBJECT_LONGEST = 60  # characters: about what Gmail and Outlook show in a window; a phone shows 35 to 40
PREHEADER_LONGEST = 110  # about what fits behind a short subject
_PREHEADER_SHORT = 30  # below it, mail programs go on with the beginning of the body
_SHOUTED, _LEAST_LETTERS = 0.7, 8
_BODY_SHOUTED = 25  # words in capitals in a row
_PHRASES = re.compile(
    r"(?<![\w-])(?:act now|as seen on|be your own boss|buy now|cash bonus|click here|"
    r"congratulations you won|dear friend|"
    r"double your|earn \$|earn money|extra cash|fast cash|for free!|free gift|free money|free trial!|guaranteed winner|"
    r"increase sales|limited time only|lose weight|lowest price|make money|million dollars|"
    r"miracle|money back guarantee|"
    r"no catch|no cost|no credit check|no fees|no obligation|no risk|not spam|once in a lifetime|online casino|"
    r"order now|risk[- ]free|satisfaction guaranteed|this is not spam|urgent response|what are you waiting for|"
    r"while supplies last|winner!|work from home|you have been selected|you(?:'|’)?ve been selected|100% free)"
    r"(?![\w-])",
    re.IGNORECASE,
)
_FAKE_REPLY = re.compile(r"\s*(?:re|fwd?|aw|wg)\s*:", re.IGNORECASE)
_CAPS_RUN = re.compile(rf"(?:\b[A-Z][A-Z'’]+\b[\s,.!?:;–-]*+){{{_BODY_SHOUTED}}}")


def subject(written: str) -> list[Finding]:
    """What is said of a subject as it is typed; merge fields count as their default."""
    text = merge.render_text(written, {}).strip()
    found = []
    if len(text) > SUBJECT_LONGEST:
        cut = f"many mail programs cut it after {SUBJECT_LONGEST}, phones near 40"
        words = f"The subject has {len(text)} characters: {cut}."
        found.append(note(words, place="subject"))
    if is_shouted(text):
        found.append(warning("The subject is all capitals, as much spam is.", place="subject"))
    if "!!" in text or "??" in text or "$$" in text or text.count("!") > 2:
        found.append(warning("The subject repeats ! or ? or $, as much spam does.", place="subject"))
    if _FAKE_REPLY.match(text):
        words = "The subject looks like an answer or a forwarded mail, which it is not: laws and filters forbid that."
        found.append(warning(words, place="subject"))
    if phrases := spam_phrases(text):
        words = f"The subject says {_listed(phrases)}, which filters of spam look for."
        found.append(warning(words, place="subject", mark=phrases[0]))
    return found


def preheader(written: str) -> list[Finding]:
    """What is said of a preheader as it is typed."""
    text = merge.render_text(written, {}).strip()
    if not written.strip():
        words = "There is no preheader: mail programs show the beginning of the body after the subject."
        return [note(words, place="preheader")]
    if len(text) > PREHEADER_LONGEST:
        words = f"The preheader has {len(text)} characters: mail programs cut it after about {PREHEADER_LONGEST}."
        return [note(words, place="preheader")]
    if len(text) < _PREHEADER_SHORT and not merge.fields_used(written):
        words = f"The preheader has {len(text)} characters: there is room for up to {PREHEADER_LONGEST}."
        return [note(words, place="preheader")]
    return []


def body(source: str) -> list[Finding]:
    """What is said of the words of a body (HTML, before merging)."""
    text = html.to_text(source)
    found = []
    if shouted := _CAPS_RUN.search(text):
        found.append(warning("A part of the body is all capitals, as much spam is.", mark=shouted[0].strip()))
    if phrases := spam_phrases(text):
        found.append(note(f"The body says {_listed(phrases)}, which filters of spam look for.", mark=phrases[0]))
    return found


def is_shouted(text: str) -> bool:
    """Whether a short text is in capitals; scripts without them never are."""
    letters = [char for char in text if char.isupper() or char.islower()]
    return len(letters) >= _LEAST_LETTERS and sum(char.isupper() for char in letters) > _SHOUTED * len(letters)


def spam_phrases(text: str) -> list[str]:
    """The phrases found, lower case, each once, in order."""
    return list(dict.fromkeys(match[0].lower() for match in _PHRASES.finditer(text)))


def _listed(phrases: list[str]) -> str:
    listed = [f"“{phrase}”" for phrase in phrases[:5]]
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
