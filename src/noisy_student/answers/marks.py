r"""Marks of an answer in a text, ``#### number`` and ``\boxed{...}``, and the ends of the answer and the model's turn.

Shared by extraction (``extract``) and stopping. A number is complete if nothing that could continue it follows:
``#### 18 eggs`` and ``#### **18**.`` are complete; ``#### 1e3``, ``#### 1,00``, ``#### 12:30`` and ``#### 10^6`` are
not and are skipped like a heading ``#### Step 1``. Small models continue after their answer with a question of their
own, whose answers are no votes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from noisy_student.answers.normalize import NUMBER, canonical_number
from noisy_student.answers.thoughts import Seen, without_format, without_thoughts

MARK = "####"

_BEFORE = re.compile(r"[ \t#*:(]*+(?:\\[(\[] ?)?+")
_GLUED = re.compile(rf"(?P<number>{NUMBER})(?P<rest>[\dA-Za-z_.,/%:*^=+!{{}}\\\u2212-]*+)")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Marked:
    """A number found after a mark; ``end`` is the position after the number and any characters glued to it."""

    canonical: str
    surface: str
    end: int


def first_hashes(text: str) -> Marked | None:
    """Return the first complete number that follows a ``####`` on its line, or None."""
    position = text.find(MARK)
    while position >= 0:
        before = _BEFORE.match(text, position + len(MARK))
        assert before is not None
        marked = number_at(text, before.end())
        if marked is not None:
            return marked
        position = text.find(MARK, before.end())
    return None


def number_at(text: str, position: int) -> Marked | None:
    """Return the complete number that begins at ``position``, or None."""
    match = _GLUED.match(text, position)
    if match is None or _DIGIT.search(match["rest"]):
        return None
    canonical = canonical_number(match["number"])
    return None if canonical is None else Marked(canonical, match["number"], match.end())


BOX = "\\boxed{"
MAX_BOX = 400
"""Longest box in characters; a longer one counts as never closed."""
_BOXES_TRIED = 8  # Bounds the cost of a text full of unclosed boxes.
_BRACE = re.compile(r"[{}]")
_BOX_START = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])[ \t]*+(?:(?P<brace>\{)|(?P<bare>[-+]?[0-9]++(?:[.,/][0-9]++)*+))?")


class Box(NamedTuple):
    """A closed box: its content and the positions where the whole box starts and ends."""

    content: str
    start: int
    end: int


def boxes(text: str) -> Iterator[Box]:
    r"""Yield the boxes that close (``\boxed{5}``, ``\boxed {5}``, ``\boxed 5``, ``\fbox{5}``), the last one first.

    >>> next(boxes("\\boxed{5}, no: \\boxed{\\frac{1}{2}}")).content
    '\\frac{1}{2}'
    """
    if "\\boxed" not in text and "\\fbox" not in text:
        return
    start = len(text)
    for _ in range(_BOXES_TRIED):
        start = max(text.rfind("\\boxed", 0, start), text.rfind("\\fbox", 0, start))
        if start < 0:
            return
        opened = _BOX_START.match(text, start)
        if opened is None:
            continue
        if opened["bare"]:
            yield Box(opened["bare"], start, opened.end())
        elif opened["brace"] and (end := _closing(text, opened.end())) is not None:
            yield Box(text[opened.end() : end], start, end + 1)


def _closing(text: str, begin: int) -> int | None:
    """Return the position of the brace that closes the one before ``begin``; None beyond ``MAX_BOX``."""
    depth = 1
    for brace in _BRACE.finditer(text, begin, begin + MAX_BOX):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    return None


def last_box(text: str) -> str | None:
    """Return the content of the last box that closes, or None."""
    box = next(boxes(text), None)
    return None if box is None else box.content


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


def visible(text: str) -> Seen:
    """Return what a reader sees of a text: no format characters, thoughts or invented turns; capped like ``own_turn``.

    >>> visible("<think>36?</think>42\\n\\nHuman: and?").text.strip()
    '42'
    """
    seen = without_thoughts(without_format(text[:MAX_CHARACTERS]))
    return Seen(own_turn(seen.text), seen.unfinished)


def answer_end(text: str) -> int | None:
    """Return the position after the answer where ``text`` may be cut, or None while the answer may still change.

    Cheap without a ``####``; a decoding loop may call it on the decoded tail, from the ``####`` on.

    >>> answer_end("#### 18"), answer_end("#### 18."), answer_end("#### 18. So")
    (None, None, 8)
    """
    if MARK not in text:
        return None
    visible = own_turn(text)
    marked = first_hashes(visible)
    if marked is None or marked.end == len(text):
        return None
    return marked.end
