"""What the claims rest on: who is trained on what, judged by whom, with how many seeds.

`run_study` trains every case and judges it under every condition; `Judge`, `with_masks` and
`target_cases` are its parts. The tables of ``data/study.json`` are shown by `eer_by_condition` and
`rates_of_condition`. Taught in notebooks 07, 09 and 20.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
