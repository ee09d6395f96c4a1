"""Unmask face embeddings: the small library under the notebooks.

Modules import in one direction only, in the order in which the data flows::

    files · progress · fetching · generator · faces · landmarks · masks · backbones · embeddings
    centring · triplets · losses · unmasking · training · verification · evaluation
    projection · pictures · figures · widgets · workbook · report
"""

__version__ = "0.1.0"
