import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import col, select

from core import db
from core.audience import contacts, elsewhere, export, parse, suppression
from core.audience.parse import ParsedUpload
from core.models import Suppression
from tests import rows
from tests.conftest import Stack

# A few rows each, as the programs export them.
LISTMONK = """uuid,email,name,attributes,status,created_at,updated_at
5f9a,anna@example.com,Anna,"{""city"": ""Ulm""}",enabled,2024-01-02 03:04:05,2024-01-02 03:04:05
6a0b,ben@example.com,Ben,{},blocklisted,2024-01-02 03:04:05,2024-05-02 03:04:05
7b1c,cem@example.com,Cem,{},disabled,2024-01-02 03:04:05,2024-05-02 03:04:05
"""
MAILCHIMP_UNSUBSCRIBED = """Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,UNSUB_TIME,\
UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS
anna@example.com,Anna,Lee,2,"2022-03-04 05:06:07",,"2023-03-04 05:06:07",Spring,123,NORMAL,,1,a1,,
ben@example.com,Ben,Roe,2,"2022-03-04 05:06:07",,"2023-03-04 05:06:07",,,,,2,b2,,"""
MAILCHIMP_CLEANED = """Email Address,First Name,MEMBER_RATING,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID
anna@example.com,Anna,1,"2023-03-04 05:06:07",Spring,123,1
ben@example.com,Ben,1,"2023-03-04 05:06:07",Spring,123,2"""
MAILCHIMP_SUBSCRIBED = """Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LAST_CHANGED,LEID,NOTES
anna@example.com,Anna,1,"2023-03-04 05:06:07","2023-03-04 05:06:07","2023-03-04 05:06:07",1,"""
STATUSES = """Email;Status
a@example.com;subscribed
b@example.com;Unsubscribed
c@example.com;cleaned
d@example.com;pending
e@example.com;unconfirmed
f@example.com;Marked as spam
g@example.com;bounced
h@example.com;inactive
i@example.com;
"""
BREVO = """CONTACT ID,EMAIL,FIRSTNAME,emailBlacklisted,smsBlacklisted
1,anna@example.com,Anna,false,true
2,ben@example.com,Ben,true,false"""
MAILERLITE = """Subscriber,Name,Subscribed,Unsubscribed
anna@example.com,Anna,2024-01-02 03:04:05,0000-00-00 00:00:00
ben@example.com,Ben,2024-01-02 03:04:05,2024-06-02 03:04:05"""
GERMAN = """E-Mail;Vorname;Abonniert;Abgemeldet am
anna@example.com;Anna;ja;
ben@example.com;Ben;nein;
cem@example.com;Cem;ja;02.05.2024
"""
SHOP = """E-Mail-Adresse;Newsletter abgemeldet am;Vom Newsletter abgemeldet;E-Mail Opt-out
anna@example.com;;nein;
ben@example.com;2025-05-01;nein;
cem@example.com;;ja;
dan@example.com;;;yes
"""
KLAVIYO = """Email,First Name,Email Marketing Consent
anna@example.com,Anna,SUBSCRIBED
ben@example.com,Ben,UNSUBSCRIBED
cem@example.com,Cem,NEVER_SUBSCRIBED"""
OURS = "email,reason,detail,since\nanna@example.com,manual,,2026-01-02\nben@example.com,bounced,550 no,2026-01-02\n"


def parsed(folder: Path, text: str) -> ParsedUpload:
    (folder / "upload").write_text(text)
    return parse.parse_file(folder / "upload", "people.csv")


def left(upload: ParsedUpload) -> dict[str, str]:
    return {email.partition("@")[0]: said.reason for email, said in upload.part(True).said() if said}


@pytest.mark.parametrize(
    ("text", "who", "columns"),
    [
        (LISTMONK, {"ben": "blocked", "cem": "blocked"}, {"status": ["blocklisted", "disabled"]}),
        (MAILCHIMP_UNSUBSCRIBED, {"anna": "unsubscribed", "ben": "unsubscribed"}, {"UNSUB_TIME": []}),
        (MAILCHIMP_CLEANED, {"anna": "bounced", "ben": "bounced"}, {"CLEAN_TIME": []}),
        (MAILCHIMP_SUBSCRIBED, {}, {}),
        (
            STATUSES,
            {"b": "unsubscribed", "c": "bounced", "f": "complained", "g": "bounced"},
            {"Status": ["unsubscribed", "cleaned", "marked as spam", "bounced"]},
        ),
        (BREVO, {"ben": "blocked"}, {"emailBlacklisted": ["true"]}),
        (MAILERLITE, {"ben": "unsubscribed"}, {"Unsubscribed": []}),
        (GERMAN, {"ben": "unsubscribed", "cem": "unsubscribed"}, {"Abonniert": ["nein"], "Abgemeldet am": []}),
        (
            SHOP,
            {"ben": "unsubscribed", "cem": "unsubscribed", "dan": "unsubscribed"},
            {"Newsletter abgemeldet am": [], "Vom Newsletter abgemeldet": ["ja"], "E-Mail Opt-out": ["yes"]},
        ),
        (KLAVIYO, {"ben": "unsubscribed"}, {"Email Marketing Consent": ["unsubscribed"]}),
        (OURS, {"anna": "manual", "ben": "bounced"}, {"reason": ["manual", "bounced"]}),
    ],
)
def test_who_left_elsewhere_is_known_by_the_columns_of_an_export(
    tmp_path: Path, text: str, who: dict[str, str], columns: dict[str, list[str]]
) -> None:
    upload = parsed(tmp_path, text)
    assert left(upload) == who
    assert (upload.left.count, upload.left.columns) == (len(who), columns)
    assert upload.left.reasons == set(who.values())
    stayed = upload.part(False)
    assert stayed.valid_count == upload.valid_count - len(who) == len(list(stayed.people()))
    assert not {email.partition("@")[0] for email, _ in (*stayed.people(), *stayed.sample)} & set(who)


@pytest.mark.parametrize(
    "text",
    [
        "email,status\na@example.com,active\nb@example.com,customer since 2020\n",
        "email,state\na@example.com,CA\nb@example.com,ON\n",
        "email,unsubscribed\na@example.com,no\nb@example.com,0\nc@example.com,\n",
        "email,subscribed\na@example.com,yes\nb@example.com,2024-01-02\nc@example.com,\n",
        "email,note\na@example.com,unsubscribed\nb@example.com,bounced\n",
        "a@example.com,unsubscribed\nb@example.com,bounced\n",
        "email,bounced\na@example.com,3\n",
        "email,emails bounced,sms opt-out,newsletter\na@example.com,1,yes,no\n",
    ],
)
def test_only_words_that_leave_no_doubt_say_that_somebody_left(tmp_path: Path, text: str) -> None:
    assert parsed(tmp_path, text).left.count == 0


def test_who_stands_twice_has_left_when_one_row_says_so(tmp_path: Path) -> None:
    text = "email,name,status\na@example.com,A,enabled\nb@example.com,B,enabled\nA@example.com,A,unsubscribed\n"
    text += "c@example.com,C,unsubscribed\nc@example.com,C,enabled\nc@example.com,C,bounced\n"
    upload = parsed(tmp_path, text)
    stayed, gone = upload.part(False), upload.part(True)
    assert (upload.valid_count, upload.left.count, stayed.valid_count, gone.valid_count) == (4 - 1, 2, 1, 2)
    assert [email for email, _ in stayed.people()] == ["b@example.com"]
    assert [email for email, _ in stayed.sample] == ["b@example.com"]
    email, said = next(gone.said())
    assert email == "a@example.com" and said is not None and said.reason == "unsubscribed"


def test_another_address_column_and_other_fields_keep_who_left(tmp_path: Path) -> None:
    upload = parsed(
        tmp_path, "email,second,status\na@example.com,b@example.com,bounced\nc@example.com,d@example.com,\n"
    )
    assert left(upload.with_email_column(1)) == {"b": "bounced"}
    assert list(upload.part(False).with_fields({1: "other"}).people()) == [
        ("c@example.com", {"other": "d@example.com"})
    ]


def test_who_left_is_suppressed_and_the_rest_becomes_contacts(stack: Stack, tmp_path: Path) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        suppression.suppress(session, alice, "p3@example.com", "complained")
    words = ["enabled", "unsubscribed", "enabled", "bounced"]
    text = "email,status\n" + "".join(f"p{n}@example.com,{words[n % 4]}\n" for n in range(2_600))
    upload, heard = parsed(tmp_path, text), list[int]()
    for added in (1_299, 0):  # again after a failure, too
        told = suppression.suppress_all(alice, upload.part(True), heard.append)
        assert (told.added_count, told.known_count) == (added, 1_300 - added)
    assert heard == [500, 1_000, 1_300] * 2
    stored = contacts.store(alice, upload.part(False), "members")
    assert stored.added_count == 1_300
    with db.reading() as session:
        found = session.exec(select(Suppression).where(col(Suppression.user_id) == alice))
        kept = {each.email: each.reason for each in found}
        assert [kept.get(f"p{n}@example.com") for n in range(4)] == [None, "unsubscribed", None, "complained"]
        assert len(kept) == 1_300 and kept["p7@example.com"] == "bounced"
        assert contacts.audience_count(session, alice, [stored.list_id]).going == 1_300
        assert suppression.count(session, charlie) == 0


def test_suppressing_many_keeps_the_reason_that_a_file_tells(stack: Stack, tmp_path: Path) -> None:
    with db.session() as session:
        alice = rows.user(session)
    text = "email,status\na@example.com,active\nb@example.com,bounced\nc@example.com,\nc@example.com,unsubscribed\n"
    suppression.suppress_all(alice, parsed(tmp_path, text))
    with db.reading() as session:
        kept = {row.email[0]: row.reason for row in suppression.page(session, alice).rows}
    assert kept == {"a": "manual", "b": "bounced", "c": "unsubscribed"}


def test_the_list_says_what_told_it_and_since_when_where_the_file_does(stack: Stack, tmp_path: Path) -> None:
    with db.session() as session:
        alice = rows.user(session)
    for text in (MAILCHIMP_UNSUBSCRIBED, LISTMONK.replace("ben@", "bob@"), "d@example.com"):
        suppression.suppress_all(alice, parsed(tmp_path, text))
    today = datetime.now(UTC).date()
    with db.reading() as session:
        kept = {
            row.email.partition("@")[0]: (row.reason, row.source, row.created_at.date())
            for row in suppression.page(session, alice).rows
        }
    assert kept == {
        "anna": ("unsubscribed", "people, column UNSUB_TIME", date(2023, 3, 4)),
        "ben": ("unsubscribed", "people, column UNSUB_TIME", date(2023, 3, 4)),
        "bob": ("blocked", "people, column status: blocklisted", today),
        "cem": ("blocked", "people, column status: disabled", today),
        "d": ("manual", "", today),
    }
    exported = "".join(export.suppressed_csv(alice))
    assert 'anna@example.com,unsubscribed,,2023-03-04T05:06:07+00:00,"people, column UNSUB_TIME"' in exported
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
    suppression.suppress_all(charlie, parsed(tmp_path, exported))
    again = list(csv.DictReader("".join(export.suppressed_csv(charlie)).splitlines()))
    before = list(csv.DictReader(exported.splitlines()))
    for name in ("email", "reason", "since"):
        assert [row[name] for row in again] == [row[name] for row in before]


def test_what_a_database_cannot_keep_of_a_files_words_hinders_nobody_from_being_suppressed(
    stack: Stack, tmp_path: Path
) -> None:
    with db.session() as session:
        alice = rows.user(session)
    suppression.suppress_all(alice, parsed(tmp_path, "email,Status\na@example.com,bl\0ock\x07listed\n"))
    with db.reading() as session:
        (row,) = suppression.page(session, alice).rows
    assert row.reason == "blocked" and row.source.isprintable() and row.source.startswith("people, column Status: bl")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2023-03-04 05:06:07", "2023-03-04T05:06:07"),
        ("2023-03-04T05:06:07.123+02:00", "2023-03-04T03:06:07"),
        ("2023-03-04 05:06:07 +0530", "2023-03-03T23:36:07"),
        ("2023-03-04T05:06Z", "2023-03-04T05:06:00"),
        ("2023/3/4", "2023-03-04T00:00:00"),
        ("02.05.2024, 7:08", "2024-05-02T07:08:00"),
        ("03/04/2023", None),
        ("0000-00-00 00:00:00", None),
        ("2023-02-30", None),
        ("2023-03-04 25:00", None),
        ("1970-01-01", None),
        ("12345678", None),
        ("", None),
    ],
)
def test_a_time_of_another_program_is_read_where_it_can_mean_one_only(text: str, at: str | None) -> None:
    assert elsewhere.moment(text) == (datetime.fromisoformat(f"{at}+00:00") if at else None)
