"""What DNS tells of a From domain, asked of a name server of the test."""

import pytest

from core.campaigns import Finding
from core.campaigns.preflight import domain
from core.campaigns.preflight.domain import Asked
from core.delivery.dkim_keys import Key
from tests.core.delivery.nameserver import nameserver

HOSTINGER = Asked("shop.in", "smtp.hostinger.com")
KEY = Key(1, "rsa", True, "cm2026abcde._domainkey.shop.in", "v=DKIM1; k=rsa; p=AAAA")
OURS = Asked("shop.in", "smtp.hostinger.com", (KEY,))
SPF = '"v=spf1 include:_spf.mail.hostinger.com ~all"'
GOOD = {
    "shop.in": [SPF, '"some other text"'],
    "_spf.mail.hostinger.com": ['"v=spf1 ip4:192.0.2.1 ~all"'],
    "hostingermail-a._domainkey.shop.in": ['"v=DKIM1; k=rsa; p=AAAA"'],
    "_dmarc.shop.in": ['"v=DMARC1; p=reject"'],
}
MX = {"shop.in": ["5 mx1.hostinger.com."]}


def said(
    changes: dict[str, list[str]], asked: Asked = HOSTINGER, exchanges: dict[str, list[str]] = MX
) -> list[Finding]:
    texts = {name: found for name, found in (GOOD | changes).items() if found}
    with nameserver(texts, exchanges=exchanges) as resolver:
        return domain.findings(asked, resolver)


def one(changes: dict[str, list[str]], asked: Asked = HOSTINGER) -> str:
    [finding] = said(changes, asked)
    assert finding.step == "senders" and finding.place == asked.domain
    return finding.text


def test_a_domain_with_everything_in_place_is_not_talked_about() -> None:
    assert said({}) == []


def test_a_domain_is_said_with_its_letters_and_asked_for_as_dns_has_it() -> None:
    with nameserver({}, exchanges={}) as resolver:
        found = domain.findings(Asked("xn--mller-kva.de", "smtp.example.com"), resolver)
    assert all("müller.de" in each.text for each in found) and len(found) == 4
    assert "a TXT record at _dmarc.xn--mller-kva.de." in found[2].text
    assert {each.place for each in found} == {"xn--mller-kva.de"}


def test_spf_that_is_missing_doubled_open_or_for_another_provider_is_said() -> None:
    lax = {"_dmarc.shop.in": ['"v=DMARC1; p=none"']}
    assert "has no SPF record" in one({**lax, "shop.in": ['"other"']})
    assert "include:_spf.mail.hostinger.com" in one({**lax, "shop.in": ['"other"']})
    assert "has 2 SPF records" in one({**lax, "shop.in": [SPF, '"v=spf1 -all"']})
    assert "lets everybody send" in one({"shop.in": ['"v=spf1 include:_spf.mail.hostinger.com +all"']})
    assert "does not name smtp.hostinger.com" in one({**lax, "shop.in": ['"v=spf1 include:other.com ~all"']})


def test_spf_that_needs_more_than_ten_look_ups_is_said() -> None:
    many = " ".join(f"include:i{n}.com" for n in range(11))
    record = f'"v=spf1 include:_spf.mail.hostinger.com {many} ~all"'
    assert "receivers stop after 10" in one({"shop.in": [record]})
    ten = " ".join(f"include:i{n}.com" for n in range(9))
    assert said({"shop.in": [f'"v=spf1 include:_spf.mail.hostinger.com {ten} ~all"']}) == []


def test_dkim_is_looked_for_and_what_cannot_be_told_is_said_so() -> None:
    unsigned = {"hostingermail-a._domainkey.shop.in": []}
    [finding] = said(unsigned)
    assert finding.level.value == "note" and "cannot be told from DNS" in finding.text
    assert "signatures fail. The record is not there yet." in one({}, OURS)
    ours = {KEY.name: ['"v=DKIM1; k=rsa; " "p=AAAA"']}
    assert said({**unsigned, **ours}, OURS) == []


def test_a_key_of_ours_whose_record_is_not_the_one_shown_is_said() -> None:
    assert "signatures fail. The record differs" in one({KEY.name: ['"v=DKIM1; p="']}, OURS)
    assert "signatures fail. The record differs" in one({KEY.name: ['"v=DKIM1; k=rsa; p=BBBB"']}, OURS)
    assert "signatures fail. The record is cut off." in one({KEY.name: ['"v=DKIM1; k=rsa; p=AA"']}, OURS)


def test_dmarc_is_its_own_or_that_of_a_parent() -> None:
    assert "has no DMARC record" in one({"_dmarc.shop.in": []})
    sub = Asked("mail.shop.in", "smtp.hostinger.com")
    records = {"mail.shop.in": [SPF], "hostingermail-a._domainkey.mail.shop.in": ['"v=DKIM1; p=AA"']}
    assert said(records, sub, {"mail.shop.in": ["5 mx."]}) == []


def test_a_policy_that_these_mails_would_fail_is_said_first() -> None:
    first, *_ = said({"shop.in": ['"v=spf1 -all"']}, OURS)
    assert "asks receivers to reject mails" in first.text


def test_a_domain_that_takes_no_mail_is_said() -> None:
    [finding] = said({}, exchanges={})
    assert "takes no mail" in finding.text
    [finding] = said({}, exchanges={"shop.in": ["0 ."]})  # RFC 7505
    assert "takes no mail" in finding.text


def test_dns_that_does_not_answer_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain, "SECONDS", 0.2)
    with nameserver({}, silent=True) as resolver:
        [finding] = domain.findings(HOSTINGER, resolver)
    assert finding.level.value == "note" and "cannot be told just now" in finding.text
