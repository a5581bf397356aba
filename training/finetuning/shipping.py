# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Copies a classifier that `get-hf finetune` wrote into the package, so that `load_classifier` finds it by its name.

    python -m get_hf.training.finetuning.shipping runs/fists get_hf/classifiers/fists

A shipped classifier consists of the adapter, the files of the feature extractor, the card, and the figures. The code
beside a classifier is left out, because the package contains it.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from .run import ADAPTER

#: Files of a classifier that are copied.
FILES = (
    *("config.json", "preprocessor_config.json", "population.safetensors"),
    *("README.md", "figures.json", "training_summary.json"),
)
#: Entries of configurations that name the code beside a classifier.
OF_CODE = ("auto_map", "custom_pipelines")
#: How the card tells to load a shipped classifier.
USE = """```python
import get_hf
from transformers import pipeline

model, extractor = get_hf.load_classifier("{name}")
classify = pipeline("eeg-classification", model=model, feature_extractor=extractor)
classify("recording.edf")  # the vote of all windows
classify("recording.edf", windows=True)  # each window, with start and end in seconds
```
"""


def ship(run: str | Path, target: str | Path) -> Path:
    """Copies a classifier; an earlier classifier with this name is replaced when the new one is complete.

    Args:
        run: Folder that `get-hf finetune` wrote.
        target: Folder to write, such as `get_hf/classifiers/fists`. Its name becomes the name of the classifier.

    Returns:
        The folder.

    Raises:
        ValueError: The run is not complete, or it is not an adapter of a checkpoint.
    """
    run, target = Path(run), Path(target)
    missing = [name for name in (*FILES, f"{ADAPTER}/adapter_model.safetensors") if not (run / name).is_file()]
    if missing:
        raise ValueError(
            f"{run} lacks {', '.join(missing)}: give the folder of a finished `get-hf finetune` with adapter_base."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        made = Path(temporary) / target.name
        made.mkdir()
        for name in FILES:
            shutil.copyfile(run / name, made / name)
        for name in ("config.json", "preprocessor_config.json"):
            settings = json.loads((made / name).read_text(encoding="utf-8"))
            own = {key: value for key, value in settings.items() if key not in OF_CODE}
            (made / name).write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")
        (made / ADAPTER).mkdir()
        for path in (run / ADAPTER).glob("adapter_*"):
            shutil.copyfile(path, made / ADAPTER / path.name)
        card = made / "README.md"
        card.write_text(named(card.read_text(encoding="utf-8"), run.name, target.name), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return target


def named(card: str, old: str, new: str) -> str:
    """Returns the card of a classifier with its shipped name, and with the way to load it by this name."""
    before, _, rest = card.replace(f"# {old}\n", f"# {new}\n", 1).partition("```python\n")
    return before + USE.format(name=new) + rest.partition("```\n")[2]


def main() -> None:
    """Copies the classifier that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", help="folder that get-hf finetune wrote")
    parser.add_argument("target", help="folder to write, such as get_hf/classifiers/fists")
    options = parser.parse_args()
    try:
        ship(options.run, options.target)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
