"""Removal of invented next turns: small models continue after their answer with a question of their own.

Answers in such a turn ("Human: ...") are no votes. A turn begins with such a word at the start of a line, after some
text, or with a chat control token anywhere.
"""

from __future__ import annotations

import re

MAX_CHARACTERS = 40_000
"""Longest text that is read, in characters; the rest is ignored. A sample of 4,096 tokens has about 20,000."""

_NEXT_TURN = re.compile(
    r"\n[ \t#*>]{0,8}+(?:Human|User|Question|Problem)(?: [0-9]{1,4}+)?[ \t*]{0,4}+:"
    r"|<\|[A-Za-z0-9_]{1,40}+\|>|</s>|<(?:start|end)_of_turn>"
)


def own_turn(text: str) -> str:
    """Return the part of ``text`` before an invented next turn, at most ``MAX_CHARACTERS`` long.

    The start of a turn depends only on the text up to its mark, so a later cut never moves it.

    >>> own_turn("#### 18\\nHuman: and now? #### 5")
    '#### 18'
    """
    text = text[:MAX_CHARACTERS]
    begin = len(text) - len(text.lstrip())
    for match in _NEXT_TURN.finditer(text):
        if match.start() >= begin:
            return text[: match.start()]
    return text
