"""The heart: the Embedding Unmasking Model (EUM), its losses, and how it is trained.

`TripletSampler` draws triplets from a table; `TripletLoss` and `SelfRestrainedTripletLoss` judge
them; a `Recipe` holds every choice; `train_unmasker` gives a `Fit` with an `Unmasker` to save, to
load and to apply. Nothing here needs a picture. Taught in notebooks 05 to 07 and 17.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
