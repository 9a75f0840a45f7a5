import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.audience import delimited, parse, tally
from core.audience.parse import ParsedUpload
from core.errors import RuleError


def parsed(folder: Path, content: bytes | str, name: str = "people.csv", encoding: str = "utf-8") -> ParsedUpload:
    path = folder / "upload"
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return parse.parse_file(path, name)


def test_a_plain_csv_with_a_header(tmp_path: Path) -> None:
    found = parsed(
        tmp_path, "First Name,E-Mail,Unsubscribe URL,Email\nAnna,ANNA@example.com,x,y\nBen,ben@example.com,,\n"
    )
    assert (found.name, found.valid_count, found.invalid_count, found.duplicate_count) == ("people", 2, 0, 0)
    assert found.fields == ["first_name", "unsubscribe_url_2", "email_2"]
    assert list(found.people()) == [
        ("anna@example.com", {"first_name": "Anna", "unsubscribe_url_2": "x", "email_2": "y"}),
        ("ben@example.com", {"first_name": "Ben"}),
    ]


def test_rejected_rows_tell_their_line_and_reason_and_blank_lines_are_nothing(tmp_path: Path) -> None:
    text = 'email,note\r\nanna@example.com,"two\r\nlines"\r\n\r\nnobody,x\r\n,only a note\r\nANNA@example.com,again\r\n'
    found = parsed(tmp_path, text)
    assert (found.valid_count, found.invalid_count, found.duplicate_count) == (1, 2, 1)
    assert [(row.line, row.value, row.reason) for row in found.invalid] == [
        (5, "nobody", "no @ sign"),
        (6, "", "no address"),
    ]


def test_all_invalid_rows_are_counted_but_only_the_first_are_kept(tmp_path: Path) -> None:
    found = parsed(tmp_path, "email\n" + "nobody\n" * 1_500)
    assert found.invalid_count == 1_500 and len(found.invalid) == tally.MAX_REJECTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_delimiter_and_encoding_are_detected(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [["Vorname", "Straße", "E-Mail-Adresse"]]
    rows += [[f"Jürgen {n}", "Weg 1, Hof; links | rechts", f"j{n}@example.de"] for n in range(3)]
    path = tmp_path / "upload"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    found = parse.parse_file(path, "kunden.csv")
    assert found.fields == ["vorname", "strasse"]
    assert next(found.people()) == (
        "j0@example.de",
        {"vorname": "Jürgen 0", "strasse": "Weg 1, Hof; links | rechts"},
    )
    assert found.valid_count == 3


@pytest.mark.parametrize(
    "header",
    [
        *["Correo electrónico", "Courriel", "Adresse e-mail", "E-postadress", "Электронная почта", "メールアドレス"],
        *["이메일", "电子邮件", "البريد الإلكتروني", "ईमेल", "Indirizzo email", "EMAIL_ADDRESS", "E-mail Id"],
    ],
)
def test_the_address_column_is_known_by_name_in_many_languages(tmp_path: Path, header: str) -> None:
    found = parsed(tmp_path, f"Name,{header}\nAnna,wrong\nBen,also wrong\n")
    assert found.email_index == 1 and found.invalid_count == 2


def test_the_address_column_is_known_by_content_when_no_name_says_so(tmp_path: Path) -> None:
    found = parsed(tmp_path, "Adresse;Kontakt\nWeg 1;anna@example.com\nWeg 2;ben@example.com\n")
    assert found.email_index == 1 and found.fields == ["adresse"]


def test_a_file_without_a_header_keeps_its_first_person(tmp_path: Path) -> None:
    found = parsed(tmp_path, "anna@example.com,Anna,42\nben@example.com,Ben,43\n")
    assert found.valid_count == 2 and found.fields == ["column_2", "column_3"]
    assert parsed(tmp_path, "anna@example.com").valid_count == 1


def test_a_title_above_the_header_is_passed_over(tmp_path: Path) -> None:
    found = parsed(tmp_path, "Members of 2026,\n,\nName,Email\nAnna,anna@example.com\n")
    assert found.valid_count == 1 and found.invalid_count == 0 and found.fields == ["name"]


def test_the_sep_line_of_excel_is_passed_over(tmp_path: Path) -> None:
    found = parsed(tmp_path, "sep=;\nName;Email\nAnna, Lee;anna@example.com\n")
    assert list(found.people()) == [("anna@example.com", {"name": "Anna, Lee"})]


def test_merge_fields_are_unique_and_never_begin_with_a_digit(tmp_path: Path) -> None:
    found = parsed(tmp_path, "email,Name,NAME,2nd name,firstName,名前,Größe (cm)\na@example.com,1,2,3,4,5,6\n")
    assert found.fields == ["name", "name_2", "field_2nd_name", "first_name", "column_6", "grosse_cm"]


def test_the_user_may_choose_another_address_column(tmp_path: Path) -> None:
    found = parsed(tmp_path, "email,second\na@example.com,b@example.com\nc@example.com,\n")
    other = found.with_email_column(1)
    assert (other.valid_count, other.invalid_count, other.fields) == (1, 1, ["email_2"])
    with pytest.raises(RuleError, match="no such column"):
        found.with_email_column(7)


def test_several_addresses_in_one_cell_and_a_second_column_mislead_nobody(tmp_path: Path) -> None:
    """As Google Contacts exports them."""
    rows = [[f"P{n}", "Home", f"p{n}@example.com", "", ""] for n in range(60)]
    rows[7][2] = "p7@example.com ::: seven@example.org"
    rows[9][2] = "P9@example.com ::: nine@example.org ::: neuf@example.fr"
    for n in (1, 2, 3):
        rows[n][3:] = ["Work", f"work{n}@example.org"]
    header = ["First Name", "E-mail 1 - Label", "E-mail 1 - Value", "E-mail 2 - Label", "E-mail 2 - Value"]
    found = parsed(tmp_path, "\n".join(",".join(row) for row in [header, *rows]))
    assert (found.email_index, found.valid_count, found.invalid_count, found.one_of_count) == (2, 60, 0, 2)
    assert [email for email, _ in found.people()] == [f"p{n}@example.com" for n in range(60)]


def test_of_two_columns_with_as_many_addresses_the_first_is_taken(tmp_path: Path) -> None:
    text = "name,private,work\nAnna,a@example.com,a@example.org\nBen,b@example.com,b@example.org\n"
    assert parsed(tmp_path, text).email_index == 1
    assert parsed(tmp_path, text + "Cem,,c@example.org\n").email_index == 2


def test_the_quote_that_disarms_a_formula_is_taken_off(tmp_path: Path) -> None:
    found = parsed(tmp_path, "email,note\na@example.com,'=1+1\nb@example.com,'tis fine\nc@example.com,=1+1\n")
    assert [fields["note"] for _, fields in found.people()] == ["=1+1", "'tis fine", "=1+1"]


def test_nul_bytes_and_control_characters_never_reach_a_field(tmp_path: Path) -> None:
    found = parsed(tmp_path, b"email,name\nan\0na@example.com,An\0\x07na\n")
    assert list(found.people()) == [("anna@example.com", {"name": "An na"})]


def test_a_quote_that_is_never_closed_spoils_only_its_own_cell(tmp_path: Path) -> None:
    lines = ["email,name", 'a@example.com,"Anna', *(f"p{n}@example.com,P{n}" for n in range(1_000))]
    found = parsed(tmp_path, "\n".join(lines))
    assert found.valid_count == 1_001
    assert next(found.people()) == ("a@example.com", {"name": "Anna"})


def test_a_huge_cell_is_rejected_with_its_line(tmp_path: Path) -> None:
    found = parsed(tmp_path, f"email,note\na@example.com,{'x' * 20_000}\nb@example.com,fine\n")
    assert found.valid_count == 1
    assert found.invalid[0].line == 2 and "more than 10,000 characters" in found.invalid[0].reason


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.csv", "empty"),
        (b"\n\n  \n,,,\n", "a.csv", "no rows with text"),
        (("," * 9 + "\n").encode() * 10, "a.csv", "no rows with text"),
        (b"name,city\nAnna,Pune\n", "a.csv", "No column"),
        (b"name,email\n", "a.csv", "no rows below"),
        (bytes(range(256)) * 40, "a.csv", "not a table"),
        (b"%PDF-1.7 ...", "a.csv", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "a.xlsx", "picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls", "old Excel file"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "a.xlsx",
            "password",
        ),
        (b"PK\x03\x04 this is no archive", "a.xlsx", "damaged"),
        (b"x" * 1_000_001, "a.txt", "longer than 1,000,000 characters"),
        (b"email" + b",x" * 300 + b"\na@example.com\n", "a.csv", "more than 200 columns"),
    ],
)
def test_a_bad_file_gets_one_clear_sentence(tmp_path: Path, content: bytes, name: str, sentence: str) -> None:
    with pytest.raises(RuleError, match=sentence):
        parsed(tmp_path, content, name)
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "upload").open("wb") as file:
        file.truncate(parse.MAX_FILE_BYTES + 1)
    with pytest.raises(RuleError, match="larger than 50 MB"):
        parse.parse_file(tmp_path / "upload", "a.csv")


def test_a_file_with_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "MAX_ROWS", 3)
    with pytest.raises(RuleError, match="more than 3 rows"):
        parsed(tmp_path, "email\n" + "a@example.com\n" * 4)


def test_a_file_of_endless_blank_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_RECORDS", 1_000)
    with pytest.raises(RuleError, match="more than 1,000 lines"):
        parsed(tmp_path, "a@example.com" + "\n" * 2_000)


def test_the_content_decides_whatever_the_file_is_called(tmp_path: Path) -> None:
    assert parsed(tmp_path, "email;name\na@example.com;Anna\n", "members.xlsx").valid_count == 1


def test_a_hostile_file_name_makes_a_harmless_list_name(tmp_path: Path) -> None:
    assert parsed(tmp_path, "a@example.com", "../..\\C:evil\u202e\n.csv").name == "evil"
    assert parsed(tmp_path, "a@example.com", ".csv").name == "Uploaded contacts"


def test_a_text_file_may_be_a_list_of_names_and_addresses(tmp_path: Path) -> None:
    found = parsed(tmp_path, "Anna Lee <anna@example.com>, Ben <ben@example.com>\n", "friends.txt")
    assert next(found.people()) == ("anna@example.com", {"name": "Anna Lee", "first_name": "Anna"})
    assert found.valid_count == 2 and found.name == "friends"


def test_progress_is_told_while_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "upload").write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(12_000)))
    told: list[int] = []
    parse.parse_file(tmp_path / "upload", "a.csv", told.append)
    assert told == [5_000, 10_000]


PASTED = {
    "anna@example.com\nben@example.com": ["anna@example.com", "ben@example.com"],
    "anna@example.com, ben@example.com; cara@example.com": ["anna@example.com, ben@example.com", "cara@example.com"],
    "anna@example.com,ben@example.com": ["anna@example.com", "ben@example.com"],
    "anna@example.com ben@example.com\tcara@example.com": ["anna@example.com", "ben@example.com", "cara@example.com"],
    "email\nanna@example.com": ["anna@example.com"],
    "Name\tEmail\nAnna\tanna@example.com": ["anna@example.com"],
}


@pytest.mark.parametrize("text", [key for key in PASTED if ";" not in key])
def test_pasted_addresses_are_found(text: str) -> None:
    assert [email for email, _ in parse.parse_text(text).people()] == PASTED[text]


def test_commas_and_semicolons_may_be_mixed() -> None:
    found = parse.parse_text("anna@example.com, ben@example.com; cara@example.com\ndave@example.com")
    assert found.valid_count == 4


def test_entries_with_commas_between_semicolons_are_cut_but_names_are_not() -> None:
    text = '"Young, Yan" <yan@example.com>, xavier@example.com; Doe, Jane <jane@example.com>; "A; Co" <co@example.com>'
    found = parse.parse_text(text)
    assert [email.partition("@")[0] for email, _ in found.people()] == ["yan", "xavier", "jane", "co"]
    assert [fields.get("name", "") for _, fields in found.people()] == ["Yan Young", "", "Jane Doe", "A; Co"]


def test_the_preview_of_a_double_address_is_what_will_be_stored(tmp_path: Path) -> None:
    content = "email,name,city\nanna@example.com,Anna,Ulm\nben@example.com,Ben,\nAnna@example.com,Anna Lee,\n"
    found = parsed(tmp_path, content)
    assert found.sample[0] == ("anna@example.com", {"name": "Anna Lee", "city": "Ulm"})


def test_pasted_names_become_the_fields_name_and_first_name() -> None:
    text = 'Anna Lee <anna@example.com>, "Doe, Jane" <jane@example.com>\nRoe, Richard <r@example.com>\n<x@example.com>'
    assert list(parse.parse_text(text).people()) == [
        ("anna@example.com", {"name": "Anna Lee", "first_name": "Anna"}),
        ("jane@example.com", {"name": "Jane Doe", "first_name": "Jane"}),
        ("r@example.com", {"name": "Richard Roe", "first_name": "Richard"}),
        ("x@example.com", {}),
    ]
    outlook = "Doe, Jane <jane@example.com>; Roe, Richard <r@example.com>"
    assert [fields["name"] for _, fields in parse.parse_text(outlook).people()] == ["Jane Doe", "Richard Roe"]


def test_what_cannot_be_read_in_a_paste_is_told_with_its_line() -> None:
    found = parse.parse_text("anna@example.com\nhello there\nben@example")
    assert [(row.line, row.value) for row in found.invalid] == [(2, "hello there"), (3, "ben@example")]
    assert found.fields == []


def test_a_table_copied_from_a_spreadsheet_may_be_pasted() -> None:
    found = parse.parse_text("Vorname\tMail\tOrt\nAnna\tanna@example.com\tUlm\nBen\tben@example.com\tBonn\n")
    assert found.fields == ["vorname", "ort"] and found.valid_count == 2


def test_an_empty_or_enormous_paste_is_refused_with_a_sentence() -> None:
    with pytest.raises(RuleError, match="nothing to read"):
        parse.parse_text(" \n ")
    with pytest.raises(RuleError, match="too much to paste"):
        parse.parse_text("x" * 5_000_001)


def _survives(read: ParsedUpload) -> None:
    people = list(read.people())
    assert len(people) == read.valid_count + read.duplicate_count
    for email, fields in people:
        assert email == email.lower() and email.isascii() and len(email) <= 254
        assert all(value and "\0" not in value and value.encode() for value in fields.values())
        assert set(fields) <= set(read.fields)
    read.close()


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TABLE_TEXT = st.text(st.sampled_from("ab@.,;\t|\"'<>\n\r\0 =é名\ufeff\u2028"), max_size=300)


@FUZZ
@given(content=st.binary(max_size=2_000) | TABLE_TEXT.map(str.encode) | st.text(max_size=200).map(str.encode))
def test_random_bytes_give_a_result_or_a_sentence(tmp_path: Path, content: bytes) -> None:
    try:
        _survives(parsed(tmp_path, content))
    except RuleError as error:
        assert str(error).endswith(".")


@FUZZ
@given(text=TABLE_TEXT | st.text(max_size=200))
def test_random_text_gives_a_result_or_a_sentence(text: str) -> None:
    try:
        _survives(parse.parse_text(text))
    except RuleError as error:
        assert str(error).endswith(".")


CELL = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)


@FUZZ
@given(
    names=st.lists(CELL, min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_csv_writes_is_read_back(tmp_path: Path, names: list[str], delimiter: str, encoding: str) -> None:
    path = tmp_path / "upload"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["email", "name"])
        writer.writerows([[f"p{n}@example.com", name] for n, name in enumerate(names)])
    people = list(parse.parse_file(path, "a.csv").people())
    assert [email for email, _ in people] == [f"p{n}@example.com" for n in range(len(names))]
    for (_, fields), name in zip(people, names, strict=True):
        assert fields.get("name", "") == name.strip() or name.strip()[:1] == "'"


def test_duplicates_are_told_with_their_lines() -> None:
    parsed = parse.parse_text("email,name\na@example.com,A\nb@example.com,B\nA@example.com,C\n")
    assert [(each.line, each.value) for each in parsed.duplicates] == [(4, "a@example.com")]
    assert parsed.duplicate_count == 1


def test_columns_are_renamed_and_left_out() -> None:
    parsed = parse.parse_text("email,,First Name,City\na@example.com,7,Anna,Pune\n")
    assert parsed.fields == ["column_2", "first_name", "city"]
    changed = parsed.with_fields({1: "Customer no.", 3: ""})
    assert changed.fields == ["customer_no", "first_name"]
    expected = ("a@example.com", {"customer_no": "7", "first_name": "Anna"})
    assert list(changed.people()) == [expected] == list(changed.sample)
    for names, sentence in (
        ({1: "first name"}, "would both become"),
        ({1: "email"}, "by itself"),
        ({1: "!"}, "letter"),
    ):
        with pytest.raises(RuleError, match=sentence):
            parsed.with_fields(names)


def test_the_time_column_of_our_own_export_is_left_out_unless_it_is_named() -> None:
    found = parse.parse_text("email,city,added_at\na@example.com,Ulm,2026-01-02T03:04:05+00:00\n")
    assert found.fields == ["city"] and list(found.people()) == [("a@example.com", {"city": "Ulm"})]
    named = found.with_fields({2: "added_at"})
    both = ("a@example.com", {"city": "Ulm", "added_at": "2026-01-02T03:04:05+00:00"})
    assert named.fields == ["city", "added_at"] and list(named.people()) == list(named.sample) == [both]
    assert list(found.with_fields({}).sample) == [("a@example.com", {"city": "Ulm"})]
    for text in ("email,added_at\na@example.com,in spring\n", "email,Added at\na@example.com,2026-01-02T03:04:05\n"):
        assert parse.parse_text(text).fields == ["added_at"]


@pytest.mark.parametrize(
    ("header", "row", "kept"),
    [
        (
            "Email,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,TIMEZONE,CC,LAST_CHANGED,LEID,EUID,NOTES",
            "a@example.com,Anna,2,2022-03-04 05:06:07,1.2.3.4,2022-03-04 05:06:07,Europe/Berlin,DE,2022-03-04,1,a1,hi",
            ["first_name", "timezone", "cc"],
        ),
        ("uuid,email,name,status,attributes", "5f,a@example.com,Anna,enabled,{}", ["name"]),
        ("CONTACT ID,EMAIL,FIRSTNAME,emailBlacklisted,ADDED_TIME", "1,a@example.com,Anna,false,2024", ["firstname"]),
        (
            "First Name,Nickname,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value",
            "Anna,,https://a.example/x,* myContacts,* ,a@example.com,Mobile,123",
            ["first_name", "phone_1_value"],
        ),
        # What people name so themselves is theirs.
        ("email,notes,tags,status,uuid,photo,member_rating,reason", "a@example.com,n,t,s,u,p,5,r", None),
    ],
)
def test_records_of_another_program_are_left_out_unless_somebody_names_them(
    header: str, row: str, kept: list[str] | None
) -> None:
    found = parse.parse_text(f"{header}\n{row}\n")
    assert found.fields == (header.split(",")[1:] if kept is None else kept)
    [(_, fields)] = found.people()
    assert list(fields) == found.fields
    named = found.with_fields({column.index: column.field for column in found.columns})
    assert named.fields == [column.field for column in found.columns if column.field]


def test_a_column_without_a_value_in_the_whole_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("email,city,plan\n" + "a@example.com,,\n" * 700 + "b@example.com,Ulm,\n")
    found = parse.parse_file(tmp_path / "x", "people.csv")
    assert found.fields == ["city"]
    assert found.with_email_column(0).fields == ["city"]


def test_the_attributes_of_listmonk_become_fields(tmp_path: Path) -> None:
    one = '{""city\\ud800"": ""Ulm\\ud800"", ""age"": 30, ""is_member"": true, ""name"": ""A."", ""t"": [1]}'
    (tmp_path / "x").write_text(
        "uuid,email,name,attributes,status\n"
        f'1,a@example.com,Anna,"{one}",enabled\n'
        "2,b@example.com,Ben,not json,enabled\n3,c@example.com\n"
        + "4,d@example.com,Dora,[],enabled\n" * 600
        + '5,e@example.com,Emil,"{""plan"": ""pro""}",blocklisted\n'
    )
    found = parse.parse_file(tmp_path / "x", "listmonk.csv")
    assert found.fields == ["name", "city", "age", "is_member", "name_2", "plan"]
    people = dict(found.people())
    assert people["a@example.com"] == {
        "name": "Anna",
        "city": "Ulm?",
        "age": "30",
        "is_member": "yes",
        "name_2": "A.",
    }
    assert (people["b@example.com"], people["c@example.com"]) == ({"name": "Ben"}, {})
    assert people["e@example.com"] == {"name": "Emil", "plan": "pro"} and found.left.count == 1
