import base64
import quopri
import random

from hypothesis import example, given
from hypothesis import strategies as st

from core.content import quoted

TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .=\n\r\tFrom ")), max_size=400)


def _canonical(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()


@given(TEXTS)
@example("." + "x" * 74)
@example("." + "x" * 79)
@example("From " + "x" * 70)
@example("x" * 75 + "." + "y" * 76)
def test_text_survives_and_no_line_is_long_or_starts_with_a_dot(text: str) -> None:
    coded = quoted.encode(text)
    assert quopri.decodestring(coded) == _canonical(text)
    for line in coded.split(b"\r\n"):
        assert len(line) <= 76 and not line.startswith((b".", b"From ")) and not line.endswith((b" ", b"\t"))


@given(st.lists(TEXTS, max_size=6))
@example(["x", "." + "x" * 74])
def test_runs_and_values_join_to_the_text(parts: list[str]) -> None:
    coded = b"".join(
        quoted.seam(quoted.encode(part)) if index % 2 else quoted.value(part) for index, part in enumerate(parts)
    )
    assert quopri.decodestring(coded + b"end") == b"".join(map(_canonical, parts)) + b"end"
    assert all(len(line) <= 76 and not line.startswith(b".") for line in coded.split(b"\r\n"))


def test_base64_lines_are_76_wide() -> None:
    raw = random.Random(1).randbytes(1000)
    coded = quoted.base64_lines(raw)
    assert base64.b64decode(coded) == raw
    assert max(map(len, coded.split(b"\r\n"))) == 76 and coded.endswith(b"\r\n")


def test_only_text_that_is_mostly_not_latin_goes_as_base64() -> None:
    assert not quoted.grows_much("Grüße aus München, schöne Zeit über Österreich")
    assert quoted.grows_much("नमस्ते दुनिया")
    assert not quoted.grows_much("")
