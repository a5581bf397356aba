# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Uploads the web page as a Space to the Hub."""

import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import HfApi
from packaging.requirements import InvalidRequirement, Requirement

from get_hf.hub.access import check_name, one_sentence

#: Folder that is uploaded. The Space installs this package by the `requirements.txt` in this folder.
SPACE = Path(__file__).parents[1] / "space"
PACKAGE = "get-hf[space]"
CARD = "README.md"


def upload(repo: str, private: bool = False, package: str = PACKAGE) -> str:
    """Uploads `get_hf/space/`; only the line of its requirements that names this package is changed.

    If the card was changed on the Hub, it stays, and a warning says so.

    Args:
        repo: Name of the Space, "owner/name".
        private: Whether a new Space is private.
        package: Requirement by which the Space installs this package, in pip's syntax.

    Returns:
        Address of the Space.

    Raises:
        ValueError: `package` is not a requirement, or names another package, or `repo` is not a valid name.
        OSError: The Hub refuses the request, or cannot be reached.
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
        # the Hub writes a card for a new Space; if app.py is there too, the card is ours, or was changed by hand
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
