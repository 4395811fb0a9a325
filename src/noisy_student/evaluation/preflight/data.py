"""Checks of the data: extraction of gold answers, overlap with test, and a training file easier than test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import extract
from noisy_student.evaluation.preflight.facts import Facts, GoldReading, Judgement, Outcome, share
from noisy_student.records import Answer
from noisy_student.statistics.unpaired import newcombe, pooled_p

SHOWN = 4
"""Examples of faults that are kept."""
REMOVED_MANY = 0.05
"""Own choice: with more than one in twenty removed, the two files were hardly made apart."""
REMOVE_LEFT = "Remove these questions from the training file, and report the split's failure to remove them"
P_WARN, P_FAIL = 0.05, 0.001
"""Two-sided p of two proportions (pooled z)."""
_WHOLE = re.compile(r"-?[0-9]{4,}")


def read_golds(golds: Iterable[tuple[str, str | None]]) -> GoldReading:
    """Extract the answer from every gold text (answer, worked text or None), from other forms, and from wrong numbers.

    >>> read_golds([("1250", "He has 1000 + 250 = 1250.\\n#### 1250")])
    GoldReading(golds=1, missed_golds=0, forms=11, missed_forms=0, wrong=11, taken_wrong=0, examples=())
    """
    read: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    examples: list[str] = []
    for answer, solution in golds:
        texts = [("gold", solution or f"#### {answer}")]
        texts += [("form", form) for form in written_forms(answer)]
        texts += [("wrong", form) for form in written_forms(lookalike(answer))]
        for kind, text in texts:
            read[kind] += 1
            found = extract(text)
            reads = isinstance(found, Answer) and same(found.canonical, answer)
            if reads == (kind == "wrong"):
                faults[kind] += 1
                shown = text[-60:] if kind == "gold" else text
                examples.append(f"{answer} is {'read' if reads else 'not read'} from: {shown}")
    return GoldReading(
        golds=read["gold"],
        missed_golds=faults["gold"],
        forms=read["form"],
        missed_forms=faults["form"],
        wrong=read["wrong"],
        taken_wrong=faults["wrong"],
        examples=tuple(examples[:SHOWN]),
    )


def written_forms(answer: str) -> Iterator[str]:
    """Yield the answer as models write it: marked, boxed, in a phrase, with units, currency, commas or text behind."""
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


def lookalike(answer: str) -> str:
    """Return another number with one more digit.

    >>> lookalike("-5"), lookalike("1/3")
    ('-15', '11/3')
    """
    return f"-1{answer[1:]}" if answer.startswith("-") else f"1{answer}"


def extractor(facts: Facts) -> Judgement | None:
    """Fail if a gold answer is missed or a wrong number taken, warn if another form is missed."""
    found = facts.reading
    if found is None or not found.golds:
        return None
    grave = found.missed_golds + found.taken_wrong
    return Judgement(
        "fail" if grave else "warn" if found.missed_forms else "pass",
        float(grave + found.missed_forms),
        f"{found.missed_golds} of {found.golds:,} golds missed",
        f"{found.missed_forms} of {found.forms:,} other forms missed, {found.taken_wrong} of {found.wrong:,} wrong "
        f"numbers taken" + "".join(f"; {example}" for example in found.examples),
    )


def overlap(facts: Facts) -> Judgement | None:
    """Fail if a training question still repeats a test question, warn if many were removed for that."""
    found = facts.overlap
    if found is None:
        return None
    every = found.questions + found.removed
    outcome: Outcome = "fail" if found.left else "warn" if found.removed / every > REMOVED_MANY else "pass"
    return Judgement(
        outcome,
        float(found.left),
        f"{found.left} left, {found.removed} left out",
        f"of {every:,} questions of the training side {share(found.removed, every)} were left out for repeating a test "
        "question",
        REMOVE_LEFT if found.left else None,
    )


def pool_gap(facts: Facts) -> Judgement | None:
    """Warn if the training file is easier than test with p <= 0.05, fail with p <= 0.001.

    None of its questions was trained on here, so a difference means that the model has seen the file before.
    """
    found = facts.gap
    if found is None or not found.pool or not found.test:
        return None
    p = pooled_p(found.pool_right, found.pool, found.test_right, found.test)
    difference = found.pool_right / found.pool - found.test_right / found.test
    interval = newcombe(found.pool_right, found.pool, found.test_right, found.test)
    easier = difference > 0
    return Judgement(
        "fail" if easier and p <= P_FAIL else "warn" if easier and p <= P_WARN else "pass",
        difference,
        f"{100 * difference:+.1f} points [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}], p = {p:.2g}",
        f"{share(found.pool_right, found.pool)} of {found.pool} questions of the training file, "
        f"{share(found.test_right, found.test)} of {found.test} test questions, greedy; this check reads test answers",
    )
