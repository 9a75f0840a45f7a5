import asyncio
import gc
import threading

from nicegui import run, ui
from nicegui.testing import User as Browser

from campaign_ui import live as pages_live
from campaign_ui.parts import confirm
from campaign_ui.parts.acts import long_work
from core import live
from tests.campaign_ui.conftest import SignIn, eventually


async def test_only_what_is_watched_calls_back(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    heard: list[str] = []
    await user.open("/settings")
    with user:
        pages_live.watch(lambda: heard.append("campaign 7"), "campaign", 7)
        pages_live.watch(lambda: heard.append("sender"), "sender")
    live.publish(alice, "campaign", 8)
    live.publish(alice + 1, "campaign", 7)
    live.publish(alice, "sender", 1)
    await eventually(lambda: heard == ["sender"])
    live.publish(alice, "campaign")  # no id: any campaign
    await eventually(lambda: heard == ["sender", "campaign 7"])


async def test_after_hints_were_missed_everything_is_read_again(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    heard: list[str] = []
    await user.open("/settings")
    with user:
        pages_live.watch(lambda: heard.append("campaign"), "campaign", 7)
    live._tell(live.Hint(None))  # what the Redis listener says once it is connected again
    await eventually(lambda: heard == ["campaign"])


async def test_hints_of_any_thread_are_merged_and_the_last_is_never_lost(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    number, seen = 0, [0]
    await user.open("/settings")
    with user:
        pages_live.watch(lambda: seen.append(number), "campaign")

    def worker() -> None:
        nonlocal number
        for _ in range(500):
            number += 1
            live.publish(alice, "campaign", 1)

    thread = threading.Thread(target=worker)
    thread.start()
    await asyncio.to_thread(thread.join)
    await eventually(lambda: seen[-1] == 500)
    assert len(seen) < 10


async def test_a_slow_page_is_never_called_twice_at_once(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    running = most = calls = 0
    go_on = asyncio.Event()

    async def slow() -> None:
        nonlocal running, most, calls
        running, calls = running + 1, calls + 1
        most = max(most, running)
        await go_on.wait()
        running -= 1

    await user.open("/settings")
    with user:
        pages_live.watch(slow, "campaign")
    live.publish(alice, "campaign")
    await eventually(lambda: calls == 1)
    for _ in range(3):
        live.publish(alice, "campaign")
        await asyncio.sleep(pages_live.MERGE_SECONDS)
    go_on.set()
    await eventually(lambda: calls == 2 and running == 0)
    assert most == 1


async def test_what_costs_much_is_called_seldom_and_after_the_last_hint_all_the_same(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    each, seldom = [0], [0]
    number = 0
    await user.open("/settings")
    with user:
        pages_live.watch(lambda: each.append(number), "campaign")
        pages_live.watch(lambda: seldom.append(number), "campaign", every=2.0)
    for number in range(1, 5):
        live.publish(alice, "campaign")
        await eventually(lambda: each[-1] == number)  # noqa: B023
    assert seldom == [0, 1]
    await eventually(lambda: seldom == [0, 1, 4])


async def test_tabs_share_one_read_after_a_hint(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    reads: list[int] = []
    shown: list[int] = []

    def load() -> int:
        reads.append(1)
        return len(reads)

    async def show() -> None:
        shown.append(await pages_live.read("key", load))

    for _ in range(3):
        await user.open("/settings")
        with user:
            pages_live.watch(show, "campaign")
    live.publish(alice, "campaign")
    await eventually(lambda: shown == [1, 1, 1])
    live.publish(alice, "campaign")
    await eventually(lambda: shown == [1, 1, 1, 2, 2, 2])


async def test_a_page_that_is_loaded_again_shows_what_is_there_though_no_hint_came(
    user: Browser, sign_in: SignIn
) -> None:
    sign_in(user)
    await user.open("/settings")
    with user:
        pages_live.watch(lambda: None, "campaign")
        assert [await pages_live.read("key", lambda: "before"), await pages_live.read("key", lambda: "after")] == [
            "before",
            "after",
        ]


async def test_long_work_leaves_the_threads_that_read_pages_alone(user: Browser) -> None:
    go_on = threading.Event()
    long = [asyncio.create_task(long_work(go_on.wait, 10)) for _ in range(30)]
    async with asyncio.timeout(2):
        assert await run.io_bound(str, "a page") == await asyncio.to_thread(str, "a page") == "a page"
    go_on.set()
    await asyncio.gather(*long)


async def test_a_page_that_is_gone_is_forgotten(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    client = await user.open("/settings")
    assert alice in pages_live._channels
    client.delete()
    assert alice not in pages_live._channels


async def test_a_tab_that_is_closed_while_its_data_is_read_is_left_alone(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    reading, go_on, shown = threading.Event(), threading.Event(), []

    def load() -> int:
        reading.set()
        go_on.wait(5)
        return 1

    async def show() -> None:
        if (data := await pages_live.read("slow", load)) is not None:
            shown.append(data)

    await user.open("/settings")
    assert user.client is not None
    with user:
        pages_live.watch(show, "campaign")
        before = len(asyncio.all_tasks())
    live.publish(alice, "campaign")
    await eventually(reading.is_set)
    user.client.delete()
    go_on.set()
    await eventually(lambda: len(asyncio.all_tasks()) <= before)
    assert shown == []


async def test_a_page_whose_session_ended_reads_nothing_more(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/settings")
    assert user.client is not None
    user.client.request.scope["state"]["user"] = None
    with user:
        assert await pages_live.read("anything", list) is None


async def test_what_was_deleted_on_a_page_reads_nothing_more(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/settings")
    with user:
        part = ui.row()
    with part.default_slot:
        part.delete()
        del part
        gc.collect()
        assert await pages_live.read("key", list) is None


async def test_leaving_a_page_that_asks_is_a_no(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/settings")

    async def ask() -> bool:
        with user:
            return await confirm("Sure?", "It cannot be undone.", "Do it")

    asked = asyncio.create_task(ask())
    await user.should_see("It cannot be undone.")
    assert user.client is not None
    user.client.delete()
    assert await asked is False
