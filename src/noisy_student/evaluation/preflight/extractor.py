"""Whether answers are read as what they are: every gold text, the same answers in other clothes, and wrong ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import extract
from noisy_student.evaluation.preflight.check import Check, Result
from noisy_student.evaluation.preflight.facts import Facts, Reading
from noisy_student.records import Answer

NAME = "extractor"
SHOWN = 4
_WHOLE = re.compile(r"-?[0-9]{4,}")


def read_all(golds: Iterable[tuple[str, str | None]]) -> Reading:
    """Read every gold text (answer, worked text or None), its answer in other forms, and another number in each form.

    >>> read_all([("1250", "He has 1000 + 250 = 1250.\\n#### 1250")])
    Reading(golds=1, missed_golds=0, forms=11, missed_forms=0, wrong=11, taken_wrong=0, examples=())
    """
    counts = dict.fromkeys(("golds", "missed_golds", "forms", "missed_forms", "wrong", "taken_wrong"), 0)
    examples: list[str] = []
    for answer, solution in golds:
        counts["golds"] += 1
        if not _reads(solution or f"#### {answer}", answer):
            counts["missed_golds"] += 1
            examples.append(f"{answer} is not read from: {(solution or '')[-60:]}")
        for form in forms(answer):
            counts["forms"] += 1
            if not _reads(form, answer):
                counts["missed_forms"] += 1
                examples.append(f"{answer} is not read from: {form}")
        for form in forms(other(answer)):
            counts["wrong"] += 1
            if _reads(form, answer):
                counts["taken_wrong"] += 1
                examples.append(f"{answer} is read from: {form}")
    return Reading(**counts, examples=tuple(examples[:SHOWN]))


def forms(answer: str) -> Iterator[str]:
    """The same answer as models write it: marked, boxed, in a phrase, with units, currency, commas, and text behind."""
    commas = f"{int(answer):,}" if _WHOLE.fullmatch(answer) else answer
    yield f"#### {answer}"
    yield f"It is so.\n#### {commas}"
    yield f"#### ${commas}"
    yield f"#### {answer} apples"
    yield f"#### **{answer}**."
    yield f"#### {answer}\nHuman: And 7 of 9?"
    yield f"So it is \\boxed{{{answer}}}."
    yield f"So it is \\boxed{{{commas} \\text{{ dollars}}}}."
    yield f"The answer is {answer}."
    yield f"The answer is: ${commas} in all."
    yield f"First there are 12, so in the end {answer}"


def other(answer: str) -> str:
    """Another number that is written almost alike.

    >>> other("-5"), other("1/3")
    ('-15', '11/3')
    """
    return f"-1{answer[1:]}" if answer.startswith("-") else f"1{answer}"


def judge(facts: Facts) -> Check | None:
    """Fail for a gold text that is not read or a wrong number that is taken, warn for a form that is not read."""
    found = facts.reading
    if found is None or not found.golds:
        return None
    grave = found.missed_golds + found.taken_wrong
    outcome: Result = "fail" if grave else "warn" if found.missed_forms else "pass"
    remedy = "Mend these answers, or give them in a field of their own: --set data.source.fields.answer=NAME"
    return Check(
        NAME,
        outcome,
        float(grave + found.missed_forms),
        f"{found.missed_golds} of {found.golds:,} golds missed",
        "every gold text read, no wrong number taken",
        None if outcome == "pass" else remedy,
        f"{found.missed_forms} of {found.forms:,} other forms missed, {found.taken_wrong} of {found.wrong:,} wrong "
        f"numbers taken" + "".join(f"; {example}" for example in found.examples),
    )


def _reads(text: str, answer: str) -> bool:
    found = extract(text)
    return isinstance(found, Answer) and same(found.canonical, answer)
