"""What the claims rest on: who is trained on what, judged by whom, with how many seeds.

`run_study` runs every experiment of `Study`; `Judge`, `with_masks` and `target_cases` are their
parts. The tables of ``data/study.json`` are shown by `eer_by_condition` and
`rates_of_condition`. Taught in notebooks 09, 10, 17, 18 and 20.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
