"""Work in a thread, while the loop answers others."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nicegui import run

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` gives. Raises CancelledError where the program stops or who waits is cancelled.

    ``run.io_bound`` of NiceGUI 3 says None then, as if the work were done and had given nothing.
    """
    gave = await run.io_bound(lambda: (work(*args, **kwargs),))
    if gave is None:
        raise asyncio.CancelledError
    return gave[0]
