"""The versions of libraries that may touch weights, templates and data sets: older ones run code from elsewhere.

Read from metadata, so nothing is imported to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from noisy_student.errors import UserError
from noisy_student.study.node import version

RANGES: dict[str, tuple[str, str | None]] = {
    "torch": ("2.10", None),  # CVE-2025-32434, CVE-2026-24747: weights_only ran code, corrupted memory
    "transformers": ("5.3", "6"),  # CVE-2026-4372, CVE-2026-5241: a config.json ran code from the hub
    "trl": ("1.16", "1.17"),  # its names and defaults move between versions (design section 5)
    "datasets": ("4", None),  # before it, a data set could bring a script
    "jinja2": ("3.1.6", None),  # CVE-2025-27516: a template left the sandbox
}
"""From the first version on, below the second."""


def require(installed: Callable[[str], str | None] = version) -> None:
    """Raise UserError unless every library of ``RANGES`` is installed in a version of its range."""
    for name in RANGES:
        if (fault := fault_of(name, installed(name))) is not None:
            raise UserError(
                f"{name} is {installed(name) or 'missing'}.",
                why="Older versions run code that comes with a model or a data set; later ones were not tested.",
                do=f"{fault} noisy-student doctor looks at all of it.",
            )


def fault_of(name: str, found: str | None) -> str | None:
    """What to do about a library's version; None where it fits.

    >>> fault_of("torch", "2.13.0+cpu"), fault_of("trl", "2.0")
    (None, 'Install trl 1.16 or later, below 1.17.')
    """
    low, high = RANGES[name]
    if found is not None and numbers(low) <= numbers(found) and (high is None or numbers(found) < numbers(high)):
        return None
    return f"Install {name} {low} or later{f', below {high}' if high else ''}."


def numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version.

    >>> numbers("2.13.0+cpu"), numbers("5.3.0rc1") < numbers("5.10")
    ((2, 13, 0), True)
    """
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
