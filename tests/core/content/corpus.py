"""Mails in many scripts and shapes, with what their readers must see: for parsers and filters that are not ours."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from core import crypto
from core.content import headers, mail, merge, starters
from tests.core.content.parsed import content

AT = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
BASE = "https://mail.example.com"
LINES = {
    "english": "Our news for the week, and what comes next",
    "german": "Grüße aus München: schöne Äpfel, süße Öle und ein Ausflug auf die Zugspitze mit Übernachtung",
    "french": "Où êtes-vous allés cet été ? Ça m’intéresse énormément, à bientôt, Noël & François",
    "polish": "Zażółć gęślą jaźń, czyli wszystkie polskie litery w jednym zdaniu",
    "vietnamese": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm",
    "turkish": "İstanbul’dan ılık selamlar, ğüşöç",
    "russian": "Новости недели и то, что будет дальше: скидки на всё",
    "greek": "Τα νέα της εβδομάδας και τι έρχεται μετά",
    "hindi": "नमस्ते दुनिया, यह इस सप्ताह का समाचार पत्र है और आगे क्या होगा",
    "tamil": "இந்த வாரத்தின் செய்திகள் மற்றும் அடுத்து என்ன",
    "bengali": "এই সপ্তাহের খবর এবং এর পরে কী আসছে",
    "arabic": "أخبار الأسبوع وما سيأتي بعد ذلك في عام ٢٠٢٦",
    "hebrew": "חדשות השבוע ומה שיבוא אחר כך",
    "mixed": "Sale סייל мир 世界 🌍 – 50 % off",
    "chinese": "本周新闻以及接下来会发生什么本周新闻以及接下来会发生什么本周新闻以及接下来会发生什么",
    "japanese": "今週のニュースと次に来るもの、カタカナとひらがなも",
    "korean": "이번 주 소식과 다음에 올 것",
    "thai": "ข่าวประจำสัปดาห์และสิ่งที่จะเกิดขึ้นต่อไป",
    "georgian": "კვირის სიახლეები და რა იქნება შემდეგ",
    "emoji": "👩‍👩‍👧‍👦 family 🏳️‍🌈 pride 🇮🇳 flag 👍🏽 " * 3 + "end",
    "combining": "e\u0301te\u0301 n\u0303 o\u0308 Zalgo a\u0300\u0301\u0302\u0303",
    "long word": "x" * 300,
    "long umlauts": "ü" * 200,
    "long chinese": "信" * 200,
    "long words": "Donaudampfschifffahrtsgesellschaftskapitän " * 12 + "Ende",
    "an encoded word": "=?utf-8?q?hello=0d=0aBcc:_evil=40x.y?= and =?x",
    "signs": 'a_b=c?d "quoted" (comment) <tag> \\ ; : , @ [x] %s {y} ~^`|',
    "equals": "=3D=20= =C3=BC ?= =? end",
    "astral": "𝒞𝒶𝓂𝓅𝒶𝒾𝑔𝓃 𐍈𐍉 𠀀𠀁",
}
BODIES = {
    "dots": ".\n.hidden\n..two\n" + "x" * 75 + ".\n" + "y" * 74 + "..\n",
    "from lines": "From me\n From you\n\nFrom all of us\n" + "z" * 75 + "From \n",
    "spaces at ends": "a \nb\t\nc  \n \n\t\n\n\nd",
    "one long line": "word " * 4000,
    "one long word": "w" * 5000,
    "equals": "a=b&c==d ?x=1 =\n=\n==3D=\n",
    "css": "<style>@media (max-width:600px) { .a > b { color: red } }</style><p class=3D>50%</p>",
    "outlook": "<!--[if mso]><v:rect fill='t'><![endif]-->\n<p>x</p>\n<!--[if mso]></v:rect><![endif]-->",
}
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Case:
    """A mail and what must be seen of it; line ends are \\n."""

    name: str
    raw: bytes
    subject: str
    from_name: str
    html: str
    text: str


def cases() -> list[Case]:
    """The whole corpus; needs a SECRET_KEY (a stack)."""
    made = [_line(name, line) for name, line in LINES.items()]
    made += [_case(f"body: {name}", "Hello", "Anna", f"<p>Hi</p>\n{body}\n") for name, body in BODIES.items()]
    made += [
        _case(f"starter: {each.key}", each.subject, "Example GmbH", each.body, each.body_kind, each.preheader)
        for each in starters.all()
    ]
    return made


def _line(name: str, line: str) -> Case:
    """``line`` everywhere: subject, name of the sender, merge field, text and link."""
    body = f"<h1>{escape(line, quote=False)}</h1>\n<p>{{{{ first_name }}}} {escape(line, quote=False)}</p>\n" * 3
    link = '<p><a href="https://x.example/?q={{ first_name }}">{{ first_name }}</a></p>\n'
    return _case(name, "{{ first_name }}", line[:60], body + link, first_name=line)


def _case(
    name: str, subject: str, from_name: str, body: str, kind: str = "html", preheader: str = "", first_name: str = "Zoë"
) -> Case:
    given = content(
        subject=subject, from_name=from_name, body=body, body_kind=kind, preheader=preheader, base_url=BASE, user_id=3
    )
    number = 1000 + len(name)
    recipient = mail.Recipient(number, "anna@example.org", {"first_name": first_name})
    raw = mail.compile_mail(given).render(recipient, AT)
    fields = {"first_name": first_name, "email": recipient.email, "unsubscribe_url": _unsubscribe(number)}
    shown = mail.preview(given, recipient)
    return Case(
        name,
        raw,
        headers.clean(merge.render_text(subject, fields)),
        headers.clean(from_name),
        merge.render_html(mail.whole_html(given), fields),
        shown.text.replace("#unsubscribe", _unsubscribe(number)),
    )


def _unsubscribe(number: int) -> str:
    return f"{BASE}/u/{crypto.sign('unsubscribe', number)}"


def without_pixel(shown: str) -> str:
    """HTML without the pixel that a render adds."""
    return re.sub(r'<img src="https://mail\.example\.com/t/o/[^"]+"[^>]*>', "", shown)


def visible(text: str) -> str:
    """Without marks of direction, which text terminals do not print, and with single spaces."""
    return " ".join(_BIDI.sub("", text).split())
