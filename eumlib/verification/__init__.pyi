from .breakdowns import by_mask, by_person
from .comparison import Comparison, FaceViews, ScoreError
from .counters import ON_ALL_CORES, PairCounter, StripeCounter
from .evaluation import (
    AS_WORN_SETTING, MASKED_SETTING, MIXED_SETTING, RATES, STREAM_SETTING, UNMASKED_SETTING,
    ComparedViews, evaluate, evaluate_views, over_cluster,
)
from .figures import cmc_curves, det_curves, number_line, roc_curves, score_distributions
from .folds import FoldedAccuracy, folded_accuracy
from .forest import forest_plot
from .gpu_counting import DeviceCounter
from .identification import found_by, ranks_of
from .measurement import METRICS, Measurement, intervals, measure, unresolved
from .page import all_curves, write_page
from .rates import (
    ErrorCurve, ErrorRates, OperatingPoint, OperatingThresholds, ScoreCounts, error_rates,
    resolves, separation, thresholds_of,
)
from .tables import (
    PAPERS_COLUMNS, SHOWN_CHANGES, SHOWN_RATES, SHOWN_SCORES, STARRED, UNRESOLVED,
    breakdown_summary, has_stars, in_the_papers_shape, summary, with_interval,
    without_empty_columns, write_csv, write_json,
)
from .tally import NO_RANK
from .threshold_explorer import ThresholdExplorer
