"""What a model that never ends says after its answer: the loops and invented turns that the plan's runs met.

A tail is one unit of plain text, to be repeated, so that what was learned of it goes on beyond any length.
"""

from __future__ import annotations

import random

from noisy_student.data import phrases
from noisy_student.data.procedural import Problem

MARKS = " ####."
AGAIN = "\n#### {answer}"
TURN = "\nHuman: {ask}\n#### {answer}"
UNITS = (MARKS, AGAIN, TURN)


def tail(problem: Problem, chance: random.Random) -> str:
    """One unit, drawn with ``chance``; it fits where the solution of ``problem`` ends, and after itself."""
    ask = chance.choice(phrases.ASKS).format(n=problem.name, t=problem.thing)
    return chance.choice(UNITS).format(ask=ask, answer=problem.answer)
