r"""Plain notation of a short span of text: LaTeX and markdown around numbers go, so that one grammar reads all.

``\text{Rs. }500``, ``\left(42\right)``, ``**42**``, ``\frac34`` and ``1\,000`` become a rupee sign and 500,
``(42)``, ``42``, ``3/4`` and ``1 000``. A command that is not known stays and makes the number beside it unreadable.
"""

from __future__ import annotations

import re

MINUS = "-\u2212\u2013\u2014\ufe63\uff0d"
"""Characters that stand for a minus sign before a number, as the inside of a character class."""

DASHES = str.maketrans(
    {
        **dict.fromkeys(
            "\u02d7\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2043\u2500\u2501\u2796\ufe58\ufe63\uff0d", "-"
        ),
        **dict.fromkeys("\u2015\u2e3a\u2e3b", "\u2014"),
        **dict.fromkeys("\u301c\u3030\uff5e", "~"),
    }
)
"""Hyphens, bars and waves of Unicode, each as the sign that it stands for."""

_SYMBOLS = {
    **{"\\,": " ", "\\;": " ", "\\:": " ", "\\ ": " ", "~": " ", "\\!": "", "{,}": ",", "\\%": "%", "\\#": "#"},
    **{"\\&": "&", "\\(": "", "\\)": "", "\\[": "", "\\]": "", "$$": "", "`": "", "\\{": "{", "\\}": "}", "\\_": "_"},
    **{"\\times": "\u00d7", "\\cdot": "\u00b7", "\\div": "\u00f7", "\\approx": "\u2248", "\\pm": "\u00b1"},
    **{"\\quad": " ", "\\qquad": " ", "\\left": "", "\\right": "", "\\displaystyle": "", "\\bf": "", "\\rm": ""},
    **{"\\it": "", "\\large": "", "\\Large": "", "\\huge": "", "\\degree": "\u00b0", "\\euro": "\u20ac"},
    **{"\\pounds": "\xa3", "\\cents": "\xa2", "\\rupee": "\u20b9", "\\colon": ":", "\\limits": "", "\\textdollar": "$"},
    **{"\\big": "", "\\Big": "", "\\bigl": "", "\\bigr": "", "\\Bigl": "", "\\Bigr": "", "\\sim": " "},
}
_SYMBOL = re.compile(
    "|".join(re.escape(name) for name in _SYMBOLS if not name[1:].isalpha())
    + rf"|\\(?:{'|'.join(name[1:] for name in _SYMBOLS if name[1:].isalpha())})(?![A-Za-z])"
)
_DOLLAR = re.compile(rf"(?<!\\)\$(?![{MINUS}0-9.(+\\ ]|(?<![A-Za-z0-9)}}])$)")
_ESCAPED_DOLLAR = re.compile(r"\\\$")
_DEGREES = re.compile(r"\^ ?(?:\\circ(?![A-Za-z])|\{ ?\\circ ?\})")
_FONT = re.compile(
    r"\\(?:text|textbf|textrm|textit|texttt|mathrm|mathbf|mathit|mathsf|mbox|operatorname|underline|emph|bm|boldsymbol)"
    r"(?![A-Za-z]) ?\{([^{}]*+)\}"
)
_COLOR = re.compile(r"\\(?:text)?color ?\{[^{}]*+\}")
_WHOLE = r"([0-9]++(?:,[0-9]{3})*+)"
_FRACTION = re.compile(
    r"(?P<sign>[-+\u2212]?) ?\\[dtc]?frac(?![A-Za-z]) ?"
    r"(?:\{ ?(?P<a_sign>[-\u2212]?) ?(?P<a>[0-9,]++) ?\}|(?P<a1>[0-9])) ?"
    r"(?:\{ ?(?P<b_sign>[-\u2212]?) ?(?P<b>[0-9,]++) ?\}|(?P<b1>[0-9]))(?![0-9])"
)
_QUOTIENT = re.compile(r"\\[dtc]?frac(?![A-Za-z]) ?\{([^{}]*+)\} ?\{([^{}]*+)\}")
_BRACES = re.compile(r"(?<![\^_}A-Za-z])\{([^{}]*+)\}")
_SPACES = re.compile(" {2,}")
_BOLD = re.compile(r"(?<![\w)\]])\*{2,3}(?=\S)|(?<=\S)\*{2,3}(?![\w(\[])|(?<!\w)__(?=\S)|(?<=[^\s_])__(?!\w)")
_ITALIC = re.compile(r"(?<![\w*)\]])\*([^*\s]{1,40})\*(?![\w*])")
_RUPEES = re.compile(
    r"(?<![A-Za-z])(?:Rs|INR|Rp|Tk|USD|EUR|GBP|PKR|BDT|RMB|CNY|JPY|CHF|Rupees)\.? {0,3}(?=[-\u2212]?[0-9.])"
)
_UNIT_POWER = re.compile(r"(?:(?<=[A-Za-z]{2})|(?<=(?<![A-Za-z])[ms])) ?\^ ?\{?-?[0-9]\}?")
_PLAIN = re.compile(r"[\\$*{~`_^]|R[sp]|INR|Tk|USD|EUR|GBP|PKR|BDT|RMB|CNY|JPY|CHF|Rupees")


def plain(text: str) -> str:
    r"""Return a span of text in plain notation.

    >>> plain(r"\left(42\right)"), plain("**2\\frac12** cups"), plain(r"1\,000")
    ('(42)', '2 1/2 cups', '1 000')
    """
    if not text.isascii():
        text = text.translate(DASHES)
    if not _PLAIN.search(text):
        return text
    if "\\" in text or "{" in text:
        text = _COLOR.sub("", _DEGREES.sub("\u00b0", _DOLLAR.sub("", text)))
        text = _ESCAPED_DOLLAR.sub("$", _SYMBOL.sub(_symbol, text))
        text = _FONT.sub(r" \1 ", _FONT.sub(r" \1 ", text))
        text = _UNIT_POWER.sub("", text)
        text = _QUOTIENT.sub(r"(\1)/(\2)", _FRACTION.sub(_fraction, text))
        text = _SPACES.sub(" ", _BRACES.sub(r"\1", _BRACES.sub(r"\1", text)))
    else:
        text = _SYMBOL.sub(_symbol, _DOLLAR.sub("", text))
    if "*" in text or "__" in text:
        text = _ITALIC.sub(r"\1", _BOLD.sub("", text))
    if "^" in text:
        text = _UNIT_POWER.sub("", text)
    return _RUPEES.sub("\u20b9", text)


def _symbol(match: re.Match[str]) -> str:
    return _SYMBOLS[match[0]]


def _fraction(match: re.Match[str]) -> str:
    """Write a fraction of whole numbers on one line, its sign before it; a digit before it makes a mixed number."""
    above, below = match["a"] or match["a1"], match["b"] or match["b1"]
    before = match.string[: match.start()].rstrip()[-1:]
    inner = (match["a_sign"] or "") + (match["b_sign"] or "")
    if before.isdigit() and not match["sign"]:
        return match[0] if inner else f" {above}/{below}"
    if before.isdigit() or len(inner) > 1:
        return match[0]
    if inner:
        return f"-{above}/{below}" if not match["sign"] else match[0]
    return f"{match['sign']}{above}/{below}"
