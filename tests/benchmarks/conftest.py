# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import mne
import pytest

from training_data import cache_dir, data_dir, prepared  # noqa: F401  fixtures


@pytest.fixture(autouse=True)
def log_level():
    """Restores MNE's log level, which the scripts lower: at that level MNE does not warn."""
    with mne.use_log_level("INFO"):
        yield


@pytest.fixture(scope="module")
def adaptation() -> ModuleType:
    return _script("adaptation")


@pytest.fixture(scope="module")
def augmentation() -> ModuleType:
    return _script("augmentation")


@pytest.fixture(scope="module")
def classifiers() -> ModuleType:
    return _script("classifiers")


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    return _script("fuzz_reading")


@pytest.fixture(scope="module")
def imputation() -> ModuleType:
    return _script("imputation")


@pytest.fixture(scope="module")
def reading() -> ModuleType:
    return _script("reading")


@pytest.fixture(scope="module")
def seizures() -> ModuleType:
    return _script("seizures")


@pytest.fixture(scope="module")
def live() -> ModuleType:
    return _script("live")


@pytest.fixture(scope="module")
def speed() -> ModuleType:
    return _script("speed")


@pytest.fixture(scope="module")
def decoders() -> ModuleType:
    return _script("decoders")


@pytest.fixture(scope="module")
def decoding(decoders) -> ModuleType:  # which imports it
    return _script("decoding")


@pytest.fixture(scope="module")
def decoding_speed(decoders) -> ModuleType:  # which imports it
    return _script("decoding_speed")


def _script(name: str) -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
