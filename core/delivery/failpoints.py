"""Places where a test has this process killed, exactly there. Unset, they cost the look at one constant.

``FAILPOINT=name`` or ``FAILPOINT=name:3`` (the third time): before_mail, after_mail, after_rcpt, after_data (the 354),
mid_body, after_mark, after_dot, after_reply.
"""

import asyncio
import os
import signal

ARMED = False
_name = ""
_left = 0


def arm(place: str) -> None:
    """``place``: as in FAILPOINT."""
    global ARMED, _name, _left
    _name, _, count = place.partition(":")
    ARMED, _left = bool(_name), int(count or 1)


async def reach(name: str) -> None:
    """Ends the process by SIGKILL where ``name`` is the armed place and it is the time to."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        await asyncio.sleep(0.02)  # what was written has left the process
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("FAILPOINT", ""))
