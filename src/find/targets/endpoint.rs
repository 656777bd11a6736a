//! Bytes as a life of one endpoint: segments that come, calls of its program, time that passes.
//!
//! Numbers of segments are relative to what the endpoint expects, so that many of them mean something. After each step the
//! variables of RFC 9293, section 3.3.1, must be in order, what was sent must read back from the wire, and a deadline that
//! has come must be over once it was told.

use std::sync::Arc;

use tcp::listener::Incoming;
use tcp::segment::{Options, Segment, Timestamps};
use tcp::tcb::{Connect, SendFlags, SocketOption};
use tcp::{
    Config, Duration, EcnCodepoint, Flags, IsnSecret, Listener, Note, Out, Payload, Rule, SeqNum, State, Tcb,
    Time, Tuple,
};

/// Segments that one step may make: several of the largest windows there are here.
const MOST_SEGMENTS: usize = 10_000;
/// What the peer has sent before anything else.
const PEER_ISN: SeqNum = SeqNum(0xffff_f000);
/// Deadlines that may come while time passes once.
const MOST_DEADLINES: usize = 10_000;

/// One endpoint with what is known of it.
struct End {
    now: Time,
    tcb: Option<Tcb>,
    listener: Option<Listener>,
    tuple: Tuple,
    out: Out,
    written: u64,
    /// SND.UNA and RCV.NXT as they were, from the initial numbers.
    last: (u64, u64),
    state: State,
    /// ISS and IRS, once there are any.
    numbers: Option<(SeqNum, SeqNum)>,
    secret: IsnSecret,
}

/// Where bytes are taken from; behind the end are none.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
    fn small(&mut self) -> u32 {
        u32::from(self.octet().unwrap_or(0))
    }
    /// A size: many small ones, some in the thousands.
    fn size(&mut self) -> u32 {
        let size = self.small();
        if size < 128 { size } else { (size - 127) * 512 }
    }
    /// A step from a number expected: near it, a window away, or anywhere.
    fn step(&mut self) -> u32 {
        match self.small() {
            0 => 0,
            n @ 1..=100 => n,
            n @ 101..=200 => 0_u32.wrapping_sub(n - 100),
            n @ 201..=230 => (n - 200) * 1448,
            n @ 231..=254 => 0_u32.wrapping_sub((n - 230) * 1448),
            _ => u32::from_be_bytes(std::array::from_fn(|_| self.octet().unwrap_or(0))),
        }
    }
}

/// Bytes as a life of one endpoint: how it is configured, then steps.
pub fn endpoint(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut end = End::new(&mut bytes);
    end.check("begins");
    while let Some(what) = bytes.octet() {
        let before = end.state;
        match what % 8 {
            0..=2 => end.segment(&mut bytes),
            3 => end.write(&mut bytes),
            4 => end.read(&mut bytes),
            5 => end.pass(&mut bytes),
            6 => end.option(&mut bytes),
            _ => end.call(&mut bytes),
        }
        end.check(&format!("step {what} in {before}"));
    }
}

fn config(bytes: &mut Bytes<'_>) -> Config {
    let kind = bytes.small();
    let mut config = match kind % 3 {
        0 => Config::linux(),
        1 => Config::rfc(),
        _ => Config::freebsd(),
    };
    let bits = bytes.small();
    config.sack = bits & 1 == 0;
    config.timestamps = bits & 2 == 0;
    config.window_scaling = bits & 4 == 0;
    if bits & 8 != 0 {
        (config.rcv_buf, config.rcv_buf_max) = (2_000, 2_000);
    }
    if bits & 16 != 0 {
        config.time_wait = Duration::from_secs(1);
    }
    config.syn_cookies = if bits & 32 != 0 { tcp::config::SynCookies::Always } else { config.syn_cookies };
    config
}

impl End {
    fn new(bytes: &mut Bytes<'_>) -> End {
        let config = Arc::new(config(bytes));
        let [local, remote] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(|ip| (ip, 80).into());
        let tuple = Tuple { local, remote };
        let mut end = End {
            now: Time::ZERO + Duration::from_secs(1),
            tcb: None,
            listener: None,
            tuple,
            out: Out::default(),
            written: 0,
            last: (0, 0),
            state: State::Closed,
            numbers: None,
            secret: IsnSecret([1, 2]),
        };
        if bytes.small().is_multiple_of(2) {
            let connect = Connect { tuple, mtu: 1500, config, options: Vec::new(), reuses: None };
            end.tcb = Some(Tcb::connect(end.now, connect, &end.secret, &mut end.out));
        } else {
            end.listener = Some(Listener::new(config, 2));
        }
        end
    }

    /// A segment of the peer.
    fn segment(&mut self, bytes: &mut Bytes<'_>) {
        const KINDS: &[Flags] = &[
            Flags::ACK,
            Flags::SYN,
            Flags(Flags::SYN.0 | Flags::ACK.0),
            Flags(Flags::ACK.0 | Flags::PSH.0),
            Flags(Flags::ACK.0 | Flags::FIN.0),
            Flags::RST,
            Flags(Flags::RST.0 | Flags::ACK.0),
        ];
        let kind = bytes.small() as usize;
        let flags = KINDS.get(kind % 8).copied().unwrap_or(Flags(bytes.small() as u16 & 0x1ff));
        let begins = flags.contains(Flags::SYN);
        let (iss, irs) = self.numbers.unwrap_or((self.opening_iss(), PEER_ISN));
        let (una, nxt) = self.last;
        let seq = if begins { PEER_ISN } else { irs.add(nxt.max(1) as u32) }.add(bytes.step());
        // Usually all that was sent is acknowledged.
        let sent = self.tcb.as_ref().map_or(una, |tcb| tcb.info(self.now).snd_nxt).max(1);
        let ack = iss.add(sent as u32).add(bytes.step());
        let len = if kind & 8 == 0 { 0 } else { bytes.size() };
        let shape = bytes.small();
        let mut options = Options::default();
        if begins {
            options.mss = (shape & 1 != 0).then_some(1460);
            options.wscale = (shape & 2 != 0).then_some((shape >> 4) as u8);
            options.sack_permitted = shape & 4 != 0;
        } else if shape & 2 != 0 {
            let left = ack.add(bytes.step());
            options.sack.push(left, left.add(bytes.size()));
        }
        if shape & 8 != 0 {
            let val = (self.now.as_nanos() / 1_000_000) as u32;
            options.timestamps = Some(Timestamps { val: val.wrapping_add(bytes.step()), ecr: bytes.step() });
        }
        let segment = Segment {
            src: 80,
            dst: 80,
            seq,
            ack: if flags.contains(Flags::ACK) { ack } else { SeqNum(0) },
            flags,
            wnd: (bytes.small() << 8) as u16,
            urg: if flags.contains(Flags::URG) { bytes.small() as u16 } else { 0 },
            options,
            payload: if len == 0 { Payload::Empty } else { Payload::Pattern { stream: 2, offset: nxt, len } },
        };
        let ecn = if shape & 64 != 0 { EcnCodepoint::Ce } else { EcnCodepoint::NotEct };
        self.arrives(&segment, ecn);
    }
    fn opening_iss(&self) -> SeqNum {
        self.tcb.as_ref().and_then(Tcb::opening_iss).unwrap_or(SeqNum(0))
    }
    fn arrives(&mut self, segment: &Segment, ecn: EcnCodepoint) {
        match (&mut self.tcb, &mut self.listener) {
            (Some(tcb), _) => tcb.on_segment(self.now, segment, ecn, &mut self.out),
            (None, Some(listener)) => {
                let incoming = Incoming { tuple: self.tuple, mtu: 1500, segment, ecn, reopens: None };
                self.tcb = listener.on_segment(self.now, &incoming, &self.secret, &mut self.out);
                listener.accept();
            }
            (None, None) => {}
        }
    }

    fn write(&mut self, bytes: &mut Bytes<'_>) {
        let data = Payload::Pattern { stream: 1, offset: self.written, len: bytes.size() };
        let how = bytes.small();
        let flags = SendFlags { urgent: how & 1 != 0, more: how & 2 != 0, eor: how & 4 != 0 };
        let Some(tcb) = &mut self.tcb else { return };
        self.written += u64::from(tcb.send(self.now, data, flags, &mut self.out).unwrap_or(0));
    }
    fn read(&mut self, bytes: &mut Bytes<'_>) {
        let most = bytes.size();
        if let Some(tcb) = &mut self.tcb {
            let _ = tcb.recv(self.now, most, &mut self.out);
        }
    }
    /// Time passes: as long as said, or to the next deadline.
    fn pass(&mut self, bytes: &mut Bytes<'_>) {
        let span = match bytes.small() {
            0 => self.deadline().since(self.now),
            n @ 1..=127 => Duration::from_millis(u64::from(n)),
            n => Duration::from_secs(u64::from(n - 127)),
        };
        let until = self.now + span.min(Duration::from_secs(100_000));
        for n in 0.. {
            assert!(n < MOST_DEADLINES, "{n} deadlines within {span}");
            let deadline = self.deadline();
            if deadline > until {
                break;
            }
            self.now = self.now.max(deadline);
            match (&mut self.tcb, &mut self.listener) {
                // The end of TIME-WAIT: whoever keeps the record drops it.
                (Some(Tcb::TimeWait(_)), _) => self.tcb = None,
                (Some(tcb), _) => tcb.on_deadline(self.now, &mut self.out),
                (None, Some(listener)) => {
                    listener.on_deadline(self.now, &mut self.out);
                }
                (None, None) => {}
            }
            self.check("a deadline");
        }
        self.now = until;
    }
    fn deadline(&self) -> Time {
        match (&self.tcb, &self.listener) {
            (Some(tcb), _) => tcb.deadline(),
            (None, Some(listener)) => listener.deadline(),
            (None, None) => Time::NEVER,
        }
    }
    fn option(&mut self, bytes: &mut Bytes<'_>) {
        let value = bytes.small();
        let on = value & 1 != 0;
        let span = Duration::from_millis(u64::from(value) * 100);
        let option = match bytes.small() % 9 {
            0 => SocketOption::NoDelay(on),
            1 => SocketOption::Cork(on),
            2 => SocketOption::QuickAck(on),
            3 => SocketOption::KeepAlive(on),
            4 => SocketOption::KeepIdle(span),
            5 => SocketOption::UserTimeout(span),
            6 => SocketOption::Linger(on.then_some(span)),
            7 => SocketOption::RcvBuf(value * 256),
            _ => SocketOption::SndBuf(value * 256),
        };
        if let Some(tcb) = self.tcb.as_mut().filter(|_| option.check().is_ok()) {
            let _ = tcb.set_option(self.now, option, &mut self.out);
        }
    }
    fn call(&mut self, bytes: &mut Bytes<'_>) {
        let Some(tcb) = &mut self.tcb else { return };
        match bytes.small() % 6 {
            0 => {
                let _ = tcb.shutdown_write(self.now, &mut self.out);
            }
            1 => tcb.close(self.now, &mut self.out),
            2 => tcb.shutdown_read(),
            3 => tcb.abort(self.now, Rule::AbortCall, &mut self.out),
            4 => tcb.on_path_mtu(self.now, 576 + bytes.small() as u16 * 4),
            _ => tcb.accepted(),
        }
    }

    /// What must hold after each step.
    fn check(&mut self, step: &str) {
        assert!(self.out.segments.len() <= MOST_SEGMENTS, "{} segments at {step}", self.out.segments.len());
        for outgoing in self.out.segments.drain(..) {
            let (src, dst) = (self.tuple.local.ip(), self.tuple.remote.ip());
            let segment = outgoing.segment;
            let bytes = tcp::wire::encode(&segment, src, dst);
            match tcp::wire::decode(&bytes, src, dst) {
                Ok(read) => {
                    assert_eq!((read.seq, read.flags, read.ack), (segment.seq, segment.flags, segment.ack))
                }
                Err(wrong) => panic!("{wrong} at {step}: {segment:?}"),
            }
        }
        for note in self.out.notes.drain(..) {
            if let Note::State { from, to, .. } = note {
                assert!(
                    from == self.state || self.state == State::Closed,
                    "{from} to {to}, but it was {}",
                    self.state
                );
                self.state = to;
            }
        }
        self.out.take_wake();
        self.out.stamps.clear();
        self.out.fast_open.clear();
        let Some(tcb) = &self.tcb else { return };
        if let Some(record) = self.out.time_wait.take() {
            self.tcb = Some(Tcb::TimeWait(record));
            return;
        }
        let numbers = tcb.initial_numbers();
        if numbers.is_some() && numbers != self.numbers {
            (self.numbers, self.last) = (numbers, (0, 0));
        }
        if !matches!(tcb, Tcb::Open(_)) || tcb.is_closed() {
            return;
        }
        let info = tcb.info(self.now);
        assert!(
            info.snd_una <= info.snd_nxt,
            "SND.UNA {} beyond SND.NXT {} at {step}",
            info.snd_una,
            info.snd_nxt
        );
        assert!(info.snd_nxt <= self.written + 2, "SND.NXT {} with {} written", info.snd_nxt, self.written);
        let (una, nxt) = self.last;
        assert!(info.snd_una >= una && info.rcv_nxt >= nxt, "numbers go back at {step}");
        self.last = (info.snd_una, info.rcv_nxt);
        let running = tcb.running();
        let outstanding = info.snd_nxt > info.snd_una;
        assert!(
            !outstanding || running.retransmit.is_some(),
            "nothing repeats what is outstanding, at {step}"
        );
        assert!(
            running.retransmit.is_none() || running.persist.is_none(),
            "retransmission and persist timer at once, at {step}"
        );
    }
}
