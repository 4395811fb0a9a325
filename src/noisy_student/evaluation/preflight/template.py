"""Whether a student is trained on the very prompt that it is sampled from, and taught to end its turn."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from noisy_student.evaluation.preflight.check import Check
from noisy_student.evaluation.preflight.facts import Facts, Rendered

NAME = "template"


def compare(
    rows: Sequence[tuple[Sequence[int], Sequence[int], Sequence[int]]], *, end_id: int, stop_ids: Collection[int]
) -> Rendered:
    """Hold training examples against prompts; a row is prompt ids, example ids and the example's completion mask.

    >>> compare([([1, 2], [1, 2, 7, 9], [0, 0, 1, 1])], end_id=9, stop_ids={9})
    Rendered(examples=1, other_prompt=0, prompt_learned=0, wrong_end=0)
    """
    other = learned = wrong = 0
    for prompt, ids, mask in rows:
        start = len(prompt)
        other += list(ids[:start]) != list(prompt)
        learned += any(mask[:start]) or not all(mask[start:])
        wrong += ids[-1] != end_id or not mask[-1] or end_id not in stop_ids
    return Rendered(len(rows), other, learned, wrong)


def judge(facts: Facts) -> Check | None:
    """Fail for a single example that differs."""
    found = facts.rendered
    if found is None or not found.examples:
        return None
    faults = found.other_prompt + found.prompt_learned + found.wrong_end
    detail = (
        f"{found.examples} training examples: {found.other_prompt} begin otherwise than the prompt that is sampled "
        f"from, {found.prompt_learned} have another mask, {found.wrong_end} do not end with a token that stops"
    )
    return Check(
        NAME,
        "fail" if faults else "pass",
        float(faults),
        f"{faults} differ",
        "none differs",
        "--set prompt.style=raw, or mend chat_template in the model's tokenizer_config.json" if faults else None,
        detail,
    )
