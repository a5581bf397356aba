# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`seconds` as an entry of the generation config, saved with the model."""

import pytest
from transformers import GenerationConfig

from get_hf import GETModel
from tiny import PATCH, tiny_inputs, tiny_model, untrained_model


def test_seconds_of_the_generation_config_are_the_default_and_are_saved(tmp_path):
    model = tiny_model()
    model.generation_config.seconds = 0.5
    model.save_pretrained(tmp_path)
    loaded = GETModel.from_pretrained(tmp_path)
    assert loaded.generation_config.seconds == 0.5

    def patches(**options) -> int:
        return loaded.generate(**tiny_inputs(), **options).shape[-1] // PATCH - 6

    assert patches() == 10
    assert patches(seconds=0.25) == 5
    assert patches(max_new_tokens=3) == 3
    assert patches(max_length=8) == 2
    assert patches(generation_config=GenerationConfig(max_new_tokens=4)) == 4
    own = GenerationConfig()
    own.seconds = 0.2
    assert patches(generation_config=own) == 4
    assert patches() == 10  # a call changes nothing


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seconds": "long"}, "seconds must be a positive number, not 'long'"),
        ({"seconds": 0}, "seconds must be a positive number, not 0"),
        ({"seconds": 1, "max_new_tokens": 4}, r"seconds \(1\) and max_new_tokens \(4\) both say how long"),
    ],
)
def test_a_generation_config_that_makes_no_sense_is_refused(settings, message):
    model = untrained_model()
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    with pytest.raises(ValueError, match=message):
        model.generate(**tiny_inputs())
