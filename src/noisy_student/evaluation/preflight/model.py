"""Checks of the model: speed-up by batching, stop ids, training prompt, dtype and memorised questions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from noisy_student.evaluation.preflight.facts import Facts, Judgement, Outcome, PromptComparison, share
from noisy_student.statistics.intervals import wilson

SPEED_UP = 2.0
"""Project plan, "Pre-flight Checks", 3: four to eight times was seen; below two the engine samples one by one."""
FINE = ("float32", "float64")
"""In half precision an update of a millionth of a weight is lost in rounding."""
VERBATIM = 20
"""Tokens in a row that do not match by chance; Carlini et al. 2023 (arXiv 2202.07646) use 50 on web text, and the
second half of a word problem is shorter than that."""
COMPLETED_SOME, COMPLETED_MANY = 0.05, 0.20
"""Own choice: clean models complete none; Wu et al. 2025 (arXiv 2507.10532) found half of MATH-500 in Qwen2.5."""


def compare_prompts(
    rows: Iterable[tuple[Sequence[int], Sequence[int], Sequence[int]]], *, end_id: int, stop_ids: Collection[int]
) -> PromptComparison:
    """Count training examples that differ from their prompt; a row is prompt ids, example ids and completion mask.

    >>> compare_prompts([([1, 2], [1, 2, 7, 9], [0, 0, 1, 1])], end_id=9, stop_ids={9})
    PromptComparison(examples=1, prompt_differs=0, mask_differs=0, end_differs=0)
    """
    examples = prompt_differs = mask_differs = end_differs = 0
    for prompt, ids, mask in rows:
        start = len(prompt)
        examples += 1
        prompt_differs += list(ids[:start]) != list(prompt)
        mask_differs += any(mask[:start]) or not all(mask[start:])
        end_differs += ids[-1] != end_id or not mask[-1] or end_id not in stop_ids
    return PromptComparison(examples, prompt_differs, mask_differs, end_differs)


def common_prefix(written: Sequence[int], known: Sequence[int]) -> int:
    """Return the number of equal tokens at the start of both.

    >>> common_prefix([1, 2, 3], [1, 2, 4])
    2
    """
    pairs = enumerate(zip(written, known, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(written), len(known)))


def speed_up(facts: Facts) -> Judgement | None:
    """Pass if batched sampling is at least twice as fast as one answer at a time, else warn."""
    found = facts.speed
    if found is None:
        return None
    ratio = found.together / found.alone
    return Judgement(
        "pass" if ratio >= SPEED_UP else "warn",
        ratio,
        f"{ratio:.1f} times",
        f"{found.rows} answers together: {found.together:,.0f} tokens a second; one at a time: {found.alone:,.0f}",
    )


def stop_ids(facts: Facts) -> Judgement | None:
    """Fail if the engine does not know a stated end id, or if pad is the end token without being asked for.

    Pad may be another stop id, since padding is masked by position; it may not be the token that ends a turn in
    training, since that token must be learned.
    """
    found = facts.stop_ids
    if found is None:
        return None
    unknown = sorted({*found.stated, found.turn_end} - set(found.known))
    same = found.pad == found.turn_end
    detail = f"ends a text: {_ids(found.known)}; ends a turn: {found.turn_end}; pads: {found.pad}"
    outcome: Outcome = "fail"
    remedy: str | None = None
    if unknown:
        remedy = f"Add {_ids(unknown)} to eos_token_id in the model's generation_config.json"
    elif same and not found.pad_as_end:
        remedy = "--set model.pad=apart, and a tokenizer with another special token"
    elif same:
        outcome, remedy = "warn", "--set model.pad=apart, unless the original protocol is wanted"
    else:
        outcome = "pass"
        if found.pad in found.known:
            detail += ", which also ends a text (padding is masked by position)"
    measured = f"{len(unknown)} unknown" if unknown else "pad is the end token" if same else "all known, pad apart"
    return Judgement(outcome, float(len(unknown)), measured, detail, remedy)


def template(facts: Facts) -> Judgement | None:
    """Fail if a single training example differs from the prompt that is sampled from."""
    found = facts.prompts
    if found is None or not found.examples:
        return None
    faults = found.prompt_differs + found.mask_differs + found.end_differs
    return Judgement(
        "fail" if faults else "pass",
        float(faults),
        f"{faults} differ",
        f"{found.examples} training examples: in {found.prompt_differs} the prompt differs from the sampled one, in "
        f"{found.mask_differs} the loss mask differs, {found.end_differs} do not end with a stop token",
    )


def dtype(facts: Facts) -> Judgement | None:
    """Fail for half-precision weights, which round small updates away."""
    if facts.dtype is None:
        return None
    return Judgement(
        "pass" if facts.dtype in FINE else "fail", None, facts.dtype, "dtype of the weights as they were loaded"
    )


def completion(facts: Facts) -> Judgement | None:
    """Warn from one in twenty verbatim continuations on, fail from one in five on."""
    found = facts.completion
    if found is None or not found.questions:
        return None
    rate, interval = found.verbatim / found.questions, wilson(found.verbatim, found.questions)
    return Judgement(
        "fail" if rate >= COMPLETED_MANY else "warn" if rate >= COMPLETED_SOME else "pass",
        rate,
        share(found.verbatim, found.questions),
        f"{found.verbatim} of {found.questions} first halves were continued word for word for {found.least} tokens or "
        f"more (95 % interval to {100 * interval.high:.1f} %); the longest match has {found.longest} tokens",
    )


def _ids(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))
