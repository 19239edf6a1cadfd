"""Sphinx's configuration for both languages: build.py stages the pages of one, and HARNESS_DOCS_LANGUAGE names it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from search import Bigrams, EnglishAndBigrams  # noqa: E402 - lies beside this file

language = os.environ["HARNESS_DOCS_LANGUAGE"]
project = "ja-harness"
html_title = "ja-harness"
author = "ja-harness"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # a changelog may skip a level
exclude_patterns = ["locale/**", "examples/**"]
smartquotes = False
locale_dirs = ["locale"]  # staged beside the pages
templates_path = [str(HERE / "templates")]
html_theme = "furo"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_last_updated_fmt = None
highlight_language = "none"
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0063a3", "color-brand-content": "#0063a3"},
    "dark_css_variables": {"color-brand-primary": "#6baed6", "color-brand-content": "#6baed6"},
}


def setup(app):  # noqa: ANN001, ANN201 - Sphinx calls it
    """Teach the search Japanese."""
    app.add_search_language(EnglishAndBigrams if language == "en" else Bigrams)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
