"""What the product refuses, as classes: `code` is stable for machines, the texts `error.<code>` are for people."""

from __future__ import annotations


class Refusal(Exception):
    """Something asked for that is refused. `params` fill the text; HTTP codes belong to web, chat texts to the bots."""

    code = "refused"

    def __init__(self, **params: object) -> None:
        super().__init__(self.code if not params else f"{self.code}: {params}")
        self.params = params


class NotFound(Refusal):
    """There is no such thing, or this person may not know of it."""

    code = "not_found"


class SignInFirst(Refusal):
    """Nobody is signed in."""

    code = "sign_in_first"


class NotAllowed(Refusal):
    """This person's role does not allow it."""

    code = "not_allowed"


class Taken(Refusal):
    """Somebody was first."""

    code = "taken"


class WrongState(Refusal):
    """The thing is not in a state in which this can be done."""

    code = "wrong_state"


class TooMany(Refusal):
    """Asked for too often."""

    code = "too_many"


class DeviceBusy(Refusal):
    """A device has as many commands before it as it may have."""

    code = "device_busy"


class AlreadyBound(Refusal):
    """A device belongs to a home, and must be taken out of it before it can belong to another."""

    code = "already_bound"


class NeverQuiet(Refusal):
    """Quiet was asked for what is never quiet: life safety; `kinds` says what."""

    code = "never_quiet"


class NoChannel(Refusal):
    """There is no way to tell this person something."""

    code = "no_channel"


class Invalid(Refusal):
    """A value is missing or out of its range; `field` and `reason` say which and why."""

    code = "invalid"
