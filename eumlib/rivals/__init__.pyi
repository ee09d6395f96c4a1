from .adversarial_mask import (
    Learnt, Wearers, WearersError, attack_loss, learn_mask, total_variation,
)
from .attack import (
    NO_MASK, attack_rows, control_masks, most_photographed, put_on, recognised, recognised_by_mask,
    wearers_sheet,
)
from .ccl import (
    ContextPairs, Gate, GatedUnmasker, MaskGate, context_aware_loss, streams_through, train_gate,
)
from .figures import forest_plot
from .gating import gate_errors, gate_streams, train_the_gate
from .hsst import SemiSiameseDescent, train_hsst
from .maskinv import TemplateDistillation, train_maskinv
from .my_eyes import TripletAndSquaredErrorLoss, train_my_eyes
from .placement import (
    Placement, PrintedMask, PrintedMasks, TextureError, place, print_on, unwrapped,
)
from .protocol import SYSTEMS, TESTS, YARDSTICK, Protocol, System
from .run import run_rivals
from .tables import RATE_TITLES, costs_of_rivals, gate_errors_by_style, rivals_by_test
from .trainers import TRAINERS, UNMASKERS
