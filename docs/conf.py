"""The documentation's site: `make docs` builds it, without a network, and every warning is an error."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "pulumi_yspartner"
author = "the pulumi_yspartner authors"
project_copyright = author
version = release = installed_version("pulumi_yspartner")
html_title = "pulumi_yspartner"

extensions = ["myst_parser", "sphinx.ext.autodoc", "command_help", "generated", "accessible"]
exclude_patterns = ["_*"]

myst_heading_anchors = 4
highlight_language = "text"
default_role = "literal"  # docstrings mark code with single backticks

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
