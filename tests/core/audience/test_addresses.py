import pytest

from core.audience import addresses


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna.Lee+news@Example.CO.UK ", "anna.lee+news@example.co.uk"),
        ("<anna@example.com>", "anna@example.com"),
        ("'anna@example.com',", "anna@example.com"),
        ("mailto:anna@example.com", "anna@example.com"),
        ("\ufeffanna@example.com\u200b\u00a0", "anna@example.com"),
        ("Anna Lee <anna@example.com>", "anna@example.com"),
        ("info@münchen.de", "info@xn--mnchen-3ya.de"),
        ("info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de"),
        ("INFO@MÜNCHEN.DE", "info@xn--mnchen-3ya.de"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("Jörg@Bücher.example.com", "jörg@xn--bcher-kva.example.com"),
        ("Jo\u0308rg@example.com", "jörg@example.com"),
        ("अनु@उदाहरण.भारत", "अनु@xn--p1b6ci4b4b3a.xn--h2brj9c"),
    ],
)
def test_an_address_is_kept_in_one_form(text: str, email: str) -> None:
    assert addresses.read(text) == addresses.Address(email)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no address"),
        ("anna", "no @ sign"),
        ("@example.com", "nothing before the @"),
        ("anna@", "nothing after the @"),
        ("anna@example", "no dot after the @"),
        ("anna@@example.com", "more than one @"),
        ("anna@example.com ben@example.com", "more than one address"),
        ("an na@example.com", "a space inside"),
        ("anna..lee@example.com", "a stray dot before"),
        ("anna@example..com", "a stray dot after"),
        ("ä nna@example.com", "a space inside"),
        ("änna\u202e@example.com", ""),
        ("ä" * 33 + "@example.com", ""),
        ("a" * 65 + "@example.com", "more than 64 characters"),
        ("a@" + "b" * 250 + ".com", "longer than 254"),
        ("anna@exa_mple.com", ""),
        ("anna@-example.com", ""),
        ("anna@example.com\udcff", ""),
    ],
)
def test_what_is_no_address_comes_with_a_reason(text: str, reason: str) -> None:
    found = addresses.read(text)
    assert not found.email
    assert found.reason and found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("anna@example.com", "anna@example.com"),
        ("kunde@xn--mller-kva.de", "kunde@müller.de"),
        ("xn--x@shop.xn--fa-hia.example", "xn--x@shop.faß.example"),
        ("अनु@xn--p1b6ci4b4b3a.xn--h2brj9c", "अनु@उदाहरण.भारत"),
        ("a@xn--zzzzzzzz.com", "a@xn--zzzzzzzz.com"),  # letters of nothing
        ("a@xn--ls8h.la", "a@xn--ls8h.la"),  # no letter by IDNA 2008
        ("a@xn--mller-kva.test", "a@xn--mller-kva.test"),  # in letters it would not be taken
        ("a@xn--pple-43d.com", "a@xn--pple-43d.com"),  # a Cyrillic а before Latin letters
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        ("", ""),
    ],
)
def test_a_domain_is_shown_with_its_letters_where_they_are_read_as_the_same_again(kept: str, shown: str) -> None:
    assert addresses.shown(kept) == shown
    assert shown == kept or addresses.read(shown).email == kept
