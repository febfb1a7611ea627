//! Reading object headers, with everything that continues them and every message that is somewhere else.

use std::collections::HashSet;

use bytes::Bytes;

use super::Context;
use super::blocks::Pages;
use crate::error::{Error, Problem};
use crate::format::cursor::{Cursor, widen};
use crate::format::object_header::{self, Prefix, Shared, Version, kind};
use crate::limits::{CONTINUATIONS_MAX, OBJECT_HEADER_LEN_MAX};
use crate::range::ByteRange;

/// Asked for where the length of a header is not known. Most headers of datasets are shorter, and what they point at is
/// often right behind them.
const LEN_GUESS: u64 = 4 << 10;

const HEADER: &str = "object header";
const CONTINUATION: &str = "object header continuation";

/// An object header.
pub(crate) struct Header {
    /// Where it begins.
    pub(crate) address: u64,
    /// Whether the order of creation of attributes is tracked.
    pub(crate) creation_order: bool,
    /// The messages of all chunks.
    pub(crate) messages: Vec<Message>,
}

/// A message, with bytes of its own.
pub(crate) struct Message {
    /// Which message it is.
    pub(crate) kind: u16,
    /// Whether the body only says where the message is.
    pub(crate) shared: bool,
    /// Creation order, where the header has it.
    pub(crate) creation_order: Option<u16>,
    /// What it says.
    pub(crate) body: Bytes,
    /// Where the body begins.
    pub(crate) address: u64,
}

impl Header {
    /// The first message of a kind.
    pub(crate) fn first(&self, kind: u16) -> Option<&Message> {
        self.all(kind).next()
    }

    /// Every message of a kind.
    pub(crate) fn all(&self, kind: u16) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.kind == kind)
    }
}

/// Asks for the object header at `address`, which will be needed soon.
pub(crate) fn hint(cx: &Context<'_>, address: u64) {
    cx.blocks.hint(&[cx.blocks.up_to(address, LEN_GUESS)]);
}

/// Reads the object header at `address`.
///
/// # Errors
///
/// Whatever is wrong with any chunk of the header; [`Problem::Unsupported`] for an unknown message that the file says
/// must be understood.
pub(crate) async fn read(cx: &Context<'_>, address: u64) -> Result<Header, Error> {
    let least = object_header::PREFIX_LEN_MAX.min(cx.blocks.size().saturating_sub(address));
    let least = ByteRange::new(address, least.max(object_header::LEN_MIN));
    let start = cx.blocks.read_guess(HEADER, least, LEN_GUESS, Pages::Metadata).await?;
    let at = |problem: Problem| problem.at(HEADER, address);
    let prefix = Prefix::parse(&start).map_err(at)?;
    cx.saw(HEADER, address, &prefix);
    let chunk_len = prefix.chunk_len();
    check_len(chunk_len).map_err(at)?;
    let chunk = match usize::try_from(chunk_len) {
        Ok(len) if len <= start.len() => start.slice(..len),
        _ => cx.blocks.read(HEADER, ByteRange::new(address, chunk_len)).await?,
    };
    let body = match prefix.version {
        Version::V1 => &chunk,
        Version::V2 { .. } => cx.verified(HEADER, address, &chunk)?,
    };
    let body = body.get(prefix.len..).unwrap_or_default();
    let mut header = Header {
        address,
        creation_order: matches!(prefix.version, Version::V2 { creation_order: true }),
        messages: Vec::new(),
    };
    let found = object_header::messages(prefix.version, body).map_err(at)?;
    let mut continuations = header.take_in(cx, HEADER, address, &chunk, found)?;
    let mut seen = HashSet::from([address]);
    let mut total_len = chunk_len;
    while !continuations.is_empty() {
        for range in &continuations {
            total_len = total_len.saturating_add(range.length);
            check_len(total_len).map_err(at)?;
            if !seen.insert(range.offset) {
                let problem =
                    Problem::malformed(format!("continuation at byte {} comes twice", range.offset));
                return Err(at(problem));
            }
        }
        if seen.len() > CONTINUATIONS_MAX {
            return Err(at(Problem::Limit {
                what: "the number of continuations",
                limit: widen(CONTINUATIONS_MAX),
                found: widen(seen.len()),
            }));
        }
        let chunks = cx.blocks.read_many(CONTINUATION, &continuations).await?;
        let mut next = Vec::new();
        for (range, chunk) in continuations.iter().zip(&chunks) {
            let body = match prefix.version {
                Version::V1 => chunk,
                Version::V2 { .. } => cx.verified(CONTINUATION, range.offset, chunk)?,
            };
            let found = object_header::continued(prefix.version, body)
                .map_err(|problem| problem.at(CONTINUATION, range.offset))?;
            next.extend(header.take_in(cx, CONTINUATION, range.offset, chunk, found)?);
        }
        continuations = next;
    }
    Ok(header)
}

fn check_len(found: u64) -> Result<(), Problem> {
    if found <= OBJECT_HEADER_LEN_MAX {
        return Ok(());
    }
    Err(Problem::Limit { what: "the length", limit: OBJECT_HEADER_LEN_MAX, found })
}

impl Header {
    /// Takes in the messages of the chunk at `address`; returns where more of them are.
    fn take_in(
        &mut self,
        cx: &Context<'_>,
        structure: &'static str,
        address: u64,
        chunk: &Bytes,
        found: Vec<object_header::Message<'_>>,
    ) -> Result<Vec<ByteRange>, Error> {
        let mut continuations = Vec::new();
        for message in found {
            let body = chunk.slice_ref(message.body);
            let before = message.body.as_ptr().addr().saturating_sub(chunk.as_ptr().addr());
            let body_address = address.saturating_add(widen(before));
            match message.kind {
                kind::NIL => continue,
                kind::CONTINUATION => {
                    let range = object_header::continuation(message.body, cx.sizes)
                        .map_err(|problem| problem.at("object header continuation message", body_address))?;
                    cx.saw("object header continuation message", body_address, &range);
                    continuations.push(range);
                }
                unknown if unknown > kind::LAST && message.essential() => {
                    let problem =
                        Problem::unsupported(format!("message type {unknown}, which must be understood,"));
                    return Err(problem.at(structure, address));
                }
                _ => self.messages.push(Message {
                    kind: message.kind,
                    shared: message.shared(),
                    creation_order: message.creation_order,
                    body,
                    address: body_address,
                }),
            }
        }
        Ok(continuations)
    }
}

/// A message body, wherever it was found.
pub(crate) struct Resolved {
    /// What the message says.
    pub(crate) body: Bytes,
    /// The object in whose header it is, if that is another one: a committed datatype.
    pub(crate) committed: Option<u64>,
}

/// Follows a message that may be shared to its body.
///
/// # Errors
///
/// Whatever is wrong where the message is; [`Problem::Malformed`] if there is none of that kind.
pub(crate) async fn resolve(
    cx: &Context<'_>,
    kind: u16,
    shared: bool,
    body: &Bytes,
    address: u64,
) -> Result<Resolved, Error> {
    if !shared {
        return Ok(Resolved { body: body.clone(), committed: None });
    }
    let at = |problem: Problem| problem.at("shared message", address);
    match Shared::parse(&mut Cursor::new(body), cx.sizes).map_err(at)? {
        Shared::Heap { id } => {
            let body = super::sohm::message(cx, kind, id).await?;
            Ok(Resolved { body, committed: None })
        }
        Shared::Header { address: owner } => {
            if let Some(body) = cx.committed(kind, owner) {
                return Ok(Resolved { body, committed: Some(owner) });
            }
            let header = read(cx, owner).await?;
            let message = header.first(kind).filter(|message| !message.shared).ok_or_else(|| {
                at(Problem::malformed(format!("object header at byte {owner} has no message of type {kind}")))
            })?;
            cx.remember_committed(kind, owner, &message.body);
            Ok(Resolved { body: message.body.clone(), committed: Some(owner) })
        }
    }
}
