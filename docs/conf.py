# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds the documentation: `sphinx-build -W docs docs/_build/html` from the root, without a network."""

import re
import shutil
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst
from transformers.utils.logging import disable_progress_bar

import get_hf

disable_progress_bar()

HERE = Path(__file__).parent
#: The examples run in a copy of their folder, as they write files where they run.
EXAMPLES = HERE / "_build" / "examples"
#: Examples that need nothing but the shipped checkpoint, with their arguments; the others are shown, and not run.
RUN = {
    "benchmark_moabb.py": ["--plot", "benchmark_moabb.png"],
    "augment.py": ["--plot", "augment.png"],
    "classify.py": ["--plot", "classify.png"],
    "closed_loop.py": ["--plot", "closed_loop.png"],
    "generate.py": ["--plot", "generate.png"],
    "impute.py": ["--plot", "impute.png"],
    "score.py": ["--plot", "score.png"],
    "stream.py": [],
}

EXAMPLES.mkdir(parents=True, exist_ok=True)
for source in [*(HERE.parent / "examples").glob("*.py"), HERE / "gallery_header.rst"]:
    name = "GALLERY_HEADER.rst" if source.suffix == ".rst" else source.name
    shutil.copy2(source, EXAMPLES / name)


def arguments_of_example(gallery_conf: dict, script_vars: dict) -> list[str]:
    """What an example is started with, by its name."""
    return RUN.get(Path(script_vars["src_file"]).name, [])


def pictures_of_example(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Shows the picture that an example wrote, and takes it away, so that it is shown once."""
    written = Path(block_vars["src_file"]).with_suffix(".png")
    if not written.exists():
        return ""
    shown = next(block_vars["image_path_iterator"])
    shutil.move(written, shown)
    return figure_rst([shown], gallery_conf["src_dir"])


def to_restructured_text(app: object, what: str, name: str, described: object, options: object, lines: list) -> None:
    """Turns the Markdown of docstrings, much of which transformers adds, into reStructuredText, in place."""
    text = re.sub(r"\n *<Tip>.*?</Tip>\n", "\n", "\n".join(lines), flags=re.DOTALL)
    text = re.sub(r"\[`~?(?:[\w.]+\.)?(\w+)`\]", r"`\1`", text)  # [`~cache_utils.Cache`]
    text = re.sub(r"(?<!\!)\[([^\]\n`]+)\]\((https?://[^)]+)\)", r"`\1 <\2>`__", text)
    text = re.sub(r"^ *```(?:python)?\n", "\n", text, flags=re.MULTILINE)
    # what is indented after a paragraph is a formula or a program
    text = re.sub(r"^( *)(?!- )(\S.*)\n\n(?=\1 +\S)", r"\1\2\n\n\1::\n\n", text, flags=re.MULTILINE)
    lines[:] = text.split("\n")


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", to_restructured_text, priority=400)  # before napoleon


project = "GET-HF"
author = "The GET-HF authors"
project_copyright = "2026, The GET-HF authors"
version = release = get_hf.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # equations without a network
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "gallery_header.rst"]
default_role = "code"  # the docstrings write code in single backticks, as transformers does
suppress_warnings = ["config.cache"]  # functions among the gallery's settings cannot be cached

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # CHECKPOINT, not where it lies on this machine
autodoc_typehints = "none"  # the docstrings say type, shape and unit
autoclass_content = "class"
napoleon_numpy_docstring = False
napoleon_use_rtype = False  # shape and unit stand before what is returned, not after it

sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "gallery",
    "filename_pattern": rf"/({'|'.join(RUN)})$",
    "within_subsection_order": "FileNameSortKey",
    "reset_argv": arguments_of_example,
    "image_scrapers": (pictures_of_example,),
    "capture_repr": (),
    "default_thumb_file": str(HERE / "_static" / "continuation.png"),
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"GET-HF {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("how_it_works", "evaluation", "changelog")}  # no pages below these
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
