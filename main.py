"""The web server, with the worker inside unless WORKER=external."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from typing import Any

import uvicorn

from campaign_ui.app import create_app
from core import config, db, errors, live, migrate
from core.delivery import sandbox
from core.errors import StartError
from jobs import runner, sandbox_inbox


class _Server(uvicorn.Server):
    """Starts the worker, and says where to go, once somebody who goes there is answered.

    Not before: NiceGUI 3 looks through all objects (``gc.get_objects``) while it starts, and a thread whose tuple is
    looked at while it grows gets a SystemError.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if config.settings.worker == "embedded":
                runner.start_embedded()
            print(f"Campaigns: {config.settings.address}", flush=True)


def main() -> None:
    settings = config.settings
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("huey", "alembic", "httpx", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    config.make_data_dir()
    _refuse_taken_port()
    migrate.upgrade()
    live.start()
    web = create_app()
    # In small steps: of 500 pages that were opened one after the other, the second generation once took 1.1 s, and the
    # loop stood still. All of it is looked through as seldom as before.
    gc.set_threshold(10_000, 5, 2_000)
    # uvicorn raises the signal again when it has ended; the rest of us must then end in turn, not at once.
    signal.signal(signal.SIGTERM, _end)
    serving = uvicorn.Config(
        web,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,  # the query strings of sockets hold client ids
        timeout_graceful_shutdown=5,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        ws="websockets-sansio",
    )
    logging.getLogger("uvicorn.error").addFilter(_in_a_line)
    logging.getLogger("engineio.server").addFilter(_is_ours)
    sandbox_inbox.start()
    with db.session() as session:
        sandbox.announce(session, config.settings.address_here)
    try:
        _Server(serving).run()
    except KeyboardInterrupt:
        pass
    finally:
        runner.stop_embedded()
        sandbox_inbox.stop()
        live.stop()
        db.close()


def _in_a_line(record: logging.LogRecord) -> bool:
    """That requests were cut off as the program stopped is worth a line of uvicorn's, not a traceback of each."""
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        return False
    if "timeout graceful shutdown exceeded" in record.getMessage():
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _is_ours(record: logging.LogRecord) -> bool:
    """That a page left while its socket was made is no error of this program."""
    return "Session is disconnected" not in record.getMessage()


def _end(_number: int, _frame: Any) -> None:
    sys.exit(0)


def _refuse_taken_port() -> None:
    """A sentence instead of uvicorn's error after everything else has started."""
    host, port = config.settings.host, config.settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"{config.settings.address} cannot be used: {error.strerror}. Set PORT to another number."
            ) from None


if __name__ == "__main__":
    try:
        main()
    except StartError as error:
        errors.end(error)
    except KeyboardInterrupt:
        errors.interrupted()
