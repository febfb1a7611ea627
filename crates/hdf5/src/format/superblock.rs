//! The first thing in a file: how wide addresses are, and where the root group is.
//!
//! ```text
//! version 0 and 1                                    version 2 and 3
//! ┌───────────┬─────────┬───────┬───┬───────────┐    ┌───────────┬─────────┬───────┬───────────┬──────┐
//! │ \x89HDF…  │ 0, 1    │ sizes │ K │ addresses │    │ \x89HDF…  │ 2, 3    │ sizes │ addresses │ root │
//! └───────────┴─────────┴───────┴───┴───────────┘    └───────────┴─────────┴───────┴───────────┴──────┘
//!   … base, free space, end of file, driver, root       … base, extension, end of file, root, checksum
//! ```
//!
//! Spec: HDF5 File Format 3.0, II.A, "Disk Format: Level 0A - Format Signature and Superblock".

use super::cursor::{Cursor, Sizes};
use super::group::SymbolTableEntry;
use crate::error::Problem;

/// The eight bytes a superblock begins with.
pub const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Bytes that hold a superblock of any version.
pub const LEN_MAX: u64 = 128;

/// Half the children of a full chunk B-tree node, where the superblock does not say.
pub const INDEXED_STORAGE_K_DEFAULT: u16 = 32;

/// A superblock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Version, 0 to 3.
    pub version: u8,
    /// Widths of addresses and lengths, and the byte that addresses count from.
    pub sizes: Sizes,
    /// Half the entries of a full symbol table node; versions 0 and 1.
    pub group_leaf_k: Option<u16>,
    /// Half the children of a full group B-tree node; versions 0 and 1.
    pub group_internal_k: Option<u16>,
    /// Half the children of a full chunk B-tree node; version 1.
    pub indexed_storage_k: Option<u16>,
    /// Version 3: a writer has the file open, or left it open.
    pub open_for_writing: bool,
    /// Absolute end of the file as recorded by the writer.
    pub end_of_file: Option<u64>,
    /// Object header of the superblock extension; versions 2 and 3.
    pub extension: Option<u64>,
    /// Driver information block; versions 0 and 1.
    pub driver_info: Option<u64>,
    /// Object header of the root group.
    pub root: Option<u64>,
    /// Bytes that the checksum covers, with the checksum; versions 2 and 3.
    pub checksummed_len: Option<usize>,
}

impl Superblock {
    /// Cuts the superblock that begins at byte `address` of the file. The checksum is not verified.
    ///
    /// Where a user block was put before the file afterwards, the stored base address is wrong; the place of the
    /// signature is right.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature or impossible sizes,
    /// [`Problem::Unsupported`] for a version above 3.
    pub fn parse(bytes: &[u8], address: u64) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array::<8>()? != SIGNATURE {
            return Err(Problem::malformed("signature is not that of HDF5"));
        }
        match cursor.u8()? {
            version @ 0..=1 => Self::parse_v0(&mut cursor, version, address),
            version @ 2..=3 => Self::parse_v2(&mut cursor, version, address),
            version => Err(Problem::unsupported(format!("superblock version {version}"))),
        }
    }

    fn parse_v0(cursor: &mut Cursor<'_>, version: u8, address: u64) -> Result<Self, Problem> {
        // Versions of the free-space, root group and shared header formats, which never changed.
        cursor.skip(4)?;
        let sizes = Sizes::new(cursor.u8()?, cursor.u8()?)?.with_base(address);
        cursor.skip(1)?;
        let group_leaf_k = Some(cursor.u16()?);
        let group_internal_k = Some(cursor.u16()?);
        cursor.skip(4)?;
        let indexed_storage_k = if version == 1 {
            let k = cursor.u16()?;
            cursor.skip(2)?;
            Some(k)
        } else {
            None
        };
        let stored_base = cursor.uint(sizes.offset())?;
        cursor.skip(sizes.offset())?;
        let end_of_file = end_of_file(cursor, sizes, stored_base)?;
        let driver_info = cursor.offset(sizes)?;
        let root = SymbolTableEntry::parse(cursor, sizes)?.address;
        Ok(Self {
            version,
            sizes,
            group_leaf_k,
            group_internal_k,
            indexed_storage_k,
            open_for_writing: false,
            end_of_file,
            extension: None,
            driver_info,
            root,
            checksummed_len: None,
        })
    }

    fn parse_v2(cursor: &mut Cursor<'_>, version: u8, address: u64) -> Result<Self, Problem> {
        let sizes = Sizes::new(cursor.u8()?, cursor.u8()?)?.with_base(address);
        let flags = cursor.u8()?;
        let stored_base = cursor.uint(sizes.offset())?;
        let extension = cursor.offset(sizes)?;
        let end_of_file = end_of_file(cursor, sizes, stored_base)?;
        let root = cursor.offset(sizes)?;
        cursor.u32()?;
        Ok(Self {
            version,
            sizes,
            group_leaf_k: None,
            group_internal_k: None,
            indexed_storage_k: None,
            open_for_writing: version == 3 && flags & 0b101 != 0,
            end_of_file,
            extension,
            driver_info: None,
            root,
            checksummed_len: Some(cursor.position()),
        })
    }
}

/// The recorded end of the file. It is absolute, but moves with a user block put before the file afterwards.
fn end_of_file(cursor: &mut Cursor<'_>, sizes: Sizes, stored_base: u64) -> Result<Option<u64>, Problem> {
    let stored = cursor.offset(sizes.with_base(0))?;
    Ok(stored.and_then(|end| end.checked_sub(stored_base)?.checked_add(sizes.base())))
}

/// The message of a superblock extension that holds B-tree sizes.
///
/// Spec: HDF5 File Format 3.0, IV.A.2.t, "The B-tree 'K' Values Message".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BTreeK {
    /// Half the children of a full chunk B-tree node.
    pub indexed_storage: u16,
    /// Half the children of a full group B-tree node.
    pub group_internal: u16,
    /// Half the entries of a full symbol table node.
    pub group_leaf: u16,
}

impl BTreeK {
    /// Cuts the message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for a version other than 0.
    pub fn parse(message: &[u8]) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        expect_version(cursor.u8()?, 0, "B-tree K values")?;
        Ok(Self { indexed_storage: cursor.u16()?, group_internal: cursor.u16()?, group_leaf: cursor.u16()? })
    }
}

/// The message of a superblock extension that says how file space is managed.
///
/// Spec: HDF5 File Format 3.0, "The File Space Info Message".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpaceInfo {
    /// Bytes in a page, if file space is handed out in pages.
    pub page_size: Option<u64>,
}

impl FileSpaceInfo {
    /// Cuts the message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`]
    pub fn parse(message: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        /// The strategy "paged aggregation".
        const PAGE: u8 = 1;
        let mut cursor = Cursor::new(message);
        // Version 0 was written by unreleased libraries only and knew no pages.
        if cursor.u8()? != 1 || cursor.u8()? != PAGE {
            return Ok(Self { page_size: None });
        }
        cursor.skip(1)?;
        cursor.length(sizes)?;
        let page_size = cursor.length(sizes)?;
        Ok(Self { page_size: (page_size > 0).then_some(page_size) })
    }
}

/// The driver that wrote the file, from a driver information block or message.
///
/// Spec: HDF5 File Format 3.0, II.B, "File Driver Info", and IV.A.2.u, "The Driver Info Message".
///
/// # Errors
///
/// [`Problem::Unsupported`] for the drivers that spread one file over several: family and multi.
pub fn check_driver(name: &[u8]) -> Result<(), Problem> {
    match name {
        b"NCSAfami" | b"NCSAmult" => Err(Problem::unsupported(format!(
            "a file spread over several files by the driver \"{}\"",
            name.escape_ascii()
        ))),
        _ => Ok(()),
    }
}

/// The metadata cache image message: where the image is.
///
/// # Errors
///
/// [`Problem::Truncated`]
pub fn cache_image(message: &[u8], sizes: Sizes) -> Result<Option<(u64, u64)>, Problem> {
    let mut cursor = Cursor::new(message);
    expect_version(cursor.u8()?, 0, "metadata cache image message")?;
    let address = cursor.offset(sizes)?;
    let length = cursor.length(sizes)?;
    Ok(address.map(|address| (address, length)))
}

/// Refuses every version but one.
///
/// # Errors
///
/// [`Problem::Unsupported`]
pub(crate) fn expect_version(found: u8, expected: u8, what: &str) -> Result<(), Problem> {
    if found == expected { Ok(()) } else { Err(Problem::unsupported(format!("{what} version {found}"))) }
}
