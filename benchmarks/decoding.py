# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Decoding across people: GET beside the usual decoders, on the same windows, people and seeds.

    python benchmarks/decoding.py --data DATA --work runs/decoding --task fists --people 10,all --seeds 3

Every decoder is trained on windows of training people and judged on windows of other people. All baselines are aligned
for each person (He and Wu 2020): covariances or signals are whitened by the person's mean covariance, which needs no
labels. Finished rows are kept in the work folder, so that the same command goes on where it stopped. A row keeps the
probabilities of validation and of test people, so that each decoder is trained once; the table shows one split. Look
at the test split once, at the end: `--split test`.

The networks come from braindecode, which needs packages that do not fit beside torch without CUDA. Install it without
them: `pip install --no-deps braindecode einops skorch torchinfo`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import datasets
import numpy as np
from decoders import BASELINES, NETWORKS, RATE, Trials

from get_hf import CHECKPOINT, GETFeatureExtractor, GETForSequenceClassification
from get_hf.training.data.provenance import provenance
from get_hf.training.data.segments import prepare_segments
from get_hf.training.evaluation.report import fill_card
from get_hf.training.finetuning.batches import WindowCollator
from get_hf.training.finetuning.figures import figures, interval
from get_hf.training.finetuning.recipe import FinetuningArguments, FinetuningData, FinetuningModel, FinetuningRecipe
from get_hf.training.finetuning.run import finetune, predict
from get_hf.training.finetuning.windows import condition_classes, cut_windows, joined_by_person

#: Splits whose people are judged.
JUDGED = ("validation", "test")
#: Classes, length of a window in seconds, and what GET is calibrated on. A run with resting eyes holds one state only,
#: so that both runs of a person are needed; the baselines are aligned over them, too.
TASKS = {
    "fists": ({"left_fist": ["left_fist"], "right_fist": ["right_fist"]}, 4.0, "session"),
    "eyes": ({"eyes_open": ["eyes_open"], "eyes_closed": ["eyes_closed"]}, 2.0, "person"),
}
#: Variants of GET: changes of the recipe of "GET, fine-tuned".
VARIANTS = {
    "GET, fine-tuned": {},
    "GET, LoRA": {"method": "lora", "lora_rank": 16, "learning_rate": 1e-3},
    "GET, random weights": {"random_weights": True, "probe": False},
    "GET, frozen": {"method": "head"},
    "GET, mean pooling": {"pooling": "mean"},
}


def raw_windows(segments: datasets.Dataset, windows: datasets.Dataset, extractor: GETFeatureExtractor) -> Trials:
    """The microvolts of windows that `cut_windows` cut from these signals, without events, on the channels of all."""
    rows: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for index, key in enumerate(zip(segments["subject"], segments["session"], segments["start"], strict=True)):
        rows.setdefault(key[:2], []).append((key[2], index))
    names = [set(row) for row in segments["ch_names"] if row]
    common = sorted(set.intersection(*names))
    x, key_before, signal, start_before = [], None, np.zeros((0, 0)), 0.0
    columns = windows.select_columns(["subject", "session", "start", "n_chans", "input_values"]).with_format("numpy")
    for row in columns:
        n_times = len(row["input_values"]) // int(row["n_chans"])
        of_session = rows[str(row["subject"]), str(row["session"])]
        start, index = max(pair for pair in of_session if pair[0] <= float(row["start"]) + 1e-3)
        if index != key_before:
            segment = segments[index]
            signal = np.array(segment["signal"]).reshape(segment["n_chans"], -1)
            positions = np.array(segment["channel_positions"]).reshape(-1, 6)
            picks = [segment["ch_names"].index(name) for name in common]
            signal = extractor.without_events(signal, positions)[picks]
            key_before, start_before = index, start
        first = round((float(row["start"]) - start_before) * RATE)
        x.append(signal[:, first : first + n_times].astype(np.float32))
    return Trials(np.stack(x), np.array(windows["labels"]), np.array(windows["subject"]))


def get_row(
    name: str,
    task: str,
    data_dir: Path,
    folder: Path,
    seed: int,
    people: int | None,
    segments: datasets.DatasetDict,
    epochs: float,
    label_free: Path | None,
) -> np.ndarray:
    """Probabilities of the judged windows by a variant of GET, which is trained unless its folder is complete.

    The windows are cut with the extractor of the checkpoint that the variant starts from.
    """
    changes = dict(VARIANTS.get(name, {}))
    checkpoint = CHECKPOINT
    if name == LABEL_FREE:
        if label_free is None:
            raise ValueError(f"{name} needs --label-free, a checkpoint that was pretrained without condition labels.")
        checkpoint = label_free
    classes, seconds, calibration = TASKS[task]
    learning_rate = changes.pop("learning_rate", 2e-4)
    recipe = FinetuningRecipe(
        FinetuningData(
            corpus="eegmmidb",
            classes=classes,
            window_seconds=seconds,
            calibrations=[calibration],
            n_people=people,
            split_seed=seed,
            data_dir=str(data_dir),
        ),
        FinetuningModel(channels_per_window=32, compile=True, **changes),
        FinetuningArguments(
            output_dir=str(folder),
            num_train_epochs=epochs,
            learning_rate=learning_rate,
            bf16=True,
            seed=seed,
            eval_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        {"corpus": "eegmmidb", **changes},
    )
    model = GETForSequenceClassification.from_pretrained(finetune(recipe, checkpoint)).eval()
    windows = windows_of(segments, JUDGED, checkpoint, task)
    judged = datasets.concatenate_datasets([windows[part] for part in JUDGED]).with_format("numpy")
    return predict(model, judged, WindowCollator(model.config.patch_size), 16)


def windows_of(
    segments: datasets.DatasetDict, parts: Sequence[str], checkpoint: Path, task: str
) -> dict[str, datasets.Dataset]:
    """The windows of splits, cut with the extractor of a checkpoint; they are cut once, and then cached."""
    extractor = GETFeatureExtractor.from_pretrained(checkpoint).but(calibrate_on="all")
    classes, seconds, calibration = TASKS[task]
    return {
        part: cut_windows(segments[part], extractor, classes, seconds, calibrations=(calibration,)) for part in parts
    }


def calibrated_on(segments: datasets.Dataset, task: str) -> datasets.Dataset:
    """The signals that the windows of a task were cut from: segments, or all segments of each person joined."""
    classes, _, calibration = TASKS[task]
    return (
        segments if calibration == "session" else joined_by_person(segments, list(condition_classes(classes).values()))
    )


LABEL_FREE = "GET, pretrained without labels"


def drawn(people: list[str], n_people: int | None, seed: int) -> list[str]:
    """The people that `protocols.folds` draws with this seed."""
    return np.random.default_rng(seed).permutation(sorted(people)).tolist()[:n_people]


def main() -> None:
    """Runs the rows, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with eegmmidb")
    parser.add_argument("--work", type=Path, required=True, help="folder for finished rows and checkpoints")
    parser.add_argument("--task", choices=TASKS, default="fists")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--people", default="all", help="numbers of training people, such as 10,20,all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", help="rows to run, separated by semicolons; default: all")
    parser.add_argument("--epochs", type=float, default=3, help="epochs of GET with all people")
    parser.add_argument("--label-free", type=Path, help="checkpoint that was pretrained without condition labels")
    parser.add_argument("--finished", action="store_true", help="show finished rows, and train nothing")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--write", type=Path, help="document whose table of this task is replaced")
    options = parser.parse_args()
    if options.write:
        write(options.write, options.task, "")  # before the work

    names = (
        options.rows.split(";")
        if options.rows
        else [*BASELINES, *VARIANTS, *([LABEL_FREE] if options.label_free or options.finished else [])]
    )
    extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    segments = prepare_segments("eegmmidb", options.data)
    windows = windows_of(segments, ("train", *JUDGED), CHECKPOINT, options.task)
    shown = np.repeat([part == options.split for part in JUDGED], [len(windows[part]) for part in JUDGED])
    raw: dict[str, Trials] = {}
    table: dict[str, dict] = {}
    for size in options.people.split(","):
        n_people = None if size == "all" else int(size)
        for name in names:
            found = []
            for seed in range(options.seeds):
                own = f"{options.task}-{name}-{size}-{seed}".replace(" ", "_").replace(",", "")
                kept = options.work / f"{own}.npy"
                if not kept.is_file():
                    if options.finished:
                        break
                    if name in BASELINES:
                        if not raw:
                            raw = {
                                part: raw_windows(calibrated_on(segments[part], options.task), cut, extractor)
                                for part, cut in windows.items()
                            }
                        people = drawn(sorted(set(raw["train"].subjects.tolist())), n_people, seed)
                        others = Trials.joined([raw[part] for part in JUDGED])
                        probabilities = BASELINES[name](raw["train"].of(people), others, seed)
                    else:
                        n_all = len(set(windows["train"]["subject"]))
                        epochs = (
                            options.epochs if n_people is None else options.epochs * min(8, n_all / n_people) ** 0.7
                        )
                        probabilities = get_row(
                            name, options.task, options.data, options.work / own, seed, n_people,
                            segments, round(epochs), options.label_free,
                        )  # fmt: skip
                    options.work.mkdir(parents=True, exist_ok=True)
                    np.save(kept, probabilities)
                found.append(np.load(kept)[shown])
                if n_people is None and name in BASELINES and name not in NETWORKS:
                    break  # neither people nor weights are drawn
            if not found:
                continue
            table[f"{name} | {size}"] = summed_up(found, windows[options.split])
            print(_line(name, size, table[f"{name} | {size}"]), flush=True)
    report = {"about": provenance(task=options.task, split=options.split, seeds=options.seeds), "rows": table}
    report["paired"] = paired(table)
    print(markdown(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.write:
        options.write.write_text(write(options.write, options.task, markdown(report)), encoding="utf-8")


def write(document: Path, task: str, table: str) -> str:
    """The text of a document with a new table.

    Raises:
        ValueError: The document has no place for it.
    """
    return fill_card(document.read_text(encoding="utf-8"), f"decoding-{task}", table, str(document))


def summed_up(found: list[np.ndarray], windows: datasets.Dataset) -> dict:
    """Figures of a row: people's accuracies averaged over seeds, and their interval over people."""
    labels, subjects = np.array(windows["labels"]), np.array(windows["subject"])
    of_seeds = [figures(probabilities, labels, subjects) for probabilities in found]
    by_person = {
        person: float(np.mean([own["by_person"][person] for own in of_seeds])) for person in of_seeds[0]["by_person"]
    }
    values = list(by_person.values())
    return {
        "accuracy": float(np.mean(values)),
        "interval": interval(values),
        "auc": float(np.mean([own["auc"] for own in of_seeds])),
        "seeds": [own["accuracy"] for own in of_seeds],
        "by_person": by_person,
    }


def paired(table: dict[str, dict]) -> dict[str, dict]:
    """Difference of "GET, fine-tuned" from each other row with as many people, with an interval over people."""
    differences = {}
    for name, row in table.items():
        ours = table.get(f"GET, fine-tuned | {name.partition(' | ')[2]}")
        if ours is not None and ours is not row:
            values = [ours["by_person"][person] - value for person, value in row["by_person"].items()]
            differences[name] = {"difference": float(np.mean(values)), "interval": interval(values)}
    return differences


def _line(name: str, size: str, row: dict) -> str:
    low, high = row["interval"]
    return f"{name} ({size} people): {row['accuracy']:.3f} [{low:.3f}, {high:.3f}]"


def markdown(report: dict) -> str:
    """The table in Markdown."""
    about = report["about"]
    lines = [
        f"{about['task']}, {about['split']} people; {about['date']}, commit {about['commit']}, {about['machine']}.",
        "",
        "| decoder | training people | seeds | accuracy [95 % over people] | AUC | GET fine-tuned minus this |",
        "|---|---|---|---|---|---|",
    ]
    for key, row in report["rows"].items():
        name, _, size = key.partition(" | ")
        low, high = row["interval"]
        gap = report["paired"].get(key)
        text = "" if gap is None else "{:+.3f} [{:+.3f}, {:+.3f}]".format(gap["difference"], *gap["interval"])
        accuracy = f"{row['accuracy']:.3f} [{low:.3f}, {high:.3f}]"
        lines.append(f"| {name} | {size} | {len(row['seeds'])} | {accuracy} | {row['auc']:.3f} | {text} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
