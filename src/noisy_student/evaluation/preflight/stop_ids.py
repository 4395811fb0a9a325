"""Whether the engine knows every token that ends a text, and whether padding can be told from it."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result
from noisy_student.evaluation.preflight.facts import Facts

NAME = "stop-ids"


def judge(facts: Facts) -> Check | None:
    """Fail where a stated end is unknown to the engine, or where pad is the end token and nobody asked for it.

    Pad may be another stop id, since padding is masked by position; the token that teaches a turn to end it may not be.
    """
    found = facts.stop_ids
    if found is None:
        return None
    unknown = sorted({*found.stated, found.turn_end} - set(found.known))
    same = found.pad == found.turn_end
    detail = f"ends a text: {_ids(found.known)}; ends a turn: {found.turn_end}; pads: {found.pad}"
    outcome: Result = "fail"
    remedy: str | None = None
    if unknown:
        remedy = f"Add {_ids(unknown)} to eos_token_id in the model's generation_config.json"
    elif same and not found.told:
        remedy = "--set model.pad=apart, and a tokenizer with another special token"
    elif same:
        outcome, remedy = "warn", "--set model.pad=apart, unless the original protocol is what is wanted"
    else:
        outcome = "pass"
        if found.pad in found.known:
            detail += ", which also ends a text (padding is masked by position)"
    measured = f"{len(unknown)} unknown" if unknown else "pad is the end token" if same else "all known, pad apart"
    return Check(
        NAME,
        outcome,
        float(len(unknown)),
        measured,
        "all known to the engine, pad not the end token",
        remedy,
        detail,
    )


def _ids(ids: tuple[int, ...] | list[int]) -> str:
    return ", ".join(map(str, ids))
