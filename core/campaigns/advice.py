"""What the user should know before sending, looked up in the real audience: nothing here forbids it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.audience import contacts
from core.campaigns.content import content
from core.campaigns.drafts import get
from core.campaigns.findings import Finding, Level
from core.content import html, mail, merge
from core.models import BodyKind, Campaign, CampaignList, Contact, ListMember

_MAX_FIELDS = 50
_CLIPPED_ABOVE = 102 * 1024  # Gmail cuts a longer body off and hides what follows, the unsubscribe link too


@dataclass(frozen=True)
class Gap:
    """A merge field that some recipients have no value for."""

    name: str
    empty_count: int
    recipients_count: int
    emails: tuple[str, ...]  # the first few of them
    has_default: bool

    @property
    def is_unknown(self) -> bool:
        """No recipient has it at all."""
        return self.empty_count == self.recipients_count


def gaps(session: Session, user_id: int, campaign_id: int) -> list[Gap]:
    """The fields used in subject, preheader and body that are empty for recipients of the lists. Raises NotFound."""
    return _gaps(session, get(session, user_id, campaign_id))


def _gaps(session: Session, campaign: Campaign) -> list[Gap]:
    fields, lists = _used(campaign), _list_ids(session, campaign)
    counts = contacts.empty_counts(session, campaign.user_id, lists, list(fields))
    total = contacts.audience_count(session, campaign.user_id, lists).recipients if counts else 0
    return [
        Gap(name, count, total, _without(session, campaign.user_id, lists, name), fields[name])
        for name, count in counts.items()
        if count
    ]


def warnings(session: Session, campaign: Campaign) -> list[Finding]:
    """Holes in the text, a body that will be clipped, a missing way out: each in one sentence."""
    found = [_gap_warning(gap) for gap in _gaps(session, campaign) if gap.is_unknown or not gap.has_default]
    text = "\n".join((campaign.subject, campaign.preheader, campaign.body))
    for wrong in merge.malformed(text)[:5]:
        found.append(_say(f"{wrong} is not a merge field: recipients will read it as it stands."))
    whole = mail.whole_html(content(session, campaign))
    if "unsubscribe_url" not in merge.fields_used(whole):
        found.append(_say("The body has no unsubscribe link. Insert unsubscribe_url, else readers report spam."))
    if (count := html.images_without_alt(campaign.body)) == 1:
        found.append(_say("An image has no alternative text for readers who do not see it."))
    elif count:
        found.append(_say(f"{count:,} images have no alternative text for readers who do not see them."))
    size = len(whole.encode("utf-8", "replace"))
    if size > _CLIPPED_ABOVE:
        found.append(_say(f"The body has {size // 1024:,} KB. Gmail hides what comes after the first 102 KB."))
    return found


def mail_problem(session: Session, campaign: Campaign) -> str:
    """Why no mail can be made of the content, or an empty text."""
    try:
        mail.compile_mail(content(session, campaign))
    except mail.BadMail as error:
        return str(error)
    return ""


def _used(campaign: Campaign) -> dict[str, bool]:
    """Field name -> whether each place that uses it has a default."""
    used: dict[str, bool] = {}
    for text in (campaign.subject, campaign.preheader, campaign.body):
        pieces = merge.parse_html(text) if campaign.body_kind == BodyKind.html else merge.parse(text)
        for piece in pieces:
            if isinstance(piece, merge.Field) and piece.name not in merge.BUILT_IN:
                used[piece.name] = used.get(piece.name, True) and bool(piece.default)
    return dict(list(used.items())[:_MAX_FIELDS])


def _list_ids(session: Session, campaign: Campaign) -> list[int]:
    chosen = select(CampaignList.list_id).where(col(CampaignList.campaign_id) == campaign.id)
    return list(session.exec(chosen))


def _without(session: Session, user_id: int, lists: list[int], name: str) -> tuple[str, ...]:
    """The first few of the lists who have nothing in field ``name``."""
    members = select(ListMember.contact_id).where(col(ListMember.list_id).in_(lists))
    fields: Any = Contact.fields
    nothing = func.coalesce(fields[name].as_string(), "") == ""
    found = select(Contact.email).where(col(Contact.user_id) == user_id, col(Contact.id).in_(members), nothing)
    return tuple(session.exec(found.order_by(col(Contact.id)).limit(3)))


def _gap_warning(gap: Gap) -> Finding:
    field = f"{{{{ {gap.name} }}}}"
    if gap.is_unknown:
        shown = "its default is shown" if gap.has_default else "its place stays empty"
        return _say(f"No recipient has the field {field}: {shown} in every mail.")
    who = ", ".join(gap.emails) + (" …" if gap.empty_count > len(gap.emails) else "")
    return _say(
        f"{gap.empty_count:,} of {gap.recipients_count:,} recipients have nothing for {field} ({who}). "
        'Give it a default, as {{ first_name | default: "there" }}.'.replace("first_name", gap.name)
    )


def _say(text: str) -> Finding:
    return Finding(Level.warning, text, "content")
