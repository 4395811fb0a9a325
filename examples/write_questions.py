"""Word problems as somebody would have them, some worked out, most not: ``python examples/write_questions.py FILE``.

For those who want to try the tool before they have questions of their own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from pathlib import Path

from noisy_student.data.generated.problems import gold_solution, problems


def write_questions(path: Path, *, answered: int, unanswered: int) -> None:
    """One JSON object a line: a question, and where it is answered a worked solution that ends in ``#### N``."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        stream = itertools.islice(problems(7, steps=(1, 3), share="study"), answered + unanswered)
        for number, problem in enumerate(stream):
            row = {"question": problem.text}
            if number < answered:
                row["answer"] = gold_solution(problem, chance)
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--answered", type=int, default=200)
    parser.add_argument("--unanswered", type=int, default=800)
    given = parser.parse_args()
    write_questions(given.file, answered=given.answered, unanswered=given.unanswered)
