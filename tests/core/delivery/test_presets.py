"""Presets: every one fills a form that can be saved once the user's own part is typed."""

import pytest

from core.delivery import presets, senders


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.id)
def test_a_preset_gives_values_that_can_be_saved(preset: presets.Preset) -> None:
    values = senders.Values(
        name="News",
        host=preset.host or "smtp.example.com",
        port=preset.port,
        security=preset.security,
        from_address="anna@example.com",
        per_minute=preset.per_minute,
        per_hour=preset.per_hour,
        per_day=preset.per_day,
        connections=preset.connections,
        delay_seconds=preset.delay,
        per_second=preset.per_second,
        domain_per_minute=preset.domain_per_minute,
    )
    assert senders.problems(values) == {}
    assert preset.note.endswith(".") and preset.source and preset.username


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.id)
def test_a_preset_says_where_its_numbers_are_from(preset: presets.Preset) -> None:
    for source in preset.source.split(", "):
        assert source.startswith("https://"), source


def test_a_preset_for_every_provider_has_some_limit() -> None:
    for preset in presets.ALL:
        assert preset.per_second or preset.per_minute, preset.id


def test_those_the_product_promises_are_there() -> None:
    names = [preset.name for preset in presets.ALL]
    assert names == [
        "Gmail",
        "Microsoft 365",
        "Hostinger",
        "Amazon SES",
        "SendGrid",
        "Mailgun",
        "Zoho",
        "Yahoo",
        "iCloud",
        "Fastmail",
        "OVH",
        "Brevo",
        "Postmark",
        "cPanel host",
        "Own mail server",
        "Other",
    ]


@pytest.mark.parametrize(
    ("preset", "host", "name"),
    [
        ("other", "smtp.hostinger.com", "Hostinger"),
        ("gmail", "smtp.gmail.com.", "Gmail"),
        ("ses", "email-smtp.eu-west-1.amazonaws.com", "Amazon SES"),
        ("zoho", "mail.own-domain.example", "Zoho"),
        ("other", "notgmail.com", ""),
        ("cpanel", "mail.own-domain.example", ""),
    ],
)
def test_a_provider_is_known_by_its_host_or_its_preset(preset: str, host: str, name: str) -> None:
    assert presets.provider(preset, host) == name
