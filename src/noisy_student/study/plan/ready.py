"""Checks of a run before its first step: folders, disk, device, models and the sizes of all parts, each once.

A fault of this machine alone stops a run and is a note of a plan, which may be made for another machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from noisy_student.data.parts import parts, read_sources, sizes_of
from noisy_student.data.spec import PARTS
from noisy_student.data.splits import SMALLEST, Sizes, Sources, limited, split
from noisy_student.errors import UserError
from noisy_student.models.availability import hub_fault, local, parameters, require_template
from noisy_student.models.spec import ModelSpec
from noisy_student.pipeline.node import Node, parents_first, version
from noisy_student.study.plan.inputs import variant
from noisy_student.study.plan.nodes import is_adapter
from noisy_student.study.plan.plan import Plan
from noisy_student.study.settings.methods import of_stage
from noisy_student.study.settings.study import Settings

WEIGHT_BYTES = 4
"""Of a weight on disk."""
STATE_BYTES = 3 * WEIGHT_BYTES
"""Of a weight in the saved state of a training: the weight and AdamW's two moments."""
GB = 10**9
_SECONDS = 10.0
"""Longest wait for an answer of the GPU's driver."""


Cached = Callable[[Node], bool]
"""Tell whether the store holds a node's result."""


def require_ready(planned: Plan, cached: Cached, *, store: Path, runs: Path, here: bool = True) -> list[str]:
    """Raise UserError for the first fault that would stop the run later; return the faults of this machine alone.

    Those are raised, too, where the run is to start ``here``.
    """
    settings = planned.settings
    for flag, folder in (("--store", store), ("--runs", runs)):
        _require_writable(folder, flag)
    kept: list[str] = []

    def judge(fault: UserError | None) -> None:
        if fault is not None and here:
            raise fault
        if fault is not None:
            kept.append(str(fault))

    judge(_gpu_fault(settings))
    folders = {model: local(model) for model in _models(settings)}
    for model, found in folders.items():
        if found is None:
            judge(hub_fault(model))
        elif settings.prompt.style == "chat":
            require_template(model.id, found)
    _require_questions(planned, cached)
    require_own_model(settings)
    judge(_disk_fault(planned, cached, store, folders[settings.model]))
    return kept


def require_own_model(settings: Settings) -> None:
    """Raise UserError where a lab model that nobody named would answer the user's own questions."""
    if settings.checks.model_named:
        return
    raise UserError(
        f"No model is named, and {settings.model.id}, which would answer your questions, is a rehearsal.",
        why="Lab models were pretrained on the lab's generated questions and can answer hardly anything else.",
        do=f"Name your model (--model MODEL), or give --model {settings.model.id} to try the machinery.",
        code="model-not-named",
    )


def _require_writable(folder: Path, flag: str) -> None:
    """Raise UserError unless a file can be made in the folder or, while there is none, in the nearest one above."""
    folder = Path(folder).absolute()
    place = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UserError(
            f"{flag} {folder} cannot be written to: {error.strerror} ({place}).",
            why="Results are kept there, and nothing has been computed yet.",
            do=f"Give another folder with {flag}.",
            code="folder-not-writable",
        ) from error


def _gpu_fault(settings: Settings) -> UserError | None:
    if not settings.compute.needs_gpu or accelerator():
        return None
    return UserError(
        f"The scale {settings.scale} needs a GPU, and none was found here.",
        why="On the CPU this scale takes weeks.",
        do="Use --scale laptop, or compute here anyway with --set compute.needs_gpu=false.",
        code="gpu-missing",
    )


def accelerator() -> str:
    """Return the name of this machine's GPU as its driver states it, without importing torch; empty without one.

    A torch that was built for the CPU alone sees none.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"} or (version("torch") or "").endswith("+cpu"):
        return ""
    asked = {"nvidia-smi": ["--query-gpu=name", "--format=csv,noheader"], "rocm-smi": ["--showproductname", "--csv"]}
    for program, words in asked.items():
        try:
            found = subprocess.run([program, *words], capture_output=True, text=True, timeout=_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        if found.stdout.strip():
            return ", ".join(found.stdout.strip().splitlines())
    return ""


def _models(settings: Settings) -> list[ModelSpec]:
    """Return the run's own model and those that conditions name, each once."""
    named = [None, *(item.model for item in settings.conditions.values())]
    return list(dict.fromkeys(variant(settings, name).model for name in named))


def _disk_fault(planned: Plan, cached: Cached, store: Path, folder: Path | None) -> UserError | None:
    """Return the fault of a disk with less room than the students that are missing from the store will take."""
    waiting = [node for node in parents_first(planned.targets) if of_stage(node.stage) and not cached(node)]
    whole = [node for node in waiting if not is_adapter(node)]
    weights = None if folder is None else parameters(folder)
    if weights is None or not whole:
        return None
    at_once = min(len(whole), planned.settings.compute.workers)
    # A saved weight may take two bytes (save_dtype): only what is surely too little is refused.
    needed = WEIGHT_BYTES // 2 * weights * len(whole) + STATE_BYTES * weights * at_once
    place = next(path for path in (store, *store.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed <= free:
        return None
    return UserError(
        f"{store} has {free / GB:.1f} GB free, and {len(whole)} students of {weights / 1e6:,.0f} million weights "
        f"need about {needed / GB:.1f} GB.",
        why="A full disk would stop the run midway.",
        do="Make room, or give --store on another disk.",
        code="disk-too-small",
    )


def _require_questions(planned: Plan, cached: Cached) -> None:
    """Raise UserError for unusable files and for sizes that do not fit: one message, not one a condition later."""
    for node in parents_first(planned.targets):
        if node.stage == "split" and node.paths and not cached(node):
            assert node.seed is not None
            try:
                parts(planned.settings.data, run_seed=node.seed, paths=node.paths)
            except UserError as error:
                if error.code != "too-few-questions":
                    raise
                raise _with_sizes_that_fit(error, planned.settings, node) from error


def _with_sizes_that_fit(error: UserError, settings: Settings, node: Node) -> UserError:
    """Return the error with sizes that were tried: of the part it names or another one, else of all in proportion."""
    sources, asked = read_sources(settings.data.source, node.paths), sizes_of(settings.data)

    def fits(sizes: Sizes) -> bool:
        return all(_splits(sources, sizes, seed) for seed in settings.seeds)

    if fits(asked):
        # Too few foreign questions.
        return error
    by_part = sorted(PARTS, key=lambda part: not error.what.startswith(f"data.{part} "))
    for part in by_part:

        def fits_with(size: int, part: str = part) -> bool:
            return fits(asked.model_copy(update={part: size}))

        fitting = _largest(fits_with, SMALLEST[part], getattr(asked, part))
        if fitting is not None and settings.data.limit is None:
            advice = f"Set data.{part} to {fitting} (--set data.{part}={fitting}), which fits"
            break
    else:
        whole = sum(asked.model_dump().values())
        limit = _largest(lambda limit: fits(limited(asked, limit)), sum(SMALLEST.values()), whole)
        if limit is None:
            return UserError(error.what, why=error.why, do="Give more questions.", code=error.code)
        counts = limited(asked, limit).model_dump()
        advice = f"Use --limit {limit}, which fits ({', '.join(f'{counts[part]} {part}' for part in PARTS)})"
    return UserError(error.what, why=error.why, do=f"{advice}, or give more questions.", code=error.code)


def _largest(fits: Callable[[int], bool], least: int, most: int) -> int | None:
    """Return the largest number from ``least`` to ``most`` that fits; None if ``least`` does not."""
    if least > most or not fits(least):
        return None
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least


def _splits(sources: Sources, sizes: Sizes, run_seed: int) -> bool:
    try:
        split(sources, sizes, run_seed=run_seed)
    except UserError:
        return False
    return True
