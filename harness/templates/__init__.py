"""Prompt templates: Jinja2 files with optional YAML front matter, found by name or by path.

A name such as ``course.v1`` is looked up among the published templates (``prompts/tasks`` for task prompts,
``prompts/judges`` for rubrics) and in the user's own folder ``prompts/``; an argument that ends in ``.j2`` or holds a
path separator is a file. Published templates never change (``prompts/lock.toml`` holds their hashes); all others are
rendered in a confined process.
"""

from harness.templates.registry import is_path, load_template, own_templates, template_names
from harness.templates.template import Kind, Template

__all__ = ["Kind", "Template", "is_path", "load_template", "own_templates", "template_names"]
