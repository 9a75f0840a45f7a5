"""The ring of recipients ends where its numbers are, however quickly they change."""

from typing import Any

from campaign_ui import charts
from core import db
from core.stats import Counts
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import provider
from tests.e2e.test_body import _product
from tests.e2e.test_caret import _moving

QUICK = [
    Counts(recipients=27, waiting=27),
    Counts(recipients=27, waiting=22, sent=5),
    Counts(recipients=27, waiting=1, sent=26),
    Counts(recipients=27, sent=27),
]
DRAW = """async (ring, steps) => {
  const chart = getElement(Number(ring.id.slice(1))).chart;
  for (const step of steps) {
    chart.setOption(step);
    await new Promise((resolve) => setTimeout(resolve, 100));  // before it has come to rest
  }
  const parts = () => chart.getZr().storage.getDisplayList(true).filter((part) => part.type === "sector");
  while (parts().some((part) => part.animators.length)) await new Promise(requestAnimationFrame);
  return parts()
    .filter((part) => part.style.opacity !== 0)
    .map((part) => [part.style.fill, part.shape.endAngle - part.shape.startAngle])
    .filter(([, angle]) => angle > 0.001);
}"""


async def test_the_ring_agrees_with_its_numbers_though_they_changed_while_it_moved(sqlite_stack: Stack) -> None:
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (still, web, user_id, console):
            with db.session() as session:
                people = [f"p{number}@example.org" for number in range(27)]
                campaign_id = rows.campaign(session, user_id, {"pending": people}, status="paused")
            async with await _moving(still) as context:
                page = console.listen(await context.new_page())
                await page.goto(f"{web}/campaigns/{campaign_id}")
                ring = page.locator('[role=img][aria-label^="27 recipients"]').first
                steps: list[dict[str, Any]] = [charts.doughnut(counts) | {"animation": True} for counts in QUICK]
                parts = await ring.evaluate(DRAW, steps)
    assert len(parts) == 1 and abs(parts[0][1] - 6.283) < 0.01, parts
