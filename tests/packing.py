"""Tar and Parquet files of pictures."""

import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def encoded(picture, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind)
    return stream.getvalue()


def write_tar(path, members, kind=tarfile.PAX_FORMAT):
    with tarfile.open(path, "w", format=kind) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def write_parquet(path, columns, rows_a_group=2):
    pq.write_table(
        pa.table(columns),
        path,
        row_group_size=rows_a_group,
        use_dictionary=False,
        write_page_checksum=True,
    )
    return path
