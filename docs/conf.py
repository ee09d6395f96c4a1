"""How Sphinx builds the site: ``make site``. No page asks the network for anything."""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Unmasking face embeddings"
author = "The eumlib developers"
copyright = f"2026, {author}"
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "formulas",
    "notebook_pages",
    "room_pages",
    "term_links",
]
exclude_patterns = ["_made"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # `make report` runs the notebooks, the site shows what it left
nb_code_prompt_show = "Show code"
nb_code_prompt_hide = "Fold code"

default_role = "py:obj"  # a name in single backquotes leads to its entry, if it has one
add_module_names = False
autodoc_typehints_format = "short"
maximum_signature_line_length = 80
napoleon_use_ivar = True
python_use_unqualified_type_names = True

html_theme = "sphinx_book_theme"
html_title = project
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = html_domain_indices = False  # the search finds more
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is, until told
html_theme_options = {
    "navbar_persistent": [],  # the search is in the side bar
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
if repository := os.environ.get("GITHUB_REPOSITORY"):  # where the site is published from
    html_theme_options |= {
        "repository_url": f"https://github.com/{repository}",
        "use_repository_button": True,
        "repository_branch": "main",
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "notebook_interface": "jupyterlab",
        },
    }

# A how-to links what is in the repository; on the site notebooks and rooms have pages of their own.
_HERE = {
    r"\]\(\.\./\.\./notebooks/": "](../notebooks/",
    r"\]\(\.\./\.\./eumlib/(\w+)/__init__\.py\)": r"](../reference/\1.rst)",
}


def setup(app):
    """Turn those links as pages are read."""
    app.connect("source-read", turn_links)


def turn_links(app, name, source):
    """Sphinx calls this for each page; `source` is a list of one text."""
    if name.startswith("how_to/"):
        for pattern, here in _HERE.items():
            source[0] = re.sub(pattern, here, source[0])
