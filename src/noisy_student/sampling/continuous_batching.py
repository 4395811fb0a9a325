"""Continuous batching: a row that ends gives its slot to the next one at once.

Each prompt is read once, when its first row enters, and dropped when its last one ends. Rows of a later window wait
until all rows of the window before have ended and their rule asks for more. The schedule is a pure function of prompts,
seeds, decoding and windows, so equal calls give equal bytes.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisy_student import seeds
from noisy_student.records import Draw
from noisy_student.sampling.decoder import Decoder
from noisy_student.sampling.engine import Decoding, Drawn, Ends, Prompts, RowSeeds, Windows
from noisy_student.sampling.snapshot import Snapshots
from noisy_student.sampling.token_choice import Row, choose_tokens, penalise_repetition, rows_of

LEAST_WIDTH = 8
"""Slots that are always kept: narrower products use other kernels with other roundings."""
COMPACT_BELOW = 0.75
"""Without waiting rows, free slots are dropped once fewer than this share of them is busy."""


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """Input of one call: prompts, the seeds of each, and the windows in which they are drawn."""

    prompts: Prompts
    row_seeds: RowSeeds
    decoding: Decoding
    windows: Windows | None = None


class ContinuousBatching:
    """One call of the engine."""

    def __init__(self, decoder: Decoder, work: DrawRequest, *, width: int, ends: Ends) -> None:
        self._decoder, self._prompts, self._decoding, self._ends = decoder, work.prompts, work.decoding, ends
        self._rows = rows_of(work.row_seeds)
        self._copies = len(work.row_seeds[0])
        self._windows = work.windows or Windows((self._copies,), lambda prompt, draws: False)
        self._asked = [0] * len(self._prompts)
        """Number of windows of each prompt that were queued."""
        self._open = [0] * len(self._prompts)
        """Number of unfinished rows of each prompt's last window."""
        self._waiting: deque[int] = deque()
        for prompt in range(len(self._prompts)):
            self._next_window(prompt)
        self._slots = np.full(min(max(width, LEAST_WIDTH), max(len(self._waiting), LEAST_WIDTH)), -1)
        self._groups: dict[int, int] = {}
        self._free_groups = list(range(len(self._prompts)))
        self._logits: dict[int, Tensor] = {}
        longest = max(map(len, self._prompts))
        decoder.reserve(longest + work.decoding.max_new_tokens)
        self._cache = decoder.new_cache(
            # Rows enter prompt by prompt; only stragglers need more groups, which the cache then adds.
            groups=min(len(self._prompts), 2 * -(-len(self._slots) // self._windows.ends[0])),
            rows=len(self._slots),
            prompt=longest,
            drawn=work.decoding.max_new_tokens,
        )
        self._ids_R = torch.zeros(len(self._slots), dtype=torch.long, device=decoder.device)
        self._seen_RV: Tensor | None = None

    def run(self, check: Callable[[], None], snapshots: Snapshots | None = None) -> Drawn:
        """Draw all rows; ``check`` is called at every step and may raise; go on from a snapshot if there is one."""
        found = None if snapshots is None else snapshots.load(self._decoder.device)
        if found is None:
            self._let_in()
        else:
            self._restore(*found)
        while (self._slots >= 0).any():
            if snapshots is None:
                check()
            else:
                snapshots.check(check, self._state)
            self._give_up_slots()
            busy = np.flatnonzero(self._slots >= 0)
            self._cache.used_R[torch.from_numpy(np.flatnonzero(self._slots < 0))] = 0
            logits_RV = self._decoder.step(self._cache, self._ids_R)
            self._take(busy, logits_RV if len(busy) == len(self._slots) else logits_RV[torch.from_numpy(busy)])
            self._let_in()
        if snapshots is not None:
            snapshots.drop()
        return [self._draws_of(prompt) for prompt in range(len(self._prompts))]

    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return all that changes while rows are drawn."""
        facts = {
            "rows": [[row.ids, row.logprobs, row.finish] for row in self._rows],
            "asked": self._asked,
            "open": self._open,
            "waiting": list(self._waiting),
            "slots": self._slots.tolist(),
            "groups": list(self._groups.items()),
            "free_groups": self._free_groups,
        }
        tensors = {**self._cache.state(), "ids_R": self._ids_R}
        tensors |= {f"logits.{prompt}": logits for prompt, logits in self._logits.items()}
        return facts, tensors if self._seen_RV is None else {**tensors, "seen_RV": self._seen_RV}

    def _restore(self, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        for row, (ids, logprobs, finish) in zip(self._rows, facts["rows"], strict=True):
            row.ids, row.logprobs, row.finish = ids, logprobs, finish
            if finish is None:
                # The test of a row's end keeps what it has seen of the row.
                for end in range(1, len(ids) + 1):
                    self._ends(ids[:end], row.number)
        self._asked, self._open, self._free_groups = facts["asked"], facts["open"], facts["free_groups"]
        self._waiting, self._groups = deque(facts["waiting"]), dict(facts["groups"])
        self._slots = np.array(facts["slots"])
        self._ids_R, self._seen_RV = tensors["ids_R"], tensors.get("seen_RV")
        self._logits = {prompt: tensors[f"logits.{prompt}"] for prompt in self._groups}
        self._cache.restore(tensors, rows=len(self._slots))

    def _draws_of(self, prompt: int) -> list[Draw]:
        """Return the draws of a prompt's queued windows."""
        first = prompt * self._copies
        return [row.draw for row in self._rows[first : first + self._windows.ends[self._asked[prompt] - 1]]]

    def _next_window(self, prompt: int) -> None:
        """Queue the rows of the prompt's next window."""
        done = self._asked[prompt]
        start, end = (0, *self._windows.ends)[done : done + 2]
        self._asked[prompt], self._open[prompt] = done + 1, end - start
        self._waiting.extend(range(prompt * self._copies + start, prompt * self._copies + end))

    def _let_in(self) -> None:
        """Fill every free slot with a waiting row and draw its first token; a row that ends at once frees it again."""
        changed = False
        while self._waiting and (free := np.flatnonzero(self._slots < 0)).size:
            let_in = [self._waiting.popleft() for _ in range(min(len(free), len(self._waiting)))]
            self._read({self._rows[row].prompt for row in let_in} - self._groups.keys())
            slots = free[: len(let_in)]
            self._slots[slots] = let_in
            self._cache.used_R[torch.from_numpy(slots)] = 0
            if self._seen_RV is not None:
                self._seen_RV[torch.from_numpy(slots)] = False
            self._take(slots, torch.stack([self._logits[self._rows[row].prompt] for row in let_in]))
            changed = True
        if changed:
            self._seat()

    def _read(self, prompts: set[int]) -> None:
        if not prompts:
            return
        ordered = sorted(prompts)
        groups = [heapq.heappop(self._free_groups) for _ in ordered]
        self._cache.grow(max(groups) + 1)
        logits_PV = self._decoder.read(self._cache, [self._prompts[prompt] for prompt in ordered], groups)
        for prompt, group, logits_V in zip(ordered, groups, logits_PV, strict=True):
            self._groups[prompt], self._logits[prompt] = group, logits_V

    def _take(self, slots: np.ndarray, logits_RV: Tensor) -> None:
        """Draw the next token of the rows in these slots, and free the slots of rows that it ends."""
        rows = [self._rows[row] for row in self._slots[slots]]
        if self._decoding.repetition_penalty != 1:
            logits_RV = penalise_repetition(logits_RV, self._seen(slots, rows), self._decoding.repetition_penalty)
        steps = np.array([len(row.ids) for row in rows])
        uniforms = seeds.uniforms(np.array([row.seed for row in rows], dtype=np.uint64), steps)
        ids_R, logprobs_R = choose_tokens(logits_RV, torch.from_numpy(uniforms).to(logits_RV.device), self._decoding)
        where = torch.from_numpy(slots)
        self._ids_R[where] = ids_R
        if self._seen_RV is not None:
            self._seen_RV[where] = self._seen_RV[where].scatter(1, ids_R[:, None], True)
        chosen = zip(slots.tolist(), rows, ids_R.tolist(), logprobs_R.tolist(), strict=True)
        for slot, row, token, logprob in chosen:
            row.add(token, logprob, self._ends)
            if row.finish is not None or len(row.ids) == self._decoding.max_new_tokens:
                self._free(slot, row.prompt)

    def _free(self, slot: int, prompt: int) -> None:
        self._slots[slot] = -1
        self._open[prompt] -= 1
        if self._open[prompt]:
            return
        if self._asked[prompt] < len(self._windows.ends) and self._windows.more(prompt, self._draws_of(prompt)):
            self._next_window(prompt)
        else:
            heapq.heappush(self._free_groups, self._groups.pop(prompt))
            del self._logits[prompt]

    def _seat(self) -> None:
        """Assign rows to prompts in the cache."""
        self._cache.seat([self._groups[self._rows[row].prompt] if row >= 0 else None for row in self._slots.tolist()])

    def _give_up_slots(self) -> None:
        busy, width = np.flatnonzero(self._slots >= 0), len(self._slots)
        if self._waiting or width <= LEAST_WIDTH or len(busy) >= COMPACT_BELOW * width:
            return
        free = np.flatnonzero(self._slots < 0)
        kept = np.sort(np.concatenate([busy, free[: max(0, LEAST_WIDTH - len(busy))]]))
        where = torch.from_numpy(kept).to(self._decoder.device)
        self._cache.keep(where)
        self._slots, self._ids_R = self._slots[kept], self._ids_R[where]
        self._seen_RV = None if self._seen_RV is None else self._seen_RV[where]
        self._seat()

    def _seen(self, slots: np.ndarray, rows: Sequence[Row]) -> Tensor:
        """Mark the tokens of each row, its prompt's included."""
        if self._seen_RV is None:
            vocabulary = next(iter(self._logits.values())).shape[0]
            self._seen_RV = torch.zeros((len(self._slots), vocabulary), dtype=torch.bool, device=self._decoder.device)
        for slot, row in zip(slots.tolist(), rows, strict=True):
            if not row.ids:
                self._seen_RV[slot, torch.tensor(self._prompts[row.prompt], device=self._decoder.device)] = True
        return self._seen_RV[torch.from_numpy(slots)]
