"""How many requests and sockets this process serves. Plain ASGI, as every reader's picture passes here."""

from collections import Counter
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Traffic:
    """``answers``: first digit of the status -> how many so far; the others are counted now."""

    answers: Counter[int] = field(default_factory=Counter)
    requests: int = 0
    sockets: int = 0


class Counted:
    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self.app, self.traffic = app, traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_begun = False

        async def counted(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                self.traffic.answers[message["status"] // 100] += 1
            await send(message)

        self.traffic.requests += 1
        try:
            await self.app(scope, receive, counted)
        except Exception:
            if not is_begun:  # Starlette answers it outside of all middleware
                self.traffic.answers[5] += 1
            raise
        finally:
            self.traffic.requests -= 1

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.traffic.sockets += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.traffic.sockets -= 1
