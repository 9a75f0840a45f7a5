"""A visit to a mailbox whose server is slow, busy or wrong."""

import threading

import pytest

from core.delivery import imap
from core.delivery.imap import Trouble
from tests.conftest import Stack
from tests.core.delivery.imap_server import drips, has, serving


@pytest.mark.parametrize("command", ["GREETING", "CAPABILITY", "EXAMINE", "LOGOUT"])
def test_a_server_that_drips_holds_nobody_longer_than_the_deadline(command: str, sqlite_stack: Stack) -> None:
    with serving(has({}) | {command: drips}) as server:
        if command == "LOGOUT":  # everything was read
            with imap.opened(server.account, deadline=0.5) as folder:
                assert folder.count == 0
        else:
            with pytest.raises(Trouble, match="stopped answering") as caught:
                with imap.opened(server.account, deadline=0.5):
                    pass
            assert not caught.value.lasting
        assert not server.waited_out
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


@pytest.mark.parametrize(
    ("said", "lasting", "sentence"),
    [
        ("[UNAVAILABLE] Backend is down", False, "127.0.0.1 cannot open INBOX now. We try again."),
        ("Server unavailable, sorry", False, "127.0.0.1 cannot open INBOX now. We try again."),
        ("[INUSE] Mailbox is locked", False, "127.0.0.1 cannot open INBOX now. We try again."),
        ("Temporary problem, please try again", False, "127.0.0.1 cannot open INBOX now. We try again."),
        ("[NONEXISTENT] Unknown Mailbox", True, "There is no folder INBOX in this mailbox."),
        ("Mailbox doesn't exist", True, "There is no folder INBOX in this mailbox."),
    ],
)
def test_a_folder_that_cannot_be_opened_now_is_not_one_that_is_missing(
    said: str, lasting: bool, sentence: str, sqlite_stack: Stack
) -> None:
    with serving({"EXAMINE": lambda _: f"NO {said}\r\n".encode()}) as server:
        with pytest.raises(Trouble) as caught, imap.opened(server.account):
            pass
    assert (str(caught.value), caught.value.reply, caught.value.lasting) == (sentence, said, lasting)


def test_a_sign_in_that_a_server_cannot_check_now_is_tried_again(sqlite_stack: Stack) -> None:
    with serving({"LOGIN": lambda _: b"NO Authentication service unavailable\r\n"}) as server:
        with pytest.raises(Trouble, match="cannot check the sign-in now") as caught, imap.opened(server.account):
            pass
    assert not caught.value.lasting
