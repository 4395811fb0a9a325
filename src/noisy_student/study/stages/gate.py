"""A gate before further work: open, or skipped with everything below it, by the criterion in its spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.errors import NotTrainable
from noisy_student.evaluation.preflight.answers import vote_passes

OPTIONAL = ("probe-",)
FORWARDS = "train"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``gate.json`` and forward the role ``train``, if any; raises NotTrainable where the gate is closed."""
    context.check()
    facts = CRITERIA[spec["criterion"]](spec, inputs)
    for folder in inputs.get("train", ()):
        files.link_children(folder, context.data)
    files.write_json(context.data / "gate.json", facts)
    return facts


def _accepted(spec: Spec, inputs: Inputs) -> dict[str, Any]:
    """Open for a student that its review accepted."""
    found = files.read_json(inputs["review"][0] / "review.json")
    if not found["accepted"]:
        raise NotTrainable(f"{spec['name']} was rejected by its review: {found['reason']}.", code="student-rejected")
    return {"accepted": True}


def _no_probe_held(spec: Spec, inputs: Inputs) -> dict[str, Any]:
    """Open while none of ``spec["probes"]``, in the order of roles, met its criteria; an untrained probe met none."""
    for number, name in enumerate(spec["probes"]):
        for folder in inputs.get(f"probe-{number}", ()):
            found = files.read_json(folder / "probe.json")
            if found["held"]:
                raise NotTrainable(
                    f"Probe {name} met its criteria at step {found['steps']}; later probes are skipped.",
                    code="probe-held",
                )
    return {"failed": list(spec["probes"])}


def _vote_fails(spec: Spec, inputs: Inputs) -> dict[str, Any]:
    """Open while votes of so many samples are not good enough."""
    found = files.read_json(inputs["votes"][0] / "votes.json")
    if vote_passes(found["right"], found["questions"]):
        raise NotTrainable(
            f"The vote of {found['K']} samples per question is accurate enough; larger K are not sampled.",
            code="vote-passes",
        )
    return {"K": found["K"]}


CRITERIA: Mapping[str, Callable[[Spec, Inputs], dict[str, Any]]] = {
    "accepted": _accepted,
    "no-probe-held": _no_probe_held,
    "vote-fails": _vote_fails,
}
