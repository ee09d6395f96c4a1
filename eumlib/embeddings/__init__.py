"""From photographs to embeddings: recognisers, extraction, and the table that all else reads.

`EmbeddingTable` is the hub: one row per face view, with its embedding; made from pictures
by `extract_cached`, read from a file by `read_table`, or from your own arrays by
`EmbeddingTable.from_arrays`. A recogniser is a frozen function from chips to embeddings. Taught in
notebook 03.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
