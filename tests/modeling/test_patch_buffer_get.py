# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import torch

from get_hf.modeling.patch_buffer_get import PatchBuffer


def test_the_running_sequence_grows_by_doubling():
    first = torch.randn(2, 3, 4)
    buffer = PatchBuffer(first, expected_length=4)
    patches = torch.randn(2, 50, 4)
    for patch in patches.unbind(1):
        buffer.append(patch)
    assert torch.equal(buffer.patches, torch.cat((first, patches), dim=1))


def test_an_endless_length_allocates_no_endless_memory():
    assert PatchBuffer(torch.zeros(1, 2, 4), expected_length=10**12)._data.numel() < 10**5


def test_where_a_cache_holds_the_rest_the_last_patch_is_all_that_is_kept():
    buffer = PatchBuffer(torch.zeros(2, 3, 4), expected_length=10, only_last=True)
    assert buffer.patches.shape == (2, 3, 4)
    for value in (1.0, 2.0):
        buffer.append(torch.full((2, 4), value))
    assert buffer.length == 5
    assert torch.equal(buffer.patches, torch.full((2, 1, 4), 2.0))


def test_with_only_the_last_patch_the_length_is_counted_without_memory():
    buffer = PatchBuffer(torch.zeros(2, 3, 4), expected_length=10**10, only_last=True)
    for number in range(1, 2000):
        buffer.append(torch.full((2, 4), float(number)))
    assert buffer.counted.shape == (2, 2002, 4)
    assert buffer.counted.untyped_storage().nbytes() <= 3 * 2 * 4 * 4
    assert buffer.patches.shape == (2, 1, 4)
    assert (buffer.patches == 1999).all()
