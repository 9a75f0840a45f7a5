import pytest

from core.audience import typos


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("hotmial.con", "hotmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmail.con", "hotmail.com"),
        ("gmial.cmo", "gmail.com"),
        ("gmail.comm", "gmail.com"),
        ("yaho.ocm", "yahoo.com"),
        ("outlok.vom", "outlook.com"),
        ("iclod.cm", "icloud.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.com", ""),
        ("hotmail.co.uk", ""),
        ("yahoo.de", ""),
        ("gmial.de", ""),
        ("example.con", ""),
        ("gmail", ""),
        ("", ""),
    ],
)
def test_a_wrong_name_a_wrong_ending_and_both_are_noticed(domain: str, meant: str) -> None:
    assert typos.meant(domain) == meant
