"""Keys and values of rows that share prompts: a prompt's are kept once, and each row has room for what it draws.

Shapes: R rows, G prompts ("groups"), M rows of one group, J heads of keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(slots=True)
class Memory:
    """Keys and values: of each group's prompt, and of what each row has drawn; a list entry is a layer.

    ``used_R`` and ``length_G`` count slots; ``group_R`` names each row's group and ``place_R`` its place in it;
    ``members_GM`` holds the rows of each group, filled up with any row.
    """

    prompt_keys: list[Tensor]
    prompt_values: list[Tensor]
    keys: list[Tensor]
    values: list[Tensor]
    length_G: Tensor
    used_R: Tensor
    group_R: Tensor
    place_R: Tensor
    members_GM: Tensor

    def grow(self, groups: int) -> None:
        """Make room for at least so many groups, half as many again as there are."""
        have = len(self.length_G)
        if groups <= have:
            return
        more = max(groups, have + have // 2) - have
        for caches in (self.prompt_keys, self.prompt_values):
            caches[:] = [torch.cat([cache, cache.new_zeros((more, *cache.shape[1:]))]) for cache in caches]
        self.length_G = torch.cat([self.length_G, self.length_G.new_zeros(more)])

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these; who stands in which group is then to be written down again."""
        self.used_R, self.group_R = self.used_R[rows], self.group_R[rows]
        used = int(self.used_R.max())
        for caches in (self.keys, self.values):
            for index, cache in enumerate(caches):
                caches[index] = cache.new_zeros((len(rows), *cache.shape[1:]))
                caches[index][:, :, :used] = cache[:, :, :used][rows]
