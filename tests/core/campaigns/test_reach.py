"""Links fetched from a web server of the test; nothing inside this machine's network where that is not allowed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import config
from core.campaigns.preflight import reach
from tests.conftest import Stack

_UMLAUT = "/%C3%BCber%20uns?a=1%2B1&b"
_MOVED = {  # headers are written in Latin-1: so the bytes of UTF-8 go out
    "/away": "http://127.0.0.2:1/",
    "/moved": "/",
    "/umlaut": "/über uns?a=1%2B1&b".encode().decode("latin-1"),
}


class Site(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/slow":
            self.server.wait.wait(5)  # type: ignore[attr-defined]
        status = {"/": 200, "/big.png": 200, "/gone": 404, "/fault": 500, "/members": 403, _UMLAUT: 200}.get(
            self.path, 302
        )
        self.send_response(status)
        if status == 302:
            self.send_header("Location", _MOVED.get(self.path, self.path))
        self.send_header("Content-Length", "1500000" if self.path == "/big.png" else "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(sqlite_stack: Stack) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.wait = threading.Event()  # type: ignore[attr-defined]
    Site.asked.clear()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.wait.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def test_what_is_there_is_there_and_what_is_not_is_said(site: str) -> None:
    told: list[int] = []
    wanted = [f"{site}{path}" for path in ("/", "/moved", "/members", "/gone", "/fault", "/for-ever")]
    found = reach.look([*wanted, "http://127.0.0.1:1/"], told.append)
    words = {address.removeprefix(site): reached.words for address, reached in found.items()}
    assert words == {
        "/": "",
        "/moved": "",
        "/members": "",
        "/gone": "there is no such page (404).",
        "/fault": "its server has a fault (500).",
        "/for-ever": "it leads from one page to the next without an end.",
        "http://127.0.0.1:1/": "its server does not answer.",
    }
    assert told == list(range(1, 8))


def test_images_that_weigh_too_much_are_said(site: str) -> None:
    address = f"{site}/big.png"
    [finding] = reach.findings([], [address], reach.look([address]))
    assert "weigh 1.5 MB" in finding.text
    assert reach.findings([f"{site}/"], [], reach.look([f"{site}/"])) == []
    away = {each: reach.Reached(each, 0, "gone.") for each in ("https://example.com/", "https://shop.in/")}
    assert [each.mark for each in reach.findings(list(away), [], away)] == ["https://shop.in/"]  # once a placeholder


def test_a_slow_server_has_an_end(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SECONDS", 0.2)
    assert "no answer within 0.2 seconds" in reach.fetch(f"{site}/slow").words


def test_letters_beyond_ascii_in_a_redirect_cost_no_other_result(site: str) -> None:
    wanted = [f"{site}{path}" for path in ("/", "/umlaut", "/gone")]
    words = {address.removeprefix(site): reached.words for address, reached in reach.look(wanted).items()}
    assert words == {"/": "", "/umlaut": "", "/gone": "there is no such page (404)."}
    assert _UMLAUT in Site.asked  # what was quoted is not quoted again
    assert reach.fetch(f"{site}/ü").words == "its server does not answer."


def test_nothing_inside_the_network_is_reached_where_that_is_not_allowed(site: str) -> None:
    config.use(replace(config.settings, smtp_allow_private=False))
    for address in (
        f"{site}/",
        "http://localhost/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://10.0.0.1/",
    ):
        assert reach.fetch(address).words in (
            "it leads into a private network.",
            f"its port {site[17:]} is not one of web sites.",
        )
    assert Site.asked == []


def test_a_redirect_is_judged_again(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach.hosts, "may_connect", lambda address: address == "127.0.0.1")
    assert reach.fetch(f"{site}/away").words == "it leads into a private network."


def test_only_web_addresses_without_a_field_are_fetched() -> None:
    body = (
        '<a href="https://a.in/x">x</a><a href="mailto:a@b.in">x</a><a href="https://a.in/{{ id }}">x</a>'
        '<a href="javascript:1">x</a><a href="https://a.in/x">again</a><img src="https://a.in/p.png">'
    )
    assert reach.addresses(body) == (["https://a.in/x"], ["https://a.in/p.png"])
