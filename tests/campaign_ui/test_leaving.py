"""The browser asks before what is typed is left, also where its connection was away when that changed."""

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from tests.campaign_ui.conftest import SignIn, eventually, press


def _told(user: Browser) -> list[str]:
    """What the browser is told from now on about asking."""
    assert user.client is not None
    told, outbox = list[str](), user.client.outbox
    emit = outbox._emit

    async def emitted(message: tuple[str, str, dict[str, str]]) -> None:
        await emit(message)
        if "cmUnsaved" in (code := message[2].get("code", "")):
            told.append(code)

    outbox._emit = emitted  # type: ignore[method-assign]
    return told


def _type(user: Browser, label: str, text: str) -> None:
    with user:
        [field] = [each for each in ElementFilter(kind=ui.input) if each.props.get("label") == label]
    field.value = text


async def test_a_form_asks_again_after_the_connection_was_away(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    told = _told(user)
    assert user.client is not None
    user.client.tab_id = None  # away
    _type(user, "Name", "News")
    user.client.tab_id = user.tab_id
    await eventually(lambda: told == ["window.cmUnsaved = true;"])
    user.client.tab_id = None
    _type(user, "Name", "")
    user.client.tab_id = user.tab_id
    await eventually(lambda: told == ["window.cmUnsaved = true;", "window.cmUnsaved = false;"])


async def test_a_template_that_was_saved_while_the_connection_was_away_is_left_without_a_question(
    user: Browser, sign_in: SignIn
) -> None:
    sign_in(user)
    await user.open("/templates/new")
    told = _told(user)
    _type(user, "Name", "Monthly")
    await eventually(lambda: told == ["window.cmUnsaved = true;"])
    assert user.client is not None
    user.client.tab_id = None
    press(user, "Save")
    await user.should_see("Saved")
    user.client.tab_id = user.tab_id
    await eventually(lambda: told == ["window.cmUnsaved = true;", "window.cmUnsaved = false;"])
