"""People in: a file or pasted text, read off the loop, shown before anything is stored, then stored with progress."""

import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from nicegui import events, helpers, ui
from sqlalchemy.exc import SQLAlchemyError

from campaign_ui import auth
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import long_work
from campaign_ui.parts.drop import TOO_LARGE, drop_zone
from campaign_ui.parts.notices import notice, notify_done, notify_error
from campaign_ui.parts.upload_done import Done, say_done
from campaign_ui.parts.upload_preview import preview
from campaign_ui.parts.upload_read import Parse, Part, Read
from campaign_ui.parts.upload_read import read as read_upload
from campaign_ui.parts.upload_target import Target
from campaign_ui.parts.work import show_work
from core import clock, config, db
from core.audience import contacts, parse, suppression
from core.audience.parse import ParsedUpload
from core.errors import NotFound, RuleError

_KEEP_SECONDS = 86_400  # of a file whose page was lost with the process


def upload_panel(on_stored: Callable[[int | None], Any]) -> "UploadPanel":
    """Upload or paste, preview, add. ``on_stored`` (async or not) gets the id of the list they are in, None where all
    of them were suppressed."""
    return UploadPanel(on_stored)


class UploadPanel:
    """The steps in one place of the page: choose, read, look, store. A failure goes back a step and loses nothing."""

    def __init__(self, on_stored: Callable[[int | None], Any]) -> None:
        self.user_id, self.client, self.on_stored = auth.current().id, ui.context.client, on_stored
        self.path: Path | None = None
        self.read: Read | None = None
        self.list_id: int | None = None  # begun, but not all is in it yet
        self.busy = False
        self.target = Target()
        self.first_list_id: int | None = None  # what is offered first
        with ui.column().classes("w-full gap-4 items-stretch") as self.root:
            self.trouble = ui.column().classes("w-full empty:hidden").props("role=alert")
            with ui.column().classes("w-full gap-4 items-stretch") as self.choose:
                self.intro = ui.column().classes(
                    "w-full empty:hidden"
                )  # for the page's own words; gone while work is shown
                with ui.element("div").classes("grid grid-cols-1 md:grid-cols-2 gap-4 w-full"):
                    self._build_drop()
                    self._build_paste()
                words = "People who must not be mailed? Audience → Suppression list → Suppress several."
                ui.label(words).classes("text-xs cm-mute")
            self.rest = ui.column().classes("w-full gap-4 items-stretch empty:hidden")
        self.client.on_delete(self.discard)

    @property
    def is_open(self) -> bool:
        """Whether it holds something that must not be lost: work that runs, or what was read."""
        return self.busy or self.read is not None

    def discard(self) -> None:
        """Forget what was read and what was chosen for it, and delete its file."""
        if self.read is not None:
            self.read.whole.parsed.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.path = self.read = self.list_id = None
        self.target = Target(list_id=self.first_list_id)

    def _build_drop(self) -> None:
        drop_zone(lambda: self._show_work("Receiving the file…"), self._received, lambda: self._fail(TOO_LARGE))

    def _build_paste(self) -> None:
        with ui.column().classes("w-full gap-2 items-stretch"):
            self.text = ui.textarea("Paste addresses").classes("w-full").props("rows=6 debounce=200")
            with ui.row().classes("w-full items-center justify-between gap-2"):
                ui.label("One per line, or with commas; Name <address> too").classes("text-xs cm-mute")
                ui.button("Read addresses", on_click=self._pasted).props("outline")

    async def _received(self, event: events.UploadEventArguments) -> None:
        if self.busy:
            return
        if event.file.size() > parse.MAX_FILE_BYTES:  # the browser's limit is only a courtesy
            self._fail(TOO_LARGE)
            return
        self.discard()
        self.path = path = await off_loop(new_path)
        await event.file.save(path)
        name = event.file.name
        await self._read(f"Reading {name[:80]}…", lambda told: parse.parse_file(path, name, told))

    async def _pasted(self) -> None:
        text = self.text.value or ""
        self.discard()
        await self._read("Reading the addresses…", lambda told: parse.parse_text(text, told))

    async def _choose_column(self, index: int) -> None:
        assert self.read is not None
        parsed = self.read.whole.parsed
        await self._read("Reading again…", lambda told: parsed.with_email_column(index, told), back=self._show_preview)

    async def _read(self, words: str, parse_it: Parse, back: Callable[[], Any] | None = None) -> None:
        if not self.busy:
            told = self._show_work(words)
            work = long_work(read_upload, self.user_id, parse_it, told)
            await self._working(work, self._show_preview, back)

    def _show_preview(self, read: Read | None = None) -> None:
        """What was read last, or ``read`` from now on."""
        if read is not None:
            self.read, self.target.fields = read, {}
        if (read := self.read) is None:
            return self._start_over()
        self.target.name = self.target.name or read.whole.parsed.name
        self._switch(choosing=False)
        with self.rest:
            preview(read, self.target, on_column=self._choose_column, on_add=self._add, on_back=self._start_over)

    def offer(self, list_id: int | None) -> None:
        """Begin with this list as the one to add to; None: a new one."""
        self.first_list_id = list_id
        if self.read is None:
            self.target = Target(list_id=list_id)
        elif list_id is not None and not self.busy:  # what was read before waits to be added, now to this list
            self.target.list_id = list_id
            self._show_preview()

    async def _add(self) -> None:
        if self.read is None or self.busy:
            return
        added, gone = self.read.parts(self.target.suppress_left)
        try:
            parsed = added.parsed.with_fields(self.target.fields)
        except RuleError as error:
            return notify_error(str(error))
        begun = gone.parsed.valid_count if gone else 0
        total = begun + parsed.valid_count + parsed.duplicate_count
        told = self._show_work("Adding the contacts…" if parsed.valid_count else "Suppressing the addresses…", bar=True)
        work = self._store(parsed, gone, begun, lambda n: told(f"{n:,} of {total:,}", n / total))
        await self._working(work, self._stored, self._show_preview)

    async def _store(self, parsed: ParsedUpload, gone: Part | None, begun: int, told: Callable[[int], None]) -> Done:
        """Who left elsewhere is suppressed first: whatever fails after that, none of them is mailed."""
        if gone is None:
            return Done(await self._store_contacts(parsed, told), None)
        suppressed = await long_work(suppression.suppress_all, self.user_id, gone.parsed, told)
        if not parsed.valid_count:
            return Done(None, suppressed)
        return Done(await self._store_contacts(parsed, lambda n: told(begun + n)), suppressed)

    async def _store_contacts(self, parsed: ParsedUpload, told: Callable[[int], None]) -> contacts.Stored:
        target = self.target
        if target.list_id is None and self.list_id is None:  # a second try goes on in the list that the first one began
            self.list_id = await off_loop(_begin_list, self.user_id, target.name)
        list_id = target.list_id or self.list_id
        try:
            return await long_work(contacts.store, self.user_id, parsed, "", told, list_id, target.keep_known)
        except NotFound:
            target.list_id = self.list_id = None
            raise

    async def _stored(self, done: Done) -> None:
        valid_count = self.read.parts(self.target.suppress_left)[0].parsed.valid_count if self.read else 0
        words = say_done(done, valid_count, self.target.keep_known)
        self._start_over()
        self.text.value = ""
        notify_done(words, timeout=8000)
        result = self.on_stored(done.stored.list_id if done.stored else None)
        if helpers.should_await(result):
            await result

    async def _working(
        self,
        work: Coroutine[Any, Any, Any],
        done: Callable[[Any], Any],
        back: Callable[[], Any] | None = None,
    ) -> None:
        """Await ``work`` of another thread; its result goes to ``done``, its failure becomes a sentence."""
        self.busy = True
        sentence, result = "", None
        try:
            result = await work
        except RuleError as error:
            sentence = str(error)
        except (SQLAlchemyError, OSError):
            sentence = "This could not be finished. Nothing is lost and nothing will be doubled: try again."
        finally:
            self.busy = False
        if self.client.is_deleted:
            self.discard()  # the page was left; what was stored is stored
            return
        with self.root:
            if sentence:
                self._fail(sentence, back)
            else:
                after = done(result)
                if helpers.should_await(after):
                    await after

    def _show_work(self, words: str, bar: bool = False) -> Callable[..., Any]:
        self.trouble.clear()
        self._switch(choosing=False)
        with self.rest, ui.column().classes("w-full gap-3 items-stretch py-8").props("role=status"):
            return show_work(words, bar)

    def _fail(self, sentence: str, back: Callable[[], Any] | None = None) -> None:
        (back or self._start_over)()
        with self.trouble:
            notice(sentence, "failed", "error")

    def _start_over(self) -> None:
        self.discard()
        self.trouble.clear()
        self._switch(choosing=True)

    def _switch(self, *, choosing: bool) -> None:
        self.rest.clear()
        self.choose.classes(add="" if choosing else "hidden", remove="hidden" if choosing else "")


def _begin_list(user_id: int, name: str) -> int:
    with db.session() as session:
        return contacts.create_list(session, user_id, name)


def new_path() -> Path:
    """A random name in DATA_DIR/uploads; what older processes left there goes."""
    folder = config.settings.data_dir / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest = clock.utcnow().timestamp() - _KEEP_SECONDS
    for left in folder.iterdir():
        if left.stat().st_mtime < oldest:
            left.unlink(missing_ok=True)
    return folder / secrets.token_hex(16)
