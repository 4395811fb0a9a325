"""Your own questions, from one file to a verdict: ``python examples/bring_your_own_data.py [QUESTIONS.jsonl MODEL]``.

The file holds one object a line, {"question": "...", "answer": "... #### 42"}; lines without an answer are the
questions to label. Without a file, 200 answered and 800 unanswered word problems are written, to try it on the lab's
model.
"""

from __future__ import annotations

import sys
from pathlib import Path

from write_questions import write_questions

import noisy_student
from noisy_student.cli.main import main

if __name__ == "__main__":
    questions = Path(sys.argv[1] if len(sys.argv) > 1 else "questions.jsonl")
    if not questions.exists():
        write_questions(questions, answered=200, unanswered=800)
    model = sys.argv[2] if len(sys.argv) > 2 else "lab-m"
    study = questions.with_suffix(".toml")
    # The same as `noisy-student init`: sizes that fit, and what so many test questions can show.
    if not study.exists() and main(["init", str(questions), "--out", str(study), "--model", model]):
        sys.exit(1)
    made = noisy_student.run(str(study.resolve()))
    for finding in made.findings:
        low, high = (100 * bound for bound in finding["interval"])
        told = f"{100 * finding['difference']:+.1f} points [{low:+.1f}, {high:+.1f}]"
        print(f"{finding['a']} - {finding['b']}: {told} {finding['verdict'] or 'exploratory'}")
    print("page:", made.folder / "report.html")
    print("students:", *sorted(path.name for path in (made.folder / "models").iterdir()))
