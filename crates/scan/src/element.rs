//! HDF5 datatypes as array element types.

use rangefold_array::{ByteOrder, CodecSpec, DataType, ElementType, Field};
use rangefold_hdf5::model as hdf5;
use rangefold_hdf5::model::{Class, Datatype, EnumMember, Member, StringPadding};

/// Fields a structure may have once its inner structures and arrays are laid flat.
const FIELDS_MAX: usize = 4096;

/// What an element of a dataset is in a Zarr array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Type of one array element.
    pub(crate) data_type: DataType,
    /// Further axes that an HDF5 array datatype adds, after those of the dataset.
    pub(crate) inner_shape: Vec<u64>,
    /// What makes such elements of the bytes of the datatype, if they are not the same.
    pub(crate) conversion: Option<CodecSpec>,
}

impl Element {
    fn plain(data_type: DataType) -> Self {
        Self { data_type, inner_shape: Vec::new(), conversion: None }
    }
}

/// The element type that reads the bytes of `datatype` right.
///
/// # Errors
///
/// The reason, as a noun phrase, if there is none.
pub(crate) fn element(datatype: &Datatype) -> Result<Element, String> {
    match &datatype.class {
        Class::Array { dims, base } => {
            let inner = element(base)?;
            if inner.data_type.element == ElementType::VlenString {
                return Err("arrays of strings of variable length".to_owned());
            }
            let inner_shape = dims.iter().chain(&inner.inner_shape).copied().collect();
            Ok(Element { inner_shape, ..inner })
        }
        Class::Integer(layout) if !is_whole(datatype.size, layout) => partial_integer(datatype.size, layout),
        Class::VarLenString { .. } => Ok(Element::plain(DataType::little(ElementType::VlenString))),
        Class::Compound { members } => compound(members, datatype.size).map(Element::plain),
        _ => scalar(datatype).map(Element::plain),
    }
}

/// Whether elements are strings of fixed length that end at their first zero byte, whatever stands behind it.
pub(crate) fn is_null_terminated(datatype: &Datatype) -> bool {
    match &datatype.class {
        Class::Array { base, .. } => is_null_terminated(base),
        Class::String { padding, .. } => *padding == StringPadding::NullTerminated,
        _ => false,
    }
}

/// The type of a single value.
fn scalar(datatype: &Datatype) -> Result<DataType, String> {
    let size = datatype.size;
    match &datatype.class {
        Class::Integer(layout) => integer(size, layout, layout.signed),
        Class::BitField(layout) => integer(size, layout, false),
        Class::Float(layout) => float(size, layout),
        Class::Enum { base, members } => enumeration(base, members),
        Class::String { .. } => bytes(size, ElementType::FixedBytes),
        Class::Opaque { .. } => bytes(size, ElementType::Raw),
        Class::Complex { base } => complex(&scalar(base)?),
        Class::Time { precision, .. } => Err(format!("times of {precision} bits (HDF5 class 2)")),
        Class::Reference(_) => Err("references".to_owned()),
        Class::VarLen { .. } => Err("sequences of variable length".to_owned()),
        Class::VarLenString { .. } => Err("strings of variable length inside another type".to_owned()),
        Class::Array { .. } | Class::Compound { .. } => {
            Err("a structure where a single value is expected".to_owned())
        }
    }
}

fn order(order: hdf5::ByteOrder) -> Result<ByteOrder, String> {
    match order {
        hdf5::ByteOrder::Little => Ok(ByteOrder::Little),
        hdf5::ByteOrder::Big => Ok(ByteOrder::Big),
        hdf5::ByteOrder::Vax => Err("numbers in VAX byte order".to_owned()),
    }
}

/// Whether every bit of an integer counts.
fn is_whole(size: u64, layout: &hdf5::IntegerLayout) -> bool {
    layout.bit_offset == 0 && u64::from(layout.precision) == size.saturating_mul(8)
}

/// An integer of which only some bits count, as a whole one.
fn partial_integer(size: u64, layout: &hdf5::IntegerLayout) -> Result<Element, String> {
    let bits = u16::try_from(size.saturating_mul(8)).map_err(|_| format!("integers of {size} bytes"))?;
    let end = layout.bit_offset.checked_add(layout.precision);
    if layout.precision == 0 || end.is_none_or(|end| end > bits) {
        return Err(partial(size, layout));
    }
    let whole = hdf5::IntegerLayout { bit_offset: 0, precision: bits, ..*layout };
    let data_type = integer(size, &whole, layout.signed)?;
    let conversion = CodecSpec::IntegerBitsHdf5 {
        element_size: usize::from(bits / 8),
        order: data_type.order,
        bit_offset: layout.bit_offset.into(),
        precision: layout.precision.into(),
        signed: layout.signed,
    };
    Ok(Element { conversion: Some(conversion), ..Element::plain(data_type) })
}

fn partial(size: u64, layout: &hdf5::IntegerLayout) -> String {
    format!("integers of {} bits from bit {} of {size} bytes", layout.precision, layout.bit_offset)
}

fn integer(size: u64, layout: &hdf5::IntegerLayout, signed: bool) -> Result<DataType, String> {
    if !is_whole(size, layout) {
        return Err(partial(size, layout));
    }
    let element = match (size, signed) {
        (1, true) => ElementType::Int8,
        (2, true) => ElementType::Int16,
        (4, true) => ElementType::Int32,
        (8, true) => ElementType::Int64,
        (1, false) => ElementType::UInt8,
        (2, false) => ElementType::UInt16,
        (4, false) => ElementType::UInt32,
        (8, false) => ElementType::UInt64,
        _ => return Err(format!("integers of {size} bytes")),
    };
    Ok(DataType { element, order: if size == 1 { ByteOrder::Little } else { order(layout.byte_order)? } })
}

fn float(size: u64, layout: &hdf5::FloatLayout) -> Result<DataType, String> {
    if !layout.is_ieee(size) {
        return Err(format!(
            "floating-point numbers of {} bits in {size} bytes, with {} exponent and {} mantissa bits, not IEEE 754",
            layout.precision, layout.exponent.size, layout.mantissa.size
        ));
    }
    let element = match size {
        2 => ElementType::Float16,
        4 => ElementType::Float32,
        8 => ElementType::Float64,
        _ => return Err(format!("floating-point numbers of {size} bytes")),
    };
    Ok(DataType { element, order: order(layout.byte_order)? })
}

fn bytes(size: u64, element: fn(usize) -> ElementType) -> Result<DataType, String> {
    match usize::try_from(size) {
        Ok(size) if size > 0 => Ok(DataType::little(element(size))),
        _ => Err(format!("elements of {size} bytes")),
    }
}

fn complex(part: &DataType) -> Result<DataType, String> {
    let element = match part.element {
        ElementType::Float32 => ElementType::Complex64,
        ElementType::Float64 => ElementType::Complex128,
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => return Err(format!("complex numbers of {}", part.element.name())),
    };
    Ok(DataType { element, order: part.order })
}

fn enumeration(base: &Datatype, members: &[EnumMember]) -> Result<DataType, String> {
    let base = scalar(base)?;
    if !base.element.is_integer() {
        return Err(format!("an enumeration over {}", base.element.name()));
    }
    if base.size() == Some(1) && is_boolean(members) {
        return Ok(DataType::little(ElementType::Bool));
    }
    Ok(base)
}

/// h5py and PyTables store booleans as an enumeration of FALSE and TRUE.
pub(crate) fn is_boolean(members: &[EnumMember]) -> bool {
    let value = |name: &str| members.iter().find(|member| member.name == name).map(|member| &*member.value);
    members.len() == 2 && value("FALSE") == Some(&[0]) && value("TRUE") == Some(&[1])
}

/// A structure of members of fixed length.
///
/// No reader of Zarr v2 nests structures or arrays in one, so inner ones are laid flat: `inner.x`, `m.0`, `m.1`.
/// Gaps between members become fields of their own, because a Zarr type cannot say where a field starts.
fn compound(members: &[Member], size: u64) -> Result<DataType, String> {
    if let Some(complex) = h5py_complex(members, size) {
        return Ok(complex);
    }
    let mut fields = Fields::default();
    fields.members("", members, 0)?;
    fields.pad_to(size)?;
    let mut names: Vec<&str> = fields.fields.iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        return Err(format!("structures with two members named {name:?}"));
    }
    Ok(DataType::little(ElementType::Structured(fields.fields)))
}

/// h5py stores complex numbers as a structure of `r` and `i`.
fn h5py_complex(members: &[Member], size: u64) -> Option<DataType> {
    let [real, imaginary] = members else { return None };
    let named = real.name == "r" && imaginary.name == "i";
    let adjacent = real.offset == 0
        && imaginary.offset == real.datatype.size
        && real.datatype.size.checked_mul(2) == Some(size)
        && real.datatype == imaginary.datatype;
    if !named || !adjacent {
        return None;
    }
    complex(&scalar(&real.datatype).ok()?).ok()
}

#[derive(Default)]
struct Fields {
    fields: Vec<Field>,
    end: u64,
}

impl Fields {
    fn members(&mut self, prefix: &str, members: &[Member], base: u64) -> Result<(), String> {
        let mut sorted: Vec<&Member> = members.iter().collect();
        sorted.sort_by_key(|member| member.offset);
        for member in sorted {
            let offset = base.checked_add(member.offset).ok_or("structures beyond 64 bits")?;
            self.value(format!("{prefix}{}", member.name), &member.datatype, offset)?;
        }
        Ok(())
    }

    fn value(&mut self, name: String, datatype: &Datatype, offset: u64) -> Result<(), String> {
        match &datatype.class {
            Class::Compound { members } if h5py_complex(members, datatype.size).is_none() => {
                self.members(&format!("{name}."), members, offset)
            }
            Class::Array { dims, base } => {
                let count = dims.iter().try_fold(1_u64, |count, extent| count.checked_mul(*extent));
                let count =
                    count.filter(|count| usize::try_from(*count).is_ok_and(|count| count <= FIELDS_MAX));
                let count = count.ok_or_else(|| format!("a structure with an array of {dims:?} elements"))?;
                (0..count).try_for_each(|index| {
                    let at = index.checked_mul(base.size).and_then(|at| at.checked_add(offset));
                    self.value(format!("{name}.{index}"), base, at.ok_or("structures beyond 64 bits")?)
                })
            }
            Class::Compound { members } => {
                let data_type = h5py_complex(members, datatype.size).ok_or("an inner structure")?;
                self.push(name, data_type, offset)
            }
            _ => {
                let data_type = scalar(datatype)
                    .map_err(|reason| format!("structures whose member {name:?} holds {reason}"))?;
                self.push(name, data_type, offset)
            }
        }
    }

    fn push(&mut self, name: String, data_type: DataType, offset: u64) -> Result<(), String> {
        self.pad_to(offset)?;
        let size =
            data_type.size().and_then(|size| u64::try_from(size).ok()).ok_or("a member without size")?;
        self.end = self.end.checked_add(size).ok_or("structures beyond 64 bits")?;
        if self.fields.len() >= FIELDS_MAX {
            return Err(format!("structures of more than {FIELDS_MAX} members"));
        }
        self.fields.push(Field { name, data_type, shape: Vec::new() });
        Ok(())
    }

    fn pad_to(&mut self, offset: u64) -> Result<(), String> {
        let gap = offset.checked_sub(self.end).ok_or("structures whose members overlap")?;
        if gap > 0 {
            let gap = usize::try_from(gap).map_err(|_| "structures beyond 64 bits")?;
            self.fields.push(Field {
                name: format!("_padding_{}", self.end),
                data_type: DataType::little(ElementType::Raw(gap)),
                shape: Vec::new(),
            });
            self.end = offset;
        }
        Ok(())
    }
}

/// One element's bytes turned from the order of `data_type` to little-endian.
pub(crate) fn to_little_endian(bytes: &mut [u8], data_type: &DataType) {
    match &data_type.element {
        ElementType::Structured(fields) => {
            let mut rest = bytes;
            for field in fields {
                let Some((head, tail)) = field.size().and_then(|size| rest.split_at_mut_checked(size)) else {
                    return;
                };
                to_little_endian(head, &field.data_type);
                rest = tail;
            }
        }
        _ if data_type.order == ByteOrder::Little => {}
        ElementType::Complex64 | ElementType::Complex128 => {
            let half = bytes.len() / 2;
            bytes.chunks_mut(half.max(1)).for_each(<[u8]>::reverse);
        }
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Float32
        | ElementType::Float64
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString => bytes.reverse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_hdf5::model::{FloatLayout, IntegerLayout};

    fn int(size: u64, precision: u16) -> Datatype {
        let layout = IntegerLayout {
            byte_order: hdf5::ByteOrder::Big,
            signed: true,
            bit_offset: 0,
            precision,
            low_padding: false,
            high_padding: false,
        };
        Datatype { size, class: Class::Integer(layout), committed: None }
    }

    fn float(size: u64) -> Datatype {
        let layout = FloatLayout::ieee(size, hdf5::ByteOrder::Little).unwrap();
        Datatype { size, class: Class::Float(layout), committed: None }
    }

    fn member(name: &str, offset: u64, datatype: Datatype) -> Member {
        Member { name: name.to_owned(), offset, datatype }
    }

    fn structure(size: u64, members: Vec<Member>) -> Datatype {
        Datatype { size, class: Class::Compound { members }, committed: None }
    }

    fn name(datatype: &Datatype) -> String {
        match element(datatype) {
            Ok(element) => format!("{} {:?}", element.data_type, element.inner_shape),
            Err(reason) => format!("refused: {reason}"),
        }
    }

    #[test]
    fn integers_of_which_not_all_bits_count_are_converted_but_not_inside_structures() {
        assert_eq!(name(&int(4, 32)), ">i4 []");
        assert_eq!(element(&int(4, 32)).unwrap().conversion, None);
        let conversion = CodecSpec::IntegerBitsHdf5 {
            element_size: 4,
            order: ByteOrder::Big,
            bit_offset: 0,
            precision: 29,
            signed: true,
        };
        assert_eq!(name(&int(4, 29)), ">i4 []");
        assert_eq!(element(&int(4, 29)).unwrap().conversion, Some(conversion));
        assert_eq!(name(&int(4, 33)), "refused: integers of 33 bits from bit 0 of 4 bytes");
        assert_eq!(name(&int(3, 24)), "refused: integers of 3 bytes");
        assert_eq!(
            name(&structure(4, vec![member("a", 0, int(4, 29))])),
            "refused: structures whose member \"a\" holds integers of 29 bits from bit 0 of 4 bytes"
        );
    }

    #[test]
    fn a_structure_of_r_and_i_is_a_complex_number() {
        let pair = |r, i| structure(16, vec![member(r, 0, float(8)), member(i, 8, float(8))]);
        assert_eq!(name(&pair("r", "i")), "<c16 []");
        assert_eq!(name(&pair("x", "y")), "(x <f8, y <f8) []");
    }

    #[test]
    fn gaps_and_inner_structures_are_laid_flat() {
        let inner = structure(12, vec![member("x", 0, float(8)), member("y", 8, int(2, 16))]);
        let array = Datatype {
            size: 8,
            class: Class::Array { dims: vec![2], base: Box::new(float(4)) },
            committed: None,
        };
        let outer =
            structure(32, vec![member("m", 24, array), member("a", 0, int(4, 32)), member("n", 8, inner)]);
        assert_eq!(
            name(&outer),
            "(a >i4, _padding_4 |V4, n.x <f8, n.y >i2, _padding_18 |V6, m.0 <f4, m.1 <f4) []"
        );
        let overlap = structure(8, vec![member("a", 0, int(4, 32)), member("b", 2, int(4, 32))]);
        assert_eq!(name(&overlap), "refused: structures whose members overlap");
    }

    #[test]
    fn array_types_add_axes() {
        let array = Datatype {
            size: 24,
            class: Class::Array { dims: vec![2, 3], base: Box::new(int(4, 32)) },
            committed: None,
        };
        assert_eq!(name(&array), ">i4 [2, 3]");
    }

    #[test]
    fn enumerations_of_false_and_true_are_booleans() {
        let member = |name: &str, value: u8| EnumMember { name: name.to_owned(), value: vec![value].into() };
        let class = |members| Class::Enum { base: Box::new(int(1, 8)), members };
        let of = |members| Datatype { size: 1, class: class(members), committed: None };
        assert_eq!(name(&of(vec![member("TRUE", 1), member("FALSE", 0)])), "|b1 []");
        assert_eq!(name(&of(vec![member("TRUE", 0), member("FALSE", 1)])), "|i1 []");
        assert_eq!(name(&of(vec![member("RED", 0), member("GREEN", 1)])), "|i1 []");
    }

    #[test]
    fn little_endian_is_made_part_by_part() {
        let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        let complex = DataType { element: ElementType::Complex64, order: ByteOrder::Big };
        to_little_endian(&mut bytes, &complex);
        assert_eq!(bytes, [4, 3, 2, 1, 8, 7, 6, 5]);
        let field = |name: &str, text| Field {
            name: name.to_owned(),
            data_type: DataType::from_numpy(text).unwrap(),
            shape: Vec::new(),
        };
        let fields = vec![field("a", ">i2"), field("b", "<i2"), field("c", "|S4")];
        to_little_endian(&mut bytes, &DataType::little(ElementType::Structured(fields)));
        assert_eq!(bytes, [3, 4, 2, 1, 8, 7, 6, 5]);
    }
}
