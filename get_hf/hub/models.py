# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Publishes checkpoints on the Hub, and downloads checkpoints from the Hub.

    address = push("runs/mine", "someone/get-mine")
    folder = pull("someone/get-mine@v1")

A checkpoint is sent in one commit, so that it arrives completely or not at all. Afterwards, it is loaded from the Hub
and compared with the original.
"""

import filecmp
import fnmatch
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import torch
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from get_hf.hub.card import CARD, FIGURES, SUMMARY, Provenance, read_json, without_paths, write_card
from get_hf.modeling.checkpoint_get import FILES
from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.pretrained import download, find_checkpoint, load_folder
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.files import folder_beside

#: Patterns of files that are deleted on the Hub if the new push does not include them. All other files stay.
_OURS = ("*_get.py", "*.safetensors", "*.safetensors.index.json", "generation_config.json", FILES, FIGURES, SUMMARY)


def push(
    checkpoint: str | Path,
    repo: str,
    private: bool = False,
    create_pr: bool = False,
    remote_code: bool = True,
    card: str | Path | None = None,
    provenance: Provenance | None = None,
) -> str:
    """Publishes a checkpoint on the Hub in one commit, then loads it from the Hub and compares it with the original.

    The commit includes the model card. If they exist, it also includes the results of `get-hf evaluate`
    (`fidelity.json`) and the summary of the training. Names of folders on this machine are removed from all of them.
    If a card is already on the Hub, its text stays, unless `card` is given. After a failed push, the next push only
    sends the large files that have not arrived yet.

    Args:
        checkpoint: A folder that `save_pretrained` wrote, with a model that generates or classifies.
        repo: Name of the repository, "owner/name". If it does not exist, it is created.
        private: Whether only the owner of the repository may see it.
        create_pr: Whether to propose the commit to the owner of the repository instead of committing directly.
        remote_code: Whether to include the code, for users who have transformers but not this package.
        card: Path of a Markdown file for the model card. None: the card on the Hub; if there is none, the README.md of
            the folder; if there is none, a short generated card.
        provenance: Origin of the checkpoint, as far as it is not named in the files of the checkpoint.

    Returns:
        The address of the model, or of the proposal.

    Raises:
        FileNotFoundError: The folder or the card does not exist.
        ValueError: The checkpoint is incomplete, the repository belongs to another model, the repository is public
            although `private` is set, or the Hub refuses the metadata of the card.
        OSError: The Hub cannot be reached or refuses the request, or the arrived files differ from the sent files.
    """
    from get_hf.hub.access import check_name, one_sentence

    check_name(repo)
    folder = find_checkpoint(checkpoint)
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary) / repo.partition("/")[2]
        model, extractor = load_folder(folder)
        _stage(folder, staged, repo, model, extractor, remote_code)
        about = repo, model.config, provenance or Provenance()
        write_card(staged, *about, card or folder / CARD, required=bool(card))
        api = HfApi()
        with one_sentence(repo):
            api.create_repo(repo, private=private or None, exist_ok=True)
            info = api.model_info(repo)
            if private and not info.private:
                raise ValueError(
                    f"{repo} is there already and public, and --private was asked for: choose another name."
                )
            there = {file.rfilename for file in info.siblings}
            _check_is_ours(api, repo, there, Path(temporary))
            if CARD in there:
                kept = _card_on_the_hub(api, repo, Path(temporary), staged / CARD, card)
                if kept is not None:
                    write_card(staged, *about, kept, name=f"{CARD} of {repo}")
            stale = {file for file in there if any(fnmatch.fnmatch(file, pattern) for pattern in _OURS)}
            names = sorted(path.name for path in staged.iterdir())
            commit = api.create_commit(
                repo,
                [
                    *(CommitOperationDelete(name) for name in sorted(stale - set(names))),
                    *(CommitOperationAdd(name, staged / name) for name in names),
                ],
                commit_message=f"{type(model).__name__} with its feature extractor",
                create_pr=create_pr,
                parent_commit=info.sha,
            )
            arrived = download(repo, commit.oid, Path(temporary) / "arrived")
        _check_arrived(staged, arrived, repo, _outputs(model, extractor))
    return commit.pr_url or f"{api.endpoint}/{repo}"


def pull(repo: str, folder: str | Path | None = None) -> Path:
    """Downloads a checkpoint from the Hub into a new folder, completely or not at all.

    Args:
        repo: "owner/name" or "owner/name@revision". The revision is a branch, a tag or a commit.
        folder: Path of the new folder. None: the folder "name" in the working directory.

    Returns:
        The folder.

    Raises:
        FileExistsError: The folder already exists.
        OSError: The Hub cannot be reached or refuses the request, or the files arrive incomplete.
        ValueError: `repo` is not the name of a repository, or the repository holds no complete checkpoint of GET.
    """
    from get_hf.hub.access import check_name

    name, _, revision = repo.partition("@")
    folder = Path(folder or check_name(name).partition("/")[2])
    if folder.exists():
        raise FileExistsError(f"{folder} is there already: choose another place with --out.")
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {folder.parent} to put {folder.name} in.")
    cached = download(check_name(name), revision or None)
    load_folder(cached, name=repo)  # a damaged checkpoint fails here
    with folder_beside(folder) as temporary:
        shutil.copytree(cached, temporary / folder.name).rename(folder)
    return folder


def _stage(folder: Path, staged: Path, repo: str, model, extractor: GETFeatureExtractor, remote_code: bool) -> None:
    """Saves to the folder `staged` the files that a checkpoint will have on the Hub."""
    model.save_pretrained(staged)
    extractor.save_pretrained(staged)
    if not remote_code:
        for code in staged.glob("*.py"):
            code.unlink()
        for settings in (staged / "config.json", staged / "preprocessor_config.json"):
            kept = json.loads(settings.read_text(encoding="utf-8"))
            kept = {name: value for name, value in kept.items() if name not in ("auto_map", "custom_pipelines")}
            settings.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    for name in (SUMMARY, FIGURES):
        if (folder / name).is_file():
            content = read_json(folder / name)
            if isinstance(about := content.get("about"), dict) and "checkpoint" in about:
                about["checkpoint"] = repo  # it was the name of a folder
            (staged / name).write_text(json.dumps(without_paths(content), indent=1) + "\n", encoding="utf-8")


def _card_on_the_hub(api: HfApi, repo: str, temporary: Path, written: Path, given: str | Path | None) -> Path | None:
    """Returns the path of the card on the Hub if it stays; returns None and warns if a given card replaces it."""
    there = Path(api.hf_hub_download(repo, CARD, cache_dir=temporary / "there"))
    if given is None:
        return there
    if there.read_bytes() != written.read_bytes():
        warnings.warn(
            f"{CARD} of {repo} was replaced by {Path(given).name}; its history on the Hub keeps what it said.",
            stacklevel=3,
        )
    return None


def _check_is_ours(api: HfApi, repo: str, there: set[str], temporary: Path) -> None:
    """Raises an error if the repository holds another kind of model."""
    if "config.json" not in there:
        return
    file = api.hf_hub_download(repo, "config.json", cache_dir=temporary / "there")
    config = json.loads(Path(file).read_text(encoding="utf-8"))
    if (found := config.get("model_type")) != GETConfig.model_type:
        raise ValueError(f"{repo} holds a model of type {found!r}, not of GET: choose another name.")


def _outputs(model: GETModel | GETForSequenceClassification, extractor: GETFeatureExtractor) -> torch.Tensor:
    """Computes the output of a model without a recording, with a fixed seed, to compare two copies of a model."""
    features = extractor(ch_names=["C3", "C4"])
    with torch.inference_mode():
        if isinstance(model, GETModel):
            return model.generate(**features, max_new_tokens=4, generator=torch.Generator().manual_seed(0))
        return model(**features).logits


def _check_arrived(staged: Path, arrived: Path, repo: str, expected: torch.Tensor) -> None:
    """Compares the files on the Hub with the sent files, byte by byte, and also compares the outputs of the models."""
    for file in staged.iterdir():
        if not (arrived / file.name).is_file() or not filecmp.cmp(file, arrived / file.name, shallow=False):
            raise OSError(f"{file.name} did not arrive whole in {repo}: push again.")
    if not torch.equal(_outputs(*load_folder(arrived, name=repo)), expected):
        raise OSError(f"The checkpoint in {repo} gives other outputs than the one that was pushed: push again.")
