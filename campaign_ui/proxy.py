"""The network address of who asks, for the limit of sign-ins: that of a proxy that is not believed is everybody's."""

import logging

from starlette.requests import Request

log = logging.getLogger(__name__)

_told = False


def client(request: Request) -> str:
    """As the server sees it, or as a proxy of FORWARDED_ALLOW_IPS says. Logs once that there is another proxy."""
    host = request.client.host if request.client else ""
    if host not in request.headers.get("x-forwarded-for", host):
        _tell(host)
    return host


def _tell(host: str) -> None:
    global _told
    if not _told:
        _told = True
        log.warning(
            "what %s says of its clients (X-Forwarded-For) is not believed: all of them share one limit of sign-ins; "
            "if it is your proxy, set FORWARDED_ALLOW_IPS to its address",
            host,
        )
