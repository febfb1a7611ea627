"""Writes files whose datasets lie in other files, and what h5py reads from them.

Run: python generate.py  (needs h5py, numpy)

`elsewhere.h5` holds the datasets, `source.h5`, `short.bin` and `long.bin` what they are made of. `elsewhere.json` has for each
dataset its elements as integers, or null where references cannot say them and the scan must leave it out.
"""

import json
import os
import pathlib

import h5py
import numpy as np

os.chdir(pathlib.Path(__file__).parent)
for name in ["source.h5", "elsewhere.h5"]:
    pathlib.Path(name).unlink(missing_ok=True)

with h5py.File("source.h5", "w") as f:
    f["row"] = np.arange(4, dtype="<i4") + 10
    f["other_row"] = np.arange(4, dtype="<i4") + 20
    f["wide"] = np.arange(4, dtype="<i8")
    f.create_dataset("deflated", data=np.arange(60, dtype="<i4").reshape(10, 6), chunks=(4, 3), compression="gzip")
    f["second_name"] = f["deflated"]
    f.create_dataset("later", data=np.arange(48, dtype="<i4").reshape(8, 6) + 100, chunks=(4, 3), compression="gzip")
    f.create_dataset("sparse", shape=(8,), chunks=(2,), dtype="<i4", fillvalue=-1)[2:4] = [5, 6]
    f.create_dataset("zeros", shape=(8,), chunks=(2,), dtype="<i4")[2:4] = [5, 6]
    f.create_dataset("planes", data=np.arange(24, dtype="<i4").reshape(2, 3, 4), chunks=(1, 3, 2))
    f.create_group("g")["inner"] = np.arange(4, dtype="<i4") + 30

long = np.arange(100, dtype="<i4")
long.tofile("long.bin")
np.arange(7, dtype="<i4").tofile("short.bin")

readable, left_out = [], []


def virtual(name, shape, parts, keep=True, fill=0, dtype="<i4", maxshape=None):
    layout = h5py.VirtualLayout(shape, dtype, maxshape=maxshape)
    for target, source in parts:
        layout[target] = source
    f.create_virtual_dataset(name, layout, fillvalue=fill)
    (readable if keep else left_out).append(name)


def external(name, shape, segments, keep=True):
    f.create_dataset(name, shape, "<i4", external=segments)
    (readable if keep else left_out).append(name)


def source(name, shape, file="source.h5", dtype="<i4"):
    return h5py.VirtualSource(file, name, shape, dtype)


with h5py.File("elsewhere.h5", "w") as f:
    f["here"] = np.arange(4, dtype="<i4") + 40
    s = np.s_
    virtual("rows", (3, 4), [(s[0], source("row", (4,))), (s[2], source("other_row", (4,)))], fill=-9)
    virtual("same_file", (2, 4), [(s[0], source("here", (4,), ".")), (s[1], source("/g/inner", (4,)))])
    virtual("joined", (16, 6), [(s[:8], source("later", (8, 6))), (s[8:], source("deflated", (10, 6))[:8])])
    virtual("edge", (18, 6), [(s[:8], source("later", (8, 6))), (s[8:], source("deflated", (10, 6)))])
    ends = [(s[:4], source("later", (8, 6))[4:]), (s[12:], source("later", (8, 6))[:4])]
    virtual("both_ends", (16, 6), ends)
    virtual("plane", (3, 4), [(s[:, :], source("planes", (2, 3, 4))[1])])
    virtual("strided", (4, 3, 4), [(s[::2], source("planes", (2, 3, 4)))], fill=3)
    virtual("holes", (8,), [(s[:], source("sparse", (8,)))], fill=-1)
    virtual("no_such_file", (2, 4), [(s[0], source("row", (4,))), (s[1], source("row", (4,), "gone.h5"))], fill=-5)
    virtual("other_holes", (8,), [(s[:], source("sparse", (8,)))])
    virtual("zeros_in_holes", (8,), [(s[:], source("zeros", (8,)))], fill=-1, keep=False)
    virtual("shifted", (12, 6), [(s[2:10], source("later", (8, 6)))], keep=False)
    virtual("cut", (16, 6), [(s[:10], source("deflated", (10, 6))), (s[10:16], source("later", (8, 6))[:6])], keep=False)
    virtual("converted", (4,), [(s[:], source("wide", (4,), dtype="<i8"))], keep=False)
    virtual("absolute", (4,), [(s[:], source("row", (4,), "/nowhere/source.h5"))], keep=False)
    virtual("part_of_a_row", (2,), [(s[:], source("row", (4,))[1:3])], keep=False)
    virtual("mixed", (8,), [(s[:4], source("row", (4,))), (s[4:], source("sparse", (8,))[:4])], keep=False)
    virtual("corner", (2, 4), [(s[:], source("later", (8, 6))[:2, :4])])
    external("one_file", (5, 4), [("long.bin", 8, h5py.h5f.UNLIMITED)])
    external("two_runs", (6, 2), [("long.bin", 0, 16), ("long.bin", 100, 32)])
    external("scattered", (4,), [("long.bin", 40, 4), ("short.bin", 0, 12)])
    external("too_short", (10,), [("short.bin", 0, 40)], keep=False)
    external("divided_row", (2, 4), [("long.bin", 0, 8), ("long.bin", 80, 24)], keep=False)
    external("no_raw_file", (2,), [("gone.bin", 0, 8)], keep=False)

with h5py.File("elsewhere.h5") as f:
    answers = {name: f[name][...].ravel().tolist() for name in readable} | {name: None for name in left_out}
pathlib.Path("elsewhere.json").write_text(json.dumps(answers, sort_keys=True) + "\n")
