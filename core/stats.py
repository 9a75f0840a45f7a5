"""Numbers for the screens. Reads only; counts come from the campaigns' own counters, never from counting messages."""

from sqlmodel import Session, col, select

from core.models import Campaign, CampaignStatus


def is_sending(session: Session, user_id: int) -> bool:
    """Whether mail of this user goes out now."""
    waiting = col(Campaign.pending_count) + col(Campaign.claimed_count) + col(Campaign.sending_count)
    running = (
        select(Campaign.id)
        .where(
            col(Campaign.user_id) == user_id,
            col(Campaign.status) == CampaignStatus.sending,
            col(Campaign.deleted_at).is_(None),
            (waiting > 0) | ~col(Campaign.snapshot_done),
        )
        .limit(1)
    )
    return session.exec(running).first() is not None
