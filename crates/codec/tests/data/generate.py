"""Writes vectors.txt: chunks encoded by h5py, hdf5plugin and numcodecs, with what they decode to.

Run: python generate.py  (needs h5py, hdf5plugin, numcodecs, numpy)

A line is one of
    data NAME HEX
    vector NAME DATA CODECS HEX
where CODECS is comma-separated `codec:argument:...` in the order of encoding.
"""

import pathlib

import h5py
import hdf5plugin
import numcodecs
import numcodecs.fletcher32
import numpy as np

lines = []
rng = np.random.default_rng(5)
# Values an ocean model might hold: smooth, with noise in the low bits.
ramp = np.round(280 + 10 * np.sin(np.arange(1003) / 50) + rng.normal(0, 0.01, 1003), 2)
DATA = {
    "f4": ramp[:517].astype("<f4"),
    "f8": ramp[:203].astype("<f8"),
    "i2": (ramp * 100 % 30000).astype("<i2"),
    "u1": (ramp * 10 % 251).astype("u1"),
    "noise": rng.integers(0, 256, 260, dtype="u1"),
    "zeros": np.zeros(700, "<i4"),
    "small": np.arange(5, dtype="<i4"),
    "two-blocks": np.round(280 + np.arange(1101) / 8, 1).astype("<f8"),
    "s3": np.frombuffer(ramp.astype("<f8").tobytes()[:999], "S3"),
}
for name, values in DATA.items():
    lines.append(f"data {name} {values.tobytes().hex()}")


def vector(name, data, codecs, encoded):
    lines.append(f"vector {name} {data} {codecs} {bytes(encoded).hex()}")


def hdf5(name, data, codecs, **options):
    values = DATA[data]
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as f:
        d = f.create_dataset("v", data=values, chunks=values.shape, **options)
        mask, encoded = d.id.read_direct_chunk((0,))
        assert mask == 0, (name, mask)
        vector("hdf5-" + name, data, codecs, encoded)


hdf5("deflate", "f4", "zlib:4", compression="gzip", compression_opts=4)
hdf5("shuffle-deflate", "f4", "shuffle:4,zlib:1", shuffle=True, compression="gzip", compression_opts=1)
hdf5("shuffle-deflate-fletcher", "f8", "shuffle:8,zlib:9,fletcher32", shuffle=True, compression="gzip",
     compression_opts=9, fletcher32=True)
hdf5("fletcher", "u1", "fletcher32", fletcher32=True)
hdf5("shuffle", "i2", "shuffle:2", shuffle=True)
hdf5("shuffle-odd", "s3", "shuffle:3,zlib:4", shuffle=True, compression="gzip")
hdf5("lzf", "f4", "lzf", compression="lzf")
hdf5("shuffle-lzf", "i2", "shuffle:2,lzf", compression="lzf", shuffle=True)
hdf5("lzf-zeros", "zeros", "lzf", compression="lzf")
hdf5("zstd", "f4", "zstd:3", **hdf5plugin.Zstd())
hdf5("bzip2", "i2", "bz2:9", **hdf5plugin.BZip2())
hdf5("lz4", "f8", "lz4h5:0", **hdf5plugin.LZ4())
hdf5("lz4-blocks", "f8", "lz4h5:500", **hdf5plugin.LZ4(nbytes=500))
hdf5("lz4-zeros", "zeros", "lz4h5:0", **hdf5plugin.LZ4())
for data in ["f4", "f8", "i2", "u1", "small", "zeros"]:
    size = DATA[data].itemsize
    hdf5("bitshuffle-" + data, data, f"bitshuffle:{size}:0:0", **hdf5plugin.Bitshuffle(cname="none"))
    hdf5("bitshuffle-lz4-" + data, data, f"bitshuffle:{size}:0:2", **hdf5plugin.Bitshuffle(cname="lz4"))
    hdf5("bitshuffle-zstd-" + data, data, f"bitshuffle:{size}:0:3", **hdf5plugin.Bitshuffle(cname="zstd"))
hdf5("bitshuffle-two-blocks", "two-blocks", "bitshuffle:8:0:0", **hdf5plugin.Bitshuffle(cname="none"))
hdf5("bitshuffle-blocks", "f4", "bitshuffle:4:64:0", **hdf5plugin.Bitshuffle(nelems=64, cname="none"))
hdf5("bitshuffle-lz4-blocks", "f4", "bitshuffle:4:64:2", **hdf5plugin.Bitshuffle(nelems=64, cname="lz4"))
for cname in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
    hdf5("blosc-" + cname, "f4", "blosc", **hdf5plugin.Blosc(cname=cname, clevel=5, shuffle=1))
hdf5("blosc-bit", "i2", "blosc", **hdf5plugin.Blosc(cname="zstd", clevel=5, shuffle=2))


def numcodec(name, data, codecs, *pipeline):
    encoded = DATA[data]
    for codec in pipeline:
        encoded = codec.encode(encoded)
        encoded = np.frombuffer(encoded, "u1")
    vector("numcodecs-" + name, data, codecs, encoded)


numcodec("zlib", "f4", "zlib:1", numcodecs.Zlib(1))
numcodec("gzip", "f4", "gzip:1", numcodecs.GZip(1))
numcodec("bz2", "f4", "bz2:1", numcodecs.BZ2(1))
numcodec("zstd", "f4", "zstd:1", numcodecs.Zstd(1))
numcodec("zstd-checksum", "f4", "zstd:1", numcodecs.Zstd(1, checksum=True))
numcodec("lz4", "f4", "lz4:1", numcodecs.LZ4())
numcodec("shuffle-zlib", "f8", "shuffle:8,zlib:1", numcodecs.Shuffle(8), numcodecs.Zlib(1))
numcodec("fletcher32", "s3", "fletcher32", numcodecs.fletcher32.Fletcher32())
numcodec("fletcher32-shuffle", "small", "fletcher32,shuffle:8", numcodecs.fletcher32.Fletcher32(), numcodecs.Shuffle(8))
numcodec("crc32c", "i2", "crc32c", numcodecs.CRC32C())
numcodec("zlib-crc32c", "zeros", "zlib:1,crc32c", numcodecs.Zlib(1), numcodecs.CRC32C())
numcodec("blosc-noise", "noise", "blosc", numcodecs.Blosc("lz4", 5, 1))
numcodec("blosc-bit", "f8", "blosc", numcodecs.Blosc("zstd", 9, 2))
texts = np.array(["tas", "", "Zürich", "海"], dtype=object)
lines.append("data texts " + b"\n".join(t.encode() for t in texts).hex())
vector("numcodecs-vlen-utf8", "texts", "vlen-utf8,zlib:1", numcodecs.Zlib(1).encode(numcodecs.VLenUTF8().encode(texts)))
blobs = np.array([t.encode() for t in texts], dtype=object)
vector("numcodecs-vlen-bytes", "texts", "vlen-bytes", numcodecs.VLenBytes().encode(blobs))



def order(type_id):
    return "big" if type_id.get_size() > 1 and type_id.get_order() == h5py.h5t.ORDER_BE else "little"


def own(name, values, *, type_id=None, fill=None, chunk=None, set_filter):
    """A chunk by a filter of HDF5's own, and what HDF5 reads back: some filters round."""
    chunk = chunk or values.shape
    type_id = type_id or h5py.h5t.py_create(values.dtype)
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as f:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(chunk)
        if fill is not None:
            plist.set_fill_value(np.array(fill, values.dtype))
        set_filter(plist)
        d = h5py.Dataset(h5py.h5d.create(f.id, b"v", type_id, h5py.h5s.create_simple(values.shape), plist))
        d[...] = values
        f.flush()
        mask, encoded = d.id.read_direct_chunk((0,) * len(chunk))
        assert mask == 0, (name, mask)
        read = np.zeros(values.shape, values.dtype)
        d.read_direct(read)
        parameters = d.id.get_create_plist().get_filter(0)[2]
    corner = read[tuple(slice(0, length) for length in chunk)]
    lines.append(f"data {name} {corner.tobytes().hex()}")
    return name, encoded, parameters, type_id


def scaleoffset(name, values, factor, fill=None):
    kind = h5py.h5z.SO_INT if values.dtype.kind in "iu" else h5py.h5z.SO_FLOAT_DSCALE
    name, encoded, p, _ = own(
        "scaleoffset-" + name, values, fill=fill, set_filter=lambda plist: plist.set_scaleoffset(kind, factor)
    )
    decimals = "integer" if kind == h5py.h5z.SO_INT else factor
    has_fill = p[8] | p[9] << 32 if p[7] else "none"
    byte_order = "big" if p[6] else "little"
    vector(name, name, f"scaleoffset:{p[2]}:{p[4]}:{byte_order}:{decimals}:{has_fill}", encoded)


for code in ["i1", "u1", "<i2", ">i2", "<u2", "<i4", ">u4", "<i8", ">i8", "<u8"]:
    scaleoffset(code.strip("<>") + "-" + code[0], np.round(ramp[:131] * 7 % 97 - 20 * (code[-2] == "i")).astype(code), 0)
scaleoffset("constant", np.full(100, -7, "<i4"), 0)
scaleoffset("fill", np.where(np.arange(100) % 7, ramp[:100], -999).astype("<i4"), 0, fill=-999)
scaleoffset("fill-everywhere", np.full(50, -999, "<i2"), 0, fill=-999)
scaleoffset("extremes", np.array([-(2**63), 2**63 - 1, 0, 5], "<i8"), 0)
scaleoffset("extremes-big", np.array([-(2**31), 2**31 - 1, 0, 5], ">i4"), 0)
scaleoffset("given-bits", np.arange(60, dtype="<u4") * 3 % 500, 10)
for code in ["<f4", ">f4", "<f8", ">f8"]:
    for decimals in [0, 2, 3]:
        scaleoffset(f"{code[1:]}-{code[0]}-{decimals}", ramp[:77].astype(code), decimals)
scaleoffset("f4-fill", np.where(np.arange(60) % 5, ramp[:60], 1e20).astype("<f4"), 2, fill=1e20)
scaleoffset("f8-fill", np.where(np.arange(60) % 5, ramp[:60], -1).astype("<f8"), 2, fill=-1)
scaleoffset("f8-precise", ramp[:40] / 7, 15)


def nbit(name, values, size, byte_order, bit_offset, precision, sign):
    type_id = h5py.h5t.py_create(np.dtype(f"{byte_order}{'i' if sign else 'u'}{size}")).copy()
    type_id.set_precision(precision)
    type_id.set_offset(bit_offset)
    values = values.astype(f"{byte_order}{'i' if sign else 'u'}{size}")
    name, encoded, p, _ = own("nbit-" + name, values, type_id=type_id, set_filter=lambda plist: plist.set_filter(5, 0, ()))
    bits = f"integer:{size}:{order(type_id)}:{bit_offset}:{precision}:{'signed' if sign else 'unsigned'}"
    vector(name, name, ",".join([bits, "nbit:" + ":".join(map(str, p))]), encoded)


nbit("i4", np.arange(-100, 100) * 300, 4, "<", 3, 17, True)
nbit("i4-big", np.arange(-100, 100) * 300, 4, ">", 3, 17, True)
nbit("u2", np.arange(150) * 3, 2, "<", 0, 9, False)
nbit("u2-big", np.arange(150) * 3, 2, ">", 7, 9, False)
nbit("i8", np.arange(-50, 50) << 50, 8, "<", 1, 60, True)
nbit("i1", np.arange(-8, 8), 1, "<", 2, 4, True)
nbit("i4-one-byte", np.arange(-8, 8), 4, "<", 18, 4, True)


def szip(name, values, coding, pixels, chunk=None):
    option = {"nn": h5py.h5z.SZIP_NN_OPTION_MASK, "ec": h5py.h5z.SZIP_EC_OPTION_MASK}[coding]
    name, encoded, p, _ = own(
        f"szip-{coding}{pixels}-{name}", values, chunk=chunk, set_filter=lambda plist: plist.set_szip(option, pixels)
    )
    vector(name, name, "szip:" + ":".join(map(str, p)), encoded)


walk = np.cumsum(rng.integers(-3, 4, 2000))
for coding in ["nn", "ec"]:
    for code in ["u1", "<i2", ">i2", "<i4", ">f4", "<f8"]:
        szip(code.strip("<>") + "-" + code[0], walk[:500].astype(code), coding, 16)
    szip("noise", np.r_[np.zeros(300), rng.integers(0, 65536, 100), np.ones(200)].astype("<u2"), coding, 8)
    szip("zeros", np.zeros(6000, "<i2"), coding, 4)
    szip("spikes", np.where(np.arange(4000) % 611, 0, 77).astype("<u2"), coding, 8)
    szip("long", (walk - walk.min()).astype("<u2"), coding, 32)
    szip("scanlines", walk.reshape(40, 50).astype("<u2"), coding, 8, chunk=(13, 21))
    szip("scanlines-f4", (walk.reshape(40, 50) // 8).astype("<f4"), coding, 4, chunk=(13, 21))
    szip("ends", np.repeat([0, 65535, 0, 1, 65534, 65535], 40).astype("<u2"), coding, 16)

pathlib.Path(__file__).with_name("vectors.txt").write_text("\n".join(lines) + "\n")
