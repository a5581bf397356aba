# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The public tests that every model of transformers passes, from the source distribution of the installed version.

The wheel has no tests; the source distribution has those that lie directly in its `tests` folder, `ModelTesterMixin`
among them. They import two folders that it leaves out, `tests/generation` and `tests/exporters`: empty mixins stand
in for these, so what they test is not tested (generation is, in test_generation.py).
"""

import importlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType

import pytest
import transformers
from filelock import FileLock

CACHE = Path(__file__).parents[2] / ".cache"
PACKAGE = "transformers_suite_tests"
#: Modules of transformers' tests that the source distribution lacks, and the mixin that others take from each.
LEFT_OUT = {"exporters.test_export": "ExportTesterMixin", "generation.test_utils": "GenerationTesterMixin"}


def load() -> ModuleType:
    """transformers' `tests/test_modeling_common.py`, downloaded once and kept in `.cache`.

    Raises:
        RuntimeError: In CI, when it cannot be downloaded; elsewhere the tests are skipped.
    """
    root = package(PACKAGE, folder())
    for name, mixin in LEFT_OUT.items():
        parent, _, leaf = name.partition(".")
        module = ModuleType(f"{PACKAGE}.{name}")
        setattr(module, mixin, type(mixin, (), {}))
        setattr(package(f"{PACKAGE}.{parent}"), leaf, module)
        sys.modules[module.__name__] = module
    return importlib.import_module(f"{root.__name__}.test_modeling_common")


def package(name: str, folder: Path | None = None) -> ModuleType:
    """Makes a package of a folder, under a name that does not clash with other folders called tests."""
    module = sys.modules.setdefault(name, ModuleType(name))
    module.__path__ = [str(folder)] if folder else []
    return module


def folder() -> Path:
    """Where the tests of the installed version are unpacked; downloads them the first time."""
    unpacked = CACHE / f"transformers-{transformers.__version__}" / "tests"
    CACHE.mkdir(exist_ok=True)
    with FileLock(CACHE / "transformers.lock"):  # two workers of pytest ask at the same time
        if not unpacked.is_dir():
            try:
                download(unpacked)
            except subprocess.CalledProcessError as error:
                reason = (
                    f"the tests of transformers {transformers.__version__} could not be downloaded from the package "
                    f"index: {(error.stderr.strip() or error.stdout.strip()).splitlines()[-1]}"
                )
                if os.environ.get("CI", "").lower() in ("1", "true"):
                    raise RuntimeError(reason) from error
                pytest.skip(reason, allow_module_level=True)
    return unpacked


def download(unpacked: Path) -> None:
    """Unpacks the folder `tests` of the source distribution, all or nothing."""
    requirement = f"transformers=={transformers.__version__}"
    options = ["--no-deps", "--no-binary=transformers", "--retries=2", "--timeout=20"]
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, f"--dest={temporary}", requirement],
            check=True,
            capture_output=True,
            text=True,
        )
        (archive,) = Path(temporary).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            wanted = [member for member in tar if "/tests/" in member.name]
            tar.extractall(temporary, wanted, filter="data")
        (found,) = Path(temporary).glob("*/tests")
        unpacked.parent.mkdir(exist_ok=True)
        found.rename(unpacked)
