from .cases import (
    BEST, SHIPPED, SYNTHETIC_ONLY, TRIPLET, Case, ablation_cases, matrix_cases, target_cases,
)
from .conditions import (
    ALIGNMENTS, CAMERAS_WAY, PAPERS_WAY, Condition, few_pictures, one_mask_a_face, with_masks,
)
from .judging import Judge, MeanRates, relative_change
from .run import Material, Study, run_study
from .tables import eer_by_condition, rates_of_condition
