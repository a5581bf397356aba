# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from training_data import (  # noqa: F401  fixtures
    cache_dir,
    data_dir,
    other_corpus,
    other_folder,
    people,
    prepared,
    prepared_folder,
    real_data,
)
from training_runs import finished, recipe  # noqa: F401  fixtures
