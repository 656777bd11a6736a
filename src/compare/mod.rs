//! Is a run of ours what somebody else did with the same script on the same wire, and if not, where do they part first?
//!
//! What somebody else did is a [`Capture`]: a Linux kernel's, read from a file ([`compact`]) or a folder ([`recorded`]), or another run of ours
//! ([`ours::tell`]). Both are told in the same words, so that [`judge::compare`] need not know which is which.

pub mod compact;
pub mod judge;
pub mod ours;
pub mod packets;
pub mod recorded;
pub mod roles;
pub mod show;
pub mod windows;

pub use self::judge::{Difference, Settings, compare};
pub use self::windows::Window;

use std::path::Path;

use crate::scenario::{Diagnostics, Problem};

/// What happened, as somebody beside the wire and beside the programs would tell it. Facts of a connection are those of
/// one end: the host by name, and `local>remote` ports.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Segments, in the order in which they were sent.
    pub segments: Vec<Seg>,
    /// States that ends of connections came into.
    pub states: Vec<StateChange>,
    /// Errors that programs were told of.
    pub errors: Vec<ErrorSeen>,
    /// Congestion windows that arriving segments found.
    pub windows: Vec<Window>,
    /// Nothing is known from this time on, in microseconds.
    pub cut: Option<u64>,
}

/// One segment, as its sender's network interface saw it. Fields are text, `-` where there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seg {
    /// When it was sent, in microseconds.
    pub at: u64,
    /// The host that sent it; `net` if the network forged it.
    pub who: String,
    /// `source>destination`.
    pub ports: String,
    /// Letters of `SFRPAUEW`, in this order, or `none`; `icmp3/1` for an ICMP message.
    pub flags: String,
    /// SEG.SEQ relative to its sender's initial sequence number; `absN` where that is not known, `*` if it has no meaning.
    pub seq: String,
    /// SEG.ACK relative to the receiver's initial sequence number, likewise.
    pub ack: String,
    /// Octets of data.
    pub len: String,
    /// SEG.WND as it stands in the segment; `+` for any but zero.
    pub wnd: String,
    /// SEG.UP, if the segment is urgent.
    pub urg: String,
    /// Options in order, with padding; timestamps without their values.
    pub options: String,
    /// What the network did to it.
    pub fate: String,
    /// Why it was sent, where that is known: of a run of ours.
    pub why: String,
}

/// One end of a connection came into a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// When, in microseconds; `None`: not recorded.
    pub at: Option<u64>,
    /// The host.
    pub who: String,
    /// `local>remote`.
    pub ports: String,
    /// As Linux spells it: `SYN_RECV`.
    pub state: String,
}

/// What a call that does not wait says instead of waiting: no errors.
const NO_ERRORS: [&str; 2] = ["EAGAIN", "EINPROGRESS"];

/// A program was told of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSeen {
    /// When, in microseconds.
    pub at: u64,
    /// The host.
    pub who: String,
    /// Its name.
    pub errno: String,
}

impl Seg {
    /// An ICMP message from the network: a line for the reader, compared with nothing.
    pub fn icmp(at: u64, kind: &str) -> Seg {
        let none = || "-".to_string();
        Seg {
            at,
            who: "net".into(),
            ports: none(),
            flags: format!("icmp{kind}"),
            seq: none(),
            ack: none(),
            len: none(),
            wnd: none(),
            urg: none(),
            options: none(),
            fate: none(),
            why: String::new(),
        }
    }
}

/// Microseconds as seconds with four decimals.
pub fn seconds(micros: u64) -> String {
    format!("{}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100)
}

/// Where a capture comes from, which says what can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A recorder's folder, or a text.
    Kernel,
    /// Packets only.
    Pcap,
    /// A run of ours.
    Ours,
}

/// Reads a capture of any form: a folder ([`recorded`]), a text ([`compact`]), or packets ([`packets`]).
///
/// # Errors
/// What is wrong with it.
pub fn load(path: &Path) -> Result<(Capture, Kind), Diagnostics> {
    if path.is_dir() {
        return Ok((recorded::load(path)?, Kind::Kernel));
    }
    let name = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|error| unreadable(&name, &format!("cannot read {name}: {error}")))?;
    if packets::is_capture(&bytes) {
        let read = packets::read(&bytes).map_err(|wrong| unreadable(&name, &format!("{name}: {wrong}")))?;
        return Ok((read, Kind::Pcap));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        let message = format!("{name} is no capture: neither pcap nor pcapng nor text");
        return Err(unreadable(&name, &message));
    };
    let capture = compact::read(&name, &text)?;
    if capture.segments.is_empty() {
        return Err(unreadable(&name, &format!("{name} is no capture: there is no segment in it")));
    }
    Ok((capture, Kind::Kernel))
}

/// An error without a place: the file cannot be read at all.
fn unreadable(path: &str, message: &str) -> Diagnostics {
    let problem = Problem { message: message.into(), span: 0..0, label: String::new(), help: None };
    Diagnostics { path: path.into(), text: String::new(), problems: vec![problem] }
}
