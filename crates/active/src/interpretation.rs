//! What stored elements are taken for.

/// What stored elements are taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpretation {
    /// As netCDF4-python reads them: missing ones masked, packed ones unpacked.
    #[default]
    Unpacked,
    /// Missing ones masked, packed ones left packed.
    Masked,
    /// As they are stored; nothing but NaN is missing.
    Raw,
}
