r"""Canonical form of LaTeX answers, so that equal answers are counted as equal strings.

A number has the canonical form of ``normalize`` (``\frac{3}{4}``, ``0.75`` and ``.75`` are ``0.75``; ``latex_numbers``
reads the others). Any other answer is its normalized notation between dollar signs (``$\frac{\pi}{2}$``), which
distinguish it from a number. Normalized are: sizes of brackets, spaces, fonts, ``\dfrac``, missing braces, degree and
currency signs, a unit after a value, bold marks, synonyms such as ``\le``, "or" between solutions (``1,2``), choices
(``(B) 42``), and the name before ``=`` where the value holds no variable (``x=5`` is ``5``; ``y=2x`` is an equation).
Nothing is computed: equality by value (``\sqrt{8}`` and ``2\sqrt{2}``) is decided in ``equivalence``.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from noisy_student.answers.latex_numbers import based, improper, joined_groups, latex_number
from noisy_student.answers.marks import BOX, MARK
from noisy_student.answers.normalize import SCALES
from noisy_student.answers.placeholders import is_placeholder
from noisy_student.answers.plain import DASHES
from noisy_student.answers.thoughts import without_format

MAX_LATEX = 300
"""Longest answer in characters; a longer text is a derivation."""
MAX_WORDS = 3
"""Most words of an answer made of words only, such as ``no real solution``; a longer one is a sentence."""
_PASSES = 8
"""Most passes until the form must be stable, else there is no canonical form; tests have needed at most five."""

_WRAPPERS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"\\[(\[](.*)\\[)\]]",
        r"(?:\*{1,3}|_{1,3}|`)([^*_`]+)(?:\*{1,3}|_{1,3}|`)",
        r"\\(?:boxed|fbox|framebox)\s*+\{([^{}]*+(?:\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}[^{}]*+)*+)\}",
        r"\{([^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+)\}",
    )
)
_WRAPPING = ("\\", "*", "_", "`", "{")
_SIZES = re.compile(r"(?<!\\)\\[()]|\\(?:left|right|[bB]ig{1,2}[lrm]?|displaystyle|limits|bf|it|rm)(?![A-Za-z])\.?|\\!")
_COLORS = re.compile(r"\\(?:text)?color\{[a-z]++\}|\\underline(?![A-Za-z])")
_SPACES = re.compile(r"(?P<row>\\\\)|(?P<wide>\\q?quad(?![A-Za-z]))|\\[,;:> ]")
_GROUPS = re.compile(r"(?<![0-9.,}!])[1-9][0-9]{0,2}(?:(?:\{,\}|,\\!)[0-9]{3})++(?![0-9])")
_IN_BRACKETS = re.compile(r"\(([^(),]++)\)")
_ELLIPSIS = re.compile(r"\.{3,}|\\(?:dots[cbm]?|cdots)(?![A-Za-z])")
_FONT = r"\\(?:text|textbf|textrm|textit|textsf|texttt|mathrm|mathbf|mathit|mathsf|mbox|operatorname)(?![A-Za-z])\s*+"
_UNIT = re.compile(
    rf"(?P<number>.*?)(?:\s*+{_FONT}\{{[^{{}}]*+\}}(?:\^\{{?-?[0-9]\}}?)?|(?<=[0-9}}])(?: ++[A-Za-z]{{3,}})++\.?)"
)
_NO_UNIT = re.compile(
    rf"(?:(?<=[0-9}}]){_FONT}\{{\s*(?:[eijknxyz]|(?:{'|'.join(SCALES)}|dozen|factorial|squared|cubed|pi|hal(?:f|ves)|thirds"
    r"|[a-z]+ths|\(?base [0-9]+\)?)s?)\s*\})\s*$"
)
"""Words after a number that change it."""
_UNIT_NAMES = (
    r"(?:[cmk]?m|[km]?g|in|ft|yd|mi|lbs?|oz|m?L|s|sec|min|hrs?|km/h|mph|rad|cents?|percent|inch(?:es)?|foot|feet|yards?"
    r"|miles?|(?:centi|milli|kilo)?(?:meters?|metres?|grams?)|pounds?|ounces?|lit(?:er|re)s?|gallons?|degrees?|radians?"
    r"|seconds?|minutes?|hours?|days?|weeks?|months?|years?|dollars?|units?(?: squared| cubed)?"
    r"|(?:square|cubic|sq\.?) [a-z]+)"
)
_KNOWN_UNIT = re.compile(rf"\s*+{_FONT}\{{\s*{_UNIT_NAMES}\.?\s*\}}(?:\^\{{?[0-9]\}}?)?$")
_SHORT_UNIT = re.compile(r"(?<=[0-9}]) ?(?:[cmk]m|[mk]g|ft|mph|km/h|m/s)(?:\^[0-9])?$|(?<=[0-9}]) in$")
_CLOCK = re.compile(rf"(?<=[0-9])\s*+(?:{_FONT}\{{)?\s*+([AaPp])\.? ?[Mm]\.?\s*+\}}?$")
_FONTS = re.compile(rf"{_FONT}\{{([^{{}}]*+)\}}")
_DEGREES = re.compile(r"\^\s*+(?:\\circ(?![A-Za-z])|\{\s*\\circ\s*\})|\\degree(?![A-Za-z])")
_CURRENCY = re.compile(r"\\(?:pounds|euro|textdollar|yen)(?![A-Za-z])(?:\{\})?")
_FRAC = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_ONE = r"[0-9A-Za-z]|\\(?:pi|theta|alpha|beta|gamma|lambda|mu|sigma|phi|omega)(?![A-Za-z])"
_FRAC_ABOVE = re.compile(rf"\\frac\s*+({_ONE})")
_FRAC_BELOW = re.compile(rf"\\frac(\{{[^{{}}]*+(?:\{{[^{{}}]*+\}}[^{{}}]*+)*+\}})\s*+({_ONE})")
_SQRT = re.compile(rf"\\sqrt\s*+({_ONE})")
_ONE_IN_BRACES = re.compile(r"([\^_])\{([0-9A-Za-z])\}")
_MATRIX = re.compile(r"\\(begin|end)\{(?:[pb]|small)matrix\}")
_ARRAY = re.compile(
    r"[(\[] ?\\begin\{(?:array\}\{[clr|]*+|matrix)\}((?:(?!\\(?:begin|end)).)*+)\\end\{(?:array|matrix)\} ?[)\]]",
    re.DOTALL,
)

_LETTERS = r"\\?[A-Za-z]|\\[A-Za-z]{2,}"
_QUANTITY = re.compile(
    r"m?\\(?:angle|triangle|overline|cos|sin|tan|cot|log|ln)[ _{A-Za-z\\}]*+|\|[A-Za-z]\||[A-Z]{2,4}"
    r"|[A-Za-z]{3,}(?:[ ]?[A-Za-z]++)*+"
    r"|\([a-z](?: ?, ?[a-z])+\)|[A-Za-z](?:\^\{-1\})?'{0,2}\((?:[a-z]|-?[0-9]+|[A-Z][A-Z\\a-z| ]*+)\)"
)
"""A name that is always cut before its value: an angle, a length, a word, ``f(x)``, ``P(A)``."""
_SYMBOL = re.compile(rf"(?:{_LETTERS})(?:_(?:[0-9A-Za-z]|\{{[0-9A-Za-z]{{1,6}}\}}))?")
"""A variable: cut where the value holds no variable."""
_ARITHMETIC = re.compile(r"(?=[^0-9]*+[0-9])(?:[-+*/^().{} 0-9!]|\\(?:frac|cdot|sqrt|div|pi)(?![A-Za-z]))++")
_NOT_VARIABLE = re.compile(r"\\(?:begin|end)\{[a-z]++\}|\\mathbb\{[A-Z]\}|\\[A-Za-z]++|[0-9][eE][-+]?[0-9]")
_CONSTANTS = frozenset("ei")
_MEMBER = re.compile(rf"(?:{_LETTERS}) ?\\in ?(?![A-Za-z])(?=[(\[\\])(?P<value>.+)")
_CHOICE = re.compile(
    r"(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer):? ++)?(?:\( ?(?P<a>[A-J]) ?\)[.:]?|(?P<b>[A-J]) ?[.):])(?P<value> ++.+|)"
    r"|(?:[Oo]ption|[Cc]hoice) ++(?P<c>[A-J])"
)
_BOLD = re.compile(r"\*\*([^*\s](?:[^*]*[^*\s])?)\*\*")
_BASED = re.compile(r"^\(([0-9A-Z]++)\)_")
_EMPTY = re.compile(r"^\\\{\s*\\\}$")
_REALS = re.compile(r"\\mathbb\s*+([A-Z])")
_PLUS = re.compile(r"^\+ ?|(?<=[(,\[])\+(?=\\infty)")
_LABEL = re.compile(r"(?:the )?(?:final |correct )?answer(?: is|:) (?=.)", re.IGNORECASE)
_NO_VALUE = re.compile(
    r"[-+*/^<>=,] |[+*/^<>=,)]|(?:and|or)\b|[A-Z]$"
    r"|\\(?:cup|cap|cdot|div|to|in|implies|leq|geq|neq|lor|land|wedge|vee)(?![A-Za-z])"
)
"""The start of what is no value after a choice: ``(A) + 2`` and ``(A) \\cup (B)`` are expressions."""
_OR, _AND = (
    re.compile(r",? ++or ++|\\lor(?![A-Za-z])|\\vee(?![A-Za-z])"),
    re.compile(r",? ++and ++|\\land(?![A-Za-z])|\\wedge(?![A-Za-z])"),
)
_ORDERED = re.compile(r"[<>]|\\(?:leq|geq|neq)(?![A-Za-z])")
_AFTER_COMMAND = re.compile(r"(\\[A-Za-z]+) (?=[A-Za-z])")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9]) ++(?=[0-9.])")
_LIST_OF_THREES = re.compile(r"(?<=[0-9]), ++(?=[0-9]{3}(?![0-9]))")
_WORDS = re.compile(r"[A-Za-z]{2,}(?:[ -][A-Za-z]+)*+")
_SYNONYMS = {
    **{"le": "leq", "ge": "geq", "ne": "neq", "times": "cdot", "lt": "<", "gt": ">", "R": "mathbb{R}"},
    **{"leqslant": "leq", "geqslant": "geq", "approx": "=", "varnothing": "emptyset", "lbrace": "{", "rbrace": "}"},
    **{
        "bar": "overline",
        "langle": "(",
        "rangle": ")",
        "mid": "|",
        "vert": "|",
        "lvert": "|",
        "rvert": "|",
    },
}
_WORD_SETS = dict.fromkeys(
    ("all real numbers", "all reals", "the real numbers", "real numbers", "the set of real numbers", "any real number"),
    r"\mathbb{R}",
)
_SYNONYM = re.compile(rf"\\({'|'.join(_SYNONYMS)})(?![A-Za-z])")
_PARTS = {
    **{"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5)},
    **{"⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8)},
}
"""Signs for fractions, each with its numerator and its denominator."""
_SIGNS = str.maketrans(
    {
        **{"\u2212": "-", "\u2013": "-", "\u00d7": r"\cdot ", "\u00b7": r"\cdot ", "\u03c0": r"\pi "},
        **{"\u221e": r"\infty ", "\u2264": r"\leq ", "\u2265": r"\geq ", "\u2260": r"\neq ", "\u222a": r"\cup "},
        **{"\u2205": r"\emptyset ", "\u2208": r"\in ", "\u00b1": r"\pm ", "\u221a": r"\sqrt ", "\u2026": r"\ldots "},
        **{"\u2248": "=", "\u211d": r"\mathbb{R}", "\u00b2": "^2", "\u00b3": "^3", "\u2044": "/", "\u03b8": r"\theta "},
        **dict.fromkeys("\u00b0\u20ac\xa3\xa5\u20b9", ""),
        **{"\xa0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " "},
        **{sign: rf" \frac{{{above}}}{{{below}}}" for sign, (above, below) in _PARTS.items()},
    }
)  # fmt: skip


def is_latex(canonical: str) -> bool:
    """Return whether a canonical answer is LaTeX rather than a plain number.

    >>> is_latex("$\\\\pi$"), is_latex("0.75")
    (True, False)
    """
    return len(canonical) > 2 and canonical[0] == canonical[-1] == "$"


@functools.lru_cache(maxsize=1 << 14)
def canonical_latex(surface: str, *, choices: bool = True) -> str | None:
    r"""Return the canonical form of a written answer; None if it is empty, too long, a placeholder or a sentence.

    Idempotent: a canonical form is its own canonical form. ``choices=False`` reads ``(B) 42`` as an expression.

    >>> canonical_latex(r"\dfrac{3}{4}"), canonical_latex(r"x = \frac\pi2"), canonical_latex(r"5\text{ cm}")
    ('0.75', '$\\frac{\\pi}{2}$', '5')
    """
    if len(surface) > MAX_LATEX or is_placeholder(surface):
        return None
    text = surface if surface.isascii() else unicodedata.normalize("NFC", without_format(surface))
    for _ in range(_PASSES):
        plainer = _plainer(text, choices)
        if plainer == text:
            break
        text = plainer
    else:
        return None
    if not text or "\n" in text or len(text) > MAX_LATEX or is_placeholder(text):
        return None
    number = _number(text)
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


def plain(text: str) -> str:
    """Return a part of an answer in canonical form without its dollar signs; itself if there is none."""
    form = canonical_latex(text)
    return text if form is None else form.strip("$") if is_latex(form) else form


def _plainer(text: str, choices: bool) -> str:
    """Normalize the notation in one pass."""
    if not text.isascii():
        text = text.translate(DASHES).translate(_SIGNS)
    text = _rewritten(text.replace("\\$", "").replace("$", "").replace("~", " "), _ENDS).strip().rstrip(".,;\\ ")
    text = _rewritten(_unwrapped(text), _NOTATION).replace("{,}", ",").strip()
    text = _rewritten(_without_unit(_numbers(text)), _WORDING).strip()
    if choices and (choice := _CHOICE.fullmatch(text)) and (chosen := _choice(choice)):
        return chosen
    text = _without_name(_joined(_numbers(text)))
    if text.endswith("%") and (number := text[:-1].rstrip("\\ ")) and _number(number) is not None:
        text = number
    if (inside := _IN_BRACKETS.fullmatch(text)) and _number(inside[1].strip()) is not None:
        text = inside[1]
    if _WORDS.fullmatch(single := " ".join(text.split())):
        return _WORD_SETS.get(single.lower(), single.lower())
    return _without_spaces(single)


def _rewritten(text: str, rules: tuple[_Rule, ...]) -> str:
    for sign, pattern, replacement in rules:
        if sign in text:
            text = pattern.sub(replacement, text)
    return text


def _numbers(text: str) -> str:
    """Join groups of three digits; write mixed numbers as fractions."""
    text = joined_groups(text) if " " in text else text
    return improper(text) if "/" in text or "frac" in text else text


def _unwrapped(text: str) -> str:
    for wrapper in _WRAPPERS if text[:1] in _WRAPPING else ():
        if wrapped := wrapper.fullmatch(text):
            return wrapped[1]
    return text


def _space(match: re.Match[str]) -> str:
    return match["row"] or ("  " if match["wide"] else " ")


def _grouped(match: re.Match[str]) -> str:
    return "".join(filter(str.isdigit, match[0]))


def _synonym(match: re.Match[str]) -> str:
    value = _SYNONYMS[match[1]]
    return f"\\{value}" if value[0].isalpha() or value in "{}" else value


def _without_unit(text: str) -> str:
    """Cut any words after a number, and a known unit after another value."""
    if _CLOCK.search(text):
        return _CLOCK.sub(lambda match: f"{match[1].lower()}m", text)
    if _NO_UNIT.search(text):
        return text
    if (unit := _UNIT.fullmatch(text)) and _number(improper(joined_groups(unit["number"].strip()))) is not None:
        return unit["number"]
    cut = _KNOWN_UNIT.sub("", text)
    return text if not cut or _FONTS.search(cut) else _SHORT_UNIT.sub("", cut)


def _choice(match: re.Match[str]) -> str | None:
    """Return a choice as its letter, with its value if one is given; None for an expression."""
    letter, value = match["a"] or match["b"] or match["c"], (match["value"] or "").strip()
    if not value:
        return letter
    if _NO_VALUE.match(value):
        return None
    form = canonical_latex(value, choices=False)
    return letter if form is None else f"({letter}) {form.strip('$')}"


def _joined(text: str) -> str:
    """Write "or" and "and" between solutions as a comma, and between inequalities as a sign."""
    if _WORDS.fullmatch(text):
        return text
    union, both = (r"\lor ", r"\land ") if _ORDERED.search(text) else (",", ",")
    return _AND.sub(lambda _: both, _OR.sub(lambda _: union, text))


def _without_name(text: str) -> str:
    """Cut the name before a value: of ``A=\\pi r^2=9\\pi`` the value is left; an equation of variables stays whole."""
    if member := _MEMBER.fullmatch(text):
        return member["value"].strip()
    if "=" not in text or _ORDERED.search(text):
        return text
    parts = [part.strip() for part in text.split("=")]
    value = parts[-1]
    if "," in text and len(parts) > 2:
        return _without_names(text)
    if not value:
        return text
    *names, last = parts[:-1]
    if not parts[0]:
        return "=".join(parts[1:])
    free = has_variable(value)
    if _QUANTITY.fullmatch(parts[0]) or (not free and (_ARITHMETIC.fullmatch(last) or _SYMBOL.fullmatch(parts[0]))):
        return value
    turned = len(parts) == 2 and _SYMBOL.fullmatch(value) and not has_variable(parts[0])
    return parts[0] if turned else text


def _without_names(text: str) -> str:
    """Cut one name that each of several solutions repeats: ``x=1,x=2`` is ``1,2``."""
    pairs = [part.partition("=") for part in text.split(",")]
    names = {name.strip() for name, sign, _ in pairs if sign}
    same = len(names) == 1 and _SYMBOL.fullmatch(min(names)) and all("=" not in value for _, _, value in pairs)
    return ",".join((value if sign else name).strip() for name, sign, value in pairs) if same else text


def has_variable(value: str) -> bool:
    r"""Return whether a value in plain notation holds a letter other than the constants e and i.

    >>> has_variable(r"\frac{\pi}{2}+e"), has_variable("2x")
    (False, True)
    """
    return any(letter.isalpha() and letter not in _CONSTANTS for letter in _NOT_VARIABLE.sub("", value))


def _without_spaces(text: str) -> str:
    """Remove spaces that separate nothing; two numbers side by side stay two."""
    text = _LIST_OF_THREES.sub(",\x00", _BETWEEN_DIGITS.sub("\x00", _AFTER_COMMAND.sub("\\1\x00", text)))
    return text.replace(" ", "").replace("\x00", " ")


def _number(text: str) -> str | None:
    """Return a number, or one in base ten, as a plain number; None for anything else."""
    found = based(text)
    return latex_number(text if found is None or found[1] != 10 else text.partition("_")[0])


_Rule = tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]]
_ENDS: tuple[_Rule, ...] = (
    *(("..", _ELLIPSIS, r"\\ldots "), ("dots", _ELLIPSIS, r"\\ldots ")),
    *(("{,}", _GROUPS, _grouped), (",\\!", _GROUPS, _grouped)),
)
_NOTATION: tuple[_Rule, ...] = (
    *(("\\", _SIZES, ""), ("\\", _CURRENCY, ""), ("olor", _COLORS, ""), ("underline", _COLORS, "")),
    *(("\\", _DEGREES, ""), ("\\", _SPACES, _space), ("\\", _SYNONYM, _synonym)),
    *(("frac", _FRAC, r"\\frac"), ("frac", _FRAC_ABOVE, r"\\frac{\1}"), ("frac", _FRAC_BELOW, r"\\frac\1{\2}")),
    *(("sqrt", _SQRT, r"\\sqrt{\1}"), ("\\begin", _ARRAY, r"\\begin{matrix}\1\\end{matrix}")),
    *(("matrix", _MATRIX, r"\\\1{matrix}"), ("{", _ONE_IN_BRACES, r"\1\2"), ("**", _BOLD, r"\1")),
)
"""A sign that a text must hold, pattern and replacement, in order."""
_WORDING: tuple[_Rule, ...] = (
    *(("\\", _FONTS, r" \1 "), ("mathbb", _REALS, r"\\mathbb{\1}"), ("+", _PLUS, ""), (")_", _BASED, r"\1_")),
    *(("\\}", _EMPTY, r"\\emptyset"), ("nswer", _LABEL, "")),
)
