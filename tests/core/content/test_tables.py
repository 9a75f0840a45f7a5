"""Tables of data stay tables in rich text, Markdown and HTML; layouts become their words."""

import pytest

from core.content import blocks, bodies, frame, html, losses, markdown

DATES = (
    "<table><thead><tr><th>Datum</th><th>Was</th></tr></thead>"
    "<tbody><tr><td>5. Dez</td><td>Chor</td></tr><tr><td>6. Dez</td><td><b>Fest</b></td></tr></tbody></table>"
)


@pytest.mark.parametrize("table", [DATES, blocks.table(), blocks.table(2, 5)])
def test_a_table_of_a_rich_text_is_mailed_and_comes_back(table: str) -> None:
    rich = f"<div>Hallo</div>{table}<div>Bis bald</div>"
    assert html.for_editor(rich) == rich and html.survives_editor(rich)
    mailed = bodies.turned(rich, "rich", "html")
    assert '<table style="width:100%;margin:0 0 16px;border-collapse:collapse;">' in mailed
    assert '<th style="padding:8px 12px 8px 0;' in mailed
    assert frame.inside(mailed) == rich
    assert losses.of(mailed, "html", "rich") == losses.of(rich, "rich", "markdown") == []
    assert bodies.turned(mailed, "html", "rich") == rich
    again = bodies.turned(bodies.turned(rich, "rich", "markdown"), "markdown", "rich")
    assert losses.of(again, "rich", "markdown") == [] and again.count("<t") == rich.count("<t")


def test_a_table_is_read_as_lines_in_the_plain_part() -> None:
    assert html.to_text(bodies.whole(DATES, "rich")).startswith("Datum Was\n5. Dez Chor\n6. Dez Fest\n")


def test_markdown_keeps_the_cells_their_bars_and_their_alignment() -> None:
    written = "| Datum | Was |\n| :--- | ---: |\n| Mai | Chor \\| Fest |\n| `a\\|b` | **neu** |\n"
    rich = bodies.turned(written, "markdown", "rich")
    assert losses.of(written, "markdown", "rich") == losses.of(rich, "rich", "markdown") == []
    assert '<td style="text-align:right">Chor | Fest</td>' in rich and "<code>a|b</code>" in rich
    assert bodies.turned(rich, "rich", "markdown") == written


def test_a_table_without_headings_gets_no_empty_row_in_markdown() -> None:
    rich = "<table><tbody><tr><td>5. Dez</td><td>Chor</td></tr></tbody></table>"
    made = markdown.to_html(bodies.turned(rich, "rich", "markdown"))
    assert made.replace("\n", "") == rich


def test_spans_stay_in_rich_text_and_markdown_says_that_it_has_none() -> None:
    rich = '<table><tbody><tr><td rowspan="2">a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>'
    assert html.for_editor(rich) == rich
    assert losses.of(rich, "rich", "markdown") == ["the layout: columns, boxes and tables"]


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('<table border=1 onclick="x()" class="big"><tr><td width=9 style="color:red">a<td>b</table>', "a|b"),
        ('<table><tr><td colspan="5000">a<td rowspan="x" style="text-align:right">b</table>', "a|b>right"),
        ("<table><colgroup><col></colgroup><tfoot><tr><td>a<td>b</table>", "a|b"),
        ("<table><caption>Dates</caption><tr><td>a<td>b</table>", "<div>Dates</div>a|b"),
    ],
)
def test_of_a_table_only_its_cells_stay(source: str, kept: str) -> None:
    before, _, cells = kept.rpartition("</div>")
    made = "".join(f"<td{_style(cell)}>{cell[:1]}</td>" for cell in cells.split("|"))
    assert html.for_editor(source) == (
        f"{before}{'</div>' if before else ''}<table><tbody><tr>{made}</tr></tbody></table>"
    )
    assert html.survives_editor(html.for_editor(source))


def _style(cell: str) -> str:
    return ' style="text-align:right"' if cell.endswith(">right") else ""


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ('<table role="presentation"><tr><td>a<td>b</table>', "<div>a</div><div>b</div>"),
        ("<table><tr><td>only</table>", "<div>only</div>"),
        ("<table><tr><td><h2>a</h2><td>b</table>", "<div><h2>a</h2></div><div>b</div>"),
        ("<p>x<table><tr><td>only</table>y", "<p>x</p><div>only</div>y"),
        (f"<table><tr><td>{DATES}<td>b</table>", f"<div>{DATES}</div><div>b</div>"),
        ("<table><tr><td>a<table><tr><td>b<td>c</table></table>", "<div>a<div>b</div><div>c</div></div>"),
    ],
)
def test_a_layout_becomes_its_words(layout: str, words: str) -> None:
    assert html.for_editor(layout) == words
    assert html.survives_editor(words)


def test_what_is_lost_of_several_tables_is_said() -> None:
    source = f"<!-- x --><table role='presentation'><tr><td>{DATES}</td></tr></table>"
    assert "the layout: columns, boxes and tables" in losses.of(source, "html", "rich")
    assert DATES in bodies.turned(source, "html", "rich")
