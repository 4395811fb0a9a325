"""Remove secrets from every text that is stored, shown or logged.

Removed are known token shapes, passwords in addresses, keys assigned to a secret-like name, and the values of
environment variables with such a name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

HIDDEN = "[hidden]"

# Shapes of tokens that were found in public logs: Hugging Face, AWS, GitHub, OpenAI-like.
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:hf_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}"
    r"|github_pat_[A-Za-z0-9_]{22,}|sk-[A-Za-z0-9_-]{20,})"
)
_ASSIGNED = re.compile(r"(?i)(\b\w*(?:key|token|secret|passw)\w*[\"']?\s*[=:]\s*[\"']?)[0-9a-f]{40}\b")
_USERINFO = re.compile(r"(?<=://)[^/@\s]{1,200}(?=@)")
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:(?:API|ACCESS|PRIVATE|SECRET)?_?KEY|\w*TOKEN|SECRETS?|PASS(?:W(?:OR)?D|PHRASE)?|CREDENTIALS?)(?:_|$)",
    re.IGNORECASE,
)
_SHORTEST = 8
"""Shorter values, such as "1", are not secrets, and removing them would garble the text."""
_UNMISTAKABLE = 16
"""Values of this length occur in no honest setting by chance."""


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the text without tokens, passwords in addresses, and values of secret variables of ``environment``.

    >>> redact("load https://me:pw@host/x with s3cr3t-value", {"MY_TOKEN": "s3cr3t-value"})
    'load https://[hidden]@host/x with [hidden]'
    >>> redact("HF_TOKEN=hf_" + "a" * 34, {})
    'HF_TOKEN=[hidden]'
    """
    for value in _secret_values(environment):
        # Raw, and as escaped in a traceback or in JSON.
        for written in (value, repr(value)[1:-1], json.dumps(value)[1:-1]):
            text = text.replace(written, HIDDEN)
    return _without_shapes(text)


def holds_secret(text: str, environment: Mapping[str, str] | None = None) -> bool:
    """Return True if a setting is, or surely contains, a token or a password; short passwords may be ordinary words.

    >>> holds_secret("postgres/mine.jsonl", {"A_PASSWORD": "postgres"})
    False
    """
    values = _secret_values(environment)
    in_it = (value == text or (len(value) >= _UNMISTAKABLE and value in text) for value in values)
    return _without_shapes(text) != text or any(in_it)


def _without_shapes(text: str) -> str:
    return _USERINFO.sub(HIDDEN, _ASSIGNED.sub(r"\g<1>" + HIDDEN, _SHAPES.sub(HIDDEN, text)))


def _secret_values(environment: Mapping[str, str] | None) -> list[str]:
    """Return secret values, longest first, since one may contain another; paths of key files are not secret."""
    every = (os.environ if environment is None else environment).items()
    named = (value for name, value in every if len(value) >= _SHORTEST and _SECRET_NAME.search(name))
    return sorted((value for value in named if not (value.startswith("/") and Path(value).exists())), key=len)[::-1]
