"""The mail of a campaign that is no draft any more: what its first recipient sees, and to whom it goes."""

from dataclasses import dataclass

from nicegui import ui
from sqlmodel import Session

from campaign_ui import live
from campaign_ui.charts import say_people
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.compose_data import why_untracked
from campaign_ui.parts.notices import notify_error
from campaign_ui.parts.preview import preview
from core import campaigns, db
from core.audience import addresses, contacts
from core.content import mail, merge
from core.delivery import senders
from core.errors import NotFound
from core.models import CampaignStatus


@dataclass(frozen=True)
class About:
    """``subject``: with its merge fields in words. ``goes_to``: its lists, and how many people before it starts.

    ``untracked``: why its opens will not be counted, before it starts.
    """

    subject: str
    goes_to: str
    untracked: str


def about(user_id: int, campaign_id: int) -> About:
    """What stands in the head of a campaign's page. Raises NotFound."""
    with db.reading() as session:
        return _about(session, user_id, campaign_id)


async def about_now(user_id: int, campaign_id: int) -> About | None:
    """The same, read again for all tabs; None where the campaign or the tab is gone."""
    try:
        told: About | None = await live.read(("about", campaign_id), about, user_id, campaign_id)
    except NotFound:
        return None
    return told


def _about(session: Session, user_id: int, campaign_id: int) -> About:
    campaign = campaigns.get(session, user_id, campaign_id)
    ids, out = (read(session, user_id, campaign_id) for read in (campaigns.list_ids, campaigns.left_out_ids))
    names = {each.id: each.name for each in contacts.lists(session, user_id)}
    goes_to = f"To {', '.join(names[number] for number in ids if number in names)}" if ids else ""
    if goes_to and out:
        goes_to += f", without {', '.join(names[number] for number in out if number in names)}"
    untracked = ""
    if campaign.status == CampaignStatus.scheduled:
        count = contacts.audience_count(session, user_id, ids, out)
        goes_to += f" · {say_people(count)}" if goes_to else ""
        by_id = {each.id: each for each in senders.list_all(session, user_id)}
        untracked = why_untracked(by_id.get(campaign.sender_id))
    return About(merge.in_words(campaign.subject).strip(), goes_to, untracked)


async def show_mail(user_id: int, campaign_id: int) -> None:
    """A dialog with the mail as its first recipient sees it."""
    try:
        made, email = await off_loop(_made, user_id, campaign_id)
    except (NotFound, mail.BadMail) as error:
        return notify_error(str(error))
    with ui.dialog() as dialog, ui.card().classes("w-[760px] max-w-full p-5 gap-3 items-stretch"):
        dialog.props["aria-label"] = "The mail"
        with ui.row().classes("w-full items-center justify-between flex-nowrap"):
            dialog_title(f"As {addresses.shown(email)} sees it").style("overflow-wrap:anywhere")
            close = ui.button(icon="close", on_click=dialog.close).props("flat round dense color=grey-7")
            close.props["aria-label"] = "Close"
        preview("60vh").show(made)
    await answer(dialog)


def _made(user_id: int, campaign_id: int) -> tuple[mail.Preview, str]:
    with db.reading() as session:
        somebody = campaigns.example(session, user_id, campaign_id)
        content = campaigns.content(session, campaigns.get(session, user_id, campaign_id))
    return mail.preview(content, somebody), somebody.email
