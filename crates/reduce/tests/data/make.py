#!/usr/bin/env python3
"""Writes netcdf4.json and numpy.json: small arrays and what netCDF4-python and NumPy answer.

Needs numpy and netCDF4. Run in this folder.
"""
import json
import warnings

import netCDF4
import numpy as np

warnings.simplefilter("ignore")
rng = np.random.default_rng(20240229)


def number(x):
    x = x.item() if hasattr(x, "item") else x
    if isinstance(x, float) and not np.isfinite(x):
        return "NaN" if np.isnan(x) else ("Infinity" if x > 0 else "-Infinity")
    return x


def masked(a):
    """count, min, max and sum of what is neither masked nor NaN; min and max in the type they have."""
    v = np.ma.asarray(a).compressed()
    v = v[~np.isnan(v)] if v.dtype.kind == "f" else v
    out = {"dtype": v.dtype.name, "count": int(v.size)}
    if v.size:
        exact = v.astype(object).sum() if v.dtype.kind in "iu" else np.sum(v.astype("f8"))
        out |= {"min": number(v.min()), "max": number(v.max()), "sum": number(exact),
                "sum_abs": number(np.abs(v.astype("f8")).sum())}
    return out


def netcdf4_cases():
    """(type, values, attributes): each attribute with the type it is stored in."""
    f4, f8 = np.float32, np.float64
    i1, i2, i4, i8 = np.int8, np.int16, np.int32, np.int64
    shorts = [-32767, -32768, -5, 0, 1, 7, 100, 32767, 12]
    bytes_ = [-128, -127, -1, 0, 5, 100, 127]
    floats = [9.969209968386869e36, 1e20, np.nan, -999.0, 0.1, 2.5, np.inf, -4.0, 0.0]
    yield "i2", shorts, {}
    yield "i2", shorts, {"_FillValue": i2(-32768)}
    yield "i2", shorts, {"missing_value": i2(7)}
    yield "i2", shorts, {"missing_value": np.array([7, 12], i2)}
    yield "i2", shorts, {"missing_value": np.array([7, 100000], i4)}
    yield "i2", shorts, {"missing_value": f8(7.0)}
    yield "i2", shorts, {"missing_value": f8(7.5)}
    yield "i2", shorts, {"_FillValue": i2(1), "missing_value": i2(7), "valid_min": i2(-5), "valid_max": i2(50)}
    yield "i2", shorts, {"valid_range": np.array([0, 100], i2), "valid_min": i2(5)}
    yield "i2", shorts, {"valid_range": np.array([0, 100000], i4), "valid_min": i2(5)}
    yield "i2", shorts, {"valid_range": np.array([0, 1, 2], i2), "valid_max": i2(5)}
    yield "i2", shorts, {"valid_max": f8(99.5)}
    yield "i2", shorts, {"scale_factor": f8(0.01), "add_offset": f8(273.15), "_FillValue": i2(-32768)}
    yield "i2", shorts, {"scale_factor": f4(0.01), "add_offset": f4(273.15), "_FillValue": i2(-32768)}
    yield "i2", shorts, {"scale_factor": f4(0.01), "add_offset": f8(273.15)}
    yield "i2", shorts, {"scale_factor": f8(-0.5), "missing_value": i2(7)}
    yield "i2", shorts, {"add_offset": f4(0.1)}
    yield "i2", shorts, {"scale_factor": f8(1.0)}
    yield "i2", shorts, {"scale_factor": f4(1.0), "add_offset": f4(0.0)}
    yield "i2", shorts, {"scale_factor": f8(0.0), "add_offset": f8(3.0)}
    yield "i2", shorts, {"_Unsigned": "true", "_FillValue": i2(-1), "scale_factor": f4(0.1)}
    yield "i2", shorts, {"_Unsigned": "true", "valid_range": np.array([0, -2], i2)}
    yield "i2", shorts, {"_Unsigned": "false", "_FillValue": i2(-5), "scale_factor": f4(0.1)}
    yield "i1", bytes_, {}
    yield "i1", bytes_, {"_FillValue": i1(-1)}
    yield "i1", bytes_, {"_Unsigned": "true", "_FillValue": i1(-1), "valid_range": np.array([0, -56], i1)}
    yield "i1", bytes_, {"_Unsigned": "True", "scale_factor": f4(0.5), "add_offset": f4(-3)}
    yield "u1", [0, 1, 200, 255], {}
    yield "u1", [0, 1, 200, 255], {"_FillValue": np.uint8(255), "scale_factor": f4(0.01)}
    yield "u2", [0, 1, 65535, 40000], {}
    yield "i4", [-2147483647, -2147483648, 3, 16777217], {"scale_factor": f4(0.1)}
    yield "i4", [-2147483647, -2147483648, 3, 16777217], {"scale_factor": f4(1.0), "add_offset": f4(0.0)}
    yield "u4", [4294967295, 4294967294, 3, 0], {"missing_value": np.uint32(3)}
    yield "i8", [-9223372036854775806, 9007199254740993, -9223372036854775807, 5], {}
    yield "i8", [9007199254740993, 9007199254740992, 5], {"missing_value": f8(9007199254740992.0)}
    yield "u8", [18446744073709551614, 18446744073709551, 5], {}
    yield "f4", floats, {}
    yield "f4", floats, {"_FillValue": f4(1e20)}
    yield "f4", floats, {"missing_value": f8(1e20)}
    yield "f4", floats, {"missing_value": f4(0.1)}
    yield "f4", floats, {"missing_value": f8(0.1)}
    yield "f4", floats, {"missing_value": i4(-999)}
    yield "f4", floats, {"_FillValue": f4(np.nan)}
    yield "f4", floats, {"valid_min": f4(-4), "valid_max": f4(1e10)}
    yield "f4", floats, {"valid_range": np.array([0, 100], i4), "scale_factor": f4(0.01)}
    yield "f4", floats, {"scale_factor": f8(0.1), "add_offset": f8(0.0)}
    yield "f8", floats, {"missing_value": np.array([-999.0, 2.5])}
    yield "f8", floats, {"_FillValue": f8(-999.0), "scale_factor": f4(0.1)}


def attribute(value):
    if isinstance(value, str):
        return value
    a = np.asarray(value)
    return {"dtype": a.dtype.name, "values": [number(x) for x in a.reshape(-1)]}


def netcdf4():
    out = []
    for dtype, values, attributes in netcdf4_cases():
        data = np.array(values, dtype)
        with netCDF4.Dataset("memory", "w", diskless=True, persist=False) as ds:
            ds.createDimension("x", data.size)
            fill = attributes.get("_FillValue")
            v = ds.createVariable("v", dtype, ("x",), fill_value=fill)
            v.set_auto_maskandscale(False)
            v[:] = data
            for name, value in attributes.items():
                if name != "_FillValue":
                    v.setncattr(name, value)
            v.set_always_mask(True)
            v.set_auto_mask(True)
            case = {"dtype": data.dtype.name, "data": [number(x) for x in data],
                    "attributes": {name: attribute(value) for name, value in attributes.items()},
                    "unscaled": masked(v[:])}
            v.set_auto_scale(True)
            case["scaled"] = masked(v[:])
            out.append(case)
    return out


def numpy_cases():
    shape = (4, 3, 5)
    for dtype in ("b1", "i1", "u2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"):
        if dtype == "b1":
            a = rng.integers(0, 2, shape).astype(dtype)
        elif dtype[0] in "iu":
            info = np.iinfo(dtype)
            a = rng.integers(max(info.min, -2**55), min(info.max, 2**55), shape).astype(dtype)
        elif dtype[0] == "c":
            a = (rng.normal(10, 100, shape) + 1j * rng.normal(-3, 10, shape)).astype(dtype)
        else:
            a = rng.normal(273, 30, shape).astype(dtype)
        for axes in ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
            yield a, axes


def reductions(a, axes):
    keep = tuple(i for i in range(a.ndim) if i not in axes)
    cells = np.transpose(a, keep + axes).reshape(tuple(a.shape[i] for i in keep) + (-1,))
    kind = a.dtype.kind
    wide = {"f": "f8", "c": "c16", "b": "i8", "i": "i8", "u": "u8"}[kind]
    out = {"sum": cells.astype(wide).sum(-1), "mean": cells.astype("c16" if kind == "c" else "f8").mean(-1),
           "count": np.full(cells.shape[:-1], cells.shape[-1])}
    if kind != "c":
        f8 = cells.astype("f8")
        out |= {"min": cells.min(-1), "max": cells.max(-1), "var": f8.var(-1), "std": f8.std(-1),
                "argmin": cells.argmin(-1), "argmax": cells.argmax(-1),
                "first": cells[..., 0], "last": cells[..., -1]}
    return out


def flat(a):
    parts = a.view(a.real.dtype) if a.dtype.kind == "c" else a
    return [number(x) for x in np.atleast_1d(parts).reshape(-1)]


def numpy():
    out = []
    for a, axes in numpy_cases():
        a = np.ascontiguousarray(a)
        out.append({"dtype": a.dtype.str, "shape": a.shape, "bytes": a.tobytes().hex(), "axes": axes,
                    "answers": {name: {"shape": np.shape(x), "dtype": np.asarray(x).dtype.name,
                                       "values": flat(np.ascontiguousarray(x))}
                                for name, x in reductions(a, axes).items()}})
    return out


def write(name, cases):
    with open(name, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


write("netcdf4.json", netcdf4())
write("numpy.json", numpy())
