"""Writes files whose links lead into other files, in `links`, and files whose answers netCDF4 and h5py give, in `types`.

Run: python generate_links.py  (needs h5py, netCDF4, numpy)
"""

import json
import os
import pathlib

import h5py
import netCDF4
import numpy as np

os.chdir(pathlib.Path(__file__).parent)
for folder in ["links", "types"]:
    pathlib.Path(folder).mkdir(exist_ok=True)
    for old in pathlib.Path(folder).iterdir():
        old.unlink()


def write(name):
    return h5py.File(name, "w", libver="latest")


# `d` of each leads to `d` of the next; the last has it.
for number in range(10):
    with write(f"links/chain_{number:02}.h5") as f:
        f["d"] = h5py.ExternalLink(f"chain_{number + 1:02}.h5", "/d")
with write("links/chain_10.h5") as f:
    f["d"] = np.arange(3, dtype="<i4") + 7

with write("links/circle_a.h5") as f:
    f["itself"] = h5py.ExternalLink("circle_a.h5", "/")
    f["b"] = h5py.ExternalLink("circle_b.h5", "/")
    f["one"] = np.arange(2, dtype="<i4")
with write("links/circle_b.h5") as f:
    f["a"] = h5py.ExternalLink("circle_a.h5", "/")
    f["two"] = np.arange(2, dtype="<i4") + 2

with write("links/master.h5") as f:
    f["whole"] = h5py.ExternalLink("chain_10.h5", "/")
    f["linked"] = h5py.ExternalLink("chain_10.h5", "/d")
    f["soft"] = h5py.SoftLink("/linked")
    f["soft_twice"] = h5py.SoftLink("/soft")
    f["through"] = h5py.SoftLink("/whole/d")
    f["gone"] = h5py.ExternalLink("gone.h5", "/d")
    f["no_such_name"] = h5py.ExternalLink("chain_10.h5", "/e")

# Datasets without dimensions: netCDF numbers those of the types that it has, and leaves the others out.
with write("types/phony.h5") as f:
    f["a_plain"] = np.zeros(3, "<i4")
    h5py.h5d.create(f.id, b"b_bits", h5py.h5t.STD_B8LE, h5py.h5s.create_simple((4,))).close()
    f.create_dataset("c_references", (5,), h5py.ref_dtype)
    f.create_dataset("d_arrays", (6,), np.dtype(("<i4", (7,))))
    f["e_plain"] = np.zeros((8, 3), "<f4")
    f["f_text"] = np.zeros(9, "S4")
with netCDF4.Dataset("types/phony.h5") as f:
    answers = {name: list(variable.dimensions) for name, variable in f.variables.items()}
pathlib.Path("types/phony.json").write_text(json.dumps(answers, sort_keys=True) + "\n")

with netCDF4.Dataset("types/texts.nc", "w") as f:
    f.createDimension("x", 4)
    f.createVariable("letters", "S1", ("x",), fill_value="-")[:] = np.array(["a", "-", "c", "-"], "S1")
with h5py.File("types/texts.nc", "a") as f:
    f["words"] = np.array([b"abc", b"N/A", b"de", b""], "S5")
    f["words"].attrs["_FillValue"] = np.bytes_("N/A")
    f["unmarked"] = np.array([b"abc", b"N/A"], "S5")
