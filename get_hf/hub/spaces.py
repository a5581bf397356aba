# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Uploads the page as a Space on the Hub."""

import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import HfApi
from packaging.requirements import InvalidRequirement, Requirement

from get_hf.hub.access import check_name, one_sentence

#: Folder to upload; its `requirements.txt` tells the Space how to install this package.
SPACE = Path(__file__).parents[1] / "space"
PACKAGE = "get-hf[space]"
CARD = "README.md"


def upload(repo: str, private: bool = False, package: str = PACKAGE) -> str:
    """Uploads `get_hf/space/` unchanged, except for the line of its requirements that names this package.

    A card that was changed on the Hub stays, and a warning says so.

    Args:
        repo: `owner/name`.
        private: Whether a new Space is private.
        package: The requirement of this package, in pip's syntax.

    Returns:
        Address of the Space.

    Raises:
        ValueError: `package` is no requirement, or names another package; or `repo` is no name.
        OSError: The Hub refuses, or cannot be reached.
    """
    check_name(repo)
    try:
        is_this = Requirement(package).name == "get-hf"
    except InvalidRequirement:
        is_this = False
    if not is_this:
        raise ValueError(f'{package!r} does not say how to install get-hf: give "{PACKAGE}", or add " @ " and a URL.')
    api = HfApi()
    with one_sentence(repo), tempfile.TemporaryDirectory(prefix="get-space-") as temporary:
        created = api.create_repo(repo, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        staged = Path(temporary) / "space"
        staged.mkdir()
        for source in SPACE.iterdir():
            if source.is_file():
                text = source.read_text(encoding="utf-8")
                if source.name == "requirements.txt":
                    text = text.replace(PACKAGE, package)
                (staged / source.name).write_text(text, encoding="utf-8")
        # the Hub gives a new Space its own card; a card beside the page is ours, or was changed by hand
        if {CARD, "app.py"} <= set(api.list_repo_files(repo, repo_type="space")):
            there = Path(api.hf_hub_download(repo, CARD, repo_type="space", cache_dir=Path(temporary) / "there"))
            if there.read_bytes() != (staged / CARD).read_bytes():
                (staged / CARD).unlink()
                warnings.warn(
                    f"{CARD} of {repo} stays as it is on the Hub: delete it there to get the new one.", stacklevel=2
                )
        api.upload_folder(
            repo_id=repo,
            repo_type="space",
            folder_path=staged,
            commit_message=f"Serve GET-HF {version('get-hf')}",
        )
    return str(created)
