"""The language of a mail, where it is plainly not the one of its footer and unsubscribe page."""

import re
from collections import Counter

from core.campaigns.findings import Finding, warning
from core.content import html, languages, mail, merge
from core.models import BodyKind

_LEAST = 3  # different words
_CLEARER = 4  # times as many words of a language as of the one that is chosen
_WORD = re.compile(r"[^\W\d_][\w\u0900-\u097f]*")  # the signs of Devanagari are no letters to Python
# Small words that most sentences of a language have, and few of the others.
_WORDS = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the and you your with for this that are have from will our we is of to in it be on",
        "cs": "že je se na pro jste vás nebo také jsme který aby ale jako není vám naše",
        "da": "og det er ikke til dig vi du med har jeg som af på den eller vores",
        "de": "und der das den nicht ist für sie wir mit ein eine ihr ihre ihnen auf zum zur liebe auch",
        "es": "el los las que para con una por usted del su sus más nuestra nuestro muy es en",
        "fr": "les des vous nous pour est dans une avec votre vos sur notre et chère cher plus ce",
        "hi": "है हैं के और में की को से आप का हम यह लिए पर",
        "it": "il che per non una sono del della con gli nel nella alla questo anche nostra vi è",
        "nl": "het een van en niet voor met zijn wij je uw dat ook deze naar onze beste",
        "pl": "się nie na jest dla że do oraz aby jak naszej nas będzie są przez twoje",
        "pt": "que não para uma com os você seu sua do da em nossa nosso mais são ao",
        "sv": "och att är det inte för med som du vi på har ett av din eller vår",
        "tr": "ve bir için bu ile de olarak sizin çok değil daha en siz bizim gibi her",
    }.items()
}


def findings(made: mail.Content, body: str) -> list[Finding]:
    """``body``: the words of ``made`` as HTML."""
    text = f"{merge.render_text(made.subject, {})} {merge.render_text(html.to_text(body), {})}".casefold()
    count = Counter(_WORD.findall(" ".join(each for each in text.split() if "//" not in each and "@" not in each)))
    found = {code: sum(count[word] for word in words) for code, words in _WORDS.items()}
    best = max(found, key=lambda code: found[code])
    plain = sum(word in count for word in _WORDS[best]) >= _LEAST and found[best] >= _CLEARER * found.get(
        made.language, 0
    )
    if best == made.language or not plain:
        return []
    rest = "unsubscribe page is" if made.body_kind == BodyKind.html else "footer and unsubscribe page are"
    is_now, could = languages.of(made.language).name, languages.of(best).name
    return [warning(f"The mail looks like {could}, and its {rest} in {is_now}. Choose its language.", place="language")]
