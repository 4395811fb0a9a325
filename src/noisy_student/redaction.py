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

TOKENS = {
    "Hugging Face": r"hf_[A-Za-z0-9]{30,}|api_org_[A-Za-z0-9]{30,}",
    "GitHub": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    "GitLab": r"(?:gl(?:pat|dt|rt|rtr|ptt|cbt|ft|imt|agent|soat|ffct|wt)|GR1348941)-?[A-Za-z0-9_.-]{20,}",
    "Slack": r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}",
    "Slack hook": r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}",
    "AWS": r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[0-9A-Z]{16}",
    "Google": r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}",
    "OpenAI, Anthropic and others": r"(?:sk|pplx|xai|nvapi)-[A-Za-z0-9_-]{20,}|(?:gsk|r8)_[A-Za-z0-9]{30,}",
    "JSON web token": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "npm": r"npm_[A-Za-z0-9]{36,}",
    "PyPI": r"pypi-[A-Za-z0-9_-]{32,}",
    "other registries": r"rubygems_[a-f0-9]{48}|cio[A-Za-z0-9]{32}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}",
    "Stripe": r"(?:[rsp]k|whsec)_(?:(?:test|live|prod)_)?[A-Za-z0-9]{24,}",
    "clouds": r"do[opr]_v1_[a-f0-9]{64}|dapi[a-f0-9]{32}|LTAI[A-Za-z0-9]{20}|tskey-[a-z]+-[A-Za-z0-9-]{20,}",
    "vaults": r"hv[sbr]\.[A-Za-z0-9_-]{20,}|ops_eyJ[A-Za-z0-9+/=]{60,}|AGE-SECRET-KEY-1[0-9A-Z]{58}",
    "mail and messages": r"SG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}|SK[0-9a-f]{32}|\d{8,10}:AA[A-Za-z0-9_-]{33}",
    "trackers": r"ATATT3[A-Za-z0-9_=-]{40,}|lin_api_[A-Za-z0-9]{30,}|gls?[ac]_[A-Za-z0-9_+/=]{30,}|lsv2_[a-z]+_\w{30,}",
    "Weights & Biases": r"wandb_v\d+_[A-Za-z0-9_]{20,}",
}
"""Shapes of tokens by issuer; prefixes and lengths as in the default rules of gitleaks (config/gitleaks.toml, 009e025)
and in GitHub's list of supported secret-scanning patterns, both read on 2026-11-27; lengths are not exceeded there."""

_SHAPES = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(TOKENS.values())})")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL
)
_ASSIGNED = re.compile(
    r"(?i)(\b\w{0,64}(?:key|token|secret|passw)\w{0,64}[\"']?\s{0,9}[=:]\s{0,9}[\"']?)[0-9a-f]{40}\b"
)
_USERINFO = re.compile(r"(?<=://)[^/\s]{1,200}(?=@)")
_SECRET_NAME = re.compile(
    r"PASSW(?:OR)?D|(?:^|_)PASS(?:PHRASE)?(?:_|$)|(?<!PAD_)(?<!EOS_)(?<!BOS_)(?<!UNK_)(?<!STOP_)TOKEN(?!IZ)|SECRET|CREDENTIALS?(?:_|$)"
    r"|(?<!MON)(?<!TUR)(?<!HOC)(?<!JOC)(?<!DON)(?<!WHIS)"
    r"(?<!ANSWER_)(?<!PRIMARY_)(?<!FOREIGN_)(?<!SORT_)(?<!PARTITION_)KEYS?(?:_|\d|$)",
    re.IGNORECASE,
)
"""Names of variables with a secret value; MONKEY, KEYBOARD and TOKENIZERS are other words."""
_WORD = re.compile(r"[^\s\"'`,;()<>\[\]{}]+")
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
    """Return True if a setting is, or surely contains, a token or a password.

    A short value of a variable counts as the whole setting, or as a word of it that is not letters alone: passwords
    may be ordinary words.

    >>> holds_secret("postgres/mine.jsonl", {"A_PASSWORD": "postgres"})
    False
    """
    values = _secret_values(environment)
    words = {word.rstrip(".:!?") for word in _WORD.findall(text)}
    in_it = (
        value == text.strip()
        or (len(value) >= _UNMISTAKABLE and value in text)
        or (not value.isalpha() and value in words)
        for value in values
    )
    return _without_shapes(text) != text or any(in_it)


def _without_shapes(text: str) -> str:
    text = _SHAPES.sub(HIDDEN, _PRIVATE_KEY.sub(HIDDEN, text))
    return _USERINFO.sub(HIDDEN, _ASSIGNED.sub(r"\g<1>" + HIDDEN, text))


def _secret_values(environment: Mapping[str, str] | None) -> list[str]:
    """Return secret values, longest first, since one may contain another; paths of key files are not secret."""
    every = (os.environ if environment is None else environment).items()
    stripped = ((name, value.strip()) for name, value in every)
    named = (value for name, value in stripped if len(value) >= _SHORTEST and _SECRET_NAME.search(name))
    return sorted((value for value in named if not (value.startswith("/") and Path(value).exists())), key=len)[::-1]
