//! When octets that a program has written are sent and acknowledged: `SO_TIMESTAMPING` (Linux, timestamping.rst).

use super::Connection;
use crate::error::Errno;
use crate::out::{Out, Stamp, StampKind};
use crate::seq::Seq;
use crate::state::State;

const TX_SOFTWARE: u32 = 1 << 1;
const OPT_ID: u32 = 1 << 7;
const TX_SCHED: u32 = 1 << 8;
const TX_ACK: u32 = 1 << 9;
const OPT_ID_TCP: u32 = 1 << 16;
/// Marks that are kept at a time: as many as anybody would wait for.
const MOST: usize = 4096;

/// What a program wants to be told.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Stamps {
    /// `SOF_TIMESTAMPING_…`.
    bits: u32,
    /// The octet with key zero.
    base: Seq,
    /// The last octet of each write, while it is not acknowledged.
    marks: Vec<Seq>,
}

impl Connection {
    /// `SO_TIMESTAMPING`.
    pub(super) fn set_stamps(&mut self, bits: u32) -> Result<(), Errno> {
        if matches!(self.state, State::Closed | State::TimeWait) && bits & OPT_ID != 0 {
            return Err(Errno::EINVAL);
        }
        let fresh = if bits & OPT_ID_TCP != 0 { self.snd.buffer.end() } else { self.snd.queue.una() };
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        let before = ledger.stamps.take();
        let base = match &before {
            Some(stamps) if stamps.bits & OPT_ID != 0 => stamps.base,
            _ => fresh,
        };
        let marks = before.map_or_else(Vec::new, |stamps| stamps.marks);
        ledger.stamps = (bits != 0).then(|| Box::new(Stamps { bits, base, marks }));
        Ok(())
    }
    /// A write is queued: its last octet is marked (`tcp_tx_timestamp`).
    pub(super) fn stamp_write(&mut self) {
        let last = self.snd.buffer.end() - 1;
        let Some(stamps) = self.stamps_mut() else { return };
        if stamps.bits & (TX_SOFTWARE | TX_SCHED | TX_ACK) != 0 && stamps.marks.len() < MOST {
            stamps.marks.push(last);
        }
    }
    /// The octets `start..end` are sent.
    pub(super) fn stamp_sent(&mut self, start: Seq, end: Seq, out: &mut Out) {
        let Some(stamps) = self.stamps_mut() else { return };
        for at in stamps.marks.iter().copied().filter(|at| *at >= start && *at < end) {
            for (bit, kind) in [(TX_SCHED, StampKind::Scheduled), (TX_SOFTWARE, StampKind::Sent)] {
                if stamps.bits & bit != 0 {
                    out.stamps.push(stamps.stamp(kind, at));
                }
            }
        }
    }
    /// Everything below `una` is acknowledged.
    pub(super) fn stamp_acknowledged(&mut self, una: Seq, out: &mut Out) {
        let Some(stamps) = self.stamps_mut() else { return };
        let (acked, left) = stamps.marks.iter().partition(|at| **at < una);
        stamps.marks = left;
        let acked: Vec<Seq> = acked;
        if stamps.bits & TX_ACK != 0 {
            out.stamps.extend(acked.into_iter().map(|at| stamps.stamp(StampKind::Acknowledged, at)));
        }
    }
    fn stamps_mut(&mut self) -> Option<&mut Stamps> {
        self.ledger.as_mut()?.stamps.as_deref_mut()
    }
}

impl Stamps {
    fn stamp(&self, kind: StampKind, at: Seq) -> Stamp {
        let key = if self.bits & OPT_ID != 0 { at.since(self.base) as u32 } else { 0 };
        Stamp { kind, key, bits: self.bits }
    }
}
