"""What Word, Google Docs and browsers put on the clipboard, as rich text."""

import time
from pathlib import Path

import pytest

from core.content import html, pasted

CLIPBOARDS = Path(__file__).parent / "clipboards"


def test_words_of_word_keep_what_their_writer_chose() -> None:
    found = pasted.read((CLIPBOARDS / "word.html").read_text())
    assert found.html == (
        "<h2>Termine</h2>"
        '<p>Liebe <b>Mitglieder</b>, wir <i>singen</i> <span style="color:#c00000">rot</span> und '
        '<span style="background-color:yellow">gelb</span>: <a href="https://chor.example/">Chor</a>.</p>'
        '<ul><li>Noten<ul><li>Mappe</li></ul></li><li>Wasser</li></ul><ol start="3"><li>Probe</li></ol>'
        '<table><thead><tr><th>Datum</th><th style="text-align:right">Was</th></tr></thead>'
        "<tbody><tr><td>5. Dez</td><td>Chor<br>Fest</td></tr></tbody></table><p>Bis bald</p>"
    )
    assert html.survives_editor(found.html)
    assert found.gone == 1  # the picture, of which there is only its place on a disk


def test_words_of_google_docs_keep_what_their_writer_chose() -> None:
    found = pasted.read((CLIPBOARDS / "docs.html").read_text())
    assert found == pasted.Pasted(
        "<h2>Termine</h2>"
        '<p>Liebe <b>Mitglieder</b><i> singen</i><span style="color:#38761d"> grün</span> '
        '<a href="https://chor.example/">Chor</a></p><ul><li>Noten</li></ul><br>'
        "<div><table><tbody><tr><td>5. Dez</td><td>Chor</td></tr></tbody></table></div><div><br></div>",
        gone=0,
    )


@pytest.mark.parametrize(
    ("copied", "pasted_"),
    [
        ('<span style="color: rgb(31, 41, 55); background-color: rgb(255, 255, 255);">a</span>', "a"),
        ('<span style="color:#eceef6;background:#161923 none">a</span>', "a"),
        ('<p style="color:windowtext;background:white;line-height:115%">a</p>', "<p>a</p>"),
        ('<span style="color: rgba(0, 0, 0, 0.87)">a</span>', "a"),
        ('<span style="background: rgba(1, 2, 200, 0)">a</span>', "a"),
        ('<font color="#C00000" face="Arial">a</font>', '<span style="color:#c00000">a</span>'),
        (
            '<span style="color:#fff;background:navy">a</span>',
            '<span style="color:#fff;background-color:navy">a</span>',
        ),
        ('<p align=center style="text-align:center">a</p>', '<p style="text-align:center">a</p>'),
        ('<span style="font-weight:700;vertical-align:super">a</span>', "<b><sup>a</sup></b>"),
        ('<h1><span style="font-weight:bold">a</span></h1><h6>b</h6>', "<h1>a</h1><h4>b</h4>"),
        ('x <a name="_Hlk1">a</a> <del>b</del>', "x a <s>b</s>"),
        ('<p class="MsoListParagraph">·&nbsp;&nbsp;&nbsp; a</p><p>b</p>', "<ul><li>a</li></ul><p>b</p>"),
        ('<p class="MsoListParagraph">Am. Rand</p>', "<p>Am. Rand</p>"),
        ('<p style="mso-list:l0 level1 lfo1">·&nbsp; a</p><div>b</div>', "<ul><li>a</li></ul><div>b</div>"),
        ('<p onclick="x()" style="color:red;position:fixed">a<script>x()</script></p>', '<p style="color:red">a</p>'),
        (
            '<a class="button" href="https://e.example/" style="color:#fff">Go</a>',
            '<a href="https://e.example/" class="button">Go</a>',
        ),
        ("a <b>b</b>\n<i>c</i>", "a <b>b</b>\n<i>c</i>"),
    ],
)
def test_what_programs_write_on_all_words_stays_behind(copied: str, pasted_: str) -> None:
    assert pasted.read(copied).html == pasted_


def test_pictures_that_are_only_places_on_a_disk_are_counted_and_left_out() -> None:
    given = (
        '<p>a<img src="file:///C:/x.png"><img src="/i/x.png" alt="b"><svg></svg><img src="https://e.example/x.png"></p>'
    )
    assert pasted.read(given) == pasted.Pasted(
        '<p>a<img src="/i/x.png" alt="b"><img src="https://e.example/x.png"></p>', gone=2
    )


@pytest.mark.parametrize(
    "hostile",
    [
        '<p style="mso-list:l0 level1 lfo1">·</p>' * 10_000,
        "<p style='mso-list:l0 level9 lfo1'><p style='mso-list:l0 level1 lfo2'>" * 2_500,
        "<td><p>x" * 15_000,
        "<ul><li><p>x</p>" * 10_000,
        "<table><tr><td>" + "<p>x</p>" * 20_000,
        '<span style="font-weight:700">' * 15_000,
        "<p>" + " " * 400_000,
        '<p style="' + ";" * 200_000 + '">x',
        '<p style="color:' + "rgb(" * 100_000 + '">x',
    ],
    ids=lambda hostile: hostile[:24],
)
def test_a_long_clipboard_takes_linear_time(hostile: str) -> None:
    before = time.process_time()
    pasted.read(hostile)
    assert time.process_time() - before < 2.5
