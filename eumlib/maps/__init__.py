"""The embedding space to look at: scores and neighbours of every view, joint maps, the explorer.

`explore` scores each view before and after an unmasker; `joint_pca` and `joint_umap` lay all of
them out in one fit; a `MapExplorer` shows both, in a live notebook or as one page that works
offline; a `ScatterExplorer` shows more views than a page bears, in a live notebook. Taught in
notebooks 04 and 09.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
