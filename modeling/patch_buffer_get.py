# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Stores the running sequence of `generate()`."""

import torch


class PatchBuffer:
    """Running sequence of patches, which is stored in a growing tensor.

    When the tensor is full, its length is doubled. So a step takes as long after an hour as at the start.

    Args:
        patches: Start of the sequence, `(batch, patches, width)`.
        expected_length: Expected largest number of patches.
        only_last: Whether to keep only the last added patch, because the others are kept elsewhere: the state of the
            past in a cache, the output by a streamer.
    """

    def __init__(self, patches: torch.Tensor, expected_length: int, only_last: bool = False):
        self.length = patches.shape[1]
        self.only_last = only_last
        if only_last:
            self._data = patches
            return
        # the upper limit keeps a huge max_length from allocating huge memory
        self._data = patches.new_empty(len(patches), min(expected_length, 2 * self.length + 1024), patches.shape[2])
        self._data[:, : self.length] = patches

    def append(self, patch: torch.Tensor) -> None:
        """Adds a patch `(batch, width)`."""
        if self.only_last:
            self._data = patch[:, None]
            self.length += 1
            return
        if self.length == self._data.shape[1]:
            self._data = torch.cat((self._data, torch.empty_like(self._data)), dim=1)
        self._data[:, self.length] = patch
        self.length += 1

    @property
    def patches(self) -> torch.Tensor:
        """The stored patches, `(batch, patches, width)`; they are not copied."""
        return self._data[:, : self.length]

    @property
    def counted(self) -> torch.Tensor:
        """A tensor `(batch, length, width)`; if only the last patch is kept, it is repeated without using memory."""
        return self.patches if self._data.shape[1] >= self.length else self._data.expand(-1, self.length, -1)
