"""Campaigns compiled to mail, kept while they are sent. Compiling takes milliseconds, so it is done off the loop."""

import asyncio
from collections import OrderedDict

from core.content.mail import CompiledMail, Content, compile_mail

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
