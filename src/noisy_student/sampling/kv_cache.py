"""Keys and values of rows that share prompts: a prompt's are kept once, and each row has room for what it draws.

Shapes: R rows, G prompts ("groups"), M rows of one group, J heads of keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

_SEATS = ("length_G", "used_R", "group_R", "to_groups", "to_rows")
"""Fields that say which row stands where."""


@dataclass(slots=True)
class KVCache:
    """Keys and values: of each group's prompt, and of what each row has drawn; a list entry is a layer.

    ``used_R`` and ``length_G`` count slots, ``group_R`` names each row's group. ``to_groups`` reorders values of rows,
    one line per row and head (r, j), to the order of groups (g, j, m), ``to_rows`` back; ``members`` is M.
    """

    prompt_keys: list[Tensor]
    prompt_values: list[Tensor]
    keys: list[Tensor]
    values: list[Tensor]
    length_G: Tensor
    used_R: Tensor
    group_R: Tensor
    to_groups: Tensor = field(default_factory=lambda: torch.empty(0))
    to_rows: Tensor = field(default_factory=lambda: torch.empty(0))
    groups: int = 0
    members: int = 0

    def seat(self, groups: Sequence[int | None]) -> None:
        """Assign each row to a prompt group; output of unassigned rows (None) is undefined."""
        self.groups = max((group for group in groups if group is not None), default=0) + 1
        table: list[list[int]] = [[] for _ in range(self.groups)]
        places = [0] * len(groups)
        for row, group in enumerate(groups):
            if group is not None:
                places[row] = len(table[group])
                table[group].append(row)
        self.members = max(1, *map(len, table))
        device, heads = self.used_R.device, torch.arange(self.keys[0].shape[1], device=self.used_R.device)
        # Groups are filled up with any row.
        members_GM = torch.tensor([rows + [0] * (self.members - len(rows)) for rows in table], device=device)
        self.group_R = torch.tensor([group or 0 for group in groups], device=device)
        self.to_groups = (members_GM[:, None] * len(heads) + heads[None, :, None]).flatten()
        group_head_RJ = self.group_R[:, None] * len(heads) + heads
        self.to_rows = (group_head_RJ * self.members + torch.tensor(places, device=device)[:, None]).flatten()

    def grow(self, groups: int) -> None:
        """Enlarge to at least this many groups, by half of the present number or more."""
        have = len(self.length_G)
        if groups <= have:
            return
        more = max(groups, have + have // 2) - have
        for caches in (self.prompt_keys, self.prompt_values):
            caches[:] = [torch.cat([cache, cache.new_zeros((more, *cache.shape[1:]))]) for cache in caches]
        self.length_G = torch.cat([self.length_G, self.length_G.new_zeros(more)])

    def state(self) -> dict[str, Tensor]:
        """Return all that was written so far, by name; slots that no row used are left out."""
        used, read = int(self.used_R.max()), int(self.length_G.max())
        found = {name: getattr(self, name) for name in _SEATS}
        found["shape"] = torch.tensor([self.groups, self.members])
        for name, caches, end in self._caches(used, read):
            found |= {f"{name}.{layer}": cache[:, :, :end] for layer, cache in enumerate(caches)}
        return found

    def restore(self, state: Mapping[str, Tensor], *, rows: int) -> None:
        """Take up what ``state`` returned, for this many rows, seated as they were."""
        for name in _SEATS:
            setattr(self, name, state[name])
        self.groups, self.members = state["shape"].tolist()
        for name, caches, _ in self._caches(0, 0):
            for layer, cache in enumerate(caches):
                given = state[f"{name}.{layer}"]
                caches[layer] = cache.new_zeros((len(given), *cache.shape[1:]))
                caches[layer][:, :, : given.shape[2]] = given
        assert len(self.used_R) == rows

    def _caches(self, used: int, read: int) -> list[tuple[str, list[Tensor], int]]:
        named = {"prompt_keys": self.prompt_keys, "prompt_values": self.prompt_values}
        own = {"keys": self.keys, "values": self.values}
        return [*((name, caches, read) for name, caches in named.items()), *((n, c, used) for n, c in own.items())]

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these; ``seat`` must be called next."""
        self.used_R = self.used_R[rows]
        used = int(self.used_R.max())
        for caches in (self.keys, self.values):
            for index, cache in enumerate(caches):
                caches[index] = cache.new_zeros((len(rows), *cache.shape[1:]))
                caches[index][:, :, :used] = cache[:, :, :used][rows]
