# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Who may import whom, and what lets modeling/ and processing/ travel with the weights: CONTRIBUTING.md."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAVELLING = {
    "modeling": {"torch", "numpy", "transformers", "huggingface_hub"},
    "processing": {"torch", "numpy", "scipy", "safetensors", "transformers"},
}
OPTIONAL = {"modeling": {"peft"}, "processing": {"mne", "pandas"}}
#: The rooms of training/, each of which imports only those before it; pretraining and finetuning stand side by side.
ORDER = (("corpora",), ("data",), ("pretraining", "finetuning"), ("evaluation",), ("calibration",))
#: What `parsing.py` runs, in a process that has to start at once.
PARSING = ("edf", "formats", "montage_get", "parsing", "scalp", "units_get")


def sources(*rooms: str) -> list:
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    return [pytest.param(file, id=str(file.relative_to(ROOT))) for file in files]


def travelling() -> list:
    """What is copied beside weights: of processing, what ends in _get; what reads files stays here."""
    return [each for each in sources(*TRAVELLING) if each.values[0].stem.endswith(("_get", "__init__"))]


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every import anywhere in a module, with the full name of what it imports from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, "." * node.level + (node.module or "")


def inside(tree: ast.AST, kind: type | tuple[type, ...]) -> set[ast.AST]:
    """All nodes that lie inside a node of a kind."""
    return {inner for outer in ast.walk(tree) if isinstance(outer, kind) for inner in ast.walk(outer)}


def guarded(tree: ast.AST) -> set[ast.AST]:
    """All nodes in the body of a `try` that catches ImportError."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and any(isinstance(h.type, ast.Name) and h.type.id == "ImportError" for h in node.handlers)
        for statement in node.body
        for inner in ast.walk(statement)
    }


@pytest.mark.parametrize("file", travelling())
def test_a_room_that_travels_imports_only_its_libraries_and_siblings(file):
    room = file.parent.name
    tree = ast.parse(file.read_text())
    optional = guarded(tree)
    for node, name in imports(tree):
        where = f"{file.name}:{node.lineno} imports {name or 'from .'}"
        if name.startswith("."):
            sibling = name.removeprefix(".")
            assert (file.parent / f"{sibling}.py").is_file(), f"{where}: only `from .sibling import name` travels"
            assert sibling.endswith("_get"), f"{where}, which does not travel"
            continue
        package = name.partition(".")[0]
        if package in OPTIONAL.get(room, ()):
            assert node in optional, f"{where}: only inside try/except ImportError"
        else:
            assert package in TRAVELLING[room] | sys.stdlib_module_names, where


@pytest.mark.parametrize("file", sources(*TRAVELLING, "training", "get_hf", "tests", "benchmarks", "examples", "docs"))
def test_a_file_can_be_taken_in(file):
    assert len(file.read_text().splitlines()) <= 450


@pytest.mark.parametrize("room", TRAVELLING)
def test_a_room_that_travels_is_flat(room):
    assert [file for file in (ROOT / room).rglob("*.py") if file.parent != ROOT / room] == []


def test_no_file_name_is_in_both_rooms_that_travel():
    modeling, processing = ({file.name for file in (ROOT / room).glob("*.py")} for room in TRAVELLING)
    assert modeling & processing == {"__init__.py"}


@pytest.mark.parametrize("name", PARSING)
def test_modules_that_parse_files_import_quickly(name):
    tree = ast.parse((ROOT / "processing" / f"{name}.py").read_text())
    for node, imported in imports(tree):
        where = f"{name}.py:{node.lineno} imports {imported}"
        if imported.startswith("."):
            assert imported.removeprefix(".") in PARSING, where
        else:
            assert imported.partition(".")[0] in sys.stdlib_module_names | {"numpy", "mne"}, where


def test_import_get_hf_does_not_import_the_parsing_modules():
    for file in sources("get_hf"):
        names = {name for _, name in imports(ast.parse(file.values[0].read_text()))}
        assert names.isdisjoint({f"get_hf.processing.{module}" for module in ("parsing", "formats")})


@pytest.mark.parametrize("file", travelling())
def test_no_text_of_a_room_that_travels_looks_like_a_relative_import(file):
    # transformers finds the files to copy by a regular expression over lines, docstrings included
    real = {node.lineno for node, name in imports(ast.parse(file.read_text())) if name.startswith(".")}
    lines = enumerate(file.read_text().splitlines(), start=1)
    looks = {number for number, line in lines if line.strip().startswith(("from .", "import ."))}
    assert looks <= real


@pytest.mark.parametrize("file", sources("training"))
def test_training_imports_the_other_rooms_by_their_installed_names(file):
    for node, name in imports(ast.parse(file.read_text())):
        if name.startswith("get_hf"):
            assert name.startswith(("get_hf.modeling", "get_hf.processing", "get_hf.training")), (
                f"{file.name}:{node.lineno} imports {name}: training stands behind the front door"
            )


def module_of(file: Path) -> str:
    """The name that a file is imported by."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "get_hf" else ("get_hf", *parts)
    return ".".join(parts).removesuffix(".__init__")


def imported_by(file: Path, modules: set[str]) -> set[str]:
    """Our own modules that a file imports, anywhere in it; not what only type checkers see."""
    tree = ast.parse(file.read_text())
    package = module_of(file) if file.name == "__init__.py" else module_of(file).rpartition(".")[0]
    types_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if node in types_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            inner = {f"{name}.{alias.name}" for alias in node.names} & modules
            found |= inner
            if any(f"{name}.{alias.name}" not in modules for alias in node.names):
                found.add(name)
    return (found & modules) - {module_of(file)}


def test_there_is_no_import_circle():
    files = [each.values[0] for each in sources("get_hf", *TRAVELLING, "training")]
    modules = {module_of(file) for file in files}
    graph = {module_of(file): imported_by(file, modules) for file in files}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("file", sources("training"))
def test_a_room_of_training_imports_only_those_before_it(file):
    places = {room: place for place, rooms in enumerate(ORDER) for room in rooms}
    own = file.relative_to(ROOT / "training").parts[0]
    if own not in places:
        assert own == "__init__.py"
        return
    for node, name in imports(ast.parse(file.read_text())):
        room = name.removeprefix("get_hf.training.").partition(".")[0]
        if name.startswith("get_hf.training.") and room != own:
            assert places[room] < places[own], f"{file.name}:{node.lineno} imports {name}"


def test_a_room_of_training_can_be_taken_in():
    for room in (ROOT / "training").rglob("__init__.py"):
        n_modules = len(list(room.parent.glob("*.py"))) - 1
        assert n_modules <= 14 or room.parent.name == "corpora", f"{room.parent.name} holds {n_modules} modules"


@pytest.mark.parametrize("file", sources("get_hf"))
def test_the_front_door_imports_training_only_inside_the_command_that_needs_it(file):
    tree = ast.parse(file.read_text())
    deferred = inside(tree, (ast.FunctionDef, ast.AsyncFunctionDef))
    for node, name in imports(tree):
        if name.startswith("get_hf.training"):
            assert node in deferred, f"{file.name}:{node.lineno} imports {name} at import time"


def test_the_descriptors_that_the_front_door_takes_need_no_extra():
    tree = ast.parse((ROOT / "training/evaluation/descriptors.py").read_text())
    roots = {name.partition(".")[0] for _, name in imports(tree)}
    assert roots <= sys.stdlib_module_names | {"numpy", "scipy"}


@pytest.mark.parametrize("file", sources(*TRAVELLING, "training", "get_hf"))
def test_nothing_imports_a_room_by_its_bare_name(file):
    for node, name in imports(ast.parse(file.read_text())):
        assert name.partition(".")[0] not in (*TRAVELLING, "training"), f"{file.name}:{node.lineno} imports {name}"
