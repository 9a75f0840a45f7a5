"""How fast a campaign goes out, or went out."""

from campaign_ui import lines, live
from campaign_ui.parts.figure import Figure
from core import db
from core.stats import Minute, Pace, Summary
from core.stats.minutes import is_short, minutes


class Rate:
    """Mails per minute: between the counts of the last hour while it goes out, counted as in its report once it is
    over."""

    def __init__(self, user_id: int, zone: str, pace: Pace) -> None:
        self._user_id, self._zone = user_id, zone
        self._over: tuple[object, ...] = ()
        self._counted: tuple[Minute, ...] = ()
        self._figure = Figure("Mails per minute", "", lines.rate(pace), "grow min-h-60")
        self._figure.box.classes("is-rate lg:col-span-2")

    async def count(self, campaign: Summary) -> None:
        """Read the minutes of a campaign that is over; opens do not change them."""
        over = (campaign.finished_at, campaign.counts.sent, campaign.counts.failed) if campaign.finished_at else ()
        if over != self._over:
            key = ("minutes", campaign.id, over)
            counted = await live.read(key, _minutes, self._user_id, self._zone, campaign) if over else ()
            if counted is not None:
                self._over, self._counted = over, counted

    def show(self, campaign: Summary, pace: Pace) -> None:
        """``pace``: for where nothing is counted."""
        known = Pace(self._counted, is_known=bool(self._counted)) if is_short(campaign) else pace
        self._figure.set_visibility(known.is_known)
        self._figure.set(lines.rate(known))
        self._figure.set_caption(lines.caption(known, campaign.finished_at is not None))


def _minutes(user_id: int, zone: str, campaign: Summary) -> tuple[Minute, ...]:
    with db.reading() as session:
        return minutes(session, user_id, campaign, zone)
