"""Unmask face embeddings: the small library under the notebooks.

Modules import in one direction only, in the order in which the data flows::

    fetching · generator · faces · landmarks · masks · backbones · embeddings
    triplets · losses · unmasking · training · verification · results
    projection · pictures · figures · widgets · workbook · report
"""

__version__ = "0.1.0"
