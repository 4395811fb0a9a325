"""End of an answer: generation may stop after the first complete ``#### number`` that can no longer change.

Law, checked by a property test: ``extract(text[:answer_end(text)]) == extract(text)`` wherever the end is not None.
A box never stops generation, because the last box wins.
"""

from __future__ import annotations

from noisy_student.answers.hashes import MARK, first_hashes
from noisy_student.answers.turns import own_turn


def answer_end(text: str) -> int | None:
    """Return the position after the answer where ``text`` may be cut, or None while the answer may still change.

    Cheap without a ``####``; a decoding loop may call it on the decoded tail, from the ``####`` on.

    >>> answer_end("#### 18"), answer_end("#### 18."), answer_end("#### 18. So")
    (None, None, 8)
    """
    if MARK not in text:
        return None
    visible = own_turn(text)
    marked = first_hashes(visible)
    if marked is None or marked.end == len(text):
        return None
    return marked.end
