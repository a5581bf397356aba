# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the provenance of a result: the commit or version of this code, the machine, and the weights."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

#: Path of this folder inside a clone.
PLACE = "/".join(__name__.split(".")[1:-1]) + "/"


def provenance(**settings: Any) -> dict[str, Any]:
    """Returns date, code version and kind of machine of a result, together with `settings`."""
    machine = f"{platform.machine()} CPU, {os.cpu_count()} cores"
    if torch.cuda.is_available():
        machine = torch.cuda.get_device_name() + ", " + machine
    commit = own_commit()
    if commit is None:
        code = f"none, of get-hf {version('get-hf')}"
    else:
        code = commit[:12] + (" with uncommitted changes" if _git("status", "--porcelain") else "")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": code,
        "machine": machine,
        "torch": torch.__version__,
        **settings,
    }


def own_commit(folder: Path = Path(__file__).parent) -> str | None:
    """Returns the commit of the clone that contains this code, or None if the code was installed from a package.

    An installed package may lie inside another repository, for example if the Python environment is in its folder. In
    this case, the path of this folder differs from its path in a clone, or its files are not tracked.

    Args:
        folder: A folder of this code.
    """
    if _git("rev-parse", "--show-prefix", folder=folder) != PLACE:
        return None
    if not _git("ls-files", Path(__file__).name, folder=folder):
        return None
    return _git("rev-parse", "HEAD", folder=folder) or None


def _git(*arguments: str, folder: Path = Path(__file__).parent) -> str | None:
    """Returns the output of git in a folder, or None if there is no git or no repository."""
    # inside a git hook, these variables would select the repository of the hook
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def weights_digest(checkpoint: str | Path) -> str:
    """Returns the first digits of the SHA-256 of the weights in a folder; they do not depend on the folder's name."""
    digest = hashlib.sha256()
    for file in sorted(Path(checkpoint).glob("model*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def machine() -> str:
    """Returns a text that names the kind of machine."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"{platform.machine()}, {os.cpu_count()} CPU cores"


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that training depends on."""
    found = {"python": platform.python_version()}
    for package in ("get-hf", "torch", "transformers", "accelerate", "datasets", "mne", "numpy", "scipy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # in a checkout that was not installed
            continue
    return found
