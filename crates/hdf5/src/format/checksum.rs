//! The checksum of HDF5 metadata: Bob Jenkins' lookup3, `hashlittle` with an initial value of zero.
//!
//! ```text
//! ┌────────────── structure ──────────────┬─ 4 bytes ─┐
//! │ signature, fields, …                  │ checksum  │  checksum = lookup3(everything before it)
//! └───────────────────────────────────────┴───────────┘
//! ```
//!
//! Spec: HDF5 File Format 3.0, "Checksum" fields throughout; <http://burtleburtle.net/bob/c/lookup3.c>.

use crate::error::Problem;
use crate::format::cursor::widen;

/// Bytes a checksum takes.
pub const CHECKSUM_LEN: usize = 4;

/// Returns `structure` without the checksum in its last four bytes, which must match.
///
/// # Errors
///
/// [`Problem::Truncated`] if there is no room for a checksum, [`Problem::Checksum`] if it differs.
pub fn verified(structure: &[u8]) -> Result<&[u8], Problem> {
    let Some((body, stored)) = structure.split_last_chunk::<CHECKSUM_LEN>() else {
        return Err(Problem::Truncated { needed: 4, available: widen(structure.len()) });
    };
    let stored = u32::from_le_bytes(*stored);
    let computed = lookup3(body);
    if computed == stored { Ok(body) } else { Err(Problem::Checksum { computed, stored }) }
}

/// Jenkins' lookup3 of `bytes`, as every checksummed structure of HDF5 uses it.
#[must_use]
pub fn lookup3(bytes: &[u8]) -> u32 {
    hashlittle(bytes, 0)
}

/// `hashlittle` of `lookup3.c`. The length enters modulo 2^32, as there.
fn hashlittle(bytes: &[u8], initial: u32) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the algorithm is defined on the low 32 bits of the length"
    )]
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32).wrapping_add(initial);
    let mut state = [start; 3];

    // The last block is treated apart even when it is full, so it must not be consumed here.
    let mut rest = bytes;
    while rest.len() > 12 {
        let Some((block, after)) = rest.split_first_chunk::<12>() else {
            break;
        };
        add(&mut state, block);
        state = mix(state);
        rest = after;
    }
    if !rest.is_empty() {
        let mut last = [0; 12];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        add(&mut state, &last);
        state = finish(state);
    }
    let [_, _, c] = state;
    c
}

/// Adds twelve bytes, as three little-endian words, to the state.
fn add(state: &mut [u32; 3], block: &[u8; 12]) {
    let (words, _) = block.as_chunks::<4>();
    for (part, word) in state.iter_mut().zip(words) {
        *part = part.wrapping_add(u32::from_le_bytes(*word));
    }
}

/// `mix` of `lookup3.c`.
fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    [a, b, c]
}

/// `final` of `lookup3.c`.
fn finish([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    c = (c ^ b).wrapping_sub(b.rotate_left(24));
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_reference_implementation_hold() {
        // `driver5` of lookup3.c.
        assert_eq!(hashlittle(b"", 0), 0xdead_beef);
        assert_eq!(hashlittle(b"", 0xdead_beef), 0xbd5b_7dde);
        assert_eq!(hashlittle(b"Four score and seven years ago", 0), 0x1777_0551);
        assert_eq!(hashlittle(b"Four score and seven years ago", 1), 0xcd62_8161);
    }

    #[test]
    fn a_changed_byte_is_found_and_a_right_checksum_is_taken_off() {
        let mut structure = b"OHDR and twelve more".to_vec();
        structure.extend(lookup3(b"OHDR and twelve more").to_le_bytes());
        assert_eq!(verified(&structure).unwrap(), b"OHDR and twelve more");
        structure[3] ^= 1;
        assert!(matches!(verified(&structure), Err(Problem::Checksum { .. })));
        assert!(matches!(verified(&[1, 2]), Err(Problem::Truncated { needed: 4, available: 2 })));
    }

    #[test]
    fn every_length_of_the_last_block_gives_its_own_checksum() {
        let checksums: std::collections::BTreeSet<u32> = (0..40).map(|len| lookup3(&vec![7; len])).collect();
        assert_eq!(checksums.len(), 40);
    }
}
