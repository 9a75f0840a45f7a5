"""The web server, with the worker inside unless WORKER=external."""

import gc
import logging
import signal
import socket
import sys
from typing import Any

import uvicorn

from campaign_ui import sandbox_inbox
from campaign_ui.app import create_app
from core import config, db, live, migrate
from core.errors import StartError
from jobs import runner


class _Server(uvicorn.Server):
    """Says where to go, once somebody who goes there is answered."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"Campaigns: {_address()}", flush=True)


def main() -> None:
    settings = config.settings
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("huey", "alembic", "httpx", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    _refuse_taken_port()
    migrate.upgrade()
    live.start()
    web = create_app()
    gc.set_threshold(50_000, 20, 100)  # collections of many open pages would stop the loop for up to 0.7 s
    # uvicorn raises the signal again when it has ended; the rest of us must then end in turn, not at once.
    signal.signal(signal.SIGTERM, _end)
    serving = uvicorn.Config(
        web,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,  # the query strings of sockets hold client ids
        timeout_graceful_shutdown=5,
        ws="websockets-sansio",
    )
    sandbox_inbox.start()
    if settings.worker == "embedded":
        runner.start_embedded()
    try:
        _Server(serving).run()
    except KeyboardInterrupt:
        pass
    finally:
        runner.stop_embedded()
        sandbox_inbox.stop()
        live.stop()
        db.close()


def _end(_number: int, _frame: Any) -> None:
    sys.exit(0)


def _address() -> str:
    host = config.settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{config.settings.port}"


def _refuse_taken_port() -> None:
    """A sentence instead of uvicorn's error after everything else has started."""
    host, port = config.settings.host, config.settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(f"{_address()} cannot be used: {error.strerror}. Set PORT to another number.") from None


if __name__ == "__main__":
    try:
        main()
    except StartError as error:
        sys.exit(str(error))
