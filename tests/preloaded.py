"""What a process that others are forked from does once for all of them."""

from sqlalchemy.orm import configure_mappers

import core.models  # noqa: F401
from core.delivery import rulebook

configure_mappers()
rulebook.shipped()  # compiling its expressions takes 0.2 s
