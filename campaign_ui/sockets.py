"""What a browser says through its socket counts for the page that the socket was opened for, while its session lives.

NiceGUI believes the id of a page that stands in the message: who knows one could act on it from anywhere.
"""

import logging
from collections.abc import Callable
from typing import Any

from nicegui import Client, core, nicegui

from campaign_ui import auth

log = logging.getLogger(__name__)

_MOST_LOGGED = 300  # characters
Said = dict[str, Any]


def setup() -> None:
    """In the place of NiceGUI's own handlers."""
    core.sio.on("handshake", _handshake)
    for event, handler in (
        ("event", nicegui._on_event),
        ("javascript_response", nicegui._on_javascript_response),
        ("ack", nicegui._on_ack),
        ("log", _log),
    ):
        core.sio.on(event, _from_its_page(handler))


async def close(client: Client) -> None:
    """Delete a page whose session ended, also one that waits for its browser to come back, and end its sockets."""
    if client.is_deleted:
        return
    for document_id in list(client._delete_tasks):
        client._cancel_delete_task(document_id)
    sockets = list(core.sio.manager.get_participants("/", client.id))
    client.delete()
    for _, connection in sockets:
        await core.sio.eio.disconnect(connection)  # after ``sio.disconnect`` a browser never tries again


def _from_its_page(handler: Callable[[str, Said], None]) -> Callable[[str, Said], None]:
    def checked(sid: str, said: Said) -> None:
        client = _page_of(said)
        if client is not None and client.id in core.sio.rooms(sid):  # where its handshake put it
            handler(sid, said)

    return checked


async def _handshake(sid: str, said: Said) -> bool:
    """Of a page that was loaded ahead; NiceGUI looks whether its id is the one that the socket was opened with."""
    return _page_of(said) is not None and await nicegui._on_handshake(sid, said)


def _page_of(said: Any) -> Client | None:
    """The page that a message names, if somebody is signed in on it."""
    client_id = said.get("client_id") if isinstance(said, dict) else None
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    return client if client is not None and auth.user_of(client) is not None else None


def _log(_sid: str, said: Said) -> None:
    """Not at the level that the browser asks for: anybody with an account could fill the log, or forge it."""
    log.debug("a browser says: %r", str(said.get("message"))[:_MOST_LOGGED])
