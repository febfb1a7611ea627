//! Codec descriptions as numcodecs configurations: `{"id":"zlib","level":4}`.
//!
//! Compatible implementations: numcodecs 0.16, imagecodecs 2026.3 (ids that start with `imagecodecs_`).
//!
//! What has no codec there is written under an id of our own, which other readers refuse by name. That includes bit
//! shuffling without a compressor: zarr-python 3 opens `imagecodecs_bitshuffle` and reads wrong values without an error.

use rangefold_array::{BloscCompressor, BloscShuffle, ByteOrder, CodecKind, CodecSpec};

use crate::AttributeValue::{self, Bool, Integer, Text};
use crate::error::Problem;

/// The members of the configuration of `codec`, in numcodecs' order.
pub(crate) fn members(codec: &CodecSpec) -> Vec<(&'static str, AttributeValue)> {
    let size = |n: usize| Integer(n as i128);
    let level = |level: &i32| ("level", Integer((*level).into()));
    match codec {
        CodecSpec::Shuffle { element_size } => vec![("elementsize", size(*element_size))],
        CodecSpec::Zlib { level: n } => vec![level(n)],
        CodecSpec::Gzip { level: n } => vec![level(n)],
        CodecSpec::Fletcher32 | CodecSpec::Crc32c | CodecSpec::VlenUtf8 | CodecSpec::VlenBytes => vec![],
        CodecSpec::Blosc { compressor, level, shuffle, block_size } => vec![
            ("cname", Text(compressor.name().to_owned())),
            ("clevel", Integer((*level).into())),
            ("shuffle", Integer(shuffle_code(*shuffle))),
            ("blocksize", size(*block_size)),
        ],
        CodecSpec::Zstd { level: n, checksum } => vec![level(n), ("checksum", Bool(*checksum))],
        // imagecodecs expects its own length header unless told that there is none.
        CodecSpec::Lzf => vec![("header", Bool(false))],
        CodecSpec::Bzip2 { level: n } => vec![level(n)],
        CodecSpec::Lz4 { acceleration } => vec![("acceleration", Integer((*acceleration).into()))],
        CodecSpec::Lz4Hdf5 { block_size } => vec![(
            "blocksize",
            match block_size {
                0 => AttributeValue::Null,
                n => size(*n),
            },
        )],
        CodecSpec::BitshuffleHdf5 { element_size, block_size, compression } => vec![
            ("itemsize", size(*element_size)),
            ("blocksize", size(*block_size)),
            ("compression", Integer((*compression).into())),
        ],
        CodecSpec::ScaleOffsetHdf5 { element_count, element_size, order, decimals, fill } => vec![
            ("items", size(*element_count)),
            ("itemsize", size(*element_size)),
            ("order", order_name(*order)),
            ("decimals", decimals.map_or(AttributeValue::Null, |decimals| Integer(decimals.into()))),
            ("fill", fill.map_or(AttributeValue::Null, |fill| Integer(fill.into()))),
        ],
        CodecSpec::NbitHdf5 { values } => {
            let values = values.iter().map(|value| Integer((*value).into())).collect();
            vec![("values", AttributeValue::List(values))]
        }
        CodecSpec::SzipHdf5 { options, pixels_per_block, bits_per_pixel, pixels_per_scanline } => vec![
            ("options", Integer((*options).into())),
            ("pixels_per_block", Integer((*pixels_per_block).into())),
            ("bits_per_pixel", Integer((*bits_per_pixel).into())),
            ("pixels_per_scanline", Integer((*pixels_per_scanline).into())),
        ],
        CodecSpec::IntegerBitsHdf5 { element_size, order, bit_offset, precision, signed } => vec![
            ("itemsize", size(*element_size)),
            ("order", order_name(*order)),
            ("offset", Integer((*bit_offset).into())),
            ("precision", Integer((*precision).into())),
            ("signed", Bool(*signed)),
        ],
        CodecSpec::AttributesByPart { axis } => vec![("axis", size(*axis))],
    }
}

/// numcodecs' number of a shuffle.
pub(crate) fn shuffle_code(shuffle: BloscShuffle) -> i128 {
    match shuffle {
        BloscShuffle::None => 0,
        BloscShuffle::Byte => 1,
        BloscShuffle::Bit => 2,
        BloscShuffle::Auto => -1,
    }
}

fn order_name(order: ByteOrder) -> AttributeValue {
    let name = match order {
        ByteOrder::Little => "little",
        ByteOrder::Big => "big",
    };
    Text(name.to_owned())
}

/// The configuration of `codec` as an object with its id first.
pub(crate) fn to_value(codec: &CodecSpec) -> AttributeValue {
    let id = ("id".to_owned(), Text(codec.facts().numcodecs.to_owned()));
    let members = members(codec).into_iter().map(|(name, value)| (name.to_owned(), value));
    AttributeValue::Map(std::iter::once(id).chain(members).collect())
}

/// The codec of an object with an id.
pub(crate) fn from_value(value: &AttributeValue) -> Result<CodecSpec, Problem> {
    let id = value
        .get("id")
        .and_then(AttributeValue::as_text)
        .ok_or_else(|| Problem::Wrong("a codec has no id".to_owned()))?;
    from_configuration(id, value)
}

/// The codec called `id` with the members of `value`; what is left out has numcodecs' default.
pub(crate) fn from_configuration(id: &str, value: &AttributeValue) -> Result<CodecSpec, Problem> {
    let member = Members { id, value };
    let kind = CodecKind::of_numcodecs(id).ok_or_else(|| Problem::Unsupported(format!("codec {id:?}")))?;
    Ok(match kind {
        CodecKind::Shuffle => CodecSpec::Shuffle { element_size: member.at_least_one("elementsize", 4)? },
        CodecKind::Zlib => CodecSpec::Zlib { level: member.integer("level", 1)? },
        CodecKind::Gzip => CodecSpec::Gzip { level: member.integer("level", 1)? },
        CodecKind::Fletcher32 => CodecSpec::Fletcher32,
        CodecKind::Blosc => CodecSpec::Blosc {
            compressor: member.compressor()?,
            level: member.integer("clevel", 5)?,
            shuffle: member.shuffle()?,
            block_size: member.integer("blocksize", 0)?,
        },
        CodecKind::Zstd => {
            CodecSpec::Zstd { level: member.integer("level", 0)?, checksum: member.flag("checksum", false)? }
        }
        CodecKind::Lzf if member.flag("header", true)? => {
            return Err(Problem::Unsupported("codec \"imagecodecs_lzf\" with a header".to_owned()));
        }
        CodecKind::Lzf => CodecSpec::Lzf,
        CodecKind::Bzip2 => CodecSpec::Bzip2 { level: member.integer("level", 1)? },
        CodecKind::Lz4 => CodecSpec::Lz4 { acceleration: member.integer("acceleration", 1)? },
        CodecKind::Lz4Hdf5 => CodecSpec::Lz4Hdf5 { block_size: member.integer("blocksize", 0)? },
        CodecKind::BitshuffleHdf5 => CodecSpec::BitshuffleHdf5 {
            element_size: member.at_least_one("itemsize", 1)?,
            block_size: member.integer("blocksize", 0)?,
            compression: member.integer("compression", 0)?,
        },
        CodecKind::ScaleOffsetHdf5 => CodecSpec::ScaleOffsetHdf5 {
            element_count: member.required("items")?,
            element_size: member.required("itemsize")?,
            order: member.order()?,
            decimals: member.optional("decimals")?,
            fill: member.optional("fill")?,
        },
        CodecKind::NbitHdf5 => CodecSpec::NbitHdf5 { values: member.values()? },
        CodecKind::SzipHdf5 => CodecSpec::SzipHdf5 {
            options: member.required("options")?,
            pixels_per_block: member.required("pixels_per_block")?,
            bits_per_pixel: member.required("bits_per_pixel")?,
            pixels_per_scanline: member.required("pixels_per_scanline")?,
        },
        CodecKind::IntegerBitsHdf5 => CodecSpec::IntegerBitsHdf5 {
            element_size: member.required("itemsize")?,
            order: member.order()?,
            bit_offset: member.required("offset")?,
            precision: member.required("precision")?,
            signed: member.flag("signed", false)?,
        },
        CodecKind::Crc32c => CodecSpec::Crc32c,
        CodecKind::VlenUtf8 => CodecSpec::VlenUtf8,
        CodecKind::VlenBytes => CodecSpec::VlenBytes,
        CodecKind::AttributesByPart => CodecSpec::AttributesByPart { axis: member.required("axis")? },
    })
}

/// The members of a configuration, with what an error must say.
struct Members<'a> {
    id: &'a str,
    value: &'a AttributeValue,
}

impl Members<'_> {
    /// The member `name` unless it is left out or null.
    fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.value.get(name).filter(|value| **value != AttributeValue::Null)
    }

    fn wrong(&self, name: &str) -> Problem {
        Problem::Wrong(format!("codec {:?} has an unusable {name:?}", self.id))
    }

    fn integer<T: TryFrom<i128>>(&self, name: &str, default: T) -> Result<T, Problem> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    fn required<T: TryFrom<i128>>(&self, name: &str) -> Result<T, Problem> {
        self.optional(name)?.ok_or_else(|| self.wrong(name))
    }

    fn optional<T: TryFrom<i128>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let parse = |value: &AttributeValue| value.as_integer().and_then(|n| T::try_from(n).ok());
        self.get(name).map(|value| parse(value).ok_or_else(|| self.wrong(name))).transpose()
    }

    fn order(&self) -> Result<ByteOrder, Problem> {
        match self.get("order").and_then(AttributeValue::as_text) {
            Some("little") => Ok(ByteOrder::Little),
            Some("big") => Ok(ByteOrder::Big),
            _ => Err(self.wrong("order")),
        }
    }

    fn values(&self) -> Result<Vec<u32>, Problem> {
        let Some(AttributeValue::List(values)) = self.get("values") else { return Err(self.wrong("values")) };
        let value = |value: &AttributeValue| value.as_integer().and_then(|n| u32::try_from(n).ok());
        values.iter().map(value).collect::<Option<_>>().ok_or_else(|| self.wrong("values"))
    }

    fn at_least_one(&self, name: &str, default: usize) -> Result<usize, Problem> {
        self.integer(name, default).and_then(|n| if n == 0 { Err(self.wrong(name)) } else { Ok(n) })
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, Problem> {
        match self.get(name) {
            None => Ok(default),
            Some(Bool(value)) => Ok(*value),
            Some(_) => Err(self.wrong(name)),
        }
    }

    fn compressor(&self) -> Result<BloscCompressor, Problem> {
        let name = self.get("cname").map_or(Some("lz4"), AttributeValue::as_text);
        name.and_then(BloscCompressor::from_name).ok_or_else(|| self.wrong("cname"))
    }

    /// A number in numcodecs, a name in Zarr v3.
    fn shuffle(&self) -> Result<BloscShuffle, Problem> {
        match self.get("shuffle") {
            None | Some(Integer(1)) => Ok(BloscShuffle::Byte),
            Some(Integer(0)) => Ok(BloscShuffle::None),
            Some(Integer(2)) => Ok(BloscShuffle::Bit),
            Some(Integer(-1)) => Ok(BloscShuffle::Auto),
            Some(Text(name)) if name == "shuffle" => Ok(BloscShuffle::Byte),
            Some(Text(name)) if name == "noshuffle" => Ok(BloscShuffle::None),
            Some(Text(name)) if name == "bitshuffle" => Ok(BloscShuffle::Bit),
            Some(_) => Err(self.wrong("shuffle")),
        }
    }
}
