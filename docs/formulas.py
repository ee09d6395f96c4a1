"""Formulas as MathML, which browsers draw themselves: no script, no fonts."""

import latex2mathml.converter
from docutils import nodes


def setup(app):
    """Make ``mathml`` one of Sphinx's ways to write formulas."""
    app.add_html_math_renderer("mathml", (_writer("inline"), None), (_writer("block"), None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _writer(display):
    def write(translator, node):
        formula = latex2mathml.converter.convert(node.astext().strip(), display=display)
        translator.body.append(
            f'<div class="formula">{formula}</div>' if display == "block" else formula
        )
        raise nodes.SkipNode

    return write
