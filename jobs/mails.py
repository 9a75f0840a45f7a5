"""Campaigns compiled to mail, kept while they are sent. Compiling takes milliseconds, so it is done off the loop."""

import asyncio
from collections import OrderedDict
from functools import partial

from core.campaigns import attachments
from core.content.mail import BadMail, CompiledMail, Content, compile_mail
from core.delivery.ledger import Claimed
from jobs import batches
from jobs.writer import Writer

_KEPT, _KEPT_BYTES = 64, 64_000_000


class Mails:
    """The compiled mails of a worker process, the oldest forgotten first."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[Content, CompiledMail] = OrderedDict()

    async def compiled(self, content: Content, writer: Writer) -> CompiledMail:
        """Raises mail.BadMail for a content that makes no mail."""
        if content not in self._compiled:
            files: list[bytes] = []
            if content.attachments:
                read = partial(attachments.data, campaign_id=content.campaign_id, wanted=content.attachments)
                files = await writer.call(read)
            self._compiled[content] = await asyncio.to_thread(compile_mail, content, files)
            self._forget()
        self._compiled.move_to_end(content)
        return self._compiled[content]

    def _forget(self) -> None:
        """The oldest, but not the newest."""
        size = sum(len(made.tail) for made in self._compiled.values())
        while len(self._compiled) > 1 and (len(self._compiled) > _KEPT or size > _KEPT_BYTES):
            size -= len(self._compiled.popitem(last=False)[1].tail)

    async def compile(
        self, contents: dict[int, Content], compiled: dict[int, CompiledMail], held: list[Claimed], writer: Writer
    ) -> set[int]:
        """Add to ``compiled`` what is new in ``contents``, by the campaigns' ids.

        A campaign that makes no mail is paused, and what is ``held`` of it goes back; returns these.
        """
        bad = set()
        for campaign_id, said in contents.items():
            try:
                compiled[campaign_id] = await self.compiled(said, writer)
            except BadMail as error:
                bad.add(campaign_id)
                theirs = [message for message in held if message.campaign_id == campaign_id]
                refuse = partial(batches.refuse, campaign_id=campaign_id, why=str(error), held=theirs)
                await writer.call(refuse)
        return bad
