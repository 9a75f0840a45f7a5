"""Mail providers people use: what to fill in, and how fast they let mail through.

Each preset names its ``source``. Where a provider publishes a number per day only, the pace per minute is ours:
slow enough that a whole day's worth does not go out in one burst.
"""

from dataclasses import dataclass

from core.delivery.provider_names import NAMES
from core.models import Security


@dataclass(frozen=True, kw_only=True)
class Preset:
    """``username``: a hint for the field. Limits: None = none known. ``delay``: seconds from start to start."""

    id: str
    name: str
    host: str
    port: int
    security: str
    username: str
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    connections: int
    delay: float
    note: str
    source: str
    per_second: int | None = None
    domain_per_minute: int | None = None


ALL = (
    Preset(
        id="gmail",
        name="Gmail",
        host="smtp.gmail.com",
        port=587,
        security=Security.starttls,
        username="your whole Gmail address",
        per_minute=20,
        per_day=500,
        connections=2,
        delay=4.0,
        note=(
            "Needs an app password: switch on 2-Step Verification in your Google account, then make one at "
            "myaccount.google.com/apppasswords. A free account may mail 500 people a day, Google Workspace 2,000."
        ),
        source="https://support.google.com/mail/answer/22839, https://support.google.com/a/answer/166852",
    ),
    Preset(
        id="microsoft365",
        name="Microsoft 365",
        host="smtp.office365.com",
        port=587,
        security=Security.starttls,
        username="your whole email address",
        per_minute=30,
        per_day=10000,
        connections=3,
        delay=4.0,
        note=(
            "The administrator must allow authenticated SMTP for this mailbox. Microsoft switches off signing in with "
            "a password for SMTP by default from the end of December 2026."
        ),
        source="https://learn.microsoft.com/en-us/exchange/troubleshoot/send-emails/smtp-submission-improvements",
    ),
    Preset(
        id="hostinger",
        name="Hostinger",
        host="smtp.hostinger.com",
        port=465,
        security=Security.tls,
        username="your whole email address",
        per_minute=30,
        per_hour=200,
        per_day=1000,
        connections=2,
        delay=4.0,
        note=(
            "Use the password of the mailbox, not that of your Hostinger account. Business Starter allows 1,000 mails "
            "in any 24 hours per mailbox, Business Premium 3,000; hosting with cPanel 200 an hour and 2,400 a day."
        ),
        source=(
            "https://www.hostinger.com/support/4625828-parameters-and-limits-of-hostinger-email/, "
            "https://support.hostinger.com/en/articles/6550582-parameters-and-limits-of-cpanel-email"
        ),
    ),
    Preset(
        id="ses",
        name="Amazon SES",
        host="email-smtp.us-east-1.amazonaws.com",
        port=587,
        security=Security.starttls,
        username="the SMTP user name, as AKIA…",
        connections=2,
        delay=0.0,
        note=(
            "Put your region into the host. Make SMTP credentials in the SES console (they are not your AWS keys), "
            "verify the From domain, and leave the SES sandbox (1 mail a second, 200 a day). Enter your own maximum "
            "send rate as mails per second: it is in the console under Account dashboard."
        ),
        source=(
            "https://docs.aws.amazon.com/ses/latest/dg/quotas.html, "
            "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html"
        ),
        per_second=1,
    ),
    Preset(
        id="sendgrid",
        name="SendGrid",
        host="smtp.sendgrid.net",
        port=587,
        security=Security.starttls,
        username="apikey",
        per_minute=600,
        connections=4,
        delay=0.0,
        note="The username is the word apikey; the password is an API key with the right to send mail.",
        source="https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
    ),
    Preset(
        id="mailgun",
        name="Mailgun",
        host="smtp.mailgun.org",
        port=587,
        security=Security.starttls,
        username="postmaster@your sending domain",
        per_minute=300,
        connections=4,
        delay=0.0,
        note="Domains in the EU region use smtp.eu.mailgun.org. New accounts may send 100 mails per hour.",
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
    ),
    Preset(
        id="zoho",
        name="Zoho",
        host="smtp.zoho.com",
        port=465,
        security=Security.tls,
        username="your whole email address",
        per_minute=10,
        per_day=300,
        connections=1,
        delay=5.0,
        note=(
            "Accounts in Europe use smtp.zoho.eu, in India smtp.zoho.in, own domains on paid plans smtppro.zoho.com. "
            "With two-factor sign-in make an app password. Zoho stops accounts that send in bursts."
        ),
        source="https://www.zoho.com/mail/help/zoho-smtp.html, https://www.zoho.com/mail/help/usage-policy.html",
    ),
    Preset(
        id="yahoo",
        name="Yahoo",
        host="smtp.mail.yahoo.com",
        port=465,
        security=Security.tls,
        username="your whole Yahoo address",
        per_minute=10,
        per_day=500,
        connections=1,
        delay=5.0,
        note="Needs an app password: make one in your Yahoo account under Account security.",
        source=(
            "https://help.yahoo.com/kb/SLN4075.html, https://help.yahoo.com/kb/SLN15241.html, "
            # 500 a day are of its mail for businesses: it names no number for others.
            "https://help.yahoo.com/mkb/article.php?page=content&y=PROD_YSB_BZMAIL&id=SLN17518"
        ),
    ),
    Preset(
        id="icloud",
        name="iCloud",
        host="smtp.mail.me.com",
        port=587,
        security=Security.starttls,
        username="your whole iCloud address",
        per_minute=20,
        per_day=1000,
        connections=1,
        delay=3.0,
        note=(
            "Needs an app-specific password, made at account.apple.com. Apple allows 1,000 mails a day and says that "
            "unsolicited bulk mail is forbidden."
        ),
        source="https://support.apple.com/en-us/102198, https://support.apple.com/en-us/102525",
    ),
    Preset(
        id="fastmail",
        name="Fastmail",
        host="smtp.fastmail.com",
        port=465,
        security=Security.tls,
        username="your whole Fastmail address",
        per_minute=30,
        connections=1,
        delay=2.0,
        note="Needs an app password: Settings, Privacy & Security. How much an account may send depends on its plan.",
        source="https://www.fastmail.com/help/account/limits.html",
    ),
    Preset(
        id="ovh",
        name="OVH",
        host="ssl0.ovh.net",
        port=465,
        security=Security.tls,
        username="your whole email address",
        per_minute=10,
        per_hour=200,
        connections=1,
        delay=5.0,
        note="OVH allows 200 mails an hour per account, and 300 an hour from one address of the internet.",
        source="https://github.com/ovh/ovhcloud-docs/pull/715",
    ),
    Preset(
        id="brevo",
        name="Brevo",
        host="smtp-relay.brevo.com",
        port=587,
        security=Security.starttls,
        username="the login shown under SMTP & API",
        per_minute=100,
        per_day=300,
        connections=2,
        delay=0.0,
        note=(
            "The password is an SMTP key, not an API key. 300 mails a day is the free plan: leave Mails per day empty "
            "on a paid one."
        ),
        source="https://developers.brevo.com/docs/smtp-integration",
    ),
    Preset(
        id="postmark",
        name="Postmark",
        host="smtp-broadcasts.postmarkapp.com",
        port=587,
        security=Security.starttls,
        username="the access key of an SMTP token",
        per_minute=300,
        connections=4,
        delay=0.0,
        note=(
            "This host is for broadcasts; Postmark wants newsletters in a broadcast message stream, whose SMTP token "
            "you use here."
        ),
        source="https://postmarkapp.com/support/article/811-what-are-the-smtp-details-credentials-i-should-be-using",
    ),
    Preset(
        id="cpanel",
        name="cPanel host",
        host="mail.example.com",
        port=465,
        security=Security.tls,
        username="your whole email address",
        per_minute=10,
        per_hour=100,
        connections=1,
        delay=5.0,
        note=(
            "The host is usually mail. and your domain; cPanel shows it under Email Accounts, Connect Devices. Most "
            "hosts allow 100 to 500 mails per hour and domain: ask yours."
        ),
        source="https://docs.cpanel.net/cpanel/email/set-up-mail-client/",
    ),
    Preset(
        id="own",
        name="Own mail server",
        host="mail.example.com",
        port=587,
        security=Security.starttls,
        username="often your whole email address",
        per_minute=600,
        connections=10,
        delay=0.0,
        note=(
            "A Postfix or other server of yours that delivers straight to the servers of the recipients: they slow "
            "down who sends much at once, so each domain has a pace of its own. Begin a new address with a warm-up."
        ),
        source=(
            "https://www.postfix.org/postconf.5.html#default_destination_rate_delay, "
            "https://senders.yahooinc.com/best-practices/, https://support.google.com/a/answer/81126"
        ),
        domain_per_minute=60,
    ),
    Preset(
        id="other",
        name="Other",
        host="",
        port=587,
        security=Security.starttls,
        username="often your whole email address",
        per_minute=30,
        connections=2,
        delay=4.0,
        note="Your provider's help names the host of its outgoing mail server (SMTP) and how many mails it allows.",
        source="https://www.rfc-editor.org/rfc/rfc6409 (port 587), https://www.rfc-editor.org/rfc/rfc8314 (port 465)",
    ),
)
OTHER = ALL[-1]
_BY_ID = {preset.id: preset for preset in ALL}


def get(id: str) -> Preset:
    """The preset, or Other for an id that is none."""
    return _BY_ID.get(id, OTHER)


def provider(preset: str, host: str) -> str:
    """The provider's name for sentences, by the host, else by the preset; "" where neither tells."""
    labels = host.lower().rstrip(".").split(".")
    for start in range(len(labels)):
        if name := NAMES.get(".".join(labels[start:])):
            return name
    return get(preset).name if preset not in ("other", "own", "cpanel") and preset in _BY_ID else ""
