"""Masks painted on faces: the paper's flat ones, lifelike ones, and plans of who wears which.

A `Mask` is a shape and a colour; `paint_mask` lays it over 68 landmarks, the same pixels every
time. A plan, such as `RandomMasks`, says which masks each picture of a set gets. Taught in
notebook 02.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
