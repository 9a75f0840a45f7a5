"""Shared pieces of pages. Use these, so that no page invents its own look.

- ``page_header(lead)``: row under the header, a sentence on the left; ``with page_header(...):`` adds buttons right.
- ``card(title="", caption="")``: ``with card("Delivery", "All campaigns"):`` a white block.
- ``stat_card(label, value, percentage, tone, icon, of="recipients")`` -> StatCard with ``.set(value, percentage)`` for
  live numbers; ``of`` says what the percentage is of. Put four into ``with stat_grid():``.
- ``empty_state(icon, title, text, button="", href="")``: what this is and one button to begin; ``with`` adds more.
- ``skeleton(lines)``: grey lines where words will be. ``scroll_box(label)``: around a table too wide for a phone.
- ``await confirm(title, text, button, color="negative") -> bool``: asks before something that cannot be undone.
- ``status_badge(status)`` -> StatusBadge with ``.set(status)``. STATUS_TONES (campaigns) and STATE_TONES (messages):
  status -> (word, tone).
- ``notice(text, tone, icon)``: a sentence in a tinted box; ``with`` adds to it.
- ``notify_error(sentence)``, ``notify_done(sentence)``: toasts.
- ``await act(call, *args, done="")``: does ``call(session, *args)`` in a transaction; a RuleError is a toast.
- ``await act_undoably(call, *args, done="…", undo=…, user_id=…)``: the same, and the toast has Undo.
- ``await act_in_chunks(call, *args, done="{count} …")``: the same for many rows, a transaction for each chunk.
- ``Progress(counts, label)``, ``Doughnut(counts)``, ``Chart(options, words, classes)``, ``CampaignTable(zone)``: each
  with ``.set(...)`` for live numbers.
- ``Figure(title, caption, picture, classes)``: a card with a chart, its sentence and its table; ``.set(picture)``.
- ``WaitLine()``: why something waits, with a countdown; ``Announcer()``: says how it goes to screen readers.
- ``link_button(text, href, icon="", look="")``: a real link that looks like a button; look: outline, flat.
- parts/markup.py: ``Html(fill("<b>{}</b>", words))``: what only shows something as one element, values escaped; an
  element costs 2 kB a tab.

Tones: brand, sent, failed, pending, info, quiet. Classes of static/app.css: cm-card, cm-mute (grey text), cm-num (large
numbers), cm-link, cm-badge, cm-tile (icon square), cm-words (a server's own words), is-<tone>.
"""

from campaign_ui.parts.acts import act, act_in_chunks, act_undoably
from campaign_ui.parts.announcer import Announcer
from campaign_ui.parts.ask import confirm
from campaign_ui.parts.badge import STATE_TONES, STATUS_TONES, StatusBadge, status_badge
from campaign_ui.parts.blocks import card, empty_state, link_button, page_header, scroll_box, skeleton
from campaign_ui.parts.campaign_table import CampaignTable
from campaign_ui.parts.chart import Chart, Doughnut
from campaign_ui.parts.countdown import Countdown, WaitLine
from campaign_ui.parts.figure import Figure
from campaign_ui.parts.notices import notice, notify_done, notify_error
from campaign_ui.parts.progress import Progress
from campaign_ui.parts.stat import StatCard, stat_card, stat_grid

__all__ = [
    "STATE_TONES",
    "STATUS_TONES",
    "Announcer",
    "CampaignTable",
    "Chart",
    "Countdown",
    "Doughnut",
    "Figure",
    "Progress",
    "StatCard",
    "StatusBadge",
    "WaitLine",
    "act",
    "act_in_chunks",
    "act_undoably",
    "card",
    "confirm",
    "empty_state",
    "link_button",
    "notice",
    "notify_done",
    "notify_error",
    "page_header",
    "scroll_box",
    "skeleton",
    "stat_card",
    "stat_grid",
    "status_badge",
]
