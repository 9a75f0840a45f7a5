"""One campaign."""


def register() -> None:
    pass
