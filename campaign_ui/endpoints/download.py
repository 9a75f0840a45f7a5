"""A file that is made while it is read."""

from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse


def csv(chunks: Iterator[str], name: str) -> Response:
    """``name``: of the file, without its ending; of our own words only."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(chunks, media_type="text/csv; charset=utf-8", headers=headers)
