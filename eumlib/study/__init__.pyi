from .cases import (
    FULL_SIZE, MATERIALS, Case, Drawn, Size, ablation_cases, kinds_of, matrix_cases, name_of,
    target_cases,
)
from .conditions import (
    ALIGNMENTS, AS_WORN, CAMERAS_WAY, LIFELIKE_MASKS, PAPERS_WAY, Condition, few_pictures,
    with_masks,
)
from .judging import Judge, MeanRates, relative_change
from .run import Material, Study, run_study
from .tables import eer_by_condition, rates_of_condition
