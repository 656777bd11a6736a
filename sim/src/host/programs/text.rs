//! What programs say in the trace: calls and data in short.

use tcp::Payload;

use crate::host::lean::Seldom;

/// Bytes of data that are shown.
pub(super) const SHOWN: usize = 40;

/// Data as a call shows it: `"hello"`, or its length where it is long or generated.
pub(super) fn data(payload: &Payload) -> String {
    match payload {
        Payload::Bytes { .. } if payload.len() as usize <= SHOWN => quoted(&payload.to_vec()),
        _ => payload.len().to_string(),
    }
}

/// What a read brought: `5 "hello"`, or the length alone.
pub(super) fn received(total: u64, shown: &[u8]) -> String {
    if shown.is_empty() || shown.len() as u64 != total || shown.len() > SHOWN {
        return total.to_string();
    }
    format!("{total} {}", quoted(shown))
}

/// Keeps the beginning of what was read, where it is real bytes.
#[inline]
pub(super) fn keep(shown: &mut Seldom<u8>, payload: &Payload) {
    if let Payload::Bytes { buf, start, len } = payload {
        let room = (SHOWN + 1).saturating_sub(shown.len()).min(*len as usize);
        buf[*start as usize..*start as usize + room].iter().for_each(|byte| shown.push(*byte));
    }
}

fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}
