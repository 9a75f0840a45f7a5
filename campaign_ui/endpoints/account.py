"""Sign up, log in, log out: plain forms, so that password managers work and each sign-in gets a new session."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import FastAPI
from sqlmodel import col, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from campaign_ui import auth, plain, proxy
from core import accounts, db, tries
from core.delivery import senders
from core.errors import RuleError
from core.models import User

PROMISES = [
    ("Nothing lost, nothing sent twice", "Every mail is a row of a ledger that survives a crash."),
    ("Your provider's pace", "Limits are kept, and a “slow down” is understood and obeyed."),
    ("Live to the second", "Sent, opened and failed as they happen, with the server's own words."),
]


@dataclass(frozen=True)
class _Form:
    email: str = ""
    password: str = ""
    next: str = "/"
    time_zone: str = ""


@dataclass(frozen=True)
class _House:
    """Who may come in."""

    signup_open: bool
    is_empty: bool


def register(app: FastAPI) -> None:
    app.add_route("/login", _login_page, methods=["GET", "HEAD"])
    app.add_route("/login", _login, methods=["POST"])
    app.add_route("/signup", _signup_page, methods=["GET", "HEAD"])
    app.add_route("/signup", _signup, methods=["POST"])
    app.add_route("/logout", _logout, methods=["GET", "POST"])


async def _login_page(request: Request) -> Response:
    target = auth.safe_next(request.query_params.get("next"))
    if await run_in_threadpool(auth.find, request.cookies.get(auth.COOKIE)):
        return RedirectResponse(target, 303)
    house = await run_in_threadpool(_look_around)
    if house.is_empty and house.signup_open:  # a new installation
        return RedirectResponse(f"/signup?{urlencode({'next': target})}", 303)
    return await _show_login(_Form(next=target))


async def _login(request: Request) -> Response:
    form = await _read(request)
    try:
        entered = await run_in_threadpool(_sign_in, form, proxy.client(request), auth.known(request))
    except accounts.Blocked as error:
        return await _show_login(form, str(error), 403)
    except RuleError as error:
        return await _show_login(form, str(error), 429)
    if entered is None:
        return await _show_login(form, accounts.wrong_sign_in(), 401)
    return auth.enter(request, form.next, entered)


async def _signup_page(request: Request) -> Response:
    target = auth.safe_next(request.query_params.get("next"))
    return await _show_signup(_Form(next=target))


async def _signup(request: Request) -> Response:
    form = await _read(request)
    try:
        entered = await run_in_threadpool(_make_account, form)
    except RuleError as error:
        return await _show_signup(form, str(error), 422)
    return auth.enter(request, form.next, entered)


async def _logout(request: Request) -> Response:
    if request.method == "GET" and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return plain.message("Log out?", "Another site sent you here.", button="Log out", post="/logout")
    token = request.cookies.get(auth.COOKIE)
    if token:
        await run_in_threadpool(_sign_out, token)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(auth.COOKIE)
    return response


async def _read(request: Request) -> _Form:
    sent = await request.form()
    fields = {name: str(sent.get(name) or "") for name in ("email", "password", "time_zone")}
    return _Form(next=auth.safe_next(str(sent.get("next") or "/")), **fields)


def _sign_in(form: _Form, client: str, known: int | None) -> auth.Entered | None:
    with db.session() as session:
        tries.begin(session, form.email, client, known)
    with db.reading() as session:
        user = accounts.identify(session, form.email, form.password)
    if user is None or user.id is None:
        return None
    with db.session() as session:
        token = accounts.sign_in(session, user.id, user.password_hash)
        if token is None:
            return None
        tries.passed(session, form.email, client, known)
        return auth.Entered(user.id, token)


def _make_account(form: _Form) -> auth.Entered:
    with db.session() as session:
        user = accounts.sign_up(session, form.email, form.password, form.time_zone)
        assert user.id is not None
        senders.add_sandbox(session, user.id)
        return auth.Entered(user.id, accounts.start_session(session, user.id))


def _sign_out(token: str) -> None:
    with db.session() as session:
        accounts.end_session(session, token)


def _look_around() -> _House:
    with db.reading() as session:
        empty = session.exec(select(col(User.id)).limit(1)).first() is None
        return _House(accounts.signup_open(session), empty)


async def _show_login(form: _Form, wrong: str = "", status: int = 200) -> Response:
    house = await run_in_threadpool(_look_around)
    other = None
    if house.signup_open:
        other = {"text": "No account yet?", "href": "/signup", "link": "Sign up"}
    return plain.page(
        "account.html",
        status,
        title="Log in",
        heading="Log in",
        lead="Welcome back.",
        wrong=wrong,
        button="Log in",
        action="/login",
        next=form.next,
        email=form.email,
        other=other,
        promises=PROMISES,
    )


async def _show_signup(form: _Form, wrong: str = "", status: int = 200) -> Response:
    house = await run_in_threadpool(_look_around)
    lead = "One account per person; everybody sees only their own campaigns."
    if not house.signup_open:
        lead = "Sign-up is closed here. Ask the administrator for an account."
        wrong = ""
    return plain.page(
        "account.html",
        status,
        title="Sign up",
        heading="Sign up",
        lead=lead,
        note="You are the first one here: this account will be the administrator." if house.is_empty else "",
        wrong=wrong,
        button="Sign up" if house.signup_open else "",
        action="/signup",
        signing_up=True,
        next=form.next,
        email=form.email,
        time_zone=form.time_zone,
        other={"text": "Have an account?", "href": "/login", "link": "Log in"},
        promises=PROMISES,
    )
