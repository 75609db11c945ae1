"""How Sphinx builds these pages."""

from importlib.metadata import version as version_of

project = "Holdfast"
copyright = "2026, the Holdfast contributors"
release = version = version_of("holdfast")
extensions = ["myst_parser"]
exclude_patterns = ["_build", "changes/*.md"]
html_theme = "furo"
html_title = "Holdfast"
myst_heading_anchors = 3
