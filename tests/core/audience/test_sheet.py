import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from core.audience import parse
from core.errors import RuleError


def workbook(path: Path, rows: list[list[Any]], *more: tuple[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, cells in more:
        sheet = book.create_sheet(title)
        for row in cells:
            sheet.append(row)
    book.save(path)
    return path


def bomb(path: Path, sheet: str, strings: str = "") -> Path:
    """A small valid workbook around one hostile sheet."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships"><Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{links}"><sheets><sheet name="a" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": sheet.replace("<worksheet", f'<worksheet xmlns="{space}"', 1),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_a_workbook_is_read_with_row_numbers_as_lines(tmp_path: Path) -> None:
    rows = [
        ["Name", "E-mail", "Born", "Seen", "Phone", "Paid", "Lost"],
        ["Anna", "anna@example.com", date(2001, 2, 3), datetime(2026, 11, 22, 9, 27), 919812345678.0, True, "#N/A"],
        [],
        ["Ben\nLee", "nobody", None, None, 4.5, None, None],
    ]
    found = parse.parse_file(workbook(tmp_path / "a.xlsx", rows), "Members.xlsx")
    assert found.name == "Members"
    assert list(found.people()) == [
        (
            "anna@example.com",
            {
                "name": "Anna",
                "born": "2001-02-03",
                "seen": "2026-11-22 09:27",
                "phone": "919812345678",
                "paid": "True",
            },
        )
    ]
    assert [(row.line, row.value) for row in found.invalid] == [(4, "nobody")]
    found.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


def test_the_sheet_with_addresses_is_found_among_several(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["About this file"]], ("People", [["Mail"], ["anna@example.com"]]))
    assert parse.parse_file(path, "a.xlsx").valid_count == 1


def test_a_workbook_called_csv_is_still_read(tmp_path: Path) -> None:
    assert parse.parse_file(workbook(tmp_path / "a", [["a@example.com", "x"]]), "a.csv").valid_count == 1


def test_an_empty_workbook_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no rows"):
        parse.parse_file(workbook(tmp_path / "a.xlsx", []), "a.xlsx")


def test_cells_that_hold_commas_quotes_and_formula_text_come_through(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["email", "note"], ["a@example.com", 'say "hi", then; go | \'=1']])
    assert next(parse.parse_file(path, "a.xlsx").people())[1] == {"note": 'say "hi", then; go | \'=1'}


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
@pytest.mark.parametrize(
    "rows",
    [
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1048575"><c r="A1048575"><v>1</v></c></row></sheetData>',
        '<sheetData><row r="1"><c r="XFD1" t="inlineStr"><is><t>a@b.com</t></is></c></row></sheetData>',
        "<sheetData>" + '<row><c r="XFD1"><v>1</v></c></row>' * 300 + "</sheetData>",
    ],
)
def test_a_tiny_workbook_that_claims_to_be_huge_is_harmless(tmp_path: Path, rows: str) -> None:
    path = bomb(tmp_path / "a.xlsx", f"<worksheet>{rows}</worksheet>")
    assert path.stat().st_size < 3_000
    before = clock.utcnow()
    with pytest.raises(RuleError):
        parse.parse_file(path, "a.xlsx")
    assert (clock.utcnow() - before).total_seconds() < 2
    assert [left.name for left in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_workbook_that_unpacks_to_far_too_much_is_refused_unopened(tmp_path: Path) -> None:
    row = '<row><c t="inlineStr"><is><t>a@b.com</t></is></c></row>'
    path = bomb(tmp_path / "a.xlsx", f"<worksheet><sheetData>{row * 1_000_000}</sheetData></worksheet>")
    with pytest.raises(RuleError, match="unpacks to far more"):
        parse.parse_file(path, "a.xlsx")


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "haha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    sheet = laughs + "]><worksheet><sheetData><row><c><v>&j;</v></c></row></sheetData></worksheet>"
    with pytest.raises(RuleError, match="damaged"):
        parse.parse_file(bomb(tmp_path / "a.xlsx", sheet), "a.xlsx")


def test_other_archives_and_protected_ones_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(RuleError, match="not an Excel workbook"):
        parse.parse_file(path, "a.xlsx")


def test_a_workbook_with_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "MAX_ROWS", 3)
    rows = [["email"], *([f"p{n}@example.com"] for n in range(4))]
    with pytest.raises(RuleError, match="more than 3 rows"):
        parse.parse_file(workbook(tmp_path / "a.xlsx", rows), "a.xlsx")
    assert [left.name for left in tmp_path.iterdir()] == ["a.xlsx"]


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), damage=st.binary(min_size=1, max_size=40))
def test_a_damaged_workbook_gives_a_result_or_a_sentence(tmp_path: Path, at: float, damage: bytes) -> None:
    good = tmp_path / "good.xlsx"
    if not good.exists():
        workbook(good, [["email", "name"], *([f"p{n}@example.com", n] for n in range(20))])
    content = bytearray(good.read_bytes())
    start = int(at * len(content))
    content[start : start + len(damage)] = damage
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    try:
        parse.parse_file(path, "a.xlsx").close()
    except RuleError as error:
        assert str(error).endswith(".")


def test_the_other_sheets_of_a_workbook_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "May"
    book.active.append(["email"])
    book.active.append(["a@example.com"])
    book.create_sheet("June").append(["b@example.com"])
    book.create_sheet("Hidden").sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    assert parse.parse_file(tmp_path / "a.xlsx", "a.xlsx").other_sheets == ("June",)
