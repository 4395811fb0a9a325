"""What came from files or models, made safe to show: control characters become visible, secrets are blacked out.

A results document comes in, a copy of it goes out. Terminal and page both start from the copy, so neither has a
second way in. Escaping for HTML is the template's work, not done here; text is never stripped, for evidence stays.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

LONGEST = 2000
HIDDEN = "[hidden]"

# Shapes of tokens that were found in public logs: Hugging Face, AWS, GitHub, OpenAI-like.
_SECRETS = re.compile(
    r"(?<![A-Za-z0-9])(?:hf_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|sk-[A-Za-z0-9_-]{20,})"
)
_ASSIGNED = re.compile(r"(?i)(\b\w*(?:key|token|secret|passw)\w*[\"']?\s*[=:]\s*[\"']?)[0-9a-f]{40}\b")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")


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
    text = _USERINFO.sub(HIDDEN + "@", _ASSIGNED.sub(r"\g<1>" + HIDDEN, _SECRETS.sub(HIDDEN, text)))
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    # Cc: escape, carriage return and their like; Cf: bidi overrides; Zl, Zp: line ends that JSON lets through;
    # Cs: lone surrogates, which UTF-8 cannot write.
    if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp", "Cs"}:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
