"""Error types: faults of the user's input, pauses, and damage in the store.

A ``UserError`` is printed as one message without a traceback; any other exception that escapes is a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import partial


class UserError(Exception):
    """A fault that the user can fix: what is wrong (with the value), why it matters, what to do now.

    ``code`` is the stable kebab-case name of the kind of fault, for scripts and for ``docs/errors.md``. A message may
    be reworded, a code may not; every raise site has a literal code.
    """

    def __init__(self, what: str, *, why: str = "", do: str = "", code: str) -> None:
        self.what, self.why, self.do, self.code = what, why, do, code
        super().__init__(" ".join(part for part in (what, why, do) if part))

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), self.what, why=self.why, do=self.do, code=self.code), ()


class NotTrainable(UserError):
    """A condition without training data; the other conditions continue."""


class Paused(Exception):
    """The deadline has passed; finished work is kept and the same command continues."""


class Interrupted(Exception):
    """The user or the system asked to stop; finished work is kept."""


class DamagedArtifact(Exception):
    """A folder in the store differs from its manifest."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known word in any case or by its initials, or all where none is near.

    >>> nearest("filterd", ["filtered", "oracle"]), nearest("lr", ["learning_rate", "epochs"])
    ('Did you mean "filtered"?', 'Did you mean "learning_rate"?')
    """
    options = sorted(known)
    by_initials = [option for option in options if len(name) > 1 and _initials(option) == name.lower()]
    by_lower = {option.lower(): option for option in options}
    near = [by_lower[word] for word in difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)]
    if matches := near or by_initials:
        return f'Did you mean "{matches[0]}"?'
    return "Known: " + ", ".join(options) + "."


def _initials(option: str) -> str:
    return "".join(word[0] for word in option.lower().replace("-", "_").split("_") if word)


def require_known(name: str, known: Iterable[str], what: str, *, code: str) -> None:
    """Raise UserError ``what`` with the nearest known word unless ``name`` is known."""
    if name not in (options := list(known)):
        raise UserError(what, do=nearest(name, options), code=code)
