#!/usr/bin/env python3
"""Writes chunk_indexes_*.h5, small files with every chunk index in every shape that matters, and beside each the table
of its chunks, chunk_indexes_*.txt.

    make_chunk_indexes.py [FOLDER]        needs h5py 3.16 or later (HDF5 2.0 or later) and numpy

The library's own chunk queries name wrong chunks for extensible arrays whose unlimited dimension is not the first. So
the tables come from reads alone: every chunk of the grid is read by its position, and its bytes, which are unique, are
looked up in the file. A line of a table is

    dataset shape chunk_shape number:address:length:filter_mask ...

A dataset is named after what it shows: rank, `u` and the unlimited dimensions, `m` if the maximum extent is larger
than the extent, `s` if only some chunks were stored, `z` if they are compressed.
"""
import itertools
import pathlib
import sys

import h5py
import numpy as np

UNLIMITED = None


def values(shape):
    """A different value for every element, whatever the extent."""
    index = np.indices(shape)
    return sum(axis * 100 ** (len(shape) - 1 - i) for i, axis in enumerate(index)).astype("<i4") + 1


def write(file, name, shape, chunk, maxshape, sparse=False, gzip=False, **options):
    if gzip:
        options.update(compression="gzip", compression_opts=1)
    dataset = file.create_dataset(name, shape, "<i4", chunks=chunk, maxshape=maxshape, **options)
    whole = values(shape)
    whole += len(file) << 24  # No two datasets have a chunk in common.
    counts = [-(-extent // size) for extent, size in zip(shape, chunk)]
    for number, position in enumerate(itertools.product(*map(range, counts))):
        if sparse and number % 3 == 1:
            continue
        part = tuple(slice(p * c, (p + 1) * c) for p, c in zip(position, chunk))
        dataset[part] = whole[part]
    return dataset


def ordinary(file):
    for rank in (1, 2, 3):
        shape, chunk = ((7,), (5, 7), (3, 7, 4))[rank - 1], (2, 3, 2)[:rank]
        for unlimited in (None, *range(rank), "all"):
            for larger, sparse, gzip in itertools.product((False, True), repeat=3):
                if unlimited == "all" and (rank == 1 or larger):
                    continue
                maxshape = [extent + 9 if larger else extent for extent in shape]
                if unlimited == "all":
                    maxshape = [UNLIMITED] * rank
                elif unlimited is not None:
                    maxshape[unlimited] = UNLIMITED
                name = f"r{rank}" + ("" if unlimited is None else f"u{unlimited}")
                name += "_" + "m" * larger + "s" * sparse + "z" * gzip
                write(file, name.rstrip("_"), shape, chunk, tuple(maxshape), sparse, gzip)


def version_1(file):
    for rank in (1, 2, 3):
        shape, chunk = ((7,), (5, 7), (3, 7, 4))[rank - 1], (2, 3, 2)[:rank]
        write(file, f"r{rank}", shape, chunk, shape)
    write(file, "r2uall_msz", (5, 7), (2, 3), (None, None), sparse=True, gzip=True)
    write(file, "levels", (70, 2), (1, 2), (None, 2), gzip=True)
    write(file, "shrunk", (12, 13), (2, 3), (20, 20)).resize((5, 7))


def special(file):
    write(file, "single", (5, 4), (5, 4), (5, 4))
    write(file, "single_z", (5, 4), (5, 4), (5, 4), gzip=True)
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_chunk((2, 3))
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    for name, maxshape in (("implicit", (7, 10)), ("implicit_m", (9, 17))):
        space = h5py.h5s.create_simple((7, 10), maxshape)
        identifier = h5py.h5d.create(file.id, name.encode(), h5py.h5t.STD_I32LE, space, early)
        h5py.Dataset(identifier)[...] = values((7, 10)) + (len(file) << 24)
    file.create_dataset("nothing_stored", (7, 10), "<i4", chunks=(2, 3))
    file.create_dataset("nothing_stored_u0", (7, 10), "<i4", chunks=(2, 3), maxshape=(None, 10))
    file.create_dataset("empty_u1", (7, 0), "<i4", chunks=(2, 3), maxshape=(7, None))
    for name, maxshape in (("shrunk", (20, 20)), ("shrunk_u1", (20, None)), ("shrunk_uall", (None, None))):
        write(file, name, (12, 13), (2, 3), maxshape).resize((5, 7))
    for name, maxshape in (("grown", (20, 20)), ("grown_u1", (20, None)), ("grown_uall", (None, None))):
        write(file, name, (5, 7), (2, 3), maxshape).resize((12, 13))
    for name, maxshape in (("masked", (9,)), ("masked_u0", (None,)), ("masked_bt2", (None, None))):
        rank = len(maxshape)
        dataset = write(file, name, (9,) * rank, (3,) * rank, maxshape, gzip=True)
        block = (values((3,) * rank) + (len(file) << 24) + 5000).tobytes()
        dataset.id.write_direct_chunk((3,) * rank, block, filter_mask=1)


def paged(file):
    """Slots by the thousand, of which a few are used: pages, secondary blocks, pages that were never written."""
    def some(name, shape, chunk, maxshape, positions, gzip=False):
        options = dict(compression="gzip", compression_opts=1) if gzip else {}
        dataset = file.create_dataset(name, shape, "<i4", chunks=chunk, maxshape=maxshape, **options)
        for number, position in enumerate(positions):
            dataset[position] = (96 + len(file) << 24) + (number * 40503 + 12345) % (1 << 24)

    some("fa", (1500,), (1,), (1500,), [(0,), (1023,), (1024,), (1499,)])
    some("fa_page_missing", (2100,), (1,), (2100,), [(5,), (2048,), (2099,)])
    some("fa_z", (1100,), (1,), (1200,), [(0,), (1023,), (1099,)], gzip=True)
    some("fa_r2_m", (30, 40), (1, 1), (36, 45), [(0, 0), (0, 39), (20, 24), (22, 34), (29, 39)])
    some("ea_secondary", (2000,), (1,), (None,), [(i,) for i in (0, 3, 4, 19, 20, 51, 243, 244, 245, 1000, 1999)])
    some("ea_r2u1", (3, 700), (1, 1), (4, None), [(0, 0), (2, 0), (1, 300), (0, 699), (2, 699)])
    pages = [(i,) for i in (0, 131060, 132083, 132084, 133107, 139999)]
    some("ea_paged", (140000,), (1,), (None,), pages)
    some("bt2_deep", (40, 60), (1, 1), (None, None), list(itertools.product(range(40), range(0, 60, 15))))


def table(path):
    """One line for each dataset: its chunks, found by reading them."""
    content = path.read_bytes()
    lines = []
    with h5py.File(path) as file:
        for name in sorted(file):
            dataset = file[name]
            shape, chunk = dataset.shape, dataset.chunks
            counts = [-(-extent // size) for extent, size in zip(shape, chunk)]
            rows = []
            stored = dataset.id.get_storage_size() > 0
            for number, position in enumerate(itertools.product(*map(range, counts))):
                if not stored:
                    break
                try:
                    mask, raw = dataset.id.read_direct_chunk(tuple(p * c for p, c in zip(position, chunk)))
                except (OSError, RuntimeError, ValueError):
                    continue
                address = content.find(raw)
                assert address >= 0 and content.find(raw, address + 1) < 0, (path, name, position)
                rows.append(f"{number}:{address}:{len(raw)}:{mask}")
            extents = (",".join(map(str, extent)) for extent in (shape, chunk))
            lines.append(" ".join([name, *extents, *rows]))
    return "\n".join(lines) + "\n"


def main(folder):
    parts = {
        "v1": ("earliest", (version_1,)),
        "v4": ("v110", (ordinary, special)),
        "v5": ("latest", (special,)),
        "paged": ("v110", (paged,)),
    }
    for part, (libver, writers) in parts.items():
        path = folder / f"chunk_indexes_{part}.h5"
        bounds = libver if libver in ("earliest", "latest") else (libver, libver)
        with h5py.File(path, "w", libver=bounds) as file:
            for writer in writers:
                writer(file)
        path.with_suffix(".txt").write_text(table(path))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent)
