from .answers_explorer import AnswersExplorer
from .baselines import NoOp, LinearUnmaskingModel
from .circle import PlacedTriplet, place_triplet, triplet_circle
from .figures import (
    distance_to_others_curves, function_curves, network_diagram, training_curves,
)
from .losses import (
    SelfRestrainedTripletLoss, TripletDistances, TripletLoss, restraint_holds, triplet_distances,
)
from .mapped_triplets import MappedTripletSampler
from .models import (
    CentredUnmaskingModel, EmbeddingUnmaskingModel, ModelError, ResidualUnmaskingModel,
    UnmaskingModel,
)
from .playground import LossPlayground
from .processes import TogetherError, the_first_before_the_others, together, train_together
from .recipes import (
    FAITHFUL, FAITHFUL_BY_TRIPLET_LOSS, RECIPES, WORKBOOK, WORKBOOK_BY_TRIPLET_LOSS, Recipe,
)
from .training import Fit, available_device, fit, split_for_validation, train_unmasker
from .triplets import (
    TripletSampler, Triplets, drawn_negatives, hardest_negatives, semi_hard_negatives,
)
from .unmasker import Unmasker, unmask
from .validation import decidability, mean_cosine
