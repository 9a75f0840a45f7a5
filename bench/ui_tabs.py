"""Open tabs without a browser: each loads its page and holds the socket of it, as NiceGUI's own script does."""

import asyncio
import contextlib
import html
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import socketio

ACK_SECONDS = 3.0  # NiceGUI's script says that often how far it has read, where there was something to read
OPEN_AT_ONCE = 3
_QUERY = re.compile(r"""'client_id': '([^']+)', 'next_message_id': (\d+)""")
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)


@dataclass
class Tab:
    """A page that is open; ``seen``: each text that it was told to show since -> time.time() of that."""

    url: str
    cookie: str
    elements: int = 0
    seen: dict[str, float] = field(default_factory=dict)
    updates: int = 0
    socket: Any = None
    _query: dict[str, Any] = field(default_factory=dict)
    _acked: int = -1

    async def open(self, http: aiohttp.ClientSession) -> None:
        """Load the page, connect its socket and shake hands."""
        async with http.get(self.url, headers=self._headers(), allow_redirects=False) as answer:
            page = await answer.text()
        query, elements = _QUERY.search(page), _ELEMENTS.search(page)
        assert answer.status == 200 and query and elements, (answer.status, page[:500])
        self.elements = len(json.loads(html.unescape(elements[1])))
        self._query = {"client_id": query[1], "next_message_id": int(query[2])}
        self._query |= {"document_id": str(uuid.uuid4()), "tab_id": str(uuid.uuid4())}
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("*", self._hear)
        origin = "/".join(self.url.split("/")[:3])
        await self.socket.connect(
            f"{origin}?{urlencode(self._query | {'implicit_handshake': 'true'})}",
            headers=self._headers(),
            transports=["websocket"],
            socketio_path="_nicegui_ws/socket.io",
        )

    async def close(self) -> None:
        await self.socket.disconnect()

    async def ack(self) -> None:
        read = self._query["next_message_id"]
        if read > self._acked and self.socket.connected:
            self._acked = read
            await self.socket.emit("ack", {"client_id": self._query["client_id"], "next_message_id": read})

    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie}

    async def _hear(self, event: str, data: Any) -> None:
        at = time.time()
        self._query["next_message_id"] = data.pop("_id", -1) + 1
        if event == "update":
            self.updates += 1
            for element in data.values():
                if element is not None and "text" in element:
                    self.seen.setdefault(element["text"], at)
        elif event == "run_javascript" and "request_id" in data:
            answer = {"request_id": data["request_id"], "client_id": self._query["client_id"], "result": True}
            await self.socket.emit("javascript_response", answer)


@asynccontextmanager
async def opened(tabs: list[Tab]) -> AsyncIterator[None]:
    """The tabs, all of them open until the block ends."""
    some = asyncio.Semaphore(OPEN_AT_ONCE)
    async with aiohttp.ClientSession() as http:

        async def one(tab: Tab) -> None:
            async with some:
                await tab.open(http)

        await asyncio.gather(*(one(tab) for tab in tabs))
    acks = asyncio.create_task(_ack(tabs))
    try:
        yield
    finally:
        acks.cancel()
        await asyncio.gather(*(tab.close() for tab in tabs))


async def _ack(tabs: list[Tab]) -> None:
    while True:
        await asyncio.sleep(ACK_SECONDS)
        for tab in tabs:
            with contextlib.suppress(socketio.exceptions.SocketIOError):
                await tab.ack()


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether ``holds`` within this time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
