"""Files whose metadata lie where h5py alone cannot put them: shared messages, compressed heaps, revised references.

  python make_messages.py        (h5py 3.16 with libhdf5 2.0; writes into this folder)

h5py's own libhdf5 is called through ctypes where h5py has no property for what is needed.
"""
import ctypes
import glob
import os

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = glob.glob(os.path.join(os.path.dirname(h5py.__file__), "..", "h5py.libs", "libhdf5-*.so*"))[0]
C = ctypes.CDLL(LIBRARY)
ID = ctypes.c_int64
UINT = ctypes.c_uint


def call(name, *args, result=ctypes.c_int):
    function = getattr(C, name)
    function.restype = result
    found = function(*args)
    assert found >= 0, name
    return found


def file(name, **properties):
    """Creates a file with libhdf5's newest format and the given file creation calls."""
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    for call_name, arguments in properties.items():
        for argument in arguments:
            call(call_name, ID(plist.id), *argument)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_LATEST)
    path = os.path.join(HERE, name).encode()
    return h5py.File(h5py.h5f.create(path, h5py.h5f.ACC_TRUNC, plist, access))


def shared(name, list_max, btree_min):
    """Everything that can be shared is: in a list up to list_max messages, in a B-tree beyond."""
    everything = 0x1F
    out = file(
        name,
        H5Pset_shared_mesg_nindexes=[(UINT(1),)],
        H5Pset_shared_mesg_index=[(UINT(0), UINT(everything), UINT(8))],
        H5Pset_shared_mesg_phase_change=[(UINT(list_max), UINT(btree_min))],
    )
    pair = np.dtype([("x", "<f8"), ("label", "S12")])
    with out:
        for i in range(6):
            dataset = out.create_dataset(f"d{i}", (4, 5), "<i4", chunks=(2, 5), compression=4, fillvalue=i % 2)
            dataset.attrs["pair"] = np.array([(1.5, b"one"), (2.5, b"two")], pair)
            dataset.attrs["same"] = "the same text in every dataset"
            dataset.attrs[f"own{i}"] = np.arange(i + 8)


def compressed_heap():
    """A group whose 300 links are in a heap with direct and indirect blocks, each deflated and checked."""
    with file("compressed_heap.h5") as out:
        plist = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        call("H5Pset_link_phase_change", ID(plist.id), UINT(0), UINT(0))
        call("H5Pset_deflate", ID(plist.id), UINT(9))
        call("H5Pset_fletcher32", ID(plist.id))
        group = h5py.h5g.create(out.id, b"links", gcpl=plist)
        out["target"] = np.int8(7)
        for i in range(300):
            h5py.Group(group)[f"a soft link with a rather long name, number {i:04}"] = h5py.SoftLink("/target")
        # Longer than a managed object may be: a huge one, compressed on its own.
        h5py.Group(group)["huge"] = h5py.SoftLink("/" + "x" * 9000)


def revised_references():
    """References of HDF5 1.12: to objects, to a region, to an attribute, and to nothing."""
    with file("revised_references.h5") as out:
        data = out.create_dataset("data", (10,), "<i4")
        data.attrs["name"] = 1
        group = out.create_group("group")
        size = 64
        references = (ctypes.c_uint8 * (size * 5))()
        place = [ctypes.byref(references, size * i) for i in range(5)]
        loc = ID(out.id.id)
        call("H5Rcreate_object", loc, b"/data", ID(0), place[0])
        call("H5Rcreate_object", loc, b"/group", ID(0), place[1])
        space = h5py.h5s.create_simple((10,))
        space.select_hyperslab((2,), (3,))
        call("H5Rcreate_region", loc, b"/data", ID(space.id), ID(0), place[2])
        call("H5Rcreate_attr", loc, b"/data", b"name", ID(0), place[3])
        datatype = ID(ctypes.c_int64.in_dll(C, "H5T_STD_REF_g").value)
        extent = h5py.h5s.create_simple((5,))
        attribute = call(
            "H5Acreate2", ID(group.id.id), b"references", datatype, ID(extent.id), ID(0), ID(0), result=ctypes.c_int64
        )
        call("H5Awrite", ID(attribute), datatype, references)
        call("H5Aclose", ID(attribute))


shared("shared_list.h5", 50, 40)
shared("shared_btree.h5", 0, 0)
compressed_heap()
revised_references()
