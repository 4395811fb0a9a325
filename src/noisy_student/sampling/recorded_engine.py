"""An engine that replays samples from a file: for audits, for tests, and for samples that were drawn elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.records import Draw, Sample
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.rounds import Rounds, draw_in_rounds


class RecordedEngine:
    """Hands out recorded samples by question and k; the prompt is not looked at, nor how to decode."""

    def __init__(self, samples: Iterable[Sample], *, run_seed: int) -> None:
        """A run of ``run_seed`` asks for them, whatever drew them; UserError for a text without tokens."""
        self._samples: dict[int, Sample] = {}
        self._texts: dict[tuple[int, ...], str] = {}
        for sample in samples:
            if sample.text and not sample.token_ids:
                raise UserError(
                    f"The sample of {sample.question_id}, k = {sample.k}, has a text and no token ids.",
                    why="A sample is known by its tokens.",
                    do="Give files that noisy-student sample wrote.",
                )
            self._samples[seeds.seed(run_seed, "sample", sample.question_id, k=sample.k)] = sample
            self._texts[sample.token_ids] = sample.text
        self._run_seed = run_seed

    def lacks(self, question_id: str, ks: Iterable[int]) -> list[int]:
        """Which of the samples ``ks`` of a question were not recorded."""
        return [k for k in ks if seeds.seed(self._run_seed, "sample", question_id, k=k) not in self._samples]

    def draw(
        self,
        prompts: Sequence[Sequence[int]],
        row_seeds: Sequence[Sequence[int]],
        decoding: Decoding,
        rounds: Rounds | None = None,
    ) -> list[list[Draw]]:
        """One list of draws per prompt; a draw's only log-probability is that of the whole, since no more is recorded.

        Raises KeyError for a sample that was not recorded (``lacks``).
        """

        def replay(_: Sequence[int], some: Sequence[Sequence[int]]) -> list[list[Draw]]:
            return [[self._draw(seed) for seed in seeds_K] for seeds_K in some]

        return replay([], row_seeds) if rounds is None else draw_in_rounds(replay, row_seeds, rounds)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of a recorded sample."""
        return self._texts[tuple(token_ids)]

    def _draw(self, seed: int) -> Draw:
        sample = self._samples[seed]
        return Draw(sample.token_ids, (sample.logprob,), sample.finish)
