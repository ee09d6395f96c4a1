from .fabric import LIFELIKE_NAMES, LIFELIKE_SHAPES
from .flat import COVERAGES, FLAT_SHAPES, FLAT_SHAPE_NAMES, WIDTHS, flat_shape, mask_outline
from .mask import (
    LIFELIKE, NIST_COLOURS, PAPER_COLOURS, SHAPES, SHAPE_NAMES, STYLES, Mask, MaskRecord,
    paint_mask, replay, style_of,
)
from .plans import (
    CLOTH, FLAT, KINDS, RESPIRATOR, SURGICAL, MaskKind, MaskPlan, MaskPlanError, RandomMasks,
    ReplayedMasks, SharedMasks, nist_masks,
)
