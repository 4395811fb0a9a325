r"""Marks of an answer in a text: ``#### number``, ``\boxed{...}`` and labels ("the answer is"), and the turn's end.

Shared by extraction and stopping. After ``####`` the line's first number is the answer if it stands at once after the
mark and is whole (``claims``). Not an answer: a mark quoted in a sentence, and a numbered heading (``#### 1. Count``,
``#### (2) Rows``, ``#### 1st step``): a bare number with text behind it that is at most twelve or one more than the
heading before it.

Small models continue after their answer with a question of their own, whose answers are no votes. A turn begins at a
stop token, at a role (``Human:``) that follows a blank line or asks a question, and after the answer at any role or
``Question:`` on a line of its own; a solution that itself writes ``Question:`` before its answer keeps such lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from noisy_student.answers.claims import MAX_GAP, claims, joined
from noisy_student.answers.labels import label_ends
from noisy_student.answers.normalize import CURRENCY, MAX_SURFACE, SIGN, signed
from noisy_student.answers.plain import plain
from noisy_student.answers.thoughts import Seen, raw_position, without_format, without_thoughts

MARK = "####"
MAX_LINE = 160
"""Longest part of a line that is read after a mark, in characters."""

_OPENING = "[\\s*#:_(\\[{\"'\u201c\u2018\u2248$>]*"
_BEFORE = re.compile(rf"{_OPENING}(?:{SIGN})?\s*(?:{CURRENCY} ?)?(?:{SIGN})?", re.IGNORECASE)
_SIMPLE = re.compile(r"[ \t]*+(?P<number>[0-9]{1,50}+)(?=[ \t]*+\n)")
_SIMPLE_FINAL = re.compile(r"[ \t]*+(?P<number>[0-9]{1,50}+)(?=[ \t]*+(?:\n|\Z))")
_SETTLED = re.compile(rf"[.!] +[A-Za-z]|(?:[^\\$*{{}}~`_^\d ]| (?! )){{{MAX_GAP + 1}}}")
"""The start of a sentence, or plain text longer than any between two numbers of one claim."""
_SHARE = re.compile(r" of [0-9]")
_GLUED = re.compile(r"\S*+")
_HOLDS_NUMBER = re.compile(r"[\d\u00bc-\u00be\u2150-\u215e]")
_HEADING = re.compile(
    r"[\s#*:_>]*+[(\[]?(?P<number>[0-9]{1,2})(?P<minor>\.[0-9]{1,2})?"
    r"(?:(?P<mark>\\?[.)\]:/\u3001\uff0e\uff09\uff1a]{1,3}\s*(?:[-\u2013\u2014]\s)?|\s?[-\u2013\u2014|]\s|\s[:)]\s)"
    r"(?=[^\s0-9.,:*)\]]|(?<=\s)[0-9])|(?P<open>\)\s*$)|\s(?=[A-Z][a-z])|\ufe0f?\u20e3)"
)
_ORDINAL = re.compile(r"[\s#*:_>]*+[0-9]{1,2}(?:(?:st|nd|rd|th|er|re)(?![A-Za-z])|[\xaa\xba](?= [a-z\xe0-\xff]{3}))")
_MARKS_TRIED = 1000  # Bounds the cost of a text full of marks without an answer.
_QUOTES = "'\"`\u2018\u201c"
_NUMBERED = 12
"""Highest number that is a heading even where no heading with the number before it precedes."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A number found after a mark; ``end`` is behind the number and any characters glued to it."""

    canonical: str
    surface: str
    end: int
    settled: bool
    """Whether nothing that may follow changes the number."""


class Hashes(NamedTuple):
    """The first answer after ``####``, and whether a mark holds a number that is not whole."""

    marked: Marked | None
    unreadable: bool


def first_hashes(text: str) -> Marked | None:
    """Return the first complete number that follows a ``####`` on its line, or None."""
    return hashes(text).marked


def hashes(text: str, *, final: bool = True) -> Hashes:
    """Return the first answer after a ``####``; without ``final``, the text may go on."""
    unreadable, heading = False, 0
    position = text.find(MARK)
    for _ in range(_MARKS_TRIED):
        if position < 0:
            break
        begin = position + len(MARK)
        # Most answers; the same value as by the whole grammar.
        if simple := (_SIMPLE_FINAL if final else _SIMPLE).match(text, begin):
            number = simple["number"]
            return Hashes(Marked(number.lstrip("0") or "0", number, simple.end(), settled=True), unreadable)
        limit = min(begin + MAX_LINE, len(text))
        line_end = text.find("\n", begin, limit)
        stop = text.find(MARK, begin, limit if line_end < 0 else line_end)
        stop = stop if stop >= 0 else line_end if line_end >= 0 else limit
        if not _HOLDS_NUMBER.search(text, begin, stop):
            position = text.find(MARK, max(stop, begin))
            continue
        line = plain(text[begin:stop])
        number = _heading(line, heading)
        if number is not None:
            heading = number
        elif (found := _after_mark(text, position, stop, line)) is not None:
            if isinstance(found, Marked):
                if not found.settled and (final or stop < len(text)):
                    found = Marked(found.canonical, found.surface, found.end, settled=True)
                return Hashes(found, unreadable)
            unreadable = True
        position = text.find(MARK, max(stop, begin))
    return Hashes(None, unreadable)


def _after_mark(text: str, position: int, stop: int, line: str) -> Marked | bool | None:
    """Return the number at the start of a line after a mark, True if it is not whole, None if there is no number."""
    begin = position + len(MARK)
    found = next(iter(claims(line)), None)
    if found is None or not _BEFORE.fullmatch(line, 0, found.start):
        return None
    capped = stop == begin + MAX_LINE and found.end >= len(line) - 1
    if found.value is None or capped or _SHARE.match(line, found.end):
        return True
    raw = text[begin:stop]
    quoted = text[position - 1 : position] in _QUOTES and position > 0
    if quoted and not _alone(text, position, stop):
        return None
    if line[: found.end] != raw[: found.end]:
        return Marked(found.value, raw.strip(), begin + len(raw.rstrip()), settled=False)
    rest = raw[found.end :]
    glued = _GLUED.match(rest)
    assert glued is not None
    settled = not quoted and _SETTLED.match(rest) is not None
    surface = raw[: found.end].lstrip(" \t*#:_([{>")
    return Marked(found.value, surface, begin + found.end + glued.end(), settled)


def _alone(text: str, position: int, stop: int) -> bool:
    """Return whether quotes around a mark hold all of their line."""
    before = text[max(0, position - MAX_LINE) : position].rpartition("\n")[2]
    return not before.strip(_QUOTES + " \t") and text[position:stop].rstrip()[-1:] in "'\"`\u2019\u201d"


def _heading(line: str, before: int) -> int | None:
    """Return the number of a numbered heading that follows the heading ``before``; None for any other line."""
    if _ORDINAL.match(line):
        return before
    match = _HEADING.match(line)
    if match is None:
        return None
    number = int(match["number"])
    follows = number == before + 1
    if match["open"] and "(" in match[0]:
        return None
    if match["minor"] or (match["mark"] is None and "\u20e3" not in match[0]):
        return number if follows or (match["minor"] and number == before) else None
    return number if follows or number <= _NUMBERED else None


BOX = "\\boxed{"
MAX_BOX = 400
"""Longest box in characters; a longer one counts as never closed."""
_BOXES_TRIED = 8  # Bounds the cost of a text full of unclosed boxes.
_BRACE = re.compile(r"[{}]")
_BOX_START = re.compile(
    r"\\(?:boxed|fbox)(?![A-Za-z])[ \t]*+(?:(?P<brace>\{)|(?P<bare>[-+]?[0-9]++(?:[.,/][0-9]++)*+))?"
)
_BOX_BEFORE = re.compile(r"\s*+\+?(?:(?![A-Za-z]\()[^\\^<>\u2264\u2265\xb1\u221a!|+\xd7\xb7\xf7/])*+")
_BOX_AFTER = re.compile(
    r"(?:[\s.,;:()\[\]{}%\xb0\xa2$\u20ac\xa3\xa5\u20b9'\"\xb2\xb3]|(?<! )-(?=[A-Za-z])|[^\W\d_]|/(?=[A-Za-z ]))*+"
)


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
        if (box := _box_at(text, start)) is not None:
            yield box


def _box_at(text: str, start: int) -> Box | None:
    opened = _BOX_START.match(text, start)
    if opened is None:
        return None
    if opened["bare"]:
        return Box(opened["bare"], start, opened.end())
    begin, depth = opened.end(), 1
    if opened["brace"]:
        for brace in _BRACE.finditer(text, begin, begin + MAX_BOX):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                return Box(text[begin : brace.start()], start, brace.end())
    return None


def stated_number(text: str) -> str | None:
    r"""Return the value of a short text that states one number, with a name, unit or currency; None for any other.

    >>> stated_number("9 (apples)"), stated_number("x = \\frac34"), stated_number("5 or 6"), stated_number("9!")
    ('9', '0.75', None, None)
    """
    if len(text) > MAX_BOX:
        return None
    if text.isascii() and text.isdigit() and len(text) <= MAX_SURFACE:
        return text.lstrip("0") or "0"
    line = plain(without_format(text))
    found = claims(line)
    if len(found) != 1 or not _BOX_AFTER.fullmatch(line, found[0].end):
        return None
    return found[0].value if _BOX_BEFORE.fullmatch(line, 0, found[0].start) else None


def box_sign(text: str, box: Box) -> int | None:
    r"""Return 1 or -1 by the sign before a box; None where a box is a part of a formula (``2\boxed{5}``).

    >>> text = "x = -\\boxed{5}"
    >>> box_sign(text, next(boxes(text)))
    -1
    """
    before = text[max(0, box.start - 12) : box.start]
    if _IN_FORMULA.search(before) or _FORMULA_GOES_ON.match(text, box.end):
        return None
    return -1 if _NEGATED.search(before) else 1


def boxed_number(text: str) -> tuple[str, str] | None:
    """Return the value and the content of the last box that holds a number; None where two stand side by side."""
    chosen: tuple[str, Box] | None = None
    for box in boxes(text):
        if chosen is None:
            if not _HOLDS_NUMBER.search(box.content):
                continue
            value = stated_number(box.content)
            if value is None or (sign := box_sign(text, box)) is None:
                return None
            value = signed(value, negative=sign < 0) if value[0] != "-" or sign > 0 else value[1:]
            assert value is not None
            chosen = value, box
        elif box.end <= chosen[1].start:
            between = text[box.end : chosen[1].start]
            if len(between) <= MAX_GAP and "\n" not in between and joined(plain(between)):
                return None if stated_number(box.content) != chosen[0] else (chosen[0], chosen[1].content)
            break
    return None if chosen is None else (chosen[0], chosen[1].content)


_IN_FORMULA = re.compile(
    r"(?:[^\W_a-zA-Z]|[\^_/+]|\\(?:[dt]?frac|sqrt|cdot|times|div|pi)|[\^_]\{|\\(?:[dt]?frac|sqrt)\{|\}\{"
    r"|[0-9a-z)}] ?[-\u2212\u2013] ?)\Z"
)
_FORMULA_GOES_ON = re.compile(
    r"(?: |\\[,;!])?(?:\\(?:pi|sqrt|[dt]?frac|cdot|times|div)(?![A-Za-z])|[\^_]|/[0-9{\\])|[0-9]|\.[0-9]|\}\{"
)
_NEGATED = re.compile(r"(?<![-\u2212\u2013])[-\u2212\u2013]\Z")
MAX_SENTENCE = 200
_LABELS_TRIED = 16  # Bounds the cost of a text full of labels.
_SENTENCE = re.compile(
    r"[^\n\u3002\uff01\uff1f\u0964\u06d4\u061f]*?"
    r"(?:(?<![Rr]s)(?<!approx)(?<!No)[.!](?=\s|$|\*)|(?=\?\s)|(?=[\n\u3002\uff01\uff1f\u0964\u06d4\u061f])|(?=</)|$)"
)
_EMPTY_LINES = re.compile(r"(?:[\s$*_>#\u2705]|-(?![0-9$.])|\\\[|\\\()*+(?=[^\n])")
_NOT = re.compile(r"(?<![A-Za-z])(?:not|never)(?![A-Za-z])|n't(?![A-Za-z])|(?:\u4e0d\u662f)")
_ORDERED = re.compile(
    r"(?:step|part|question|problem|case|method|option|choice|exercise|section|no\.|explanation:.*) ?$", re.IGNORECASE
)
_FILLER = re.compile(
    rf"{_OPENING}(?:(?:therefore|thus|then|hence|so|simply|just|exactly|precisely|about|approximately|approx\.?|around"
    r"|roughly|now|indeed|actually|equal to|only|nearly|almost|a total of|total|the number|the|a|an|is|be|as follows"
    rf"|=|:|[A-Za-z][A-Za-z_]{{0,12}} ?=)[\s,:]*)*{_OPENING}(?:{SIGN})?\s*(?:{CURRENCY} ?)?(?:{SIGN})?",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """The number after the last label that is followed by one; ``canonical`` is None if it is not whole."""

    canonical: str | None
    surface: str


def said_number(text: str) -> Said | None:
    """Return what the last label of an answer says, or None if no label is followed by a number in its sentence."""
    ends = list(label_ends(text))[-_LABELS_TRIED:]
    return next((said for end in reversed(ends) if (said := _said_at(text, end)) is not None), None)


def _said_at(text: str, end: int) -> Said | None:
    crossed = "\n" in text[len(text[max(0, end - 40) : end].rstrip()) + max(0, end - 40) : end]
    skipped = _EMPTY_LINES.match(text, end, end + MAX_SENTENCE)
    if skipped is not None and (crossed or "\n" in text[end : skipped.end()]):
        end, crossed = skipped.end(), True
    sentence = _SENTENCE.match(text, end, end + MAX_SENTENCE)
    if sentence is None:
        return None
    raw = sentence[0]
    line = plain(raw)
    found = claims(line)
    rest = plain(text[end : end + MAX_SENTENCE].partition("\n")[0])
    if not found or _ORDERED.search(line[: found[0].start]) or _heading(rest, 0) is not None:
        return None
    before = line[: found[0].start]
    surface = raw.strip()
    if _NOT.search(before) or "\\boxed" in before:  # The box had its own stage.
        return Said(None, surface)
    if crossed or _FILLER.fullmatch(before) or len({claim.value for claim in found}) == 1:
        if line == raw and found[0].value is not None:
            surface = line[found[0].start : found[0].end]
        return Said(found[0].value, surface)
    return Said(None, surface)


MAX_CHARACTERS = 40_000
"""Longest text that is read, in characters; the rest is ignored. A sample of 4,096 tokens has about 20,000."""

_TOKEN = re.compile(
    r"<\|(?!begin_of_solution|start_response)[A-Za-z0-9_]{1,40}+\|>|</s>|<eos>|<(?:start|end)_of_turn>|<turn\|>"
    r"|<\|turn>|\[/?INST\]|<\uff5c[^\uff5c\n]{1,40}\uff5c>",
    re.IGNORECASE,
)
_LINE = r"[ \t#*>\[]{0,8}+"
_ASKED = (
    "Question|QUESTION|Problem|Exercise|Q|Frage|Pregunta|Pergunta|Domanda|Pertanyaan|Soal|\u0412\u043e\u043f\u0440\u043e\u0441|\u0417\u0430\u0434\u0430\u0447\u0430|\u95ee\u9898|\u554f\u984c|\u9898\u76ee|\uc9c8\ubb38|\ubb38\uc81c"
    "|\u092a\u094d\u0930\u0936\u094d\u0928|\u09aa\u09cd\u09b0\u09b6\u09cd\u09a8|\u0627\u0644\u0633\u0624\u0627\u0644|\u0633\u0624\u0627\u0644|\u0e42\u0e08\u0e17\u0e22\u0e4c|\u0e04\u0e33\u0e16\u0e32\u0e21|Swali|\u0c2a\u0c4d\u0c30\u0c36\u0c4d\u0c28"
)
_ROLE = re.compile(
    rf"\n{_LINE}(?:Human|HUMAN|User|USER|Instruction|\u7528\u6237|(?P<asked>{_ASKED}))"
    r"(?: ?[0-9]{1,4}+)?[\] \t*]{0,4}+[:\uff1a]|\n(?:user|human)[ \t]*+\n"
)
_OPENS_WITH = re.compile(rf"\s*+{_LINE}(?:{_ASKED})(?: ?[0-9]{{1,4}}+)?[ \t*]{{0,4}}+[:\uff1a]")
_ASKS = re.compile(r"[^\n?#]{0,400}\?")


def own_turn(text: str) -> str:
    """Return the part of ``text`` before an invented next turn, at most ``MAX_CHARACTERS`` long.

    The start of a turn depends only on the text up to its mark, so a later cut never moves it.

    >>> own_turn("#### 18\\nHuman: and now? #### 5")
    '#### 18'
    """
    text = text[:MAX_CHARACTERS]
    if "<" in text or "INST" in text:
        begin = len(text) - len(text.lstrip())
        for token in _TOKEN.finditer(text):
            if token.start() > begin:
                text = text[: token.start()]
                break
            begin = token.end() + len(text[token.end() :]) - len(text[token.end() :].lstrip())
    return text[: _next_role(text)] if _ROLE.search(text) else text


def _next_role(text: str) -> int | None:
    """Return where the line of an invented next turn starts, or None."""
    begin = len(text) - len(text.lstrip())
    given: int | None = None
    own_questions = _OPENS_WITH.match(text) is not None
    for role in _ROLE.finditer(text, max(begin - 1, 0)):
        if role.start() < begin:
            continue
        if given is None:
            given = _first_answer(text)
        if role.start() < given:
            own_questions |= role["asked"] is not None
            after_blank = text[max(0, role.start() - 80) : role.start()].rstrip(" \t").endswith("\n")
            if role["asked"] is None and (after_blank or _ASKS.match(text, role.end())):
                return role.start()
        elif role["asked"] is None or not own_questions:
            return role.start()
    return None


def _first_answer(text: str) -> int:
    """Return the position behind the first answer that a mark, box or label gives; the text's length without one."""
    marked = first_hashes(text)
    ends = [len(text)] if marked is None else [marked.end]
    start = text.find("\\boxed")
    if start >= 0 and (box := _box_at(text, start)) is not None:
        ends.append(box.end)
    for end, _ in zip(label_ends(text), range(_LABELS_TRIED), strict=False):
        if (said := _said_at(text, end)) is not None and said.canonical is not None:
            ends.append(end)
            break
    return min(ends)


def visible(text: str) -> Seen:
    """Return what a reader sees of a text: no format characters, thoughts or invented turns; capped like ``own_turn``.

    >>> visible("<think>36?</think>42\\n\\nHuman: and?").text.strip()
    '42'
    """
    seen = without_thoughts(without_format(text[:MAX_CHARACTERS]))
    return Seen(own_turn(seen.text), seen.unfinished)


def answer_end(text: str, *, final: bool = False) -> int | None:
    """Return the position after the answer where ``text`` may be cut, or None while the answer may still change.

    With ``final`` the text is complete. Cheap without a ``####``, so a decoding loop may call it at every token.

    >>> answer_end("#### 18"), answer_end("#### 18 eggs"), answer_end("#### 18. So"), answer_end("#### 18\\n")
    (None, None, 8, 7)
    """
    if MARK not in text:
        return None
    clean = without_format(text[:MAX_CHARACTERS])
    seen = own_turn(without_thoughts(clean).text)
    marked = hashes(seen, final=final or len(seen) < len(clean) or len(text) > MAX_CHARACTERS).marked
    return raw_position(text, marked.end) if marked is not None and marked.settled else None
