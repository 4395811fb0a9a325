"""Tails of an endless model: the loops and invented turns of the plan's runs, in place of an answer.

A tail is one unit of plain text to be repeated, so the learned loop continues beyond any length. It has no number after
a mark, so a text with a tail has no answer.
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
    """Remove the last line of a solution, which is its answer.

    >>> unanswered("(4+3)*2\\n#### 14")
    '(4+3)*2'
    """
    return solution.rpartition(f"\n{MARK} ")[0]


def tail(problem: Problem, working: str, chance: random.Random) -> str:
    """Draw one unit; it fits after the working of ``problem`` and after itself."""
    ask = chance.choice(phrases.ASKS).format(n=problem.name, t=problem.thing)
    return chance.choice(UNITS).format(ask=ask, working=working.rpartition("\n")[2])
