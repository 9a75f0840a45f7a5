"""Pure but for BASE_URL: what is said where opens are not counted, and where nobody has opened yet."""

from core import config
from core.stats import Summary

NOT_COUNTED = "Not counted: BASE_URL was not set"
CANNOT = (
    "Opens cannot be counted: BASE_URL is not set, so readers’ mail programs have no address to reach this server at."
)
NOBODY = "Nobody has opened it yet."
NO_LINKS = "no counted links"


def nobody(campaign: Summary) -> str:
    """What is said of the readers of ``campaign`` where there are none."""
    return NOBODY if campaign.counts.sent else f"{campaign.nothing_sent}."


def why_opens(campaign: Summary) -> str:
    """Why nothing is known of who opened it; empty: it is."""
    return "" if campaign.is_counted else "not counted"


def why_clicks(campaign: Summary) -> str:
    """As ``why_opens``, of who clicked."""
    return why_opens(campaign) or ("" if campaign.knows_clicks else NO_LINKS)


def why(of: str = "this campaign") -> str:
    """Why nothing is known of the readers ``of`` a campaign, and what to do."""
    told = (
        f"Opens, clicks and unsubscribes of {of} are not counted: BASE_URL was not set, so the mails know no address "
        "at which readers’ mail programs reach this server."
    )
    return f"{told} {what_to_do()}"


def what_to_do() -> str:
    if config.settings.base_url:
        return "It is set now: the next campaign counts them."
    return "Set it to the public address of this server before the next campaign."
