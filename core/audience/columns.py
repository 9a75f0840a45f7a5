"""Which column holds the addresses, whether there is a header, and the merge field each other column becomes."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from core.audience import addresses, programs
from core.errors import RuleError

MAX_COLUMNS = 200
MAX_VALUE = 10_000  # characters of one merge field
_FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r")  # the quote by which exports disarm formulas
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
_MAX_NAME = 60
_RESERVED = {"email", "unsubscribe_url", "view_url"}
_HEADER_WITHIN = 10  # a title or blank rows may stand above the header
MORE = " ::: "  # between the addresses of one cell in exports of Google Contacts
ADDED_AT = "added_at"  # in our own exports: when a contact was added
_ADDED_AT_VALUE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\+00:00)?")


@dataclass(frozen=True)
class Column:
    """``label`` as in the file, ``field`` the merge field it becomes: empty for the address and for blanks.

    ``is_extra``: nothing stands in it, or an export wrote it beside the fields, so it is left out unless somebody
    names it.
    """

    index: int
    label: str
    field: str
    is_extra: bool = False

    @property
    def proposed(self) -> str:
        """The merge field where nobody says another."""
        return "" if self.is_extra else self.field


@dataclass(frozen=True)
class Layout:
    """Where things stand: lines up to ``header_line`` hold no people (-1: there is no header)."""

    columns: tuple[Column, ...]
    email_index: int
    header_line: int


def key(label: str) -> str:
    """A header as compared: without accents, case, spaces and punctuation."""
    flat = unicodedata.normalize("NFKD", label).casefold()
    return "".join(letter for letter in flat if letter.isalnum())


# Headers that mean "mail address".
_SURE = {
    key(word)
    for word in """email emails emailaddress emailaddresses emailid email1 primaryemail workemail contactemail useremail
    mail mails mailaddress mailadress mailid emailadresse emailadressen mailadresse mailadressen adressemail
    adresseemail adressemel courriel courrielle mel correo correoelectronico direcciondecorreo
    direcciondecorreoelectronico direccionemail enderecodeemail enderecoemail correioeletronico
    indirizzoemail indirizzomail postaelettronica emailadres mailadres epost epostadress epostadresse
    epostaddress sahkoposti sahkopostiosoite adresemail adrespocztyelektronicznej pocztaelektroniczna poczta
    emailcim eposta epostaadresi adresamail adresaemail emailova emailovaadresa адресэлектроннойпочты
    электроннаяпочта элпочта почта имейл емейл мейл електроннапошта електроннапоща имеил メール
    メールアドレス eメール 邮箱 郵箱 邮件 电子邮件 电子邮箱 電子郵件 電子郵件地址 电邮 電郵 이메일 이메일주소 메일
    ईमेल ईमेलपता البريدالإلكتروني البريدالالكتروني الإيميل بريدإلكتروني דואל אימייל דואראלקטרוני ایمیل อีเมล อีเมล์
    ηλεκτρονικοταχυδρομειο ηλταχυδρομειο diachiemail thudientu""".split()
}
# Headers that may mean a mail address or a house: the content decides.
_MAYBE = {"adresse", "address", "direccion", "indirizzo", "endereco", "adres", "adress", "recipient", "empfanger", "to"}


def is_email_header(label: str) -> bool:
    return key(label) in _SURE


def field_name(label: str) -> str:
    """``First Name`` -> ``first_name``; empty where no letter or digit of a–z, 0–9 is left."""
    flat = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)).lower()
    flat = "".join(letter for letter in flat if not unicodedata.combining(letter)).replace("ß", "ss")
    name = re.sub(r"[^a-z0-9]+", "_", flat)[:_MAX_NAME].strip("_")
    return f"field_{name}" if name[:1].isdigit() else name


def detect(rows: Sequence[tuple[int, list[str]]], email_index: int | None = None) -> Layout | None:
    """The layout of a table whose first rows are ``rows``; None where no column holds addresses.

    ``email_index`` is the user's own choice of the address column.
    """
    filled = [(line, cells) for line, cells in rows if any(cells)]
    if not filled:
        return None
    width = min(max(len(cells) for _, cells in filled), MAX_COLUMNS)
    header = _header_at(filled)
    labels = filled[header][1] if header is not None else []
    labels = [label.strip() for label in labels] + [""] * (width - len(labels))
    body = [cells for _, cells in (filled if header is None else filled[header + 1 :])]
    if email_index is None:
        email_index = _email_column(labels, body, width)
    if email_index is None:
        return None
    line = filled[header][0] if header is not None else -1
    return Layout(_named(labels[:width], email_index, header is not None, body), email_index, line)


def checked_name(label: str) -> str:
    """``label`` as the name of a merge field. Raises RuleError where it can be none."""
    name = field_name(label)
    if not name:
        raise RuleError(f"“{label[:60]}” cannot be the name of a merge field: it needs a letter from a to z.")
    if name in _RESERVED:
        raise RuleError(f"“{name}” is there by itself. Give the field another name.")
    return name


def without_empty(columns: Sequence[Column], filled: Collection[str]) -> tuple[Column, ...]:
    """``columns``, of which those without a value are extra; ``filled``: the fields that have one somewhere."""
    return tuple(
        replace(column, is_extra=True) if column.field and column.field not in filled else column for column in columns
    )


def clean(text: str) -> str:
    """What is kept of the text of a merge field."""
    text = text.strip()
    if text.startswith(_FORMULA):
        text = text[1:].strip()
    return text if text.isprintable() else _CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def checked_values(fields: Mapping[str, str]) -> dict[str, str]:
    """What is kept of merge fields that somebody typed: none that are empty. Raises RuleError for one too long."""
    kept = {name: text for name, value in fields.items() if (text := clean(value))}
    if too_long := next((name for name, text in kept.items() if len(text) > MAX_VALUE), ""):
        raise RuleError(f"{too_long} has more than {MAX_VALUE:,} characters.")
    return kept


def renamed(columns: Sequence[Column], names: Mapping[int, str]) -> tuple[Column, ...]:
    """``columns`` with the merge fields of ``names`` (index -> name, empty to leave it out). Raises RuleError."""
    plan = planned(columns, names)
    for _, wrong in plan:
        if wrong:
            raise RuleError(wrong)
    return tuple(column for column, _ in plan)


def planned(columns: Sequence[Column], names: Mapping[int, str]) -> list[tuple[Column, str]]:
    """The same, each with a sentence where its name cannot be taken."""
    taken: dict[str, str] = {}
    found = []
    for column in columns:
        wanted = names.get(column.index, column.proposed) if column.field else ""
        field, wrong = column.field, ""
        if wanted != column.field:
            try:
                field = checked_name(wanted) if wanted.strip() else ""
            except RuleError as error:
                wrong = str(error)
        if not wrong and field in taken:
            wrong = f"The columns “{taken[field]}” and “{column.label}” would both become {field}."
        if field and not wrong:
            taken[field] = column.label
        found.append((replace(column, field=field, is_extra=False), wrong))
    return found


def first_of(cell: str) -> str:
    """The first address of a cell."""
    return cell.partition(MORE)[0]


def _header_at(rows: Sequence[tuple[int, list[str]]]) -> int | None:
    for position, (_, cells) in enumerate(rows[:_HEADER_WITHIN]):
        if any(addresses.looks_like_one(cell) for cell in cells):
            break
        if any(is_email_header(cell) for cell in cells):
            return position
    first = rows[0][1]
    # Without a header that says so: a first row of several words above rows with addresses.
    has_words = sum(bool(cell.strip()) for cell in first) > 1 and not any("@" in cell for cell in first)
    return 0 if has_words else None


def _email_column(labels: list[str], body: Sequence[list[str]], width: int) -> int | None:
    """Which has the most addresses, of equals the first; a header that says so counts as much as many of them."""
    best, best_score = None, 0.0
    for index in range(width):
        cells = (cells[index] for cells in body if index < len(cells))
        share = sum(addresses.looks_like_one(first_of(cell)) for cell in cells) / len(body) if body else 0.0
        named = key(labels[index])
        score = 2 * share + (1.5 if named in _SURE else 0.2 if share and named in _MAYBE else 0)
        if score > best_score:
            best, best_score = index, score
    return best


def _named(labels: list[str], email_index: int, has_header: bool, body: Sequence[list[str]]) -> tuple[Column, ...]:
    taken, columns = set(_RESERVED), []
    records = programs.records(map(key, labels))
    for index, label in enumerate(labels):
        values = [text for cells in body if index < len(cells) and (text := cells[index].strip())]
        field = ""
        if index != email_index and (label or values):
            field = _unique(field_name(label) or f"column_{index + 1}", taken)
            taken.add(field)
        is_ours = label == ADDED_AT and all(_ADDED_AT_VALUE.fullmatch(text) for text in values)
        is_extra = bool(field) and (is_ours or key(label) in records)
        label = label or ("Email" if index == email_index else f"Column {index + 1}")
        columns.append(Column(index, label, field, is_extra))
    return tuple(columns)


def _unique(name: str, taken: set[str]) -> str:
    number, tried = 2, name
    while tried in taken:
        tried, number = f"{name}_{number}", number + 1
    return tried
