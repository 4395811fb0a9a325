"""Assertions on errors for users: by code and value, so that a message can be reworded without a change of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from noisy_student.errors import UserError


@contextmanager
def refused(code: str, *values: str) -> Iterator[pytest.ExceptionInfo[UserError]]:
    """Expect a UserError with this ``code`` inside, whose message holds each of ``values``."""
    with pytest.raises(UserError) as caught:
        yield caught
    assert caught.value.code == code
    missing = [value for value in values if value not in str(caught.value)]
    assert missing == [], str(caught.value)


def printed_code(text: str) -> str:
    """Return the code that the last line of a printed message holds: ``[unknown-study]``."""
    last = text.splitlines()[-1]
    assert last[0] + last[-1] == "[]", text
    return last[1:-1]
