"""How well faces are told apart: scores, error rates with intervals, tables and curves.

`evaluate` gives every figure of the paper's settings for a table, without and with unmaskers;
`ComparedViews`, `ScoreCounts`, `error_rates` and `measure` are its steps, each of use alone.
Taught in notebooks 03 and 08.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
