"""Related systems, each at the size that fits, on the recogniser of the workbook.

Four of them map embeddings, as the EUM does, and train the same network in another way: a loss of
two terms (`TripletAndSquaredErrorLoss`), distillation (`TemplateDistillation`), a slow twin and a
queue of strangers (`SemiSiameseDescent`); and a gate that tells who wears a mask (`Gate`). What a
system's authors had and we have not, and what stands in for it, its module says.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
