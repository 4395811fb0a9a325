"""Make text from files and models safe to show: escape control characters and hide secrets.

Terminal and page both start from a cleaned copy of the results document. The template escapes HTML. Text is never
removed, because it may be evidence.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from noisy_student.redaction import redact

LONGEST = 2000


def clean(value: Any) -> Any:
    """Return a copy of a JSON value with every string, keys included, passed through ``clean_text``."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean(name): clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def clean_text(text: str) -> str:
    r"""Return ``text`` without secrets, with control and bidirectional characters escaped, at most 2,000 characters.

    >>> clean_text("a\x1b[2J")
    'a\\x1b[2J'
    >>> clean_text("HF_TOKEN=hf_" + "a" * 34)
    'HF_TOKEN=[hidden]'
    """
    text = redact(text)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return visible(text)


def visible(text: str) -> str:
    r"""Return ``text`` with every character escaped that controls a terminal or the direction of text.

    >>> visible("right\rwrong")
    'right\\x0dwrong'
    """
    return text if text.isascii() and text.isprintable() else "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    # Cc: escape, carriage return and their like; Cf: bidi overrides; Zl, Zp: line ends that JSON lets through;
    # Cs: lone surrogates, which UTF-8 cannot write.
    if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp", "Cs"}:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
