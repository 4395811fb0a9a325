r"""Labels of an answer in words: "the answer is", ``Answer:``, ``<answer>`` and their kin in thirty languages."""

from __future__ import annotations

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
        "\u7b54\u6848(?:\u662f|\u4e3a|\u70ba|\u7b49\u4e8e|\u7b49\u65bc|\u5e94\u4e3a|\u61c9\u70ba)?|\u7b54[:\uff1a]"
    ),
    "Spanish": rf"respuesta(?: final| correcta)?(?: es| ser[i\xed]a|{_COLON})|soluci[\xf3o]n(?: final)? es(?![A-Za-z])",
    "Hindi": "\u0909\u0924\u094d\u0924\u0930|\u091c\u0935\u093e\u092c",
    "Arabic and Urdu": (
        "(?:\u062c\u0648\u0627\u0628|(?:\u0627\u0644)?[\u0625\u0627]\u062c\u0627\u0628\u0629)"
        "(?: \u0627\u0644(?:\u0646\u0647\u0627\u0626\u064a|\u0635\u062d\u064a\u062d)\u0629?)?"
        "(?: (?:\u0647\u0648|\u0647\u064a|\u06c1\u06d2))?"
    ),
    "French": rf"r[\xe9e]ponse(?: finale| correcte)?(?: est| serait|{_COLON})",
    "Bengali": "(?:\u0989\u09a4\u09cd\u09a4\u09b0|জবাব)(?: \u09b9\u09b2\u09cb?| \u09b9\u09ac\u09c7)?",
    "Portuguese": rf"resposta(?: final| correta)?(?: [\xe9e](?!\w)| seria|{_COLON})",
    "Russian": (
        "\u043e\u0442\u0432\u0435\u0442(?:\u043e\u043c)?(?: \u0440\u0430\u0432\u0435\u043d"
        "| \u044f\u0432\u043b\u044f\u0435\u0442\u0441\u044f"
        "|(?= [0-9])| \u0431\u0443\u0434\u0435\u0442|[ *_]{0,4}+[:\u2014\u2013-])"
    ),
    "Indonesian": rf"jawaban(?:nya)?(?: akhir(?:nya)?)?(?: adalah| ialah|(?= [0-9])|{_COLON})",
    "German": rf"antwort(?: ist| lautet| betr[\xe4]gt| w[\xe4]re|{_COLON})",
    "Japanese": "(?:\u7b54\u3048|\u89e3\u7b54|\u56de\u7b54|\u6b63\u89e3)(?:\u306f|[:\uff1a]|(?= [0-9]))",
    "Korean": "(?:\uc815\ub2f5|\ub2f5)(?:\uc740|[:\uff1a])",
    "Italian": rf"risposta(?: finale| corretta)?(?: \xe8(?!\w)|{_COLON})",
    "Vietnamese": "(?:\u0111\xe1p (?:\xe1n|s\u1ed1)|câu trả lời)(?: l\xe0|[:\uff1a])",
    "Turkish": rf"cevap(?:{_COLON}|(?= [0-9]))",
    "Thai": "คำตอบ(?:คือ|[:\uff1a])?",
    "Swahili": rf"jibu(?: la mwisho)?(?: ni(?![A-Za-z])|{_COLON})",
    "Telugu": "సమాధానం",
    "Tamil": "பதில்[:\uff1a]",
    "Persian": "پاسخ",
    "Ukrainian": rf"відповідь(?:{_COLON}|(?= [0-9]))",
    "Polish": rf"odpowiedź(?: to|{_COLON})",
    "Dutch": rf"antwoord(?: is|{_COLON})",
    "Swedish, Danish and Norwegian": rf"\bsvar(?:et är|et er)?(?:{_COLON}|(?<=[tr]) (?=[0-9]))",
    "Finnish": rf"vastaus(?: on|{_COLON})",
    "Greek": rf"απάντηση(?: είναι|{_COLON})",
    "Hebrew": "תשובה",
}
"""Labels by language; the ten most spoken ones are among them."""

_FLAGS = re.IGNORECASE | re.MULTILINE
_LABEL = re.compile(rf"(?:{_ENGLISH})[\s:*_]*+", _FLAGS)
_ANY_LABEL = re.compile(rf"(?:{_ENGLISH}|{'|'.join(_OTHERS.values())})[\s:\uff1a*_]*+", _FLAGS)
_ENGLISH_WORDS = ("answer", "ans.", "ans:", "ans ", "ans*", "ans=", "<ans>", "<final>", "<solution>", "result>", "final result", "final value")
_OTHER_WORDS = ("respuesta", "resposta", "reponse", "jawaban", "antwort", "risposta", "cevap", "jibu", "antwoord", "svar", "vastaus", "solucion")


def label_ends(text: str) -> Iterator[int]:
    """Yield the position after each label, in order; colons, bold marks and spaces that follow belong to it.

    >>> text = "The answer is 4. **Answer:** 5"
    >>> [text[end:] for end in label_ends(text)]
    ['4. **Answer:** 5', '5']
    """
    lower = text.lower()
    if not text.isascii() or any(map(lower.__contains__, _OTHER_WORDS)):
        return (label.end() for label in _ANY_LABEL.finditer(text))
    if any(map(lower.__contains__, _ENGLISH_WORDS)):
        return (label.end() for label in _LABEL.finditer(text))
    return iter(())
