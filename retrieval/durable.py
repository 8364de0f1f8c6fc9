"""Files that are on the disk before anything names them, and what a full disk says."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_pieces(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file of these pieces; `sync_tree` or `sync` brings it to the disk."""
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as `.npy`.

    `np.save` tells of a full disk without the system's error number, so the bytes go through the
    file's own `write`.
    """
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        if array.size:
            file.write(array.reshape(-1).view(np.uint8).data)


def mapped(path: Path) -> NDArray[Any]:
    """An array of `write_array`, mapped: its pages are read when they are needed.

    Raises:
        ValueError: If the file is not a whole `.npy`.
    """
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array.view(np.ndarray)


def sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Bring a folder with all in it to the disk.

    After everything is written: the first call carries most of the journal, the others are cheap.
    """
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)
