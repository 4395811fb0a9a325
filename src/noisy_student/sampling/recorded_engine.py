"""Replay of samples from a file: for audits, for tests, and for samples drawn elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.records import Draw, Sample
from noisy_student.sampling.engine import Decoding, Drawn, Prompts, RowSeeds, Windows, draw_in_windows
from noisy_student.sampling.engines import EngineRequest, OpenEngine
from noisy_student.sampling.sample import read_samples


def open_engine(request: EngineRequest) -> OpenEngine:
    """Return the engine that replays ``spec["paths"]["samples"]``; UserError where a sample is missing."""
    spec, wanted = request.spec, {question.id for question in request.questions}
    path, ks = Path(spec["paths"]["samples"]), range(spec["shard"]["first"], spec["shard"]["end"])
    engine = RecordedEngine(
        (sample for sample in read_samples(path) if sample.question_id in wanted), run_seed=spec["seed"]
    )
    missing = {question.id: lacking for question in request.questions if (lacking := engine.lacks(question.id, ks))}
    if missing:
        name, lacking = next(iter(missing.items()))
        raise UserError(
            f"{path} lacks samples of {len(missing)} of {len(request.questions)} questions; of {name} it lacks k = "
            f"{', '.join(map(str, lacking[:8]))}.",
            why=f"Each {spec['part']} question of this run needs its samples {ks.start} to {ks.stop - 1}.",
            do="Draw them with noisy-student sample, lower K, or use questions that the file has.",
            code="samples-missing",
        )
    return OpenEngine(engine, lambda question, shots: (), engine.decode)


class RecordedEngine:
    """Returns recorded samples by question and k; ignores prompts and decoding."""

    def __init__(self, samples: Iterable[Sample], *, run_seed: int) -> None:
        """Index the samples by the seeds of a run of ``run_seed``; UserError for a text without tokens."""
        self._samples: dict[int, Sample] = {}
        self._texts: dict[tuple[int, ...], str] = {}
        for sample in samples:
            if sample.text and not sample.token_ids:
                raise UserError(
                    f"The sample of {sample.question_id}, k = {sample.k}, has a text but no token ids.",
                    why="Replay identifies a sample by its token ids.",
                    do="Use a file written by noisy-student sample.",
                    code="sample-without-tokens",
                )
            self._samples[seeds.seed(run_seed, "sample", sample.question_id, k=sample.k)] = sample
            self._texts[sample.token_ids] = sample.text
        self._run_seed = run_seed

    def lacks(self, question_id: str, ks: Iterable[int]) -> list[int]:
        """Return those of ``ks`` for which this question has no recorded sample."""
        return [k for k in ks if seeds.seed(self._run_seed, "sample", question_id, k=k) not in self._samples]

    def draw(self, prompts: Prompts, row_seeds: RowSeeds, decoding: Decoding, windows: Windows | None = None) -> Drawn:
        """Return one list of draws per prompt; each has one log-probability, that of the whole text, as recorded.

        Raises KeyError for a sample that was not recorded (``lacks``).
        """

        def draw(seed: int) -> Draw:
            sample = self._samples[seed]
            return Draw(sample.token_ids, (sample.logprob,), sample.finish)

        return draw_in_windows(lambda _, some: [[draw(seed) for seed in each] for each in some], row_seeds, windows)

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of a recorded sample."""
        return self._texts[tuple(token_ids)]
