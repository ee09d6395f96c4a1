from .cases import (
    Case, Drawn, Size, ablation_cases, matrix_cases, target_cases,
)
from .conditions import (
    ALIGNMENTS, AS_WORN, CAMERAS_WAY, LIFELIKE_MASKS, PAPERS_WAY, Condition, few_pictures,
    with_masks,
)
from .experiments import Study
from .figures import change_map
from .judging import Judge, MeanRates, relative_change
from .material import Material
from .run import run_study
from .tables import differences_by_rate, eer_by_condition, rates_of_condition
