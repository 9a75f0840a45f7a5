"""Bounces and complaints in the forms of real servers, written for these tests."""

from base64 import encodebytes
from dataclasses import dataclass
from quopri import encodestring

from core import crypto


@dataclass(frozen=True)
class Ours:
    """A mail of ours, as it went to ``email``."""

    number: int
    email: str

    @property
    def message_id(self) -> str:
        return f"<{crypto.sign('message', self.number)}@example.com>"

    @property
    def unsubscribe(self) -> str:
        return f"<https://news.example.com/u/{crypto.sign('unsubscribe', self.number)}>"

    @property
    def head(self) -> str:
        return (
            f"From: Anna <news@example.com>\nTo: {self.email}\nSubject: November\n"
            f"Date: Wed, 25 Nov 2026 10:00:00 +0000\nMessage-ID: {self.message_id}\n"
            f"List-Unsubscribe: {self.unsubscribe}\nMIME-Version: 1.0\n"
            'Content-Type: multipart/alternative; boundary="=_ours"\n'
        )


def postfix(
    ours: Ours,
    said: str = "550 5.1.1 <{}>: Recipient address rejected: User unknown",
    action: str = "failed",
    status: str = "5.1.1",
    final: str = "",
) -> bytes:
    said = said.format(ours.email)
    return _mail(f"""Return-Path: <>
Auto-Submitted: auto-replied
From: MAILER-DAEMON@mail.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: news@example.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="4B2C1"

This is a MIME-encapsulated message.

--4B2C1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.example.com.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<{ours.email}>: host mx.example.org[192.0.2.7] said: {said} (in reply to RCPT TO command)

--4B2C1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
X-Postfix-Queue-ID: 4B2C1
Arrival-Date: Wed, 25 Nov 2026 10:00:01 +0000 (UTC)

Final-Recipient: rfc822; {final or ours.email}
Original-Recipient: rfc822;{final or ours.email}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; {said}

--4B2C1
Content-Description: Undelivered Message
Content-Type: message/rfc822

{ours.head}
--=_ours
Content-Type: text/plain

Hello
--=_ours--

--4B2C1--
""")


def exim(ours: Ours) -> bytes:
    """Gave up after days of 4xx: final, and says nothing against the address."""
    return _mail(f"""Return-path: <>
X-Failed-Recipients: {ours.email}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@relay.example.net>
To: news@example.com
Content-Type: multipart/report; report-type=delivery-status; boundary=1543-eximdsn-78
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender

--1543-eximdsn-78
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

  {ours.email}
    host mx.example.org [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<{ours.email}>:
    451 4.3.0 Try again later: retry timeout exceeded

--1543-eximdsn-78
Content-type: message/delivery-status

Reporting-MTA: dns; relay.example.net

Action: failed
Final-Recipient: rfc822;{ours.email}
Status: 5.0.0
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 451 4.3.0 Try again later: retry timeout exceeded

--1543-eximdsn-78
Content-type: text/rfc822-headers

{ours.head}
--1543-eximdsn-78--
""")


def microsoft365(ours: Ours) -> bytes:
    human = (
        f"<html><body><p>Your message to {ours.email} couldn't be delivered.</p><p>{ours.email.split('@')[0]} wasn't "
        f"found at {ours.email.split('@')[1]}.</p><pre>Original message headers: Message-ID: x</pre></body></html>"
    )
    return _mail(f"""From: <postmaster@contoso.onmicrosoft.com>
To: <news@example.com>
Date: Wed, 25 Nov 2026 10:00:05 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="b0a1f0f9-2b3c"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Auto-Submitted: auto-replied
Subject: Undeliverable: November

--b0a1f0f9-2b3c
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="c1"

--c1
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

{encodestring(f"Your message to {ours.email} couldn't be delivered.".encode()).decode()}

--c1
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: base64

{encodebytes(human.encode()).decode()}
--c1--

--b0a1f0f9-2b3c
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR01MB0001.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;mail.example.com
Arrival-Date: Wed, 25 Nov 2026 10:00:04 +0000

Final-Recipient: rfc822;{ours.email}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient
 {ours.email} not found by SMTP address lookup

--b0a1f0f9-2b3c
Content-Type: message/rfc822

{ours.head}
--=_ours--

--b0a1f0f9-2b3c--
""")


def gmail(ours: Ours) -> bytes:
    return _mail(f"""Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: news@example.com
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
X-Failed-Recipients: {ours.email}
Content-Type: multipart/report; boundary="0000000000008"; report-type=delivery-status

--0000000000008
Content-Type: multipart/related; boundary="000000000000b"

--000000000000b
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

** Die Adresse wurde nicht gefunden **

--000000000000b--
--0000000000008
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: Wed, 25 Nov 2026 02:00:05 -0800 (PST)
X-Original-Message-ID: {ours.message_id}

Final-Recipient: rfc822; {ours.email}
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com. (142.250.102.27, the server for the domain.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try
 550-5.1.1 double-checking the recipient's email address for typos or
 550 5.1.1 unnecessary spaces. NoSuchUser ffacd0b85a97d-38257fb1f7a - gsmtp
Last-Attempt-Date: Wed, 25 Nov 2026 02:00:06 -0800 (PST)

--0000000000008
Content-Type: message/rfc822

{ours.head}
--=_ours--

--0000000000008--
""")


def ses(ours: Ours) -> bytes:
    """It gives mails a Message-ID of its own: List-Unsubscribe tells which one it was."""
    head = ours.head.replace(ours.message_id, "<0100019a2b3c4d5e-6f7a8b9c-0000@email.amazonses.com>")
    return _mail(f"""Return-Path: <>
From: MAILER-DAEMON@amazonses.com
To: news@example.com
Subject: Delivery Status Notification (Failure)
MIME-Version: 1.0
Content-Type: multipart/report; boundary="=_Part_1"; report-type=delivery-status

--=_Part_1
Content-Type: text/plain; charset=us-ascii

An error occurred while trying to deliver the mail to the following recipients:
{ours.email}

--=_Part_1
Content-Type: message/delivery-status

Reporting-MTA: dns; a8-29.smtp-out.amazonses.com

Action: failed
Final-Recipient: rfc822; {ours.email}
Diagnostic-Code: smtp; 552 5.2.2 The email account that you tried to reach is over quota
Status: 5.2.2

--=_Part_1
Content-Type: message/rfc822

{head}
--=_ours--

--=_Part_1--
""")


def qmail(ours: Ours) -> bytes:
    return _mail(f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: news@example.com
Subject: failure notice

Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{ours.email}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <news@example.com>
{ours.head}
Hello
""")


def delayed(ours: Ours) -> bytes:
    return postfix(ours, "451 4.7.1 Greylisted, try again later", "delayed", "4.7.1")


def base64_status(ours: Ours) -> bytes:
    """A gateway wrote the report's fields in base64, and its text in a charset that is none."""
    fields = (
        "Reporting-MTA: dns; gw.example.org\n\n"
        f"Final-Recipient: rfc822; {ours.email}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such user here\n"
    )
    return _mail(f"""From: postmaster@gw.example.org
Subject: Undeliverable
Content-Type: multipart/report; report-type=delivery-status; boundary=gw

--gw
Content-Type: text/plain; charset=x-no-such-charset
Content-Transfer-Encoding: base64

{encodebytes(bytes(range(128, 256))).decode()}
--gw
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

{encodebytes(fields.encode()).decode()}
--gw
Content-Type: text/rfc822-headers

{ours.head}
--gw--
""")


def complaint(ours: Ours, kind: str = "abuse") -> bytes:
    """As RFC 5965 has it; the address is redacted, as most do."""
    return _mail(f"""From: <feedback@isp.example.net>
To: <abuse@example.com>
Subject: FW: November
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from IP 192.0.2.1.

--part1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Source-IP: 192.0.2.1

--part1
Content-Type: message/rfc822
Content-Disposition: inline

{ours.head.replace(ours.email, "redacted@isp.example.net")}
--=_ours--

--part1--
""")


def vacation(ours: Ours) -> bytes:
    return _mail(f"""Return-Path: <>
From: {ours.email}
To: news@example.com
Subject: Undelivered? No, I am away: November
Auto-Submitted: auto-replied
In-Reply-To: {ours.message_id}
References: {ours.message_id}

I am back on 1 December. 550 5.1.1 is my favourite number.
> Message-ID: {ours.message_id}
""")


def answer(ours: Ours) -> bytes:
    return _mail(f"""From: Postmaster of my own little house <{ours.email}>
To: news@example.com
Subject: Re: November
In-Reply-To: {ours.message_id}

Thank you!
""")


def _mail(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
