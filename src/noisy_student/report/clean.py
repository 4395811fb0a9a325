"""What came from files or models, made safe to show: control characters become visible, secrets are blacked out.

A results document comes in, a copy of it goes out. Terminal and page both start from the copy, so neither has a
second way in. Escaping for HTML is the template's work, not done here; text is never stripped, for evidence stays.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from noisy_student.redaction import redact

LONGEST = 2000


def clean(value: Any) -> Any:
    """A copy of a JSON value in which every string, keys included, passed ``clean_text``."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean(name): clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def clean_text(text: str) -> str:
    r"""``text`` without secrets, with control and bidirectional characters written out, at most 2,000 long.

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
    r"""``text`` with every character written out that would steer a terminal or turn the direction of reading.

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
