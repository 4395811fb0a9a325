"""A stage for tests: light, deterministic, and able to misbehave in every way that the engine room must bear."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.errors import NotTrainable, UserError

LIBRARIES = ("filelock",)
OPTIONAL = ("maybe-",)


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Writes what it read and its own word; ``do`` in the spec names a misbehaviour, cured once TOY_CURE exists."""
    with Path(os.environ["TOY_LOG"]).open("a") as log:
        log.write(spec["word"] + "\n")
    if not Path(os.environ["TOY_CURE"]).exists():
        _misbehave(spec.get("do"), context)
    read = [(path / "words.txt").read_text() for paths in inputs.values() for path in paths]
    (context.data / "words.txt").write_text("".join(read) + f"{spec['word']} {spec.get('seed')}\n")
    (context.data / "more").mkdir()
    (context.data / "more" / "length.bin").write_bytes(bytes(range(256)) * len(spec["word"]))
    (context.curves / "seconds.txt").write_text(str(time.time()))
    context.progress(1, 1)
    if spec.get("do") == "say":
        context.notice(f"{spec['word']} has something to say")
        time.sleep(spec["seconds"])
    return {"words": len(read) + 1}


def _misbehave(do: str | None, context: Context) -> None:
    if do == "fail":
        raise RuntimeError("out of luck with hf_" + "a" * 34)
    if do == "full":
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # As safetensors does it.
            raise RuntimeError("I/O error") from error
    if do == "user":
        raise UserError(
            "questions.jsonl is empty.", why="There is nothing to sample.", do="Name another file.", code="empty"
        )
    if do == "skip":
        (context.data / "half.txt").write_text("half")
        raise NotTrainable("No question reached agreement 0.75.", code="no-votes-selected")
    if do == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "die-once":
        Path(os.environ["TOY_CURE"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "half":
        (context.data / "half.tmp").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "slow":
        (context.data / "half.txt").write_text("half")
        while True:
            chunks = len(list(context.scratch.iterdir()))
            (context.scratch / str(chunks)).touch()
            context.progress(chunks, 1000)
            time.sleep(0.02)
            context.check()
    if do == "nan":
        (context.data / "nan.txt").symlink_to("elsewhere")
