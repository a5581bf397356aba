# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Copies a classifier that `get-hf finetune` wrote into the package, so that `load_classifier` finds it by its name.

    python -m get_hf.training.finetuning.shipping runs/fists get_hf/classifiers/fists

A shipped classifier consists of the adapter, the files of the feature extractor, the card, and the figures. The code
beside a classifier is left out, because the package contains it.
"""

import argparse
import json
import shutil
from pathlib import Path

from get_hf.modeling.card_get import CARD
from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.pretrained_get import ADAPTER
from get_hf.processing.files import folder_beside
from get_hf.training.data.run_folder import put_in_place

from .card import FIGURES, SUMMARY, classifier_card

#: Files that are copied as they are.
COPIED = (
    *("population.safetensors", FIGURES, SUMMARY),
    *(f"{ADAPTER}/adapter_config.json", f"{ADAPTER}/adapter_model.safetensors"),
)
#: Files that are copied without their entries on code.
CONFIGURATIONS = ("config.json", "preprocessor_config.json")
OF_CODE = ("auto_map", "custom_pipelines")


def ship(run: str | Path, target: str | Path) -> Path:
    """Copies a classifier; an earlier classifier with this name is replaced when the new one is complete.

    Args:
        run: Folder that `get-hf finetune` wrote.
        target: Folder to write, such as `get_hf/classifiers/fists`. Its name becomes the name of the classifier.

    Returns:
        The folder.

    Raises:
        ValueError: The run is not complete, it is not an adapter of a checkpoint, or it would replace itself.
    """
    run, target = Path(run), Path(target)
    missing = [name for name in (*COPIED, *CONFIGURATIONS) if not (run / name).is_file()]
    if missing:
        raise ValueError(
            f"{run} lacks {', '.join(missing)}: give the folder of a finished `get-hf finetune` with adapter_base."
        )
    if run.resolve() == target.resolve():
        raise ValueError(f"{target} is the run itself, whose predictions would be lost: give another folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with folder_beside(target) as beside:
        made = beside / "new"
        (made / ADAPTER).mkdir(parents=True)
        for name in COPIED:
            shutil.copyfile(run / name, made / name)
        for name in CONFIGURATIONS:
            own = {key: value for key, value in _json(run / name).items() if key not in OF_CODE}
            (made / name).write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")
        summary, found = _json(run / SUMMARY), _json(run / FIGURES)
        card = classifier_card(target.name, GETConfig.from_pretrained(made), summary, found, is_shipped=True)
        (made / CARD).write_text(card, encoding="utf-8")
        put_in_place(made, target, beside / "old")
    return target


def _json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Copies the classifier that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", help="folder that get-hf finetune wrote")
    parser.add_argument("target", help="folder to write, such as get_hf/classifiers/fists")
    options = parser.parse_args()
    try:
        ship(options.run, options.target)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
