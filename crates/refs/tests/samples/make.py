"""Writes the samples of this folder: the same small file as kerchunk and VirtualiZarr describe it.

Written with kerchunk 0.2.10, fsspec 2026.9.0, pandas 3.1.1, fastparquet 2026.9.0, netCDF4 1.7.5 and, in an
environment of its own, VirtualiZarr 2.5.1:

    python make.py kerchunk && python make.py virtualizarr
"""

import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
URL = "s3://bucket/small.nc"


def netcdf(path):
    import netCDF4
    import numpy as np

    ds = netCDF4.Dataset(path, "w")
    ds.title = "søme / title"
    ds.nothing = np.nan
    for name, length in [("time", 5), ("lat", 3), ("lon", 4), ("n", 5)]:
        ds.createDimension(name, length)
    axes = ("time", "lat", "lon")
    tas = ds.createVariable("tas", "i2", axes, zlib=True, shuffle=True, fill_value=-999, chunksizes=(2, 2, 4))
    tas[:] = np.arange(60).reshape(5, 3, 4)
    tas.scale_factor = 0.5
    pr = ds.createVariable("pr", "f4", axes, fill_value=1e20)
    pr[:] = np.arange(60).reshape(5, 3, 4)
    time = ds.createVariable("time", "f8", ("time",))
    time[:] = np.arange(5)
    time.units = "days since 2000-01-01"
    time.valid_range = [0.0, np.inf]
    ds.createVariable("crs", "i4", ())[...] = 7
    ds.createVariable("name", "S1", ("n",))[:] = np.array(list("hello"), "S1")
    q = ds.createGroup("grp").createVariable("q", "u1", ("lat",), fill_value=255)
    q[:] = [1, 2, 3]
    ds.close()


def kerchunk(path):
    from kerchunk.df import refs_to_dataframe
    from kerchunk.hdf import SingleHdf5ToZarr

    with open(path, "rb") as file:
        refs = SingleHdf5ToZarr(file, url=URL, inline_threshold=20).translate()
    out = os.path.join(HERE, "kerchunk.json")
    with open(out, "w") as file:
        json.dump(refs, file)
    refs_to_dataframe(refs, os.path.join(HERE, "kerchunk.parq"), record_size=4)


def virtualizarr(path):
    from obstore.store import LocalStore
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser
    from virtualizarr.registry import ObjectStoreRegistry

    registry = ObjectStoreRegistry({"file://": LocalStore()})
    ds = open_virtual_dataset(
        f"file://{path}", registry=registry, parser=HDFParser(), loadable_variables=["time"], decode_times=False
    )
    ds.vz.rename_paths(lambda _: URL).vz.to_kerchunk(os.path.join(HERE, "virtualizarr.json"), format="json")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "small.nc")
        netcdf(path)
        {"kerchunk": kerchunk, "virtualizarr": virtualizarr}[sys.argv[1]](path)
