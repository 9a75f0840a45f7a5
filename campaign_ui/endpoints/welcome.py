"""The link of an invitation or of a lost password: its person sets a password and is signed in."""

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui import auth, plain
from campaign_ui.endpoints.account import PROMISES
from core import accounts, db, members
from core.errors import RuleError

_OVER = "This link was used already or is too old"


def register(app: FastAPI) -> None:
    app.add_route("/welcome/{token}", _page, methods=["GET", "HEAD"])
    app.add_route("/welcome/{token}", _set, methods=["POST"])


async def _page(request: Request) -> Response:
    return await _show(request.path_params["token"])


async def _set(request: Request) -> Response:
    token = request.path_params["token"]
    sent = await request.form()
    try:
        entered = await run_in_threadpool(
            _accept, token, str(sent.get("password") or ""), str(sent.get("time_zone") or "")
        )
    except RuleError as error:
        return await _show(token, str(error), 422)
    return auth.enter(request, "/", entered)


async def _show(token: str, wrong: str = "", status: int = 200) -> Response:
    email = await run_in_threadpool(_whose, token)
    if email is None:
        return plain.message(_OVER, "Ask the administrator for a new one.", 404, button="Log in", href="/login")
    return plain.page(
        "account.html",
        status,
        title="Set a password",
        heading="Set a password",
        lead="From now on you log in with it.",
        wrong=wrong,
        button="Set password",
        action=f"/welcome/{token}",
        signing_up=True,
        fixed_email=True,
        email=email,
        time_zone="",
        promises=PROMISES,
    )


def _whose(token: str) -> str | None:
    with db.reading() as session:
        return members.link_email(session, token)


def _accept(token: str, password: str, time_zone: str) -> auth.Entered:
    if _whose(token) is None:
        raise RuleError(_OVER)
    hashed = accounts.new_hash(password)  # takes 50 ms: before the transaction, and for nobody without a link
    with db.session() as session:
        user_id = members.accept(session, token, hashed, time_zone)
        return auth.Entered(user_id, accounts.start_session(session, user_id))
