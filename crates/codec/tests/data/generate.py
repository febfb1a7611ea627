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

pathlib.Path(__file__).with_name("vectors.txt").write_text("\n".join(lines) + "\n")
