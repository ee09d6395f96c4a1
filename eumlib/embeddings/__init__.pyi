from .acquisition import (
    FAILURES_TO_ACQUIRE, acquire_as_a_camera_does, acquire_with_unmasked_landmarks,
)
from .arcface import OnnxBackbone
from .backbones import (
    DLIB_RESNET, MOBILEFACENET, TorchBackbone, default_backbone, load_backbone,
)
from .cluster import RayCluster
from .dlib_resnet import DlibResNet
from .extraction import Extraction, ExtractionError, extract_cached, workers_for
from .feature_maps import FeatureMaps, early_maps, read_feature_maps, write_feature_maps
from .failures import failures_summary, failures_to_acquire
from .mapped_rows import MappedRows
from .mapped_table import MappedTable, map_table, open_table
from .mask_painter import MaskPainter, PaintedFace, paint_and_score
from .mated_pairs import MatedPairs, MatedVectors, mated_vectors
from .mobilefacenet import MobileFaceNet
from .nobody import PEOPLE_OF_NOBODY, MaskEffect, PeopleOfNobody
from .named_onnx import NAMED_ONNX, NamedOnnx, load_named_onnx
from .recogniser import Backbone, BackboneError, embed_in_batches
from .table import (
    COLUMNS, MASKED, UNMASKED, WORN, EmbeddingTable, TableError, mated_rows, unit_length,
)
from .table_files import (
    join_tables, read_attempted_views, read_table, synthetic_training_table, write_table,
)
from .view_pictures import ViewPictures
