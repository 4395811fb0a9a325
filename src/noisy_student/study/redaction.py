"""Text in, the same text without secrets out: what is stored or shown passes through here.

Known token shapes are removed wherever they stand, and so is the value of every environment variable whose
name speaks of a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_SHAPES = re.compile(
    r"hf_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|sk-[A-Za-z0-9_-]{20,}"
)
_USERINFO = re.compile(r"(?<=://)[^/@\s]{1,200}(?=@)")
_SPEAKS_OF_SECRETS = re.compile(r"key|token|secret|passw", re.IGNORECASE)
_SHORTEST = 8
"""A shorter value, such as "1", is no secret, and removing it would tear the text apart."""
_MARK = "[removed]"


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without tokens, passwords in addresses, and values of secret variables of ``environment``.

    >>> redact("load https://me:pw@host/x with s3cr3t-value", {"MY_TOKEN": "s3cr3t-value"})
    'load https://[removed]@host/x with [removed]'
    """
    for name, value in (os.environ if environment is None else environment).items():
        if len(value) >= _SHORTEST and _SPEAKS_OF_SECRETS.search(name):
            text = text.replace(value, _MARK)
    return _USERINFO.sub(_MARK, _SHAPES.sub(_MARK, text))
