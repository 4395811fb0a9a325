r"""Removal of what a reader of an answer does not see: thinking blocks and format characters.

A thinking block runs from its opening to its closing tag (``<think>``, ``[THINK]``, ``<|begin_of_thought|>``,
``<|channel|>analysis`` and their kin, in any case). A closing tag without an opening one ends a block that began in the
prompt. A block that is never closed was cut off: the answer was never begun.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAMES = (
    "(?:think(?:ing)?|thoughts?|reason(?:ing)?|cot|analysis)(?:[_-](?!answer|result|output|response)[a-z]{1,16}){0,2}"
    "|(?:self[_-])?reflect(?:ions?)?|scratch(?:_?pad)?|(?:(?:inner|internal)_?)?monologue|chain_of_thoughts?"
    "|deliberation|inner_thoughts?|internal|hidden|plan(?:ning)?|draft|critique|brainstorm(?:ing)?|rationale|analy[sz]e"
    "|meditation|contemplat(?:ion|or)|(?:deep|[a-z]{1,12}_)_?think(?:ing)?"
)
_TAG = re.compile(
    rf"(?P<close></(?:[a-z]{{1,10}}[:_-])?(?:ant)?(?:{_NAMES})\s?>|\[/(?:think(?:ing)?|thoughts?|reasoning)\]"
    r"|<\|(?:end_of_thought|end_thinking|end_of_thinking|/(?:think(?:ing)?|thought)|inner_suffix|think_end)\|>|\u25c1/think\u25b7"
    r"|<unused95>|<channel\|>|<\|im_start\|>answer(?=\n))"
    rf"|<(?:[a-z]{{1,10}}[:_-])?(?:ant)?(?:{_NAMES})(?:\s[^<>\n]{{0,80}})?>|\[(?:think(?:ing)?|thoughts?|reasoning)\]"
    r"|<\|(?:begin_of_thought|start_thinking|begin_of_thinking|think(?:ing)?|thought|inner_prefix|think_start)\|>"
    r"|<\|im_start\|>think(?=\n)"
    r"|\u25c1think\u25b7|<unused94>thought|<\|channel>thought",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"\[/?(?:[Tt][Hh]|[Rr][Ee])")
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r"<\|channel\|>final[^<\n]{0,80}(?:<\|(?!message)[a-z]{1,20}\|>[^<\n]{0,80})?<\|message\|>")
_FINAL_DECODED = "assistantfinal"
"""The start of gpt-oss's final channel where a decoder has dropped the special tokens."""

_FORMAT = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202c\u2060\u2065-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)
"""Invisible format characters (Unicode class Cf). Overrides of direction (U+202D, U+202E) and invisible operators
(U+2061 to U+2064) change what a reader sees, so they stay and make a number unreadable."""


class Seen(NamedTuple):
    """A text in which each thinking block is replaced by as many line breaks, so that positions stay."""

    text: str
    unfinished: bool
    """Whether the last thinking block is never closed."""


def without_format(text: str) -> str:
    """Return the text without invisible format characters.

    >>> without_format("4\\u00ad2")
    '42'
    """
    return text if text.isascii() else _FORMAT.sub("", text)


def raw_position(text: str, position: int) -> int:
    """Return the position in ``text`` that belongs to ``position`` in ``without_format(text)``."""
    if text.isascii():
        return position
    for found in _FORMAT.finditer(text):
        if found.start() >= position:
            break
        position += 1
    return position


def without_thoughts(text: str) -> Seen:
    """Return the text with its thinking blocks blanked out.

    >>> without_thoughts("<think>36?</think>42").text.strip(), without_thoughts("4 <think>5").unfinished
    ('42', True)
    """
    if _CHANNEL in text:
        return _final_channel(text)
    if text.startswith("analysis") and _FINAL_DECODED in text:
        end = text.index(_FINAL_DECODED) + len(_FINAL_DECODED)
        text = "\n" * end + text[end:]
    if not (("<" in text or "\u25c1" in text or _BRACKET.search(text)) and _TAG.search(text)):
        return Seen(text, unfinished=False)
    pieces: list[str] = []
    done, start = 0, -1
    for tag in _TAG.finditer(text):
        if tag["close"] is None:
            start = tag.start() if start < 0 else start
            continue
        if start < 0:  # The block began in the prompt: all before the tag belongs to it.
            pieces, done, start = [], 0, 0
        pieces += [text[done:start], "\n" * (tag.end() - start)]
        done, start = tag.end(), -1
    if start >= 0:
        pieces += [text[done:start], "\n" * (len(text) - start)]
        done = len(text)
    return Seen("".join([*pieces, text[done:]]), unfinished=start >= 0)


def opened_at_end(prompt: str) -> str:
    """Return the opening tag that a prompt ends with, so that the answer begins inside a thought; "" without one.

    >>> opened_at_end("Assistant: <think>\\n"), opened_at_end("How many?")
    ('<think>', '')
    """
    tail = prompt.rstrip()
    for tag in _TAG.finditer(tail, max(0, len(tail) - 40)):
        if tag["close"] is None and tag.end() == len(tail):
            return tag[0]
    return ""


def _final_channel(text: str) -> Seen:
    """Keep the last final channel of a text in gpt-oss's format."""
    end = max((found.end() for found in _FINAL.finditer(text)), default=-1)
    if end < 0:
        start = text.index(_CHANNEL)
        return Seen(text[:start] + "\n" * (len(text) - start), unfinished=True)
    return Seen("\n" * end + text[end:], unfinished=False)
