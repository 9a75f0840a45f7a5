"""The web server."""

import gc
import sys

import uvicorn

from campaign_ui.app import create_app
from core import config, live, migrate
from core.errors import StartError


def main() -> None:
    settings = config.settings
    migrate.upgrade()
    live.start()
    web = create_app()
    gc.set_threshold(50_000, 20, 100)  # collections of many open pages would stop the loop for up to 0.7 s
    print(f"Campaigns: http://{settings.host}:{settings.port}", flush=True)
    try:
        uvicorn.run(
            web,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,  # the query strings of sockets hold client ids
            timeout_graceful_shutdown=5,
            ws="websockets-sansio",
        )
    finally:
        live.stop()


if __name__ == "__main__":
    try:
        main()
    except StartError as error:
        sys.exit(str(error))
