#!/usr/bin/env python3
"""Writes quantiles.json: small arrays as references with their bytes inline, and what NumPy answers.

Needs numpy. Run in this folder.
"""
import base64
import json
from fractions import Fraction

import numpy as np

rng = np.random.default_rng(20240229)
refs = {".zgroup": '{"zarr_format":2}'}


def exact(x):
    x = float(x)
    if np.isfinite(x):
        return x
    return "NaN" if np.isnan(x) else ("Infinity" if x > 0 else "-Infinity")


def array(name, data, chunks, dims, absent=(), fill=None, **attributes):
    """Adds an array to the references; edge chunks are whole, as Zarr stores them."""
    meta = {"zarr_format": 2, "shape": data.shape, "chunks": chunks, "dtype": data.dtype.str, "order": "C",
            "compressor": None, "filters": None, "fill_value": fill}
    refs[f"{name}/.zarray"] = json.dumps(meta)
    refs[f"{name}/.zattrs"] = json.dumps({"_ARRAY_DIMENSIONS": dims} | attributes)
    for index in np.ndindex(*[-(-n // c) for n, c in zip(data.shape, chunks)]):
        part = data[tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, chunks))]
        if index in absent:
            continue
        whole = np.zeros(chunks, data.dtype)
        whole[tuple(slice(0, n) for n in part.shape)] = part
        refs[f"{name}/{'.'.join(map(str, index))}"] = "base64:" + base64.b64encode(whole.tobytes()).decode()


def middle(values):
    """The median, of Python's exact integers where they are integers."""
    v = sorted(values.tolist())
    if not v:
        return None
    a, b = v[(len(v) - 1) // 2], v[len(v) // 2]
    return a if len(v) % 2 else (a + b) / 2


def quantile(values, fraction):
    """As numpy.quantile of 64-bit floats, which wraps integers of fewer bits around; exact for integers of 64 bits; at a
    value that value, and beside an infinite one infinite, where numpy.quantile gives NaN."""
    v = np.sort(values)
    if not len(v):
        return None
    at = fraction * (len(v) - 1)
    if at == int(at):
        return v[int(at)]
    if v.dtype.kind in "iu" and v.dtype.itemsize == 8:
        a, b = int(v[int(at)]), int(v[int(at) + 1])
        return float(a + (b - a) * Fraction(at - int(at)))
    a, b = v[int(at)], v[int(at) + 1]
    if np.isinf(a) or np.isinf(b):
        return a + b
    return np.quantile(v.astype("f8"), fraction, method="linear")


def answers(groups):
    """The answers to median, quantile(0.9), quantile(0.25), min and count of each list of values."""
    out = {"median": [], "quantile(0.9)": [], "quantile(0.25)": [], "min": [], "count": []}
    for v in groups:
        v = v[~np.isnan(v)] if v.dtype.kind == "f" else v
        for name, value in [("median", middle(v)), ("quantile(0.9)", quantile(v, 0.9)),
                            ("quantile(0.25)", quantile(v, 0.25)), ("min", v.min() if len(v) else None)]:
            out[name].append(None if value is None else exact(value))
        out["count"].append(len(v))
    return out


def cases():
    shape, chunks, dims = (7, 5, 6), (3, 2, 4), ["time", "y", "x"]
    days = np.array([0, 20, 40, 60, 366, 380, 400], "f8")
    months = np.array([1, 1, 2, 3, 1, 1, 2])
    array("time", days, [7], ["time"], units="days since 2001-01-01", calendar="noleap")
    basin = np.array([[1, 1, 2, 2, 0, 0], [1, 1, 1, 2, 0, 3], [1, 2, 2, 2, 3, 3],
                      [0, 2, 2, 3, 3, 3], [2, 2, 2, 3, 3, 3]], "i4")
    array("basin", basin, [5, 6], ["y", "x"], _FillValue=0)
    for dtype in ["<i1", "<i2", ">i2", "<i4", "<i8", ">i8", "<u1", "<u2", ">u4", "<u8", "<f2", "<f4", ">f4",
                  "<f8", ">f8"]:
        kind = np.dtype(dtype)
        name = "of_" + dtype.replace("<", "l").replace(">", "b")
        fill = None
        if kind.kind == "f":
            data = (rng.standard_normal(shape) * 30).astype(dtype)
            data[rng.random(shape) < 0.15] = np.nan
            data[:, 4, 5] = np.nan
            data[0, 0, :3] = [np.inf, -np.inf, -0.0]
        else:
            info = np.iinfo(kind)
            low, high = (info.min, info.max) if kind.itemsize < 8 else (2**54, 2**54 + 4000)
            data = rng.integers(low, high, shape, kind.newbyteorder("="), endpoint=True).astype(dtype)
            fill = int(data[2, 3, 1])
            data[rng.random(shape) < 0.1] = fill
            data[:, 4, 5] = fill
        attributes = {} if fill is None else {"_FillValue": fill}
        array(name, data, list(chunks), dims, **attributes)
        valid = data.astype(kind.newbyteorder("="))
        keep = np.ones(shape, bool) if fill is None else valid != fill
        yield from asked(name, valid, keep, basin, months)
    packed = rng.integers(-3000, 3000, shape, "i2")
    array("packed", packed, list(chunks), dims, absent=[(1, 1, 0)], fill=-32767, _FillValue=-32767,
          scale_factor=0.01, add_offset=273.15)
    keep = np.ones(shape, bool)
    keep[3:6, 2:4, 0:4] = False
    yield from asked("packed", packed * 0.01 + 273.15, keep, basin, months)
    unsigned = rng.integers(0, 256, shape, "u1")
    array("unsigned", unsigned.view("i1"), list(chunks), dims, _Unsigned="true")
    yield from asked("unsigned", unsigned, np.ones(shape, bool), basin, months)


def asked(name, data, keep, basin, months):
    def pick(*where):
        return data[where][keep[where]]

    every = slice(None)
    yield {"variable": name, "over": None, "shape": [], **answers([pick(...)])}
    yield {"variable": name, "over": ["time"], "shape": [5, 6],
           **answers(pick(every, y, x) for y in range(5) for x in range(6))}
    yield {"variable": name, "over": ["y", "x"], "shape": [7], **answers(pick(t) for t in range(7))}
    yield {"variable": name, "over": ["y"], "by": ["time.month"], "shape": [3, 6],
           **answers(pick(months == m, every, x) for m in (1, 2, 3) for x in range(6))}
    yield {"variable": name, "over": ["time", "y", "x"], "by": ["basin"], "shape": [3],
           **answers(pick(every, basin == b) for b in (1, 2, 3))}
    yield {"variable": name, "over": ["y", "x"], "by": ["time.month", "basin"], "shape": [3, 3],
           **answers(pick((months == m)[:, None, None] & (basin == b)) for m in (1, 2, 3) for b in (1, 2, 3))}
    yield {"variable": name, "over": ["y", "x"], "mask": ["basin", 2], "shape": [7],
           **answers(pick(t, basin == 2) for t in range(7))}
    yield {"variable": name, "over": ["time"], "select": "time=1:7:2,y=1:4", "shape": [3, 6],
           **answers(pick(slice(1, 7, 2), y, x) for y in range(1, 4) for x in range(6))}


found = list(cases())
with open("quantiles.json", "w") as file:
    json.dump({"refs": {"version": 1, "refs": refs}, "cases": found}, file, separators=(",", ":"))
    file.write("\n")
