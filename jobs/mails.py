"""Campaigns compiled to mail, kept while they are sent. Compiling takes milliseconds, so it is done off the loop."""

import asyncio
from collections import OrderedDict
from functools import partial

from core.content.mail import BadMail, CompiledMail, Content, compile_mail
from core.delivery.ledger import Claimed
from jobs import batches
from jobs.writer import Writer

_KEPT = 64


class Mails:
    """The compiled mails of a worker process, the oldest forgotten first."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[Content, CompiledMail] = OrderedDict()

    async def compiled(self, content: Content) -> CompiledMail:
        """Raises mail.BadMail for a content that makes no mail."""
        if content not in self._compiled:
            self._compiled[content] = await asyncio.to_thread(compile_mail, content)
            while len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(content)
        return self._compiled[content]

    async def compile(
        self, contents: dict[int, Content], compiled: dict[int, CompiledMail], held: list[Claimed], writer: Writer
    ) -> set[int]:
        """Add to ``compiled`` what is new in ``contents``, by the campaigns' ids.

        A campaign that makes no mail is paused, and what is ``held`` of it goes back; returns these.
        """
        bad = set()
        for campaign_id, said in contents.items():
            try:
                compiled[campaign_id] = await self.compiled(said)
            except BadMail as error:
                bad.add(campaign_id)
                theirs = [message for message in held if message.campaign_id == campaign_id]
                refuse = partial(batches.refuse, campaign_id=campaign_id, why=str(error), held=theirs)
                await writer.call(refuse)
        return bad
