//! Whether what a program reads is what the program at the other end wrote: each byte once, in order, unchanged, and
//! nothing from anywhere else.
//!
//! A direction of a connection is known by its addresses and both initial sequence numbers, so two incarnations of one
//! four-tuple are two streams. What is written is remembered, described rather than copied, until it is read.
//!
//! Not checked: a direction in which urgent data was sent, since the urgent octet may leave the stream.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

use rustc_hash::FxHashMap;
use tcp::{Payload, SeqNum, Time, Tuple};

use crate::digest::{self, unordered_by};
use crate::trace::NodeId;

/// One end of a connection, as the checker needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// The connection, seen from this end.
    pub tuple: Tuple,
    /// ISS of this end.
    pub iss: SeqNum,
    /// ISS of the other.
    pub irs: SeqNum,
    /// Which of all connections of this host: tells incarnations apart whose initial sequence numbers are the same.
    pub incarnation: u32,
    /// The host may use its initial sequence numbers again: they are pinned, or are cookies.
    pub repeats: bool,
}

/// What a program did at its end of a connection.
#[derive(Clone, Debug)]
pub enum StreamEvent {
    /// It wrote this, and TCP took it.
    Wrote(StreamEnd, Payload),
    /// It wrote this before the connection is open: the other end's ISS is not yet known.
    WroteInSyn(StreamEnd, Payload),
    /// It wrote something with an urgent octet.
    WroteUrgent(StreamEnd),
    /// It read this.
    Read(StreamEnd, Payload),
    /// It read the end of the stream.
    ReadEnd(StreamEnd),
    /// It has closed: it neither reads nor writes any more.
    Gone(StreamEnd),
}

/// A stream that was not delivered as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// When it was read.
    pub time: Time,
    /// At which event, counted from one; zero where nobody counts them.
    pub event: u64,
    /// The host of the reader.
    pub node: NodeId,
    /// The connection, seen from the reader.
    pub tuple: Tuple,
    /// Where in the stream it went wrong: bytes read rightly before.
    pub offset: u64,
    /// What is wrong.
    pub wrong: Wrong,
    /// An earlier incarnation had the same initial sequence numbers, both of them: a host pins its own, or a cookie came back
    /// (which is valid with each of four values in its last bits, so that one number may be up to three higher than before),
    /// or both began within a tick of the clock that numbers are taken from (else `FreshNumbers` is broken as well). Or one began
    /// among the numbers of another, which had sent faster than that clock counts, and was reset. Nothing tells segments of the
    /// two apart, which is why RFC 9293 has numbers move on (section 3.4.1, MUST-8).
    pub repeated: bool,
}

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Another byte was read than was written.
    Changed {
        /// The byte that was written.
        wrote: u8,
        /// The byte that was read.
        read: u8,
    },
    /// Bytes were read that belong elsewhere: to this place of this generated stream.
    Foreign {
        /// The generated stream.
        stream: u32,
        /// Offset in it.
        offset: u64,
    },
    /// So many bytes were read that nobody wrote.
    NeverWritten(u64),
    /// The end of the stream was read, and so many bytes that were written before it were not.
    Lost(u64),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Changed { wrote, read } => write!(f, "wrote {wrote:#04x}, read {read:#04x}"),
            Wrong::Foreign { stream, offset } => {
                write!(f, "read bytes of another place: stream {stream}, offset {offset}")
            }
            Wrong::NeverWritten(bytes) => write!(f, "read {bytes} bytes that nobody wrote"),
            Wrong::Lost(bytes) => write!(f, "end of stream, {bytes} bytes lost"),
        }
    }
}

/// Looks at all streams of a run.
#[derive(Clone, Debug, Default)]
pub struct StreamCheck {
    /// Only looked into, never walked.
    logs: FxHashMap<Direction, Log>,
    findings: Vec<Finding>,
    known: Known,
    /// Bytes that programs have read, all in all.
    delivered: u64,
}

/// What is known of a direction before anything is read or written there. Only looked into, never walked.
#[derive(Clone, Debug, Default)]
struct Known {
    /// What was written before connections were open, into their SYNs or a queue, whoever will answer them. A server may take
    /// the same SYN for two connections, and reads its data in each (RFC 7413, section 6.1).
    in_syn: FxHashMap<Direction, Payload>,
    /// Directions that are over and whose numbers may come again.
    over: FxHashMap<Direction, ()>,
    /// The numbers of the last incarnation that is over.
    spans: FxHashMap<(SocketAddr, SocketAddr), Span>,
}

/// An initial sequence number, and octets behind it.
#[derive(Clone, Copy, Debug, Hash)]
struct Span {
    iss: SeqNum,
    len: u32,
}

impl Hash for StreamCheck {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let StreamCheck { logs, findings, known, delivered: _ } = self; // a count
        let Known { in_syn, over, spans } = known;
        unordered_by(logs, state, |key, log| Some(digest::of(&(key, key.from, key.to, log))));
        unordered_by(in_syn, state, |key, wrote| Some(digest::of(&(key, key.from, key.to, wrote))));
        unordered_by(over, state, |key, ()| Some(digest::of(&(key, key.from, key.to))));
        unordered_by(spans, state, |ends, span| Some(digest::of(&(ends, span))));
        for Finding { time: _, event: _, node, tuple, offset: _, wrong, repeated } in findings {
            (node, tuple, wrong, repeated).hash(state);
        }
    }
}

/// One direction of one incarnation of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Direction {
    from: SocketAddr,
    to: SocketAddr,
    iss: SeqNum,
    irs: SeqNum,
}

/// The initial sequence numbers and the ports tell directions apart nearly always.
impl Hash for Direction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.iss.0) << 32 | u64::from(self.irs.0));
        state.write_u32(u32::from(self.from.port()) << 16 | u32::from(self.to.port()));
    }
}

/// What was written and not yet read.
#[derive(Clone, Debug, Default, Hash)]
struct Log {
    unread: VecDeque<Payload>,
    /// Bytes read so far.
    read: u64,
    /// Bytes written so far.
    written: u64,
    writer: Option<u32>,
    reader: Option<u32>,
    writer_gone: bool,
    reader_gone: bool,
    /// Nothing more is checked: it went wrong, or urgent data was sent.
    ignored: bool,
    /// An earlier incarnation had its numbers.
    repeated: bool,
}

impl Known {
    /// The log of a direction that begins with what its SYN carried.
    fn begin(&self, direction: Direction) -> Log {
        let mut log =
            Log { repeated: self.is_over(&direction) || self.is_among(&direction), ..Log::default() };
        if let Some(payload) = self.in_syn.get(&Direction { irs: SeqNum(0), ..direction }) {
            log.wrote(payload.clone());
        }
        log
    }
    /// Whether an earlier incarnation had these numbers, or may have had: a cookie is valid for each value of the MSS that it has
    /// room for, and these stand in its last bits. A segment that acknowledges the FIN of the last incarnation may pass for one
    /// that brings such a cookie.
    fn is_over(&self, direction: &Direction) -> bool {
        let less = |number: SeqNum, by: u32| SeqNum(number.0.wrapping_sub(by));
        !self.over.is_empty()
            && (0..MSS_VALUES).any(|by| {
                self.over.contains_key(&Direction { iss: less(direction.iss, by), ..*direction })
                    || self.over.contains_key(&Direction { irs: less(direction.irs, by), ..*direction })
            })
    }
    /// Whether the last incarnation has used numbers beyond the one that this begins with. Its own first is another matter.
    fn is_among(&self, direction: &Direction) -> bool {
        let last = self.spans.get(&(direction.from, direction.to));
        last.is_some_and(|last| (1..=last.len).contains(&direction.iss.0.wrapping_sub(last.iss.0)))
    }
}

/// Values of the MSS that a cookie knows.
const MSS_VALUES: u32 = 4;
/// Findings kept: the first ones tell enough.
const MOST: usize = 1000;

impl StreamCheck {
    /// What was found so far, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
    /// Bytes that programs have read, over all connections.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// A program on this host did something, at the event of this number.
    pub fn take(&mut self, (time, event): (Time, u64), node: NodeId, what: StreamEvent) {
        match what {
            StreamEvent::Wrote(end, payload) => self.log_of_writer(&end).wrote(payload),
            StreamEvent::WroteInSyn(end, payload) => {
                let before = self.known.in_syn.remove(&outgoing(&end)).unwrap_or_default();
                self.known.in_syn.insert(outgoing(&end), before.concat(&payload));
            }
            StreamEvent::WroteUrgent(end) => self.log_of_writer(&end).ignored = true,
            StreamEvent::Read(end, payload) => {
                self.delivered += u64::from(payload.len());
                let log = self.log_of_reader(&end);
                let repeated = log.repeated;
                if let Some((offset, wrong)) = log.read(&payload) {
                    let tuple = end.tuple;
                    self.found(Finding { time, event, node, tuple, offset, wrong, repeated });
                }
            }
            StreamEvent::ReadEnd(end) => {
                let log = self.log_of_reader(&end);
                let (lost, offset, repeated) = (log.unread_bytes(), log.read, log.repeated);
                if lost > 0 && !log.ignored {
                    let (tuple, wrong) = (end.tuple, Wrong::Lost(lost));
                    self.found(Finding { time, event, node, tuple, offset, wrong, repeated });
                }
                self.logs.remove(&incoming(&end));
            }
            StreamEvent::Gone(end) => self.gone(&end),
        }
    }

    fn found(&mut self, finding: Finding) {
        if self.findings.len() < MOST {
            self.findings.push(finding);
        }
    }

    /// The log that this end writes; a new one if the last was another incarnation's.
    fn log_of_writer(&mut self, end: &StreamEnd) -> &mut Log {
        let direction = outgoing(end);
        let log = self.logs.entry(direction).or_insert_with(|| self.known.begin(direction));
        // After a reboot incarnations are counted anew.
        if log.writer_gone || log.writer.is_some_and(|writer| writer != end.incarnation) {
            *log = Log { repeated: true, ..Log::default() };
        }
        log.writer = Some(end.incarnation);
        log
    }
    /// The log that this end reads; a new one if the last was another incarnation's.
    fn log_of_reader(&mut self, end: &StreamEnd) -> &mut Log {
        let direction = incoming(end);
        let log = self.logs.entry(direction).or_insert_with(|| self.known.begin(direction));
        // After a reboot incarnations are counted anew.
        if log.reader_gone || log.reader.is_some_and(|reader| reader != end.incarnation) {
            // A copy of the SYN that comes within the same tick finds the same number: its data is read once more.
            *log = Log { repeated: true, ..self.known.begin(direction) };
        }
        log.reader = Some(end.incarnation);
        log
    }
    /// Forgets what nobody will write or read any more.
    fn gone(&mut self, end: &StreamEnd) {
        if end.repeats {
            self.known.over.insert(outgoing(end), ());
            self.known.over.insert(incoming(end), ());
        }
        if let Some(log) = self.logs.get_mut(&outgoing(end)) {
            log.writer_gone = true;
            let len = u32::try_from(log.written).unwrap_or(u32::MAX);
            self.known.spans.insert((end.tuple.local, end.tuple.remote), Span { iss: end.iss, len });
            if log.reader_gone || log.unread.is_empty() && log.reader.is_none() && !log.ignored {
                self.logs.remove(&outgoing(end));
            }
        }
        if let Some(log) = self.logs.get_mut(&incoming(end)) {
            log.reader_gone = true;
            log.unread = VecDeque::new();
            if log.writer_gone {
                self.logs.remove(&incoming(end));
            }
        }
    }
}

/// The direction that this end writes.
fn outgoing(end: &StreamEnd) -> Direction {
    Direction { from: end.tuple.local, to: end.tuple.remote, iss: end.iss, irs: end.irs }
}
/// The direction that this end reads.
fn incoming(end: &StreamEnd) -> Direction {
    Direction { from: end.tuple.remote, to: end.tuple.local, iss: end.irs, irs: end.iss }
}

/// Where two stretches of one length first differ. Generated ones differ by what they are, though some of their bytes may
/// happen to be equal.
fn differs(wrote: &Payload, read: &Payload) -> Option<u32> {
    match (wrote, read) {
        (Payload::Pattern { stream, offset, .. }, Payload::Pattern { stream: s, offset: o, .. }) => {
            ((stream, offset) != (s, o)).then_some(0)
        }
        _ => (0..wrote.len()).find(|i| wrote.byte(*i) != read.byte(*i)),
    }
}

impl Log {
    fn wrote(&mut self, payload: Payload) {
        self.written += u64::from(payload.len());
        if self.ignored || self.reader_gone {
            return;
        }
        if !self.unread.back_mut().is_some_and(|last| last.try_append(&payload)) {
            self.unread.push_back(payload);
        }
    }

    fn unread_bytes(&self) -> u64 {
        self.unread.iter().map(|payload| u64::from(payload.len())).sum()
    }

    /// Compares what was read with what was written, and says where it first differs.
    fn read(&mut self, payload: &Payload) -> Option<(u64, Wrong)> {
        let mut at = 0;
        while !self.ignored && at < payload.len() {
            let Some(wrote) = self.unread.front_mut() else {
                return Some(self.wrong(Wrong::NeverWritten(u64::from(payload.len() - at))));
            };
            let len = wrote.len().min(payload.len() - at);
            let read = payload.slice(at, len);
            if let Some(same) = differs(&wrote.slice(0, len), &read) {
                let (wrote, read_byte) = (wrote.byte(same), read.byte(same));
                self.read += u64::from(same);
                return Some(self.wrong(match read {
                    Payload::Pattern { stream, offset, .. } => {
                        Wrong::Foreign { stream, offset: offset + u64::from(same) }
                    }
                    _ => Wrong::Changed { wrote, read: read_byte },
                }));
            }
            *wrote = wrote.slice(len, wrote.len() - len);
            if wrote.is_empty() {
                self.unread.pop_front();
            }
            at += len;
            self.read += u64::from(len);
        }
        None
    }

    fn wrong(&mut self, wrong: Wrong) -> (u64, Wrong) {
        self.ignored = true;
        self.unread = VecDeque::new();
        (self.read, wrong)
    }
}
