"""Attachments: forgotten, or so heavy that filters and mailboxes mind."""

import re

from core.campaigns.findings import Finding, warning
from core.content import html, mail

HEAVY = 1_000_000  # bytes of all files
# As people say it who attach a file, in the languages of a campaign; words that mean other things too are left out.
_SAID = re.compile(
    r"\b(?:(?:find|see|files?|documents?|invoice|agenda|form|program(?:me)?|pdf)\s+(?:is\s+|are\s+)?attached"
    r"|attached\s+(?:is|are|files?|documents?|pdf|invoice|agenda|form|you)"
    r"|(?:find|see|in|open)\s+the\s+attach(?:ed|ments?)"
    r"|im\s+anhang|angeh(?:ä|ae)ngt\w*|beigef(?:ü|ue)gt\w*|in\s+der\s+anlage|anbei"
    r"|en\s+pi(?:è|e)ce\s+jointe|pi(?:è|e)ces?\s+jointes?|ci-joint\w*"
    r"|(?:archivo|documento|fichero)s?\s+adjunt[oa]s?|adjunto\s+(?:encontrar|el|la|los|las|un|una)"
    r"|in\s+allegato|(?:file|documento)\s+allegat[oi]"
    r"|in\s+de\s+bijlage|bijgevoegd\w*|em\s+anexo|segue\s+anexo"
    r"|w\s+załączniku|w\s+załączeniu|v\s+příloze|v\s+prílohe"
    r"|i\s+vedhæftede|vedhæftet|bifogad\w*|bifogar|vedlagt|liitteenä|mellékel\w*|csatolt\w*)\b",
    re.IGNORECASE,
)


def findings(made: mail.Content, body: str) -> list[Finding]:
    """``body``: the words of ``made`` as HTML."""
    if not made.attachments:
        said = _SAID.search(html.to_text(body))
        if said is None:
            return []
        words = " ".join(said[0].split())
        return [warning(f"The body says “{words}”, and no file is attached.", place="attachments")]
    weight = sum(file.size for file in made.attachments)
    if weight <= HEAVY:
        return []
    words = f"The attachments weigh {weight / 1_000_000:,.1f} MB, in every mail: it goes out more slowly, and full or "
    words += "cautious mailboxes refuse it. Put large files on a website and link to them."
    return [warning(words, place="attachments")]
