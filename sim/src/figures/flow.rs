//! Connections as figures want them: who opened which, when, how many bytes came across, and what it cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tcp::{Duration, Info, Rule, State, Time, Tuple};

use super::Spread;
use crate::trace::NodeId;

/// A connection, from connect(2) on.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The program that opened it.
    pub program: Arc<str>,
    /// Its host.
    pub node: NodeId,
    /// The connection, seen from there.
    pub tuple: Tuple,
    /// When connect(2) was called.
    pub opened: Time,
    /// When the side that opened it was ESTABLISHED.
    pub established: Option<Time>,
    /// When a program last read something of it.
    pub last_read: Option<Time>,
    /// When the TCP of the side that opened it had reached TIME-WAIT or CLOSED, and by which rule.
    pub ended: Option<(Time, Rule)>,
    /// Whether one of the programs has closed its socket.
    pub closed: bool,
    /// From the side that opened it.
    pub up: Direction,
    /// To it.
    pub down: Direction,
    /// Round-trip times that both ends measured.
    pub rtt: Rtt,
    /// Its first transfer, and how many there are: requests with their responses, where its program says so.
    pub transfers: u32,
    /// Which of the acceptor's connections the other end is.
    acceptor: Option<u32>,
    /// Which of the four that keep it going are over: both programs, and TCP at both ends.
    over: u8,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// Bytes that the program wrote.
    pub written: u64,
    /// Bytes that the other program read.
    pub read: u64,
    /// Of these, those before the warm-up was over.
    pub read_before: u64,
    /// Segments sent.
    pub segments: u64,
    /// Segments sent again.
    pub retransmitted: u64,
    /// Segments that arrived marked, as the sender was told.
    pub marked: u64,
    /// The largest congestion window after loss or at the end, in segments.
    pub cwnd: u32,
}

/// Round-trip times of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rtt {
    /// Measurements.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
    /// The smallest.
    pub min: Duration,
    /// The largest.
    pub max: Duration,
}

/// A request and its response, or whatever a program calls one transfer of several on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The connection, by its number in the log.
    pub flow: u32,
    /// When it began.
    pub began: Time,
    /// When its last byte was read.
    pub ended: Time,
    /// Bytes from the side that opened the connection.
    pub up: u64,
    /// Bytes to it.
    pub down: u64,
}

/// What happened to a connection.
pub(crate) enum FlowEvent {
    /// A program calls connect(2): its name.
    Opened(Arc<str>),
    /// A listener has it.
    Accepted,
    /// Its program wrote so many bytes.
    Wrote(u64),
    /// Its program read so many bytes.
    Read(u64),
    /// Its program has closed it.
    Closed,
    /// TCP is in this state, by this rule.
    State(State, Rule),
    /// A round-trip time was measured.
    Rtt(Duration),
    /// What TCP knows at the end.
    Info(Box<Info>),
    /// A transfer is done that began then, with so many bytes up and down.
    Transfer(Time, u64, u64),
}

/// All four bits of `over`.
const ALL_OVER: u8 = 15;

/// All connections of a run that were opened by connect(2), in order.
#[derive(Clone, Debug, Default)]
pub struct FlowLog {
    flows: Vec<Flow>,
    transfers: Vec<Transfer>,
    /// By what the side that opened it calls it. Only looked into, never walked.
    open: FxHashMap<Tuple, u32>,
    unopened: BTreeMap<Arc<str>, u64>,
    rtt: Spread,
    /// Since when figures count.
    since: Time,
}

impl FlowLog {
    /// The connections.
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }
    /// Requests with their responses, in the order in which they were done.
    pub fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }
    /// How often each program was refused a connection since the warm-up, since no port was left, or no way there.
    pub fn unopened(&self) -> impl Iterator<Item = (&str, u64)> {
        self.unopened.iter().map(|(program, times)| (&**program, *times))
    }
    /// All round-trip times measured since the warm-up, in nanoseconds.
    pub fn rtt(&self) -> &Spread {
        &self.rtt
    }
    /// The end of the warm-up.
    pub fn since(&self) -> Time {
        self.since
    }

    /// This program was refused a connection.
    pub(crate) fn refused(&mut self, program: Arc<str>) {
        *self.unopened.entry(program).or_default() += 1;
    }
    /// Something happened to a connection at this host; `incarnation` tells its connections with one four-tuple apart.
    pub(crate) fn take(
        &mut self,
        now: Time,
        node: NodeId,
        (tuple, incarnation): (Tuple, u32),
        event: FlowEvent,
    ) {
        if let FlowEvent::Opened(program) = event {
            return self.opened(now, node, (tuple, incarnation), program);
        }
        let Some((number, opener)) = self.find(&tuple) else { return };
        let flow = &mut self.flows[number as usize];
        if !opener {
            if matches!(event, FlowEvent::Accepted) {
                flow.acceptor = Some(incarnation);
            }
            // The end of another incarnation's.
            if flow.acceptor.is_some_and(|acceptor| acceptor != incarnation) {
                return;
            }
        }
        match event {
            FlowEvent::Rtt(sample) => {
                flow.rtt.add(sample);
                self.rtt.add(sample.as_nanos());
            }
            FlowEvent::Transfer(began, up, down) => {
                flow.transfers += 1;
                self.transfers.push(Transfer { flow: number, began, ended: now, up, down });
            }
            event => {
                flow.take(now, opener, event);
                if flow.over == ALL_OVER {
                    let opened_as = flow.tuple;
                    self.open.remove(&opened_as);
                }
            }
        }
    }
    fn opened(&mut self, now: Time, node: NodeId, (tuple, incarnation): (Tuple, u32), program: Arc<str>) {
        if let Some((number, false)) = self.find(&tuple) {
            let other = &mut self.flows[number as usize];
            if other.acceptor.is_none() && other.ended.is_none() && other.established.is_none() {
                // Both have opened it at the same time: it is one.
                other.acceptor = Some(incarnation);
                return;
            }
        }
        let number = self.flows.len() as u32;
        self.flows.push(Flow {
            program,
            node,
            tuple,
            opened: now,
            established: None,
            last_read: None,
            ended: None,
            closed: false,
            up: Direction::default(),
            down: Direction::default(),
            rtt: Rtt::default(),
            transfers: 0,
            acceptor: None,
            over: 0,
        });
        self.open.insert(tuple, number);
    }
    /// The connection that one end calls so, and whether that is the end that opened it.
    fn find(&self, tuple: &Tuple) -> Option<(u32, bool)> {
        let there = tuple.reversed();
        let mine = self.open.get(tuple).map(|number| (*number, true));
        mine.or_else(|| self.open.get(&there).map(|number| (*number, false)))
    }
    /// What TCP knows of one end of a connection that is open.
    pub(crate) fn read_info(&mut self, tuple: &Tuple, info: Info) {
        if let Some((number, opener)) = self.find(tuple) {
            self.flows[number as usize].note_info(opener, &info);
        }
    }
    pub(crate) fn forget_warm_up(&mut self, now: Time) {
        self.since = now;
        self.rtt = Spread::default();
        self.unopened.clear();
        for flow in &mut self.flows {
            flow.up.read_before = flow.up.read;
            flow.down.read_before = flow.down.read;
        }
    }
}

impl Flow {
    fn take(&mut self, now: Time, opener: bool, event: FlowEvent) {
        // What this end writes, and what it reads.
        let (out, into) =
            if opener { (&mut self.up, &mut self.down) } else { (&mut self.down, &mut self.up) };
        match event {
            FlowEvent::Wrote(bytes) => out.written += bytes,
            FlowEvent::Read(bytes) => {
                into.read += bytes;
                self.last_read = Some(now);
            }
            FlowEvent::Closed => {
                self.closed = true;
                self.over |= if opener { 1 } else { 2 };
            }
            FlowEvent::State(State::Established, _) if opener => {
                self.established.get_or_insert(now);
            }
            FlowEvent::State(State::TimeWait | State::Closed, why) => {
                self.over |= if opener { 4 } else { 8 };
                if opener {
                    self.ended.get_or_insert((now, why));
                }
            }
            FlowEvent::Info(info) => self.note_info(opener, &info),
            FlowEvent::State(..)
            | FlowEvent::Opened(_)
            | FlowEvent::Accepted
            | FlowEvent::Rtt(_)
            | FlowEvent::Transfer(..) => {}
        }
    }
    fn note_info(&mut self, opener: bool, info: &Info) {
        let out = if opener { &mut self.up } else { &mut self.down };
        out.segments = out.segments.max(info.segs_out.into());
        out.retransmitted = out.retransmitted.max(info.retransmitted.into());
        out.marked = out.marked.max(info.tally.delivered_ce.into());
        out.cwnd = out.cwnd.max(info.cwnd);
    }
    /// Whether all that was written has been read, and one of the programs has closed it.
    pub fn is_complete(&self) -> bool {
        let through = |way: &Direction| way.written == way.read;
        self.established.is_some() && self.closed && through(&self.up) && through(&self.down)
    }
    /// Whether it is over, and not all that was written has been read, or there never was a connection.
    pub fn has_failed(&self) -> bool {
        self.ended.is_some() && !self.is_complete()
    }
    /// How long it took from connect(2) until the last byte was read, or to open where there was none; of one that is
    /// complete.
    pub fn took(&self) -> Option<Duration> {
        let end = self.last_read.or(self.established)?;
        self.is_complete().then(|| end.since(self.opened))
    }
    /// Bytes read since the warm-up, in both directions.
    pub fn read(&self) -> u64 {
        let after = |way: &Direction| way.read - way.read_before;
        after(&self.up) + after(&self.down)
    }
}

impl Rtt {
    fn add(&mut self, sample: Duration) {
        self.min = if self.count == 0 { sample } else { self.min.min(sample) };
        self.max = self.max.max(sample);
        self.count += 1;
        self.sum += sample;
    }
    /// The mean; zero if there is none.
    pub fn mean(&self) -> Duration {
        self.sum / self.count.max(1)
    }
}
