from .explorer import MapExplorer
from .figures import acceptance_cone, embedding_map
from .marks import MapMarks, map_marks
from .page import MOST_ON_A_PAGE
from .projection import (
    HOW_NOT_TO_READ, JointMap, Projection, joint_pca, joint_umap, project_pca, project_umap,
)
from .scatter import MissingScatterError, ScatterExplorer
from .sprites import SpriteSheet, sprite_sheet
from .views import (
    NOBODY, OUTCOMES, ExploredViews, Neighbours, ProbeScores, explore, outcomes,
    people_to_compare, selection_csv,
)
