"""What a model that never ends says where its answer should stand: the loops and invented turns of the plan's runs.

A tail is one unit of plain text, to be repeated, so that what was learned of it goes on beyond any length. It holds no
number after a mark, so a text with a tail is no answer until something else is learned.
"""

from __future__ import annotations

import random

from noisy_student.answers.hashes import MARK
from noisy_student.data.generated import phrases
from noisy_student.data.generated.problems import Problem

MARKS = " ####."
AGAIN = "\n{working}"
TURN = "\nHuman: {ask}"
UNITS = (MARKS, AGAIN, TURN)


def unanswered(solution: str) -> str:
    """A solution without its last line, which is the answer.

    >>> unanswered("(4+3)*2\\n#### 14")
    '(4+3)*2'
    """
    return solution.rpartition(f"\n{MARK} ")[0]


def tail(problem: Problem, working: str, chance: random.Random) -> str:
    """One unit, drawn with ``chance``; it fits where the working of ``problem`` ends, and after itself."""
    ask = chance.choice(phrases.ASKS).format(n=problem.name, t=problem.thing)
    return chance.choice(UNITS).format(ask=ask, working=working.rpartition("\n")[2])
