r"""Canonical form of LaTeX answers, so that equal answers are counted as equal strings.

A number has the canonical form of ``normalize`` (``\frac{3}{4}``, ``0.75`` and ``.75`` are ``0.75``). Any other answer
is its normalized notation between dollar signs (``$\frac{\pi}{2}$``), which distinguish it from a number. Normalized
are: sizes of brackets, spaces, fonts, ``\dfrac``, missing braces, degree and currency signs, a unit after a number, the
name before ``=``, synonyms such as ``\le``. Nothing is computed: equality by algebra (``\sqrt{8}`` and
``2\sqrt{2}``) is decided in ``math_pool``.
"""

from __future__ import annotations

import re
import unicodedata

from noisy_student.answers.marks import BOX, MARK
from noisy_student.answers.normalize import canonical_number

MAX_LATEX = 300
"""Longest answer in characters; a longer text is a derivation."""
MAX_WORDS = 3
"""Most words of an answer made of words only, such as ``no real solution``; a longer one is a sentence."""
_PASSES = 8
"""Most passes until the form must be stable, else there is no canonical form; tests have needed at most three."""

_WRAPPED = re.compile(r"\\[(\[](?P<inside>.*)\\[)\]]", re.DOTALL)
_SIZES = re.compile(r"\\(?:left|right|[bB]ig{1,2}[lrm]?|displaystyle|limits)(?![A-Za-z])\.?")
_SPACES = re.compile(r"\\[,!;:> ]|\\q?quad(?![A-Za-z])|~")
_FONT = r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mathit|mbox|operatorname)(?![A-Za-z])\s*+"
_UNIT = re.compile(
    rf"(?P<number>.*?)(?:\s*+{_FONT}\{{[^{{}}]*+\}}(?:\^\{{?[0-9]\}}?)?|(?<=[0-9}}])(?: ++[A-Za-z]{{3,}})++\.?)"
)
_FONTS = re.compile(rf"{_FONT}\{{([^{{}}]*+)\}}")
_DEGREES = re.compile(r"\^\s*+(?:\\circ(?![A-Za-z])|\{\s*\\circ\s*\})|\\degree(?![A-Za-z])|\u00b0")
_FRAC = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_FRAC_ABOVE = re.compile(r"\\frac\s*+([0-9A-Za-z])")
_FRAC_BELOW = re.compile(r"\\frac(\{[^{}]*+\})\s*+([0-9A-Za-z])")
_SQRT = re.compile(r"\\sqrt\s*+([0-9A-Za-z])")
_ONE_IN_BRACES = re.compile(r"([\^_])\{([0-9A-Za-z])\}")
_NAMED = re.compile(r"\\?[A-Za-z]+(?:\([a-z]\)|_[0-9a-z])?\s*+=(?P<value>[^=]++)")
_CHOICE = re.compile(r"\(([A-Z])\)")
_AFTER_COMMAND = re.compile(r"(\\[A-Za-z]+) (?=[A-Za-z])")
_WORDS = re.compile(r"[A-Za-z]{2,}(?:[ -][A-Za-z]+)*+")
_SYNONYMS = {
    **{"le": "leq", "ge": "geq", "ne": "neq", "times": "cdot", "lt": "<", "gt": ">", "dots": "ldots", "R": "mathbb{R}"},
}
_SYNONYM = re.compile(rf"\\({'|'.join(_SYNONYMS)})(?![A-Za-z])")
_SIGNS = str.maketrans(
    {
        **{"\u2212": "-", "\u2013": "-", "\u00d7": r"\cdot ", "\u00b7": r"\cdot ", "\u03c0": r"\pi "},
        **{"\u221e": r"\infty ", "\u2264": r"\leq ", "\u2265": r"\geq ", "\u2260": r"\neq ", "\u222a": r"\cup "},
    }
)
_SIGNED = re.compile(r"(?P<sign>[-+]?)\\frac\{(?P<a>[-+]?[0-9]++)\}\{(?P<b>[-+]?[0-9]++)\}")
_MIXED = re.compile(r"(?P<sign>[-+]?)(?P<whole>[0-9]{1,18})(?P<part>\\frac\{[0-9]{1,9}\}\{[0-9]{1,9}\})")
_PART = re.compile(r"\\frac\{([0-9]++)\}\{([0-9]++)\}")


def is_latex(canonical: str) -> bool:
    """Return whether a canonical answer is LaTeX rather than a plain number.

    >>> is_latex("$\\\\pi$"), is_latex("0.75")
    (True, False)
    """
    return len(canonical) > 2 and canonical[0] == canonical[-1] == "$"


def canonical_latex(surface: str) -> str | None:
    r"""Return the canonical form of a written answer, or None if it is empty, too long, or a sentence.

    Idempotent: a canonical form is its own canonical form.

    >>> canonical_latex(r"\dfrac{3}{4}"), canonical_latex(r"x = \frac\pi2"), canonical_latex(r"5\text{ cm}")
    ('0.75', '$\\frac\\pi2$', '5')
    """
    if len(surface) > MAX_LATEX:
        return None
    text = unicodedata.normalize("NFC", surface)
    for _ in range(_PASSES):
        plainer = _plainer(text)
        if plainer == text:
            break
        text = plainer
    else:
        return None
    if not text or "\n" in text:
        return None
    number = _rational(text)
    if number is not None:
        return number
    if " " in text.replace("\\", "") and _WORDS.fullmatch(text) and text.count(" ") >= MAX_WORDS:
        return None
    return f"${text}$"


def written(answer: str) -> str | None:
    r"""Return the canonical form of an answer from a column of its own; None for a worked solution.

    >>> written(r"$\frac{1}{3}$"), written(r"so it is \boxed{5}")
    ('1/3', None)
    """
    return None if BOX in answer or MARK in answer else canonical_latex(answer)


def _plainer(text: str) -> str:
    """Normalize the notation in one pass."""
    text = text.translate(_SIGNS).replace("\\$", "").replace("$", "").strip().rstrip(".,;\\ ")
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped["inside"]
    text = _SPACES.sub(" ", _DEGREES.sub("", _SIZES.sub("", text))).replace("{,}", ",")
    text = text.strip()
    if (unit := _UNIT.fullmatch(text)) and _rational(unit["number"].strip()) is not None:
        text = unit["number"]
    text = _FONTS.sub(r" \1 ", text)
    text = _SYNONYM.sub(lambda match: _synonym(match[1]), _FRAC.sub(r"\\frac", text))
    text = _SQRT.sub(r"\\sqrt{\1}", _FRAC_BELOW.sub(r"\\frac\1{\2}", _FRAC_ABOVE.sub(r"\\frac{\1}", text)))
    text = _ONE_IN_BRACES.sub(r"\1\2", text).strip()
    if named := _NAMED.fullmatch(text):
        text = named["value"].strip()
    if choice := _CHOICE.fullmatch(text):
        text = choice[1]
    if text.endswith("%") and (number := text[:-1].rstrip("\\ ")) and _rational(number) is not None:
        text = number
    if _WORDS.fullmatch(plain := " ".join(text.split())):
        return plain.lower()
    return _AFTER_COMMAND.sub("\\1\x00", plain).replace(" ", "").replace("\x00", " ")


def _synonym(name: str) -> str:
    value = _SYNONYMS[name]
    return value if value in "<>" else f"\\{value}"


def _rational(text: str) -> str | None:
    """Return a number, a fraction with signs inside, or a mixed number as a plain number; None for anything else."""
    number = canonical_number(text)
    if number is not None:
        return number
    if signed := _SIGNED.fullmatch(text):
        negative = (signed["sign"] == "-") ^ (signed["a"][0] == "-") ^ (signed["b"][0] == "-")
        value = canonical_number(f"{signed['a'].lstrip('+-')}/{signed['b'].lstrip('+-')}")
        return value if value in (None, "0") or not negative else f"-{value}"
    if mixed := _MIXED.fullmatch(text):
        part = _PART.fullmatch(mixed["part"])
        assert part is not None
        above, below = int(part[1]), int(part[2])
        return canonical_number(f"{mixed['sign']}{int(mixed['whole']) * below + above}/{below}") if below else None
    return None
