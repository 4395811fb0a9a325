"""What stands after the answer of a model that never ends: the loops and invented turns that the plan's runs met.

A tail is plain text: it repeats one unit, so what was learned of it goes on as a loop beyond any length it was shown in.
"""

from __future__ import annotations

import random

from noisy_student.data import phrases
from noisy_student.data.procedural import Problem

MARKS = " ####."
AGAIN = "\n#### {answer}"
TURN = "\nHuman: {ask}\n#### {answer}"
UNITS = (MARKS, AGAIN, TURN)
CHARACTERS = 500
"""Least length of a tail; pretraining cuts it by tokens, of which this is more than it keeps."""


def tail(problem: Problem, chance: random.Random) -> str:
    """One unit, drawn with ``chance``, again and again; it begins where the solution of ``problem`` has ended."""
    ask = chance.choice(phrases.ASKS).format(n=problem.name, t=problem.thing)
    unit = chance.choice(UNITS).format(ask=ask, answer=problem.answer)
    return unit * (CHARACTERS // len(unit) + 1)
