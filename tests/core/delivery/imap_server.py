"""A mailbox server that does on purpose what a real one seldom does."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.delivery.imap import Account

_LONGEST = 30.0  # seconds a drip lasts, where nobody hangs up

Answer = Callable[[str], bytes]  # from the words behind a command to the untagged lines and the tagged one without tag


class Drip(Exception):
    """Answer one byte after the other, and never a whole line."""


class Break(Exception):
    """Close the connection instead of answering."""


@dataclass
class Script:
    """``answers``: by command, as "EXAMINE" or "UID FETCH"; others are answered with OK.

    ``waited_out``: a client waited for the end of a drip.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    port: int = 0
    asked: list[str] = field(default_factory=list)
    waited_out: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def account(self) -> Account:
        return Account("127.0.0.1", self.port, "none", "anna", "right horse")


def has(mails: dict[int, bytes]) -> dict[str, Answer]:
    """The answers of a folder with these mails, by their UID."""

    def search(_: str) -> bytes:
        return f"* SEARCH {' '.join(map(str, mails))}\r\nOK done\r\n".encode()

    def fetch(words: str) -> bytes:
        said = b""
        for uid in map(int, words.split()[0].split(",")):
            part = mails[uid].partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER.FIELDS" in words else mails[uid]
            said += b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (uid, uid, len(part), part)
        return said + b"OK done\r\n"

    def examine(_: str) -> bytes:
        return f"* {len(mails)} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\nOK [READ-ONLY] done\r\n".encode()

    return {"EXAMINE": examine, "UID SEARCH": search, "UID FETCH": fetch}


def drips(_: str) -> bytes:
    raise Drip


def breaks(_: str) -> bytes:
    raise Break


@contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[Script]:
    """``answers``: also of "GREETING"."""
    script = Script({"CAPABILITY": lambda _: b"* CAPABILITY IMAP4rev1\r\nOK done\r\n"} | answers)

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                self._say("GREETING", "", b"* ", b"OK ready\r\n")
                for line in self.rfile:
                    tag, command, *rest = line.decode().strip().split(" ", 2)
                    words = rest[0] if rest else ""
                    if command == "UID":
                        kind, _, words = words.partition(" ")
                        command = f"UID {kind}"
                    script.asked.append(command)
                    self._say(command, words, tag.encode() + b" ", b"OK done\r\n")
            except (Break, OSError):
                pass
            except Drip:
                self._drip()

        def _say(self, command: str, words: str, tag: bytes, usual: bytes) -> None:
            said = script.answers[command](words) if command in script.answers else usual
            untagged, _, last = said[:-2].rpartition(b"\r\n")
            self.wfile.write((untagged + b"\r\n" if untagged else b"") + tag + last + b"\r\n")

        def _drip(self) -> None:
            for _ in range(int(_LONGEST / 0.05)):
                try:
                    self.wfile.write(b"*")
                except OSError:
                    return
                if script.over.wait(0.05):
                    return
            script.waited_out = True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Talk) as server:
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield script
        finally:
            script.over.set()
            server.shutdown()
            thread.join()
