//! An active open: SYN-SENT, and SYN-RECEIVED after a simultaneous open (RFC 9293, sections 3.10.1, 3.10.7.3).
//!
//! What is written before the connection is open waits for it, in a queue here (section 3.10.2) or with the program, as
//! Linux has it; Fast Open sends it in the SYN (RFC 7413).

use std::sync::Arc;

use crate::accecn::{self, Mode};
use crate::cause::Rule;
use crate::config::{AccEcnOption, Config, RetryLimit};
use crate::connection::socket::Socket;
use crate::connection::{clock, limits, user_timeout};
use crate::error::Errno;
use crate::fast_open::{ClientFail, FastConnect, News};
use crate::info::{Info, Tally, TimerKind};
use crate::isn::{IsnSecret, Tuple};
use crate::offer::{self, TIMESTAMP_BYTES};
use crate::out::{EcnCodepoint, Note, Out, Outgoing};
use crate::payload::Payload;
use crate::segment::{Flags, Options, Segment, Timestamps};
use crate::seq::SeqNum;
use crate::state::{Input, State};
use crate::tcb::{Connect, SocketOption};
use crate::time::{Duration, Time};

mod arrives;
mod complete;
mod ends;
mod writes;

pub(crate) use writes::Writes;

/// How far the ISN of a connection that takes the place of one in TIME-WAIT lies ahead of it (Linux).
const REUSE_STEP: u32 = 65_535 + 2;

/// An active open that is not yet complete, or has failed.
#[derive(Clone, Hash)]
pub struct Opening {
    config: Arc<Config>,
    tuple: Tuple,
    mtu: u16,
    /// SYN-SENT or SYN-RECEIVED; CLOSED after a failure.
    state: State,
    /// ISS; SND.UNA is this, SND.NXT one more.
    iss: SeqNum,
    socket: Socket,
    /// What `TCP_QUICKACK` was set to.
    quick_ack: Option<bool>,
    /// The MSS announced, in bytes.
    mss: u16,
    /// RCV.WND, in bytes, never scaled here (RFC 7323, section 2.2).
    rcv_wnd: u32,
    /// The shift offered.
    shift: Option<u8>,
    /// Offset of our timestamp clock.
    clock_offset: u32,
    /// TS.Recent inherited from a connection in TIME-WAIT.
    inherited_recent: u32,
    /// What the peer's SYN said, in SYN-RECEIVED.
    peer: Option<Box<Peer>>,
    /// When the first SYN was sent.
    began: Time,
    /// When the last was.
    sent: Time,
    /// When it is to be repeated, or the open given up.
    timer: Time,
    /// How often a timeout repeated it.
    retransmits: u8,
    /// How often it went again since a router had said that it was too long.
    shortened: u8,
    /// The program has closed in SYN-RECEIVED: FIN as soon as the connection is open.
    close_queued: Option<Rule>,
    /// What the program has written so far.
    writes: Writes,
    /// An ICMP error that did not end the open: what a timeout will report.
    soft_error: Option<Errno>,
    /// The error that the program has still to see.
    error: Option<Errno>,
    /// When the interval began in which answers to unacceptable segments are counted; [`Time::NEVER`]: none was sent.
    answering: Time,
    /// How many were sent in it.
    answered: u8,
    /// Large initial windows have failed on this path before (RFC 6928, section 12).
    modest: bool,
    /// Fast Open: the option and the data of the first SYN.
    fast_open: Option<Box<FastConnect>>,
}

/// What the peer's SYN said.
#[derive(Clone, Debug, Hash)]
struct Peer {
    irs: SeqNum,
    options: Options,
    ecn: Mode,
    /// Codepoint of the last SYN or SYN-ACK that arrived.
    codepoint: EcnCodepoint,
    seen: Time,
}

impl Opening {
    /// OPEN, active (RFC 9293, section 3.10.1): sends the SYN.
    pub fn connect(now: Time, what: Connect, secret: &IsnSecret, out: &mut Out) -> Opening {
        Opening::connect_fast(now, what, None, secret, out)
    }
    /// The same with Fast Open.
    pub fn connect_fast(
        now: Time,
        what: Connect,
        fast_open: Option<FastConnect>,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> Opening {
        let Connect { tuple, mtu, mut config, options, reuses } = what;
        let mut socket = Socket::new(&config);
        let mut quick_ack = None;
        for option in options {
            // A value that the option cannot take was refused when it was set.
            let _ = socket.set(option, &config);
            match option {
                SocketOption::QuickAck(on) => quick_ack = Some(on),
                SocketOption::PathMtuDiscovery(on) => Arc::make_mut(&mut config).path_mtu_discovery = on,
                _ => {}
            }
        }
        let mss = offer::announced_mss(&config, &tuple, mtu).min(socket.max_seg().unwrap_or(u16::MAX));
        let inherited_recent = reuses.as_ref().and_then(|old| old.timestamps()).map_or(0, |ts| ts.recent);
        let segment = if inherited_recent != 0 { mss.saturating_sub(TIMESTAMP_BYTES) } else { mss };
        let rcv_wnd = offer::initial_window(&config, socket.rcv_buf, segment);
        let iss = match &reuses {
            Some(old) => old.snd_nxt().add(REUSE_STEP),
            None => secret.isn(config.isn, &tuple, now),
        };
        let shift = config
            .window_scaling
            .then(|| offer::shift_to_offer(&config, socket.rcv_buf, socket.rcv_buf_max(&config)));
        let mut opening = Opening {
            clock_offset: secret.timestamp_offset(&tuple),
            tuple,
            mtu,
            state: State::SynSent,
            iss,
            socket,
            quick_ack,
            mss,
            rcv_wnd,
            shift,
            inherited_recent,
            peer: None,
            began: now,
            sent: now,
            timer: Time::NEVER,
            retransmits: 0,
            shortened: 0,
            close_queued: None,
            writes: Writes::None,
            soft_error: None,
            error: None,
            answering: Time::NEVER,
            answered: 0,
            modest: false,
            fast_open: None,
            config,
        };
        let why = if fast_open.is_some() { Rule::FastOpen } else { Rule::ActiveOpen };
        opening.fast_open = fast_open.map(|ask| Box::new(opening.cut(ask)));
        out.state(State::Closed, State::SynSent, why);
        opening.send_syn(now, why, out);
        opening
    }
    /// Cuts the data to what the SYN can carry: the segment that this server took the last time, within the path's MTU,
    /// less all options (Linux).
    fn cut(&self, ask: FastConnect) -> FastConnect {
        let mss = ask.mss.unwrap_or(self.mss).min(self.socket.max_seg().unwrap_or(u16::MAX));
        let room = mss.min(offer::mss_of_mtu(&self.tuple, self.mtu)).saturating_sub(40);
        let data = ask.data.slice(0, room.into());
        let more = ask.more && (data.is_empty() || data.len() < ask.data.len());
        FastConnect { data, more, ..ask }
    }
    /// Octets of data that the first SYN has carried.
    pub fn syn_data(&self) -> u32 {
        self.fast_open.as_ref().map_or(0, |ask| ask.data.len())
    }
    /// How often the SYN went again, for whatever reason.
    fn repeats(&self) -> u8 {
        self.retransmits.saturating_add(self.shortened)
    }
    /// ISS.
    pub fn iss(&self) -> SeqNum {
        self.iss
    }

    // --- timers ------------------------------------------------------------------------------------------------

    /// When `on_deadline` wants to be called next.
    pub fn deadline(&self) -> Time {
        self.timer
    }
    /// The SYN or SYN-ACK is repeated, or the open fails (RFC 9293, section 3.8.3: SYN retransmission has an R2).
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) {
        if now < self.timer || self.state == State::Closed {
            return;
        }
        let retries = self.socket.syn_count().unwrap_or(self.config.syn_retries);
        let limit = u32::from(retries) + u32::from(self.config.syn_linear_timeouts);
        // Linux also gives up once so many doublings would have taken as long (retransmits_timed_out).
        let doublings = limits::doublings(&self.config, self.config.initial_rto, retries);
        let late =
            self.config.syn_linear_timeouts > 0 && self.retransmits > 0 && now.since(self.began) >= doublings;
        let over = u32::from(self.retransmits) >= limit || late || now >= self.limit_deadline();
        if self.fast_open.is_some() && (self.retransmits == 2 || self.retransmits < 2 && over) {
            out.fast_open.push(News::BlackHole);
        }
        if over {
            if self.syn_data() > 0 {
                out.fast_open.push(News::Unanswered);
            }
            let error = self.soft_error.unwrap_or(Errno::ETIMEDOUT);
            let user = now >= self.user_deadline();
            return self.fail(if user { Rule::UserTimeout } else { Rule::SynGivesUp }, error, out);
        }
        if self.retransmits == self.config.r1 {
            self.soft_error.get_or_insert(Errno::ETIMEDOUT);
            out.notes.push(Note::Happened(Rule::FirstLimit));
        }
        self.retransmits += 1;
        let why = if self.peer.is_some() { Rule::SynAckRetransmit } else { Rule::SynRetransmit };
        self.send_syn(now, why, out);
    }
    /// Time from a transmission of the SYN to the next: constant at first under Linux, then doubled each time
    /// (RFC 6298, section 5.5).
    fn interval(&self) -> Duration {
        let doublings = self.retransmits.saturating_sub(self.config.syn_linear_timeouts);
        self.config.backed_off(self.config.initial_rto, u32::from(doublings))
    }
    fn arm(&mut self, now: Time) {
        let config = &self.config;
        self.timer = config.fires(now, self.interval()).min(config.fires_at(now, self.limit_deadline()));
    }
    /// When the open fails, however often the SYN was sent.
    fn limit_deadline(&self) -> Time {
        let limit = self.config.connect_timeout.map_or(Time::NEVER, |limit| self.began + limit);
        limit.min(self.user_deadline())
    }
    /// When the user timeout ends the open. Linux looks at it only from the second SYN on.
    fn user_deadline(&self) -> Time {
        match self.socket.user_timeout(&self.config) {
            Some(_) if self.retransmits == 0 && matches!(self.config.r2, RetryLimit::Doublings(_)) => {
                Time::NEVER
            }
            Some(limit) => self.began + limit,
            None => Time::NEVER,
        }
    }

    // --- segments ----------------------------------------------------------------------------------------------

    /// Sends the SYN, or the SYN-ACK in SYN-RECEIVED, and arms the timer.
    fn send_syn(&mut self, now: Time, why: Rule, out: &mut Out) {
        self.sent = now;
        self.arm(now);
        let config = &self.config;
        let mut flags = Flags::SYN;
        let peer = self.peer.as_deref();
        if let Some(peer) = peer {
            flags |= Flags::ACK;
            match peer.ecn {
                Mode::Off => {}
                Mode::Classic => flags |= Flags::ECE,
                Mode::Accurate if self.retransmits > 1 && config.ecn_fallback => {}
                Mode::Accurate => flags |= accecn::reflect(peer.codepoint),
            }
        } else if self.still_asks() {
            flags |= accecn::syn_flags(accecn::asks(config));
        }
        let keeps = config.crossing_keeps_offer;
        let accepts = |said: fn(&Options) -> bool| keeps || peer.is_none_or(|peer| said(&peer.options));
        let timestamps = config.timestamps && accepts(|o| o.timestamps.is_some());
        let mut options = Options {
            mss: Some(self.mss),
            wscale: self.shift.filter(|_| accepts(|o| o.wscale.is_some())),
            sack_permitted: config.sack && accepts(|o| o.sack_permitted),
            timestamps: timestamps.then(|| self.stamp(now)),
            order: config.option_order,
            ..Options::default()
        };
        if peer.is_some_and(|peer| peer.ecn == Mode::Accurate)
            && self.retransmits < 2
            && config.accecn_option != AccEcnOption::Off
        {
            options.accecn = accecn::syn_ack_option(&options);
        }
        // 7413/4.2.2-SYNRTX: only the first SYN is fast.
        let ask = self.fast_open.as_ref().filter(|_| self.repeats() == 0 && peer.is_none());
        let data = ask.map_or(Payload::Empty, |ask| ask.data.clone());
        options.fast_open = ask.and_then(|ask| ask.option).map(Box::new);
        // 5482/3-FIRST, 5482/3.2-UNREL: each copy of the SYN has it.
        options.user_timeout = user_timeout::on_syn(self.socket.advertised(config), &options);
        let (seq, ack) = (self.iss, peer.map_or(SeqNum::default(), |peer| peer.irs.add(1)));
        self.transmit(seq, ack, flags, self.rcv_wnd, options, data, why, out);
    }
    /// Whether the SYN as it is sent now asks for ECN. A repeated one asks no more, since something on the path may drop
    /// SYNs that do (RFC 3168, section 6.1.1.1); for AccECN the second one still does (RFC 9768, section 3.1.4.1).
    fn still_asks(&self) -> bool {
        let asked = match accecn::asks(&self.config) {
            Mode::Accurate => self.repeats() < 2,
            Mode::Classic | Mode::Off => self.repeats() == 0,
        };
        asked || !self.config.ecn_fallback
    }
    /// An ACK of the peer's SYN, in SYN-RECEIVED.
    fn send_ack(&mut self, now: Time, why: Rule, out: &mut Out) {
        let Some(peer) = &self.peer else { return };
        let timestamps = self.config.timestamps && peer.options.timestamps.is_some();
        let options = Options {
            timestamps: timestamps.then(|| self.stamp(now)),
            order: self.config.option_order,
            ..Options::default()
        };
        let (seq, wnd) = (self.iss.add(1), self.rcv_wnd >> self.agreed_shift(peer));
        self.transmit(seq, peer.irs.add(1), Flags::ACK, wnd, options, Payload::Empty, why, out);
    }
    /// Rcv.Wind.Shift once the connection is open, zero if the peer does not scale (RFC 7323, section 2.2). Where our answer to
    /// its SYN offers scaling all the same, Linux believes itself.
    fn agreed_shift(&self, peer: &Peer) -> u8 {
        let crossed = self.state == State::SynReceived && self.config.crossing_keeps_offer;
        self.shift.filter(|_| crossed || peer.options.wscale.is_some()).unwrap_or(0)
    }
    /// A reset that the sender of a wrong ACK will believe.
    fn send_reset(&self, about: &Segment, why: Rule, out: &mut Out) {
        let options = offer::reset_options(&self.config, about);
        self.transmit(about.ack, SeqNum::default(), Flags::RST, 0, options, Payload::Empty, why, out);
    }
    #[expect(clippy::too_many_arguments, reason = "the fields of a segment")]
    fn transmit(
        &self,
        seq: SeqNum,
        ack: SeqNum,
        flags: Flags,
        wnd: u32,
        options: Options,
        payload: Payload,
        why: Rule,
        out: &mut Out,
    ) {
        let segment = Segment {
            src: self.tuple.local.port(),
            dst: self.tuple.remote.port(),
            seq,
            ack,
            flags,
            wnd: wnd.min(65_535) as u16,
            urg: 0,
            options,
            payload,
        };
        let asks = match &self.peer {
            None if flags.ace() == 0 => Mode::Off,
            None => accecn::asks(&self.config),
            Some(peer) => peer.ecn,
        };
        let ecn = accecn::handshake_codepoint(&self.config, asks);
        out.segments.push(Outgoing { segment, why, ecn });
    }
    /// The Timestamps option of a SYN sent now, if it has one.
    pub(crate) fn timestamps(&self, now: Time) -> Option<Timestamps> {
        self.config.timestamps.then(|| self.stamp(now))
    }
    fn stamp(&self, now: Time) -> Timestamps {
        let recent = self.peer.as_ref().and_then(|peer| peer.options.timestamps).map_or(0, |ts| ts.val);
        let ecr = if recent != 0 { recent } else { self.inherited_recent };
        // A SYN without ACK echoes nothing (RFC 7323, section 3.2).
        let ecr = if self.peer.is_some() { ecr } else { 0 };
        Timestamps { val: clock::ticks(now, self.clock_offset), ecr }
    }

    // --- the end of the open -------------------------------------------------------------------------------------

    /// Changes the state by the table.
    fn transition(&mut self, input: Input, why: Rule, out: &mut Out) {
        if let Some(next) = self.state.next(input) {
            out.state(self.state, next, why);
            self.state = next;
        }
    }

    // --- ICMP (RFC 9293, section 3.9.2.2; RFC 5461; RFC 5927) -----------------------------------------------------

    // --- calls -------------------------------------------------------------------------------------------------

    /// Sets an option.
    pub fn set_option(&mut self, option: SocketOption) -> Result<(), Errno> {
        if let SocketOption::QuickAck(on) = option {
            self.quick_ack = Some(on);
        }
        self.socket.set(option, &self.config)
    }
    /// The pending error, cleared by reading it.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }
    /// Changes the configuration.
    pub(crate) fn reconfigure(&mut self, apply: &dyn Fn(&mut Config)) {
        apply(Arc::make_mut(&mut self.config));
    }
    /// The same, without clearing it.
    pub fn pending_error(&self) -> Option<Errno> {
        self.error
    }
    /// The error that did not end the open.
    pub fn soft_error(&self) -> Option<Errno> {
        self.soft_error
    }
    pub(crate) fn clear_soft_error(&mut self) {
        self.soft_error = None;
    }
    /// The connection is to begin with a small window.
    pub fn be_modest(&mut self) {
        self.modest = true;
    }
    /// The path takes no more than this: the connection sends no larger segments. What was announced stays.
    pub fn on_path_mtu(&mut self, mtu: u16) {
        if self.config.path_mtu_discovery {
            self.mtu = self.mtu.min(mtu);
        }
    }
    /// The link takes no more than this, whether or not paths are discovered: what is longer would not even leave.
    pub fn on_link_mtu(&mut self, mtu: u16) {
        self.mtu = self.mtu.min(mtu);
    }
    /// What RECEIVE fails with: nothing can have come yet, or ever will.
    pub fn not_open(&mut self) -> Errno {
        let waits = if self.state == State::Closed { Errno::ENOTCONN } else { Errno::EAGAIN };
        self.error.take().unwrap_or(waits)
    }
    /// The state.
    pub fn state(&self) -> State {
        self.state
    }
    /// A reading for `ss` and `netstat`.
    pub fn info(&self) -> Info {
        let waiting = self.state != State::Closed;
        Info {
            state: self.state,
            recv_q: 0,
            send_q: u64::from(waiting),
            timer: waiting.then_some((TimerKind::Retransmit, self.timer)),
            retries: u32::from(self.retransmits),
            mss: offer::default_mss(&self.tuple).min(self.mss),
            advmss: self.mss,
            pmtu: self.mtu,
            wscale: None,
            timestamps: false,
            sack: false,
            ecn: false,
            accecn: None,
            syn_data: false,
            fast_open_fail: ClientFail::Nothing,
            srtt: Duration::ZERO,
            rttvar: Duration::ZERO,
            min_rtt: Duration::ZERO,
            rto: self.interval(),
            ato: Duration::ZERO,
            cwnd: 1,
            ssthresh: None,
            snd_wnd: 0,
            rcv_wnd: u64::from(self.rcv_wnd),
            unacked: u32::from(waiting),
            lost: 0,
            sacked: 0,
            retransmitted: u32::from(self.repeats()),
            bytes_acked: 0,
            bytes_received: 0,
            held: 0,
            segs_out: u32::from(self.repeats()) + 1,
            segs_in: u32::from(self.peer.is_some()),
            snd_una: 0,
            snd_nxt: 1,
            rcv_nxt: u64::from(self.peer.is_some()),
            congestion: "",
            notsent: 0,
            snd_buf: self.socket.snd_buf,
            rcv_buf: self.socket.rcv_buf,
            tally: Tally {
                retransmits: u32::from(self.retransmits),
                backoff: u32::from(self.retransmits.saturating_sub(self.config.syn_linear_timeouts)),
                last_sent: self.sent,
                rcv_mss: 536,
                reordering: u32::from(self.config.dupthresh),
                ..Tally::EMPTY
            },
            congestion_info: crate::info::CongestionInfo::None,
            pacing_rate: None,
        }
    }
}
