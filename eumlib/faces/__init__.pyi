from .alignment import AlignmentError, align_chip, align_five_points
from .copies import copies_among
from .datasets import FACE_SETS, LFW_SHARES, load_faces
from .decoding import PictureAccessError, UnreadablePictureError, read_picture
from .detection import (
    CroppedFaceDetector, FaceDetector, FaceNotFoundError, find_by_hog, find_by_mtcnn,
)
from .face_set import (
    PICTURES_A_PERSON, Face, FaceSet, PassedOver, few_of_each, listed_by_reason, split_by_identity,
)
from .folders import FaceSetError, folder_faces, labelled_faces
from .generator import FaceGenerator, generate_face
from .landmarks import LandmarkFinder, LocatedFace, finder_for, landmark_finder, where_found
from .packed import packed_faces
from .pairs import (
    Pair, PairsFileError, folds_of, image_ids_by_person, make_pairs, read_pairs, write_pairs,
)
from .pictures import gallery, jpeg_bytes, with_landmarks, with_numbers
