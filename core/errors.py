"""The one small tree of errors: each message is the sentence the user will read."""


class RuleError(Exception):
    """A rule of the product forbids this; ``str(error)`` says what happened and what to do."""


class NotFound(RuleError):
    """No such thing, or it belongs to somebody else: the two must look alike."""


class StartError(RuleError):
    """The settings do not allow the program to start; the sentence says what to change."""
