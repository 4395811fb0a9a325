"""Table of the pre-flight checks, each with its threshold, its remedy and the measurements that it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from noisy_student.evaluation.preflight import answers, data, machine, model
from noisy_student.evaluation.preflight.facts import Facts, Judgement, Outcome

Measurement = Literal["baseline", "votes", "model", "gold", "rehearsal", "pool", "test"]


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table: ``judge`` returns None if its facts are missing, ``needs`` names the measurements.

    ``remedy`` is shown for a warning or failure to which the judgement adds no remedy of its own.
    """

    name: str
    judge: Callable[[Facts], Judgement | None]
    needs: tuple[Measurement, ...]
    threshold: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check: ``value`` is the measured number or None, ``measured`` the same in words."""

    check: str
    outcome: Outcome
    value: float | None
    measured: str
    threshold: str
    remedy: str | None
    detail: str


MEMORISED = "may be memorised: take questions that were made later"
CHECKS = (
    Check("baseline-accuracy", answers.baseline_accuracy, ("baseline",),
          f"{answers.BASELINE_LOW:.0%} to {answers.BASELINE_HIGH:.0%}"),
    Check("vote-accuracy", answers.vote_accuracy, ("votes",),
          f"at least {answers.VOTE_LEAST:.0%}"),
    Check("batched-speed-up", model.speed_up, ("model",),
          f"at least {model.SPEED_UP:g} times",
          "--set compute.width=512 --set compute.chunk=512, or compute.engine=vllm on a GPU"),
    Check("answer-parsing", answers.parsing, ("votes",),
          f"at least {answers.READABLE_GOOD:.0%} (fail below {answers.READABLE_POOR:.0%})",
          "State the form of the answer: --set prompt.instruction='End with #### followed by the number.'"),
    Check("truncation", answers.truncation, ("votes",),
          f"at most {answers.CUT_MOST:.0%}"),
    Check("stop-ids", model.stop_ids, ("model",),
          "all known to the engine, pad not the end token"),
    Check("template", model.template, ("model",),
          "no example differs",
          "--set prompt.style=raw, or fix chat_template in the model's tokenizer_config.json"),
    Check("extractor", data.extractor, ("gold",),
          "every gold text read, no wrong number taken",
          "Fix these answers, or give them in a field of their own: --set data.source.fields.answer=NAME"),
    Check("dtype", model.dtype, ("model",),
          "float32 for training",
          "--set model.dtype=float32"),
    Check("test-overlap", data.overlap, ("gold",),
          f"none left (warn above {data.REMOVED_MANY:.0%} left out)",
          "Give a test file that was made apart: --set data.source.test=FILE"),
    Check("batches", machine.batches, (),
          f"whole micro-batches, whole groups, {machine.FEW_STEPS} steps or more"),
    Check("memory", machine.memory, ("rehearsal",),
          f"at most {machine.MEMORY_TIGHT:.0%} of what is free (fail above all of it)"),
    Check("disk", machine.disk, ("model",),
          f"at most {machine.DISK_TIGHT:.0%} of what is free (fail above all of it)",
          "noisy-student gc --delete, another --store, or fewer --seeds"),
    Check("pool-against-test", data.pool_gap, ("pool", "test"),
          f"not above 0 with p at most {data.P_WARN:g} (fail at {data.P_FAIL:g})",
          f"The training file {MEMORISED}"),
    Check("prompt-completion", model.completion, ("model",),
          f"below {model.COMPLETED_SOME:.0%} (fail from {model.COMPLETED_MANY:.0%})",
          f"The questions {MEMORISED}"),
)  # fmt: skip


def judge_all(facts: Facts) -> tuple[CheckResult, ...]:
    """Return one result a check, in the order of the table.

    Not applicable: pass. Not measurable: fail. Not requested: unsure.
    """
    return tuple(_result(check, facts) for check in CHECKS)


def _result(check: Check, facts: Facts) -> CheckResult:
    found, threshold = check.judge(facts), check.threshold
    if found is None:
        threshold = ""
        if check.name in facts.excused:
            found = Judgement("pass", None, "not applicable", facts.excused[check.name])
        elif check.name in facts.missing:
            fix = "Fix the cause and run the same command again"
            found = Judgement("fail", None, "could not be measured", facts.missing[check.name], fix)
        else:
            found = Judgement("unsure", None, "not measured", "not requested")
    remedy = found.remedy or (check.remedy if found.outcome in ("warn", "fail") else None)
    return CheckResult(check.name, found.outcome, found.value, found.measured, threshold, remedy, found.detail)
