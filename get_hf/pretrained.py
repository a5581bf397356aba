# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Loads a model and its feature extractor from a folder or from a repository on the Hub."""

import re
import warnings
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.file_download import repo_folder_name
from transformers.utils import CONFIG_NAME, FEATURE_EXTRACTOR_NAME

from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.processing.feature_extraction_get import GETFeatureExtractor

#: The checkpoint shipped inside this package.
CHECKPOINT = Path(__file__).parent / "checkpoint"
#: The folder of the classifiers shipped inside this package, and their names.
CLASSIFIERS = Path(__file__).parent / "classifiers"
SHIPPED_CLASSIFIERS = ("fists", "eyes")
#: Files of a checkpoint; weights only as safetensors, because the other kinds are programs.
FILES = ("*.json", "*.safetensors", "*.py", "*.md", "LICENSE*")
_ON_THE_HUB = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w./-]+))?")


def load_pretrained(
    checkpoint: str | Path = CHECKPOINT, revision: str | None = None
) -> tuple[GETModel, GETFeatureExtractor]:
    """Loads a checkpoint that `save_pretrained` wrote, ready to generate.

    Args:
        checkpoint: A folder. If there is no such folder, it is the `owner/name` or `owner/name@revision` of a
            repository on the Hub. Only a repository needs the network.
        revision: Branch, tag or commit on the Hub. If no revision is given, a warning names the commit that is loaded.

    Returns:
        The model, in evaluation mode on the CPU, and its feature extractor.

    Raises:
        FileNotFoundError: `checkpoint` is neither a folder nor a name on the Hub.
        OSError: The Hub cannot be reached, or refuses the request.
        ValueError: The files are not a complete checkpoint of GET.
    """
    return load_folder(find_checkpoint(checkpoint, revision), GETModel, str(checkpoint))


def load_classifier(
    checkpoint: str | Path = "fists", revision: str | None = None
) -> tuple[GETForSequenceClassification, GETFeatureExtractor]:
    """Loads a classifier, ready to use.

    Args:
        checkpoint: Name of a shipped classifier: "fists" (imagined movement of the left or the right fist) or "eyes"
            (open or closed). For any other classifier, as in `load_pretrained`.
        revision: As in `load_pretrained`.

    Returns:
        The classifier, in evaluation mode on the CPU, and its feature extractor.

    Raises:
        FileNotFoundError: As in `load_pretrained`.
        OSError: As in `load_pretrained`.
        ValueError: The files are not a complete classifier of GET.
    """
    return load_folder(find_checkpoint(checkpoint, revision), GETForSequenceClassification, str(checkpoint))


def load_folder(
    folder: Path,
    model_class: type[GETModel] | type[GETForSequenceClassification] | None = None,
    name: str | None = None,
) -> tuple[GETModel | GETForSequenceClassification, GETFeatureExtractor]:
    """Loads the model and the feature extractor from a folder, and checks that they are complete.

    Only code of this package runs. Code in the folder of the weights never runs.

    Args:
        folder: A folder that `save_pretrained` wrote.
        model_class: Class of the saved model. Another class is an error. None: any class is allowed.
        name: Name of the checkpoint in error messages.

    Raises:
        ValueError: As in `load_pretrained`.
    """
    try:
        for file in (CONFIG_NAME, FEATURE_EXTRACTOR_NAME):
            if not (Path(folder) / file).is_file():
                raise ValueError(f"{file} is missing: fetch or copy all of the checkpoint.")
        saved_as = _saved_as(GETConfig.from_pretrained(folder, local_files_only=True))
        if model_class not in (None, saved_as):
            raise ValueError(f"it is a {saved_as.__name__}, not a {model_class.__name__}: name another one.")
        model = saved_as.from_pretrained(folder, local_files_only=True)
        extractor = GETFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # each library raises its own errors on a damaged file
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"{name or folder} cannot be loaded as a checkpoint of GET: {reason}") from error
    return model.eval(), extractor


def _saved_as(config: GETConfig) -> type[GETModel] | type[GETForSequenceClassification]:
    is_classifier = config.architectures == [GETForSequenceClassification.__name__]
    return GETForSequenceClassification if is_classifier else GETModel


def find_checkpoint(checkpoint: str | Path, revision: str | None = None) -> Path:
    """Returns the folder of a checkpoint; for a checkpoint on the Hub, this is a folder of the cache.

    Args:
        checkpoint: As in `load_pretrained`, or the name of a shipped classifier, as in `load_classifier`.
        revision: As in `load_pretrained`.

    Raises:
        FileNotFoundError: `checkpoint` is neither a folder nor the name of a repository.
        OSError: The Hub cannot be reached, or refuses the request.
        ValueError: A revision is given for a folder, or two different revisions are given for a repository.
    """
    folder = Path(checkpoint)
    if str(checkpoint) in SHIPPED_CLASSIFIERS and not folder.is_dir():
        folder = CLASSIFIERS / checkpoint
        if not folder.is_dir():
            raise FileNotFoundError(
                f"The classifier {checkpoint} is not in this installation of GET-HF: install a release that ships it, "
                "or name a checkpoint."
            )
    if folder.is_dir():
        if revision is not None:
            raise ValueError(f"{checkpoint} is a folder, which has no revision {revision}: leave the revision out.")
        return folder
    named = _ON_THE_HUB.fullmatch(str(checkpoint))
    if named is None:
        raise FileNotFoundError(
            f"There is no checkpoint at {checkpoint}: give a folder that save_pretrained wrote, or the "
            "owner/name of a repository on the Hub."
        )
    repo, pinned = named.groups()
    if pinned and revision and pinned != revision:
        raise ValueError(f"{checkpoint} names one revision and revision={revision!r} another: give one.")
    return download(repo, pinned or revision)


def download(repo: str, revision: str | None = None, cache_dir: Path | None = None) -> Path:
    """Downloads a checkpoint from the Hub into the cache; without `revision`, a warning names the downloaded commit.

    After an interruption, the next download continues at the same point. The cache only holds complete files.

    Args:
        repo: Name of the repository, "owner/name".
        revision: Branch, tag or commit.
        cache_dir: Folder of the cache. None: the usual cache of the Hub.

    Returns:
        The folder in the cache that holds the checkpoint.

    Raises:
        OSError: The Hub cannot be reached or refuses the request, or the files arrive incomplete.
    """
    from get_hf.hub.access import one_sentence

    with one_sentence(repo, "pull"):
        try:
            folder = Path(snapshot_download(repo, revision=revision, allow_patterns=list(FILES), cache_dir=cache_dir))
        except LocalEntryNotFoundError as error:  # no network, and not in the cache
            commits = _commits_in_cache(repo, cache_dir)
            if not commits:
                raise
            why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the Hub cannot be reached"
            raise OSError(
                f"{repo}@{revision or 'main'} is not in the cache, and {why}: go online, or name a commit that is "
                f"there, {' or '.join(f'{repo}@{commit}' for commit in commits)}."
            ) from error
    if revision is None:
        # the cache names the folder after its commit
        warnings.warn(f"{repo} is now at {folder.name}: {repo}@{folder.name} pins this revision.", stacklevel=3)
    return folder


def _commits_in_cache(repo: str, cache_dir: Path | None) -> list[str]:
    """Returns the commits of a repository whose configuration is in the cache, the latest first."""
    folder = Path(cache_dir or constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")
    found = [path for path in folder.glob("snapshots/*") if (path / CONFIG_NAME).is_file()]
    return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]
