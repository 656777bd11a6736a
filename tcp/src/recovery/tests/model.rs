//! A sender with endless or limited data, a path that a test scripts, and a receiver that acknowledges each segment at
//! once with SACK, D-SACK and timestamps. Lengths are in segments where a test says so.

use std::collections::BTreeMap;

use crate::recovery::{Ack, Echo, Expired, Handshake, Sender, Timer};
use crate::segment::SackBlocks;
use crate::{Config, Duration, Out, Rule, Seq, Time};

pub const MSS: u64 = 1000;
/// ISS + 1 of every test; near the end of a lap, so that wrap-around is everywhere.
pub const START: Seq = Seq((1 << 33) - 5000);

/// What the path does to a transmission.
#[derive(Clone, Copy, PartialEq, Debug, Hash)]
pub enum Fate {
    Pass,
    Drop,
    Delay(u64),
    Twice,
}

/// A transmission, for the test to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub at: Time,
    /// First and last segment, counted from zero.
    pub segment: u64,
    pub why: Rule,
}

pub struct Model {
    pub sender: Sender,
    pub cfg: Config,
    pub now: Time,
    pub out: Out,
    pub log: Vec<Sent>,
    /// Octets of data that the program has written and that were not sent.
    pub unsent: u64,
    pub rwnd: u64,
    pub one_way: Duration,
    pub timestamps: bool,
    pub sack: bool,
    /// Drops ACKs.
    pub ack_fate: Box<dyn FnMut(Time) -> Fate>,
    /// Decides by number of the segment and of its copy.
    pub fate: Box<dyn FnMut(u64, u32) -> Fate>,
    /// What is sent between these times arrives at the second, in order.
    pub hold: (u64, u64),
    copies: BTreeMap<Seq, u32>,
    events: BTreeMap<(Time, u64), Event>,
    serial: u64,
    rcv_nxt: Seq,
    held: BTreeMap<Seq, Seq>,
    recent: Vec<(Seq, Seq)>,
    ts_recent: Option<Time>,
}

enum Event {
    Data { start: Seq, end: Seq, sent: Time },
    Ack { ack: Seq, sack: SackBlocks, echo: Option<Time> },
}

impl Model {
    pub fn new(cfg: Config) -> Model {
        Model::with(cfg, true)
    }
    /// A round-trip time of 20 ms, measured by the handshake.
    pub fn with(cfg: Config, sack: bool) -> Model {
        let handshake = Handshake {
            rtt: Some(Duration::from_millis(20)),
            retransmissions: 0,
            sack,
            marked: false,
            reduced: false,
            ecn: false,
        };
        let now = Time::from_nanos(1_000_000_000);
        Model {
            sender: Sender::new(now, START, MSS as u32, handshake, &cfg),
            cfg,
            now,
            out: Out::default(),
            log: Vec::new(),
            unsent: 0,
            rwnd: u64::MAX >> 8,
            one_way: Duration::from_millis(10),
            timestamps: true,
            sack,
            ack_fate: Box::new(|_| Fate::Pass),
            fate: Box::new(|_, _| Fate::Pass),
            hold: (0, 0),
            copies: BTreeMap::new(),
            events: BTreeMap::new(),
            serial: 0,
            rcv_nxt: START,
            held: BTreeMap::new(),
            recent: Vec::new(),
            ts_recent: None,
        }
    }
    /// Drops these segments' first copies.
    pub fn drop_first(mut self, segments: &'static [u64]) -> Model {
        self.fate =
            Box::new(move |s, copy| if copy == 0 && segments.contains(&s) { Fate::Drop } else { Fate::Pass });
        self
    }
    pub fn no_timestamps(mut self) -> Model {
        self.timestamps = false;
        self
    }
    /// The program writes so many segments.
    pub fn write(&mut self, segments: u64) {
        self.sender.on_idle_restart(self.now, &self.cfg, &mut self.out);
        self.unsent += segments * MSS;
        self.output(false);
    }
    fn ready(&self) -> bool {
        self.unsent > 0 && self.sender.flight() < self.rwnd
    }
    fn transmit(&mut self, start: Seq, end: Seq, why: Rule) {
        let segment = (start - START) / MSS;
        self.log.push(Sent { at: self.now, segment, why });
        let copy = self.copies.entry(start).or_insert(0);
        let fate = (self.fate)(segment, *copy);
        *copy += 1;
        let sent = self.now;
        let (from, to) = self.hold;
        let at = |ms: u64| Time::from_nanos(1_000_000_000) + Duration::from_millis(ms);
        let held = self.now >= at(from) && self.now < at(to);
        let arrives = if held { at(to) } else { self.now } + self.one_way;
        match fate {
            Fate::Pass => self.event(arrives, Event::Data { start, end, sent }),
            Fate::Drop => {}
            Fate::Delay(us) => {
                self.event(arrives + Duration::from_micros(us), Event::Data { start, end, sent });
            }
            Fate::Twice => {
                self.event(arrives, Event::Data { start, end, sent });
                self.event(arrives, Event::Data { start, end, sent });
            }
        }
    }
    fn event(&mut self, at: Time, event: Event) {
        self.serial += 1;
        self.events.insert((at, self.serial), event);
    }
    /// What a connection's output function does.
    fn output(&mut self, probe: bool) {
        for _ in 0..3 {
            while let Some(r) = self.sender.next_retransmission(&self.cfg) {
                let end = r.range.end.min(r.range.start + u64::from(self.sender.mss()));
                self.transmit(r.range.start, end, r.why);
                self.sender.on_retransmitted(self.now, r.range.start..end, &self.cfg);
            }
            let mut limited = false;
            let mut first = probe;
            while self.ready() {
                let len = u64::from(self.sender.mss()).min(self.unsent);
                if !first
                    && len > self.sender.allowance(&self.cfg)
                    && (self.sender.flight() > 0 || self.sender.is_paused())
                {
                    limited = true;
                    break;
                }
                let (start, end) = (self.sender.nxt(), self.sender.nxt() + len);
                self.transmit(start, end, if first { Rule::TailLossProbe } else { Rule::Data });
                self.unsent -= len;
                self.sender.on_sent(self.now, end, &self.cfg);
                if first {
                    break;
                }
                first = false;
            }
            if self.unsent == 0 {
                while let Some(r) = self.sender.next_rescue(&self.cfg) {
                    self.transmit(r.range.start, r.range.end, r.why);
                    self.sender.on_retransmitted(self.now, r.range, &self.cfg);
                }
            }
            if !self.sender.on_output_done(self.now, limited, false, &self.cfg) {
                break;
            }
        }
        self.sender.check(&self.cfg);
    }
    fn receive(&mut self, start: Seq, end: Seq, sent: Time) {
        let mut dsack = None;
        if end <= self.rcv_nxt || self.held.iter().any(|(l, r)| *l <= start && end <= *r) {
            dsack = Some((start, end));
        } else {
            if start <= self.rcv_nxt {
                // Last.ACK.sent: only what is in sequence sets TS.Recent.
                self.ts_recent = Some(sent);
            }
            self.hold(start, end);
        }
        if self.ts_recent.is_none() {
            self.ts_recent = Some(sent);
        }
        let mut sack = SackBlocks::default();
        if self.sack {
            if let Some((left, right)) = dsack {
                sack.push(left.wire(), right.wire());
            }
            let limit = if self.timestamps { 3 } else { 4 };
            for (left, right) in self.recent.iter().rev() {
                if sack.len() < limit {
                    sack.push(left.wire(), right.wire());
                }
            }
        }
        let event = Event::Ack { ack: self.rcv_nxt, sack, echo: self.ts_recent.filter(|_| self.timestamps) };
        let at = self.now + self.one_way;
        match (self.ack_fate)(self.now) {
            Fate::Drop => {}
            Fate::Delay(us) => self.event(at + Duration::from_micros(us), event),
            Fate::Pass | Fate::Twice => self.event(at, event),
        }
    }
    fn hold(&mut self, start: Seq, end: Seq) {
        let (mut left, mut right) = (start, end);
        let touching: Vec<_> =
            self.held.range(..=end).filter(|(_, r)| **r >= start).map(|(l, r)| (*l, *r)).collect();
        for (l, r) in touching {
            self.held.remove(&l);
            self.recent.retain(|b| *b != (l, r));
            left = left.min(l);
            right = right.max(r);
        }
        if left <= self.rcv_nxt {
            self.rcv_nxt = self.rcv_nxt.max(right);
        } else {
            self.held.insert(left, right);
            self.recent.push((left, right));
        }
        let rcv_nxt = self.rcv_nxt;
        self.held.retain(|_, r| *r > rcv_nxt);
        self.recent.retain(|b| b.1 > rcv_nxt);
    }

    /// Runs until nothing is pending or `until` has come.
    pub fn run(&mut self, until: Duration) {
        let until = Time::from_nanos(1_000_000_000) + until;
        for _ in 0..1_000_000 {
            let next = self.events.keys().next().copied();
            let timer = self.sender.deadline().map_or(Time::NEVER, |d| d.0);
            let at = next.map_or(Time::NEVER, |n| n.0).min(timer);
            if at > until || at == Time::NEVER {
                self.now = until.max(self.now);
                return;
            }
            self.now = at;
            // Segments before timers, as on a host.
            match next.filter(|n| n.0 == at).and_then(|n| self.events.remove(&n)) {
                Some(Event::Data { start, end, sent }) => self.receive(start, end, sent),
                Some(Event::Ack { ack, sack, echo }) => self.acknowledge(ack, sack, echo),
                None => self.expire(),
            }
        }
        panic!("the model does not come to rest");
    }
    pub fn acknowledge(&mut self, ack: Seq, sack: SackBlocks, echo: Option<Time>) {
        let tick = 1_000_000;
        let echo = echo.map(|at| {
            let from = at.as_nanos() / tick * tick;
            Echo { from: Time::from_nanos(from), to: Time::from_nanos(from + tick) }
        });
        let ack = Ack {
            ack,
            sack,
            echo,
            has_data: false,
            window_changed: false,
            ece: false,
            new_data_ready: self.ready(),
        };
        self.feed(&ack);
    }
    pub fn feed(&mut self, ack: &Ack) {
        self.sender.on_ack(self.now, ack, &self.cfg, &mut self.out);
        self.sender.check(&self.cfg);
        self.output(false);
    }
    fn expire(&mut self) {
        let ready = self.ready();
        match self.sender.on_timeout(self.now, ready, &self.cfg, &mut self.out) {
            Expired::Nothing => {}
            Expired::Rto | Expired::Reordering | Expired::Resumed => self.output(false),
            Expired::ProbeNew => self.output(true),
            Expired::ProbeLast(range) => {
                self.transmit(range.start, range.end, Rule::TailLossProbe);
                self.sender.on_retransmitted(self.now, range, &self.cfg);
                self.sender.on_output_done(self.now, false, false, &self.cfg);
            }
        }
        self.sender.check(&self.cfg);
    }

    /// Retransmissions: milliseconds since the start, segment, why.
    pub fn repeats(&self) -> Vec<(u64, u64, Rule)> {
        let ms = |t: Time| (t.as_nanos() - 1_000_000_000) / 1_000_000;
        self.log.iter().filter(|s| s.why != Rule::Data).map(|s| (ms(s.at), s.segment, s.why)).collect()
    }
    pub fn happened(&self, rule: Rule) -> usize {
        self.out.notes.iter().filter(|n| **n == crate::Note::Happened(rule)).count()
    }
    pub fn cwnd(&self) -> u64 {
        self.sender.cwnd() / MSS
    }
    pub fn all_acknowledged(&self) -> bool {
        self.unsent == 0 && self.sender.flight() == 0
    }
    pub fn timer(&self) -> Option<(u64, Timer)> {
        self.sender.deadline().map(|(t, kind)| ((t.as_nanos() - 1_000_000_000) / 1_000_000, kind))
    }
}
