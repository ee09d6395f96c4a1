"""Photographs of people: sets of faces, reading pictures, finding and aligning the face.

A `FaceSet` lists faces by picture and identity without holding a picture; `load_faces` opens one by
name or by folder. A finder gives the 68 landmarks, and an alignment cuts out the chip that a
recogniser reads. Pairs files say which pictures are compared. Taught in notebooks 00 and 01.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
