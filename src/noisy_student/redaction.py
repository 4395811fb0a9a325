"""Text in, the same text without secrets out: what is stored, shown or logged passes through here.

Known token shapes are removed wherever they stand, so are passwords in addresses, keys that are assigned to a name
which speaks of a secret, and the value of every environment variable with such a name.
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
_SPEAKS_OF_SECRETS = re.compile(
    r"(?:^|_)(?:(?:API|ACCESS|PRIVATE|SECRET)?_?KEY|\w*TOKEN|SECRETS?|PASS(?:W(?:OR)?D|PHRASE)?|CREDENTIALS?)(?:_|$)",
    re.IGNORECASE,
)
_SHORTEST = 8
"""A shorter value, such as "1", is no secret, and removing it would tear the text apart."""
_UNMISTAKABLE = 16
"""A value as long as this stands in no honest setting by chance."""


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without tokens, passwords in addresses, and values of secret variables of ``environment``.

    >>> redact("load https://me:pw@host/x with s3cr3t-value", {"MY_TOKEN": "s3cr3t-value"})
    'load https://[hidden]@host/x with [hidden]'
    >>> redact("HF_TOKEN=hf_" + "a" * 34, {})
    'HF_TOKEN=[hidden]'
    """
    for value in _secret_values(environment):
        # As it is, and as it stands in a traceback or in JSON.
        for written in (value, repr(value)[1:-1], json.dumps(value)[1:-1]):
            text = text.replace(written, HIDDEN)
    return _without_shapes(text)


def holds_secret(text: str, environment: Mapping[str, str] | None = None) -> bool:
    """Return True if a setting is, or surely holds, a secret; a word that is somebody's password may stand in it.

    >>> holds_secret("postgres/mine.jsonl", {"A_PASSWORD": "postgres"})
    False
    """
    values = _secret_values(environment)
    in_it = (value == text or (len(value) >= _UNMISTAKABLE and value in text) for value in values)
    return _without_shapes(text) != text or any(in_it)


def _without_shapes(text: str) -> str:
    return _USERINFO.sub(HIDDEN, _ASSIGNED.sub(r"\g<1>" + HIDDEN, _SHAPES.sub(HIDDEN, text)))


def _secret_values(environment: Mapping[str, str] | None) -> list[str]:
    """The longest first, since one may hold another; the path of a key's file is no secret."""
    every = (os.environ if environment is None else environment).items()
    named = (value for name, value in every if len(value) >= _SHORTEST and _SPEAKS_OF_SECRETS.search(name))
    return sorted((value for value in named if not (value.startswith("/") and Path(value).exists())), key=len)[::-1]
