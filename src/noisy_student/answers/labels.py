r"""Labels of an answer in words: "the answer is", ``Answer:``, ``<answer>`` and their kin in thirty languages."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

_IS = "(?:is|was|should be|would be|must be|will be|equals|becomes|comes (?:out )?to)"
_ENGLISH = (
    r"(?<![A-Za-z0-9])answer(?: \([^()\n]{1,40}\))?(?: (?:to|for) [^.:\n]{1,80}?)??"
    rf"(?:[ *_\"']{{0,4}}+[:\uff1a=]| {_IS}(?![A-Za-z])|(?= (?:is|was|can|could)n['\u2019]t))"
    r"|\banswer, (?=[-$]?[0-9])|\bans[ *_]{0,4}+[.:=]|<(?:final[_ ]?)?(?:answer|result)>|<(?:ans|final)>|\[answer\]"
    r"|<solution>(?=\s*+[-$]?[0-9.,]++\s*+</)"
    r"|^[^A-Za-z0-9\n]{0,8}+(?:the |my )?(?:final |correct )?answer"
    r"(?: ?(?:->|=>|\u2192|\u21d2|[\u2013\u2014]|-(?= )) ?|(?= [-$]?[0-9][0-9.,]*+[ \t]*+$))"
    r"|\bfinal (?:result|value)[ *_]{0,4}+:"
    r"|^[^A-Za-z0-9\n]{0,8}+(?:the |my )?(?:final |correct )?answer[ *_#]*+$"
)
_COLON = "[ *_]{0,4}+[:\uff1a]"
_OTHERS = {
    "Chinese": (
        "\u7b54",
        ("\u7b54\u6848(?:\u662f|\u4e3a|\u70ba|\u7b49\u4e8e|\u7b49\u65bc|\u5e94\u4e3a|\u61c9\u70ba)?|\u7b54[:\uff1a]"),
    ),
    "Spanish": (
        "respuesta|soluci",
        rf"respuesta(?: final| correcta)?(?: es| ser[i\xed]a|{_COLON})|soluci[\xf3o]n(?: final)? es(?![A-Za-z])",
    ),
    "Hindi": (
        "\u0909\u0924\u094d\u0924\u0930|\u091c\u0935\u093e\u092c",
        "\u0909\u0924\u094d\u0924\u0930|\u091c\u0935\u093e\u092c",
    ),
    "Arabic and Urdu": (
        "\u062c\u0648\u0627\u0628|\u062c\u0627\u0628\u0629",
        (
            "(?:\u062c\u0648\u0627\u0628|(?:\u0627\u0644)?[\u0625\u0627]\u062c\u0627\u0628\u0629)"
            "(?: \u0627\u0644(?:\u0646\u0647\u0627\u0626\u064a|\u0635\u062d\u064a\u062d)\u0629?)?"
            "(?: (?:\u0647\u0648|\u0647\u064a|\u06c1\u06d2))?"
        ),
    ),
    "French": ("r\xe9ponse|reponse", rf"r[\xe9e]ponse(?: finale| correcte)?(?: est| serait|{_COLON})"),
    "Bengali": (
        "\u0989\u09a4\u09cd\u09a4\u09b0|\u099c\u09ac\u09be\u09ac",
        "(?:\u0989\u09a4\u09cd\u09a4\u09b0|\u099c\u09ac\u09be\u09ac)(?: \u09b9\u09b2\u09cb?| \u09b9\u09ac\u09c7)?",
    ),
    "Portuguese": ("resposta", rf"resposta(?: final| correta)?(?: [\xe9e](?!\w)| seria|{_COLON})"),
    "Russian": (
        "\u043e\u0442\u0432\u0435\u0442",
        (
            "\u043e\u0442\u0432\u0435\u0442(?:\u043e\u043c)?(?: \u0440\u0430\u0432\u0435\u043d"
            "| \u044f\u0432\u043b\u044f\u0435\u0442\u0441\u044f"
            "|(?= [0-9])| \u0431\u0443\u0434\u0435\u0442|[ *_]{0,4}+[:\u2014\u2013-])"
        ),
    ),
    "Indonesian": ("jawaban", rf"jawaban(?:nya)?(?: akhir(?:nya)?)?(?: adalah| ialah|(?= [0-9])|{_COLON})"),
    "German": ("antwort", rf"antwort(?: ist| lautet| betr[\xe4]gt| w[\xe4]re|{_COLON})"),
    "Japanese": (
        "\u7b54|\u6b63\u89e3",
        "(?:\u7b54\u3048|\u89e3\u7b54|\u56de\u7b54|\u6b63\u89e3)(?:\u306f|[:\uff1a]|(?= [0-9]))",
    ),
    "Korean": ("\ub2f5", "(?:\uc815\ub2f5|\ub2f5)(?:\uc740|[:\uff1a])"),
    "Italian": ("risposta", rf"risposta(?: finale| corretta)?(?: \xe8(?!\w)|{_COLON})"),
    "Vietnamese": (
        "\u0111\xe1p |c\xe2u tr\u1ea3",
        "(?:\u0111\xe1p (?:\xe1n|s\u1ed1)|c\xe2u tr\u1ea3 l\u1eddi)(?: l\xe0|[:\uff1a])",
    ),
    "Turkish": ("cevap", rf"cevap(?:{_COLON}|(?= [0-9]))"),
    "Thai": ("\u0e04\u0e33\u0e15\u0e2d\u0e1a", "\u0e04\u0e33\u0e15\u0e2d\u0e1a(?:\u0e04\u0e37\u0e2d|[:\uff1a])?"),
    "Swahili": ("jibu", rf"jibu(?: la mwisho)?(?: ni(?![A-Za-z])|{_COLON})"),
    "Telugu": ("\u0c38\u0c2e\u0c3e\u0c27\u0c3e\u0c28\u0c02", "\u0c38\u0c2e\u0c3e\u0c27\u0c3e\u0c28\u0c02"),
    "Tamil": ("\u0baa\u0ba4\u0bbf\u0bb2\u0bcd", "\u0baa\u0ba4\u0bbf\u0bb2\u0bcd[:\uff1a]"),
    "Persian": ("\u067e\u0627\u0633\u062e", "\u067e\u0627\u0633\u062e"),
    "Ukrainian": (
        "\u0432\u0456\u0434\u043f\u043e\u0432\u0456\u0434\u044c",
        rf"\u0432\u0456\u0434\u043f\u043e\u0432\u0456\u0434\u044c(?:{_COLON}|(?= [0-9]))",
    ),
    "Polish": ("odpowied", rf"odpowied\u017a(?: to|{_COLON})"),
    "Dutch": ("antwoord", rf"antwoord(?: is|{_COLON})"),
    "Swedish, Danish and Norwegian": ("svar", rf"\bsvar(?:et \xe4r|et er)?(?:{_COLON}|(?<=[tr]) (?=[0-9]))"),
    "Finnish": ("vastaus", rf"vastaus(?: on|{_COLON})"),
    "Greek": (
        "\u03b1\u03c0\u03ac\u03bd\u03c4\u03b7\u03c3\u03b7",
        rf"\u03b1\u03c0\u03ac\u03bd\u03c4\u03b7\u03c3\u03b7(?: \u03b5\u03af\u03bd\u03b1\u03b9|{_COLON})",
    ),
    "Hebrew": ("\u05ea\u05e9\u05d5\u05d1\u05d4", "\u05ea\u05e9\u05d5\u05d1\u05d4"),
}
"""By language, words of which each label holds one, in lower case and between bars, and the pattern of the labels; the
ten most spoken languages are among them."""

_FLAGS = re.IGNORECASE | re.MULTILINE
_ENGLISH_WORDS = (
    "answer",
    "ans.",
    "ans:",
    "ans ",
    "ans*",
    "ans=",
    "ans>",
    "<final>",
    "<solution>",
    "result>",
    "final result",
    "final value",
)
_NEEDED = {language: tuple(words.split("|")) for language, (words, _) in _OTHERS.items()}
_ASCII = tuple(language for language, words in _NEEDED.items() if any(map(str.isascii, words)))


def label_ends(text: str) -> Iterator[int]:
    """Yield the position after each label, in order; colons, bold marks and spaces that follow belong to it.

    >>> text = "The answer is 4. **Answer:** 5"
    >>> [text[end:] for end in label_ends(text)]
    ['4. **Answer:** 5', '5']
    """
    lower = text.lower()
    ascii_only = text.isascii()
    languages = tuple(
        language for language in (_ASCII if ascii_only else _NEEDED) if any(word in lower for word in _NEEDED[language])
    )
    if not languages and not any(map(lower.__contains__, _ENGLISH_WORDS)):
        return iter(())
    return (label.end() for label in _labels(languages).finditer(text))


@functools.lru_cache(maxsize=64)
def _labels(languages: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of English labels and those of some languages."""
    labels = "|".join([_ENGLISH, *(_OTHERS[language][1] for language in languages)])
    return re.compile(rf"(?:{labels})[\s:\uff1a*_]*+", _FLAGS)
