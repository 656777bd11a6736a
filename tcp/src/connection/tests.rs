//! A wire between two ends in virtual time, and single ends that are shown segments by hand.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use super::Connection;
use crate::config::Config;
use crate::handshake::{Handshake, TimestampState, WindowScale};
use crate::isn::{IsnSecret, Tuple};
use crate::offer;
use crate::out::{EcnCodepoint, Note, Out, Outgoing};
use crate::payload::Payload;
use crate::resting::Folder;
use crate::segment::{Flags, Segment, Timestamps};
use crate::seq::SeqNum;
use crate::state::State;
use crate::tcb::{Connect, Received, SendFlags, SocketOption, Tcb};
use crate::time::{Duration, Time};

mod accecn;
mod acks;
mod arrivals;
mod borders;
mod chaos;
mod demands;
mod ecn;
mod letter;
mod matrix;
mod mtu_search;
mod open;
mod options;
mod path_mtu;
mod paths;
mod predicted;
mod sending;
mod waiting;

/// ISS of end a.
pub(crate) const ISS_A: u32 = 1000;
/// ISS of end b.
pub(crate) const ISS_B: u32 = 5000;
/// One way.
pub(crate) const DELAY: Duration = Duration::from_millis(10);

pub(crate) fn ms(n: u64) -> Time {
    Time::ZERO + Duration::from_millis(n)
}

fn tuple() -> Tuple {
    Tuple { local: "10.0.0.1:40000".parse().unwrap(), remote: "10.0.0.2:80".parse().unwrap() }
}

/// The handshake that ends `a` and `b` have had at `now`, seen from `a`.
fn handshake(now: Time, a: &Arc<Config>, b: &Config, tuple: Tuple, iss: u32, irs: u32) -> Handshake {
    let timestamps = a.timestamps && b.timestamps;
    let mss = 1460;
    let passive = iss == ISS_B;
    let window = |c: &Config, passive: bool| {
        offer::initial_window(c, c.rcv_buf, if passive && timestamps { 1448 } else { mss })
    };
    Handshake {
        config: Arc::clone(a),
        tuple,
        mtu: 1500,
        passive,
        iss: SeqNum(iss),
        irs: SeqNum(irs),
        snd_wnd: window(b, !passive),
        snd_wl1: SeqNum(irs),
        rcv_wnd: window(a, passive),
        wscale: (a.window_scaling && b.window_scaling).then(|| WindowScale {
            snd: offer::window_shift(b.rcv_buf_max),
            rcv: offer::window_shift(a.rcv_buf_max),
        }),
        snd_mss: mss,
        peer_mss: mss,
        rcv_mss: mss,
        timestamps: timestamps.then(|| TimestampState {
            offset: iss,
            recent: irs.wrapping_add((now.as_nanos() / 1_000_000) as u32),
            recent_at: now,
        }),
        sack: a.sack && b.sack,
        ecn: Default::default(),
        syn_acked: 0,
        rtt: Some(DELAY * 2),
        retransmits: 0,
    }
}

/// What the wire does with a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) enum Fate {
    Deliver,
    Drop,
    /// Delivered twice, the second time this much later.
    Twice(Duration),
    /// Delivered this much later.
    Late(Duration),
    /// Marked CE on the way.
    Mark,
}

type Wire = Box<dyn FnMut(char, &Segment) -> Fate>;

/// Two ends and a wire.
pub(crate) struct Pair {
    pub now: Time,
    pub a: Tcb,
    pub b: Tcb,
    pub out: Out,
    pub wire: Wire,
    on_the_way: BTreeMap<(Time, u64), (char, Segment, EcnCodepoint)>,
    count: u64,
    /// One line for each segment sent.
    pub log: Vec<String>,
    /// One line for each change of state.
    pub states: Vec<String>,
    pub sent: Vec<(Time, char, Outgoing)>,
    folder: Folder,
}

impl Pair {
    fn with(a: Tcb, b: Tcb) -> Pair {
        Pair {
            now: Time::ZERO,
            a,
            b,
            out: Out::default(),
            wire: Box::new(|_, _| Fate::Deliver),
            on_the_way: BTreeMap::new(),
            count: 0,
            log: Vec::new(),
            states: Vec::new(),
            sent: Vec::new(),
            folder: Folder::default(),
        }
    }
    /// Two ends in ESTABLISHED.
    pub fn established(a: Config, b: Config) -> Pair {
        let (a, b) = (Arc::new(a), Arc::new(b));
        let ours = handshake(Time::ZERO, &a, &b, tuple(), ISS_A, ISS_B);
        let theirs = handshake(Time::ZERO, &b, &a, tuple().reversed(), ISS_B, ISS_A);
        let open = |h| Tcb::Open(Box::new(Connection::new(Time::ZERO, h)));
        Pair::with(open(ours), open(theirs))
    }
    pub fn linux() -> Pair {
        Pair::established(Config::linux(), Config::linux())
    }
    /// Two ends that open at once.
    pub fn simultaneous(a: Config, b: Config) -> Pair {
        use crate::config::IsnSource::Fixed;
        let mut out = Out::default();
        let what = |config: Config, iss, tuple| Connect {
            tuple,
            mtu: 1500,
            config: Arc::new(Config { isn: Fixed(iss), ..config }),
            options: Vec::new(),
            reuses: None,
        };
        let secret = IsnSecret([1, 2]);
        let mut out_b = Out::default();
        let a = Tcb::connect(Time::ZERO, what(a, ISS_A, tuple()), &secret, &mut out);
        let b = Tcb::connect(Time::ZERO, what(b, ISS_B, tuple().reversed()), &secret, &mut out_b);
        let mut pair = Pair::with(a, b);
        pair.collect('a', out);
        pair.collect('b', out_b);
        pair
    }
    pub fn end(&mut self, side: char) -> &mut Tcb {
        if side == 'a' { &mut self.a } else { &mut self.b }
    }
    pub fn connection(&self, side: char) -> &Connection {
        match if side == 'a' { &self.a } else { &self.b } {
            Tcb::Open(connection) => connection,
            _ => panic!("end {side} is not open"),
        }
    }
    /// Makes a call on an end and collects what comes of it.
    pub fn call<T>(&mut self, side: char, call: impl FnOnce(&mut Tcb, Time, &mut Out) -> T) -> T {
        let mut out = std::mem::take(&mut self.out);
        let now = self.now;
        let result = call(self.end(side), now, &mut out);
        self.collect(side, out);
        result
    }
    pub fn write(&mut self, side: char, len: u32) -> u32 {
        let data = Payload::Pattern { stream: 1, offset: 0, len };
        self.call(side, |t, now, out| t.send(now, data, SendFlags::default(), out)).expect("send")
    }
    pub fn read(&mut self, side: char, max: u32) -> Result<Received, crate::Errno> {
        self.call(side, |t, now, out| t.recv(now, max, out))
    }
    pub fn set(&mut self, side: char, option: SocketOption) {
        self.call(side, |t, now, out| t.set_option(now, option, out)).expect("option");
    }
    pub fn shutdown(&mut self, side: char) {
        self.call(side, |t, now, out| t.shutdown_write(now, out)).expect("shutdown");
    }
    pub fn close(&mut self, side: char) {
        self.call(side, |t, now, out| t.close(now, out));
    }
    fn collect(&mut self, side: char, mut out: Out) {
        for note in out.notes.drain(..) {
            if let Note::State { from, to, why } = note {
                self.states.push(format!("{side} {from} > {to}: {why:?}"));
            }
        }
        for outgoing in out.segments.drain(..) {
            self.log.push(format!(
                "{} {side} {}",
                self.now.as_nanos() / 1_000_000,
                self.describe(side, &outgoing)
            ));
            let fate = (self.wire)(side, &outgoing.segment);
            self.sent.push((self.now, side, outgoing.clone()));
            let ecn = if fate == Fate::Mark { EcnCodepoint::Ce } else { outgoing.ecn };
            let at = self.now + DELAY;
            match fate {
                Fate::Drop => {}
                Fate::Deliver | Fate::Mark => self.carry(side, at, outgoing.segment, ecn),
                Fate::Late(by) => self.carry(side, at + by, outgoing.segment, ecn),
                Fate::Twice(by) => {
                    self.carry(side, at, outgoing.segment.clone(), ecn);
                    self.carry(side, at + by, outgoing.segment, ecn);
                }
            }
        }
        if let Some(record) = out.time_wait.take()
            && self.end(side).readable().0 == 0
        {
            *self.end(side) = Tcb::TimeWait(record);
        }
        out.wake = Default::default();
        self.out = out;
        self.check_invariants(side);
    }
    fn carry(&mut self, from: char, at: Time, segment: Segment, ecn: EcnCodepoint) {
        self.count += 1;
        self.on_the_way.insert((at, self.count), (from, segment, ecn));
    }
    fn describe(&self, side: char, outgoing: &Outgoing) -> String {
        let (iss, irs) = if side == 'a' { (ISS_A, ISS_B) } else { (ISS_B, ISS_A) };
        let s = &outgoing.segment;
        let mut text = format!("{} {}", s.flags, s.seq.0.wrapping_sub(iss) as i32);
        if !s.payload.is_empty() {
            text += &format!(":+{}", s.payload.len());
        }
        if s.has(Flags::ACK) {
            text += &format!(" a{}", s.ack.0.wrapping_sub(irs) as i32);
        }
        if s.has(Flags::URG) {
            text += &format!(" urg{}", s.urg);
        }
        for (left, right) in s.options.sack.as_slice() {
            text += &format!(" {{{}:{}}}", left.0.wrapping_sub(irs) as i32, right.0.wrapping_sub(irs) as i32);
        }
        format!("{text} {:?}", outgoing.why)
    }
    /// The next event before `until`, if there is one.
    fn step(&mut self, until: Time) -> bool {
        let arrival = self.on_the_way.keys().next().map_or(Time::NEVER, |(at, _)| *at);
        let (da, db) = (self.a.deadline().max(self.now), self.b.deadline().max(self.now));
        let at = arrival.min(da).min(db);
        if at > until || at == Time::NEVER {
            return false;
        }
        self.now = self.now.max(at);
        if arrival == at {
            let Some((_, (from, segment, ecn))) = self.on_the_way.pop_first() else { return false };
            let to = if from == 'a' { 'b' } else { 'a' };
            self.call(to, |t, now, out| t.on_segment(now, &segment, ecn, out));
        } else {
            let side = if da == at { 'a' } else { 'b' };
            self.call(side, |t, now, out| t.on_deadline(now, out));
            let again = self.end(side).deadline();
            assert!(again > at || again == at && self.count < 1_000_000, "deadline stands still");
        }
        true
    }
    /// Runs until that time.
    pub fn run(&mut self, until: Time) -> &mut Pair {
        for _ in 0..1_000_000 {
            if !self.step(until) {
                self.now = self.now.max(until);
                return self;
            }
        }
        panic!("runs for ever: {:?}", &self.log[self.log.len() - 20..]);
    }
    pub fn run_for(&mut self, millis: u64) -> &mut Pair {
        let until = self.now + Duration::from_millis(millis);
        self.run(until)
    }
    /// The lines of one side since the log was last taken.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
    fn check_invariants(&mut self, side: char) {
        let Pair { a, b, folder, .. } = self;
        if let Tcb::Open(connection) = if side == 'a' { a } else { b } {
            check(connection);
            check_rest(connection, folder);
        }
    }
}

/// A connection at rest may be folded at any time: it is the same when it is unfolded, be it in the place of another.
pub(crate) fn check_rest(c: &Connection, folder: &mut Folder) {
    let digest = |c: &Connection| BuildHasherDefault::<DefaultHasher>::default().hash_one(c);
    if let Some(resting) = c.is_still().then(|| folder.fold(c)).flatten() {
        assert_eq!(digest(c), digest(&resting.unfold()), "folded at {:?}", c.info(Time::ZERO));
        assert_eq!(c.deadline(), resting.deadline());
        let again = folder.unfold(&resting);
        assert_eq!(digest(c), digest(&again), "folded at {:?}", c.info(Time::ZERO));
        folder.keep(again);
    }
}

/// What must hold of a connection at any time.
pub(crate) fn check(c: &Connection) {
    let (una, nxt) = (c.snd.queue.una(), c.snd.queue.nxt());
    assert!(una <= nxt, "SND.UNA {una:?} beyond SND.NXT {nxt:?}");
    if !c.is_over() {
        assert!(nxt <= c.queued_end(), "SND.NXT {nxt:?} beyond what was queued {:?}", c.queued_end());
        assert!(c.rcv.wup <= c.rcv.nxt(), "Last.ACK.sent beyond RCV.NXT");
        assert!(c.rcv.nxt() <= c.rcv.edge + 1, "RCV.NXT beyond the right edge");
        assert!(c.snd.queue.cwnd() > 0, "cwnd is zero");
        // 8985/8-ONETIMER: the persist timer runs only while the queue's does not.
        assert!(c.timers.persist == Time::NEVER || c.snd.queue.deadline().is_none(), "two timers run");
        if una < nxt {
            let waits = c.snd.queue.deadline().is_some() || c.deadline() != Time::NEVER;
            assert!(waits, "data is outstanding and no timer runs");
        } else if nxt < c.queued_end() {
            assert!(c.deadline() != Time::NEVER, "data waits and no timer runs");
        }
    }
}

/// One end that is shown segments by hand.
pub(crate) struct Lone {
    pub now: Time,
    pub tcb: Tcb,
    pub out: Out,
}

impl Lone {
    /// An end in ESTABLISHED whose peer is like it.
    pub fn established(config: Config) -> Lone {
        let config = Arc::new(config);
        let h = handshake(Time::ZERO, &config, &config, tuple(), ISS_A, ISS_B);
        let tcb = Tcb::Open(Box::new(Connection::new(Time::ZERO, h)));
        Lone { now: ms(1), tcb, out: Out::default() }
    }
    /// An end in SYN-SENT.
    pub fn syn_sent(config: Config) -> Lone {
        let config = Arc::new(Config { isn: crate::config::IsnSource::Fixed(ISS_A), ..config });
        let what = Connect { tuple: tuple(), mtu: 1500, config, options: Vec::new(), reuses: None };
        let mut out = Out::default();
        let tcb = Tcb::connect(Time::ZERO, what, &IsnSecret([1, 2]), &mut out);
        Lone { now: Time::ZERO, tcb, out }
    }
    pub fn connection(&self) -> &Connection {
        match &self.tcb {
            Tcb::Open(connection) => connection,
            _ => panic!("not open"),
        }
    }
    /// A segment from the peer with relative numbers: SEQ from its ISS, ACK from ours.
    pub fn segment(&self, flags: Flags, seq: i64, ack: i64) -> Segment {
        let mut segment = Segment {
            src: 80,
            dst: 40000,
            seq: SeqNum((i64::from(ISS_B) + seq) as u32),
            ack: SeqNum(if flags.contains(Flags::ACK) { (i64::from(ISS_A) + ack) as u32 } else { 0 }),
            flags,
            wnd: 64,
            ..Segment::default()
        };
        let stamped = match &self.tcb {
            Tcb::Open(connection) => connection.ts.is_some(),
            _ => false,
        };
        if stamped {
            let val = ISS_B.wrapping_add((self.now.as_nanos() / 1_000_000) as u32);
            segment.options.timestamps = Some(Timestamps { val, ecr: 0 });
        }
        segment
    }
    pub fn data(&self, seq: i64, len: u32, ack: i64) -> Segment {
        let mut segment = self.segment(Flags::ACK | Flags::PSH, seq, ack);
        segment.payload = Payload::Pattern { stream: 9, offset: seq as u64, len };
        segment
    }
    /// Shows it a segment; returns what it answered, as the log of [`Pair`] has it.
    pub fn show(&mut self, segment: &Segment) -> Vec<String> {
        self.show_marked(segment, EcnCodepoint::NotEct)
    }
    pub fn show_marked(&mut self, segment: &Segment, ecn: EcnCodepoint) -> Vec<String> {
        self.out.notes.clear();
        self.tcb.on_segment(self.now, segment, ecn, &mut self.out);
        if let Tcb::Open(connection) = &self.tcb {
            check(connection);
        }
        self.said()
    }
    pub fn call<T>(&mut self, call: impl FnOnce(&mut Tcb, Time, &mut Out) -> T) -> (T, Vec<String>) {
        self.out.notes.clear();
        let result = call(&mut self.tcb, self.now, &mut self.out);
        (result, self.said())
    }
    pub fn write(&mut self, len: u32) -> Vec<String> {
        let data = Payload::Pattern { stream: 1, offset: 0, len };
        self.call(|t, now, out| t.send(now, data, SendFlags::default(), out)).1
    }
    /// Lets time pass and its deadlines come.
    pub fn wait_until(&mut self, until: Time) -> Vec<String> {
        let mut lines = Vec::new();
        while self.tcb.deadline() <= until {
            self.now = self.now.max(self.tcb.deadline());
            self.tcb.on_deadline(self.now, &mut self.out);
            if matches!(self.tcb, Tcb::TimeWait(_)) {
                break; // the host drops the record
            }
            let at = self.now.as_nanos() / 1_000_000;
            lines.extend(self.said().into_iter().map(|line| format!("{at} {line}")));
            assert!(lines.len() < 10_000, "runs for ever");
        }
        self.now = self.now.max(until);
        lines
    }
    fn said(&mut self) -> Vec<String> {
        let segments = std::mem::take(&mut self.out.segments);
        segments.iter().map(describe_lone).collect()
    }
    /// Why the last segment was dropped.
    pub fn dropped(&self) -> Option<crate::Rule> {
        self.out.notes.iter().find_map(|note| match note {
            Note::Dropped(why) => Some(*why),
            _ => None,
        })
    }
    pub fn state(&self) -> State {
        self.tcb.state()
    }
}

fn describe_lone(outgoing: &Outgoing) -> String {
    let s = &outgoing.segment;
    let mut text = format!("{} {}", s.flags, s.seq.0.wrapping_sub(ISS_A) as i32);
    if !s.payload.is_empty() {
        text += &format!(":+{}", s.payload.len());
    }
    if s.has(Flags::ACK) {
        text += &format!(" a{}", s.ack.0.wrapping_sub(ISS_B) as i32);
    }
    if s.has(Flags::URG) {
        text += &format!(" urg{}", s.urg);
    }
    for (left, right) in s.options.sack.as_slice() {
        text += &format!(" {{{}:{}}}", left.0.wrapping_sub(ISS_B) as i32, right.0.wrapping_sub(ISS_B) as i32);
    }
    format!("{text} {:?}", outgoing.why)
}
