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
from .ffr_net import (
    RectificationBlock, RectificationLesson, RectifiedNet, similarities_of_channels,
    similarities_of_places,
)
from .figures import forest_plot
from .from_masks import (
    GatedMaps, GateLesson, occlusion, pattern_of, rectangles, share_covered,
    share_on_mask,
)
from .gating import gate_errors, gate_streams, train_the_gate
from .hsst import SemiSiameseDescent, train_hsst
from .lessons import STEPS, Lesson, MapPairs, PairBatch, train_network
from .maskinv import Student, StudentsLesson, TemplateDistillation, train_maskinv
from .meer import DecoupledNet, DecouplingLesson, structural_similarity
from .mlfw import PairList, draw_pair_lists, mlfw_gaps
from .my_eyes import TripletAndSquaredErrorLoss, train_my_eyes
from .network_protocol import NetworkProtocol, seen_by
from .network_systems import NETWORK_SYSTEMS, NetworkSystem, read_network
from .network_views import restored_faces, views_of_network
from .networks import NetworkRival, Unchanged, embed_maps
from .placement import (
    Placement, PrintedMask, PrintedMasks, TextureError, place, print_on, unwrapped,
)
from .protocol import SYSTEMS, TESTS, YARDSTICK, Protocol, System
from .run import run_rivals
from .tables import (
    RATE_TITLES, costs_of_rivals, with_new_references, gate_errors_by_style, mlfw_by_setting,
    rivals_by_test,
)
from .trainers import TRAINERS, UNMASKERS
