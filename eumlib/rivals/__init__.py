"""Related systems, each at the size that fits, on the recogniser of the workbook.

Three map embeddings, as the EUM does, and train the same network in another way: by a loss of two
terms (`TripletAndSquaredErrorLoss`), by distillation (`TemplateDistillation`), by a momentum
network and a queue of other people (`SemiSiameseDescent`). Four reach into the network, and are
recognisers (`NetworkRival`): a student of the recogniser (`Student`), one that rectifies its last
maps (`RectifiedNet`), one with a gate on them (`GatedMaps`), one that parts mask and identity and
draws the bare face (`DecoupledNet`). Beside them stand a gate that tells who wears a mask (`Gate`),
pairs whose masks mislead, as MLFW has them (`mlfw_gaps`), and an attack, a mask whose print is
learnt to hide its wearer (`learn_mask`). What a system's authors had and we have not, and what
stands in for it, its module says. Taught in notebooks 12 to 16 and 21; ``make rivals`` lays them
side by side.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
