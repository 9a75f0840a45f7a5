"""The pace to each recipient domain, for a mail server that delivers straight to theirs. Pure.

Large providers keep one count for all their domains, so these are paced together.
"""

from collections.abc import Mapping

from core.delivery.turnstile import APART, Turnstile

_MINUTE = 60.0
_CATCH_UP = 0.05  # windows: a mail may wait so long for the slot of its sender
_FAREST = 1.2 * _MINUTE  # seconds: only a clock that was wrong holds up a domain for longer
ALL = ""  # in the place of a group: those of which nothing is known
_MANY = 2000  # domains, then those that were quiet for a minute are forgotten

# One provider: its name here -> domains that count together.
GROUPS = {
    "gmail.com": ("googlemail.com",),
    "outlook.com": ("hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "hotmail.fr", "hotmail.de", "live.co.uk"),
    "yahoo.com": ("ymail.com", "rocketmail.com", "aol.com", "yahoo.co.uk", "yahoo.co.in", "yahoo.in", "yahoo.fr"),
    "icloud.com": ("me.com", "mac.com"),
    "gmx.net": ("gmx.de", "gmx.at", "gmx.ch", "gmx.com", "web.de"),
    "proton.me": ("protonmail.com", "pm.me"),
    "orange.fr": ("wanadoo.fr",),
    "yandex.ru": ("yandex.com", "ya.ru"),
    "mail.ru": ("inbox.ru", "list.ru", "bk.ru"),
    "qq.com": ("foxmail.com",),
}
_GROUP_OF = {domain: name for name, domains in GROUPS.items() for domain in domains}


def group_of(email: str) -> str:
    """The domain of an address, or the name of the group that is paced with it."""
    domain = email.rpartition("@")[2].lower()
    return _GROUP_OF.get(domain, domain)


class Domains:
    """Of one sender, kept by its owner. ``next_at``: group -> no start before, as a former owner left it.

    Times are seconds on one clock; ``limit`` is mails a minute to one group.
    """

    def __init__(self, limit: int, next_at: Mapping[str, float]) -> None:
        self.limit = limit
        self._left = dict(next_at)
        self._known: dict[str, Turnstile] = {}

    @property
    def gap(self) -> float:
        """Seconds from mail to mail."""
        return APART * _MINUTE / self.limit

    def free_at(self, group: str) -> float:
        """No mail to ``group`` before then."""
        known = self._known.get(group)
        if known:
            return max(known.next_at, known.free_at())
        return max(self._left.get(each, float("-inf")) for each in (group, ALL))

    def clear_at(self, group: str) -> float:
        """A mail that has its turn starts not before, by what really started."""
        known = self._known.get(group)
        return known.free_at() if known else float("-inf")

    def reserve(self, group: str, now: float) -> None:
        """A mail has its turn; it starts soon."""
        if group not in self._known:
            self._forget_quiet(now)
            first = min(self._left.pop(group, now), now + _FAREST)
            self._known[group] = Turnstile(self.limit, _MINUTE, first, _CATCH_UP)
        self._known[group].reserve(now)

    def started(self, group: str, now: float) -> float:
        """A mail starts; returns from when on somebody who does not know of it may start one."""
        known = self._known[group]
        known.started(now)
        return known.successor_at(now)

    def _forget_quiet(self, now: float) -> None:
        if len(self._known) >= _MANY:
            self._known = {name: one for name, one in self._known.items() if one.next_at > now - 2 * _MINUTE}
