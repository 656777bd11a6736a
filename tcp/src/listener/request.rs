//! A half-open request: passive SYN-RECEIVED as a small record, and what a SYN and a SYN-ACK agree on.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::Incoming;
use crate::accecn::{self, AccEcn, Mode, Mute};
use crate::cause::Rule;
use crate::config::{AccEcnOption, Config};
use crate::connection::user_timeout;
use crate::cookie::CookieOptions;
use crate::fast_open;
use crate::handshake::{EcnAgreed, Handshake, TimestampState, WindowScale};
use crate::isn::Tuple;
use crate::offer;
use crate::out::{EcnCodepoint, Note, Out, Outgoing};
use crate::segment::{FastOpenOption, Flags, Options, Segment, Timestamps};
use crate::seq::SeqNum;
use crate::time::{Duration, Time};

/// What the options of a SYN and our configuration have in common.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Agreed {
    /// The peer's MSS option; one of zero is none.
    pub(super) mss: Option<NonZeroU16>,
    /// The peer's window scale, if both scale.
    pub(super) wscale: Option<u8>,
    pub(super) timestamps: bool,
    pub(super) sack: bool,
    pub(super) ecn: Mode,
}

impl Agreed {
    /// What we can agree on with the sender of this SYN (RFC 7323, sections 2.2 and 3.2; RFC 2018, section 2; RFC
    /// 3168, section 6.1.1).
    pub(super) fn on_syn(config: &Config, incoming: &Incoming<'_>) -> Agreed {
        let Incoming { segment: syn, ecn, .. } = incoming;
        Agreed {
            mss: syn.options.mss.and_then(NonZeroU16::new),
            wscale: syn.options.wscale.map(|s| s.min(offer::MAX_SHIFT)).filter(|_| config.window_scaling),
            timestamps: syn.options.timestamps.is_some() && config.timestamps,
            sack: syn.options.sack_permitted && config.sack,
            ecn: accecn::granted(config, syn, *ecn),
        }
    }
    /// What a cookie can bring back of it: without timestamps nothing but the MSS (4987/3.6-OPTS), and AccECN, which
    /// the ACK tells of itself (RFC 9768, section 5.1).
    pub(super) fn in_cookie(self) -> Agreed {
        let ecn = if self.ecn == Mode::Classic { Mode::Off } else { self.ecn };
        if self.timestamps { self } else { Agreed { wscale: None, sack: false, ecn, ..self } }
    }
    /// For the low bits of the SYN-ACK's timestamp.
    pub(super) fn cookie_options(&self) -> CookieOptions {
        CookieOptions { wscale: self.wscale, sack: self.sack, ecn: self.ecn != Mode::Off }
    }
    /// What the ACK of a cookie, with these flags, tells; `ticks` is the echoed reading of our clock, if it has
    /// timestamps. An ACE field of two or more is an AccECN client's (RFC 9768, section 5.1).
    pub(super) fn from_cookie(config: &Config, mss: u16, ticks: Option<u32>, flags: Flags) -> Agreed {
        let ticks = ticks.filter(|_| config.timestamps);
        let options = ticks.map(CookieOptions::from_timestamp).unwrap_or_default();
        Agreed {
            mss: NonZeroU16::new(mss),
            wscale: options.wscale.filter(|_| config.window_scaling),
            timestamps: ticks.is_some(),
            sack: options.sack && config.sack,
            ecn: match accecn::grants(config) {
                Mode::Accurate if flags.ace() > 1 => Mode::Accurate,
                Mode::Classic | Mode::Accurate if options.ecn => Mode::Classic,
                _ => Mode::Off,
            },
        }
    }
    /// Our shift and the peer's.
    pub(super) fn window_scale(&self, config: &Config) -> Option<WindowScale> {
        self.wscale.map(|snd| WindowScale {
            snd,
            rcv: offer::shift_to_offer(config, config.rcv_buf, config.rcv_buf_max),
        })
    }
    /// The window that the SYN-ACK announces, in bytes.
    pub(super) fn window(&self, config: &Config, tuple: &Tuple, mtu: u16) -> u32 {
        let options = if self.timestamps { offer::TIMESTAMP_BYTES } else { 0 };
        let segment = offer::announced_mss(config, tuple, mtu).saturating_sub(options);
        offer::initial_window(config, config.rcv_buf, segment)
    }
    /// The flags and the AccECN option of the SYN-ACK that answers a SYN of codepoint `syn`, sent for the
    /// `repeats + 1`th time, `retries` of them by the timer (RFC 9768, sections 3.1.2, 3.1.4.2 and 3.2.3.2.2): the
    /// option goes first, then the flags.
    pub(super) fn put_ecn(
        &self,
        segment: &mut Segment,
        config: &Config,
        syn: EcnCodepoint,
        (repeats, retries): (u8, u8),
    ) {
        match self.ecn {
            Mode::Off => {}
            Mode::Classic => segment.flags |= Flags::ECE,
            Mode::Accurate if retries > 1 && config.ecn_fallback => {}
            Mode::Accurate => segment.flags |= accecn::reflect(syn),
        }
        if self.ecn == Mode::Accurate && repeats == 0 && config.accecn_option != AccEcnOption::Off {
            segment.options.accecn = accecn::syn_ack_option(&segment.options);
        }
    }
    /// The SYN-ACK, without its ECN flags.
    pub(super) fn syn_ack(
        &self,
        config: &Config,
        tuple: &Tuple,
        mtu: u16,
        (iss, irs): (SeqNum, SeqNum),
        timestamps: Timestamps,
    ) -> Segment {
        let mut options = Options {
            mss: Some(offer::announced_mss(config, tuple, mtu)),
            wscale: self.window_scale(config).map(|scale| scale.rcv),
            sack_permitted: self.sack,
            timestamps: self.timestamps.then_some(timestamps),
            order: config.option_order,
            ..Options::default()
        };
        options.user_timeout = user_timeout::on_syn(config.user_timeout_option, &options);
        Segment {
            src: tuple.local.port(),
            dst: tuple.remote.port(),
            seq: iss,
            ack: irs.add(1),
            flags: Flags::SYN | Flags::ACK,
            wnd: self.window(config, tuple, mtu) as u16,
            options,
            ..Segment::default()
        }
    }
}

/// A SYN without any ECN flag came after one that asked.
const NONE_ASKED: u8 = 1;
/// A soft ICMP error has come.
const UNREACHABLE: u8 = 2;

/// A half-open request. It has no buffers: text and FIN count only once the handshake is complete.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Request {
    pub(super) iss: SeqNum,
    pub(super) irs: SeqNum,
    pub(super) agreed: Agreed,
    pub(super) mtu: u16,
    /// When the first SYN-ACK was sent; [`Time::NEVER`]: nobody remembers.
    pub(super) since: Time,
    /// When the SYN-ACK is due again.
    pub(crate) deadline: Time,
    /// Its place among those that are due at that moment.
    pub(super) turn: u32,
    /// When the interval began in which replies are counted that are subject to the rate limit; [`Time::NEVER`]: none was sent.
    answering: Time,
    ts_offset: u32,
    /// TSval of the SYN: what every SYN-ACK echoes.
    ts_recent: u32,
    /// Repetitions by the timer.
    pub(crate) retries: u8,
    /// A bare ACK has come while data was waited for.
    pub(super) acked: bool,
    /// All repetitions of the SYN-ACK.
    repeats: u8,
    /// Codepoint of the last SYN.
    syn: EcnCodepoint,
    /// [`NONE_ASKED`] and [`UNREACHABLE`]; in the upper four how many replies were sent in the interval.
    bits: u8,
    /// Octets of the SYN's data that were accepted (RFC 7413).
    pub(crate) data: u16,
    /// The user timeout option of the SYN (RFC 5482).
    pub(super) user_timeout: Option<NonZeroU16>,
    /// The Fast Open option of the first SYN-ACK.
    pub(super) fast_open: Option<Box<FastOpenOption>>,
}

/// What a segment means for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays as it is; any reply is in `out`.
    Stays,
    /// The SYN-ACK was repeated: its timer starts anew.
    Answered,
    /// Back to LISTEN.
    Ends(Rule),
    /// The ACK of our SYN.
    Completes,
}

impl Request {
    pub(super) fn new(
        now: Time,
        incoming: &Incoming<'_>,
        agreed: Agreed,
        iss: SeqNum,
        ts_offset: u32,
    ) -> Request {
        Request {
            iss,
            irs: incoming.segment.seq,
            agreed,
            mtu: incoming.mtu,
            since: now,
            deadline: Time::NEVER,
            turn: 0,
            answering: Time::NEVER,
            ts_offset,
            ts_recent: incoming.segment.options.timestamps.map_or(0, |ts| ts.val),
            retries: 0,
            acked: false,
            repeats: 0,
            syn: incoming.ecn,
            bits: 0,
            data: 0,
            user_timeout: incoming.segment.options.user_timeout,
            fast_open: None,
        }
    }
    /// The request that a cookie stands for: its ACK is the first that we remember of it.
    pub(super) fn of_cookie(
        now: Time,
        ack: &Incoming<'_>,
        agreed: Agreed,
        iss: SeqNum,
        ts_offset: u32,
    ) -> Request {
        let irs = ack.segment.seq.add(u32::MAX);
        let syn = EcnCodepoint::NotEct;
        Request { irs, syn, since: Time::NEVER, ..Request::new(now, ack, agreed, iss, ts_offset) }
    }
    /// The Fast Open option of the answer: in the kind that the SYN has.
    pub(super) fn put_fast_open(&mut self, verdict: fast_open::Verdict, syn: &Segment) {
        let cookie = match verdict {
            fast_open::Verdict::Offer(cookie) | fast_open::Verdict::Accept(Some(cookie)) => cookie,
            fast_open::Verdict::Ordinary | fast_open::Verdict::Accept(None) => return,
        };
        let experimental = syn.options.fast_open.as_ref().is_some_and(|option| option.experimental);
        self.fast_open = Some(Box::new(FastOpenOption { cookie: Some(cookie), experimental }));
    }
    fn none_asked(&self) -> bool {
        self.bits & NONE_ASKED != 0
    }
    /// A soft ICMP error has come. Whether one had come before.
    pub(super) fn unreachable(&mut self) -> bool {
        let again = self.bits & UNREACHABLE != 0;
        self.bits |= UNREACHABLE;
        again
    }
    /// How long the next repetition is to wait (RFC 6298, sections 2.1 and 5.5).
    pub(crate) fn timeout(&self, config: &Config) -> Duration {
        config.backed_off(config.initial_rto, u32::from(self.retries))
    }
    fn timestamps(&self, now: Time) -> Timestamps {
        Timestamps { val: self.clock().val(now), ecr: self.ts_recent }
    }
    fn clock(&self) -> TimestampState {
        TimestampState { offset: self.ts_offset, recent: self.ts_recent, recent_at: self.since }
    }
    /// Sends the SYN-ACK.
    pub(crate) fn send(&self, now: Time, config: &Config, tuple: &Tuple, why: Rule, out: &mut Out) {
        let numbers = (self.iss, self.irs);
        let mut segment = self.agreed.syn_ack(config, tuple, self.mtu, numbers, self.timestamps(now));
        segment.ack = segment.ack.add(self.data.into());
        if !config.truesize {
            // What the SYN carried waits in the buffer, and its right edge stays (RFC 9293, section 3.8.6). Linux offers as much
            // behind the data: see `begin_fast_server`.
            segment.wnd = segment.wnd.saturating_sub(self.data);
        }
        // 7413/4.2.1-RTX
        segment.options.fast_open = self.fast_open.clone().filter(|_| self.repeats == 0);
        self.agreed.put_ecn(&mut segment, config, self.syn, (self.repeats, self.retries));
        let ecn = accecn::handshake_codepoint(config, self.agreed.ecn);
        out.segments.push(Outgoing { segment, why, ecn });
    }
    /// Sends it once more.
    pub(crate) fn repeat(&mut self, now: Time, config: &Config, tuple: &Tuple, why: Rule, out: &mut Out) {
        self.repeats = self.repeats.saturating_add(1);
        self.send(now, config, tuple, why, out);
    }

    /// SEGMENT ARRIVES in SYN-RECEIVED (RFC 9293, section 3.10.7.4). The ACK field of anything but a reset is looked
    /// at before its sequence number, as Linux does: what answers another connection's SYN-ACK is reset, wherever
    /// its numbers lie.
    pub(super) fn on_segment(
        &mut self,
        now: Time,
        config: &Config,
        incoming: &Incoming<'_>,
        out: &mut Out,
    ) -> Verdict {
        let segment = incoming.segment;
        let (rst, ack) = (segment.has(Flags::RST), segment.has(Flags::ACK));
        let stale = self.fails_paws(now, config, segment);
        if segment.seq == self.irs && segment.has(Flags::SYN) && !rst && !ack && !stale {
            return self.on_duplicate_syn(now, config, incoming, out);
        }
        if ack && !rst && segment.ack != self.iss.add(1) {
            refuse(config, segment, Rule::SynReceivedBadAck, out);
            return Verdict::Stays;
        }
        let wnd = self.agreed.window(config, &incoming.tuple, self.mtu);
        if rst {
            return self.on_rst(now, config, incoming, wnd, out);
        }
        if stale || !self.acceptable(segment, wnd) {
            let why = if stale { Rule::Paws } else { Rule::NotAcceptable };
            self.reply(now, config, incoming, why, out);
        } else if segment.has(Flags::SYN) {
            if config.syn_resets_request {
                refuse(config, segment, Rule::SynInRequest, out);
                return Verdict::Ends(Rule::SynInRequest);
            }
            if !config.challenge_syn {
                return Verdict::Ends(Rule::SynInRequest);
            }
            self.reply(now, config, incoming, Rule::ChallengeSyn, out);
        } else if !ack {
            out.notes.push(Note::Dropped(Rule::NoAckBit));
        } else if config.require_timestamps && self.agreed.timestamps && segment.options.timestamps.is_none()
        {
            out.notes.push(Note::Dropped(Rule::TimestampMissing));
        } else {
            return Verdict::Completes;
        }
        Verdict::Stays
    }

    /// The SYN again: the SYN-ACK is repeated, but not at any rate (9293/EV-SYNRCVD-DUPSYN).
    fn on_duplicate_syn(
        &mut self,
        now: Time,
        config: &Config,
        incoming: &Incoming<'_>,
        out: &mut Out,
    ) -> Verdict {
        if !self.may_reply(now, config, out) {
            out.notes.push(Note::Dropped(Rule::DuplicateSyn));
            return Verdict::Stays;
        }
        let mixed = match (self.agreed.ecn, incoming.segment.flags.ace()) {
            (Mode::Accurate, ace) => ace == 0b011,
            (Mode::Classic, ace) => ace != 0 && ace != 0b011,
            (Mode::Off, _) => false,
        };
        if mixed && config.accecn_mixed_reset && accecn::grants(config) == Mode::Accurate {
            reset_by_syn(self, incoming.segment, out);
            return Verdict::Ends(Rule::EcnMixed);
        }
        // The feedback is of the last SYN (9768/3.1.5-FEEDLATEST).
        self.syn = incoming.ecn;
        self.bits |= u8::from(incoming.segment.flags.ace() == 0) * NONE_ASKED;
        self.repeat(now, config, &incoming.tuple, Rule::DuplicateSyn, out);
        Verdict::Answered
    }
    /// RFC 5961, section 3.2; RFC 9293, section 3.10.7.4, second.
    fn on_rst(
        &mut self,
        now: Time,
        config: &Config,
        incoming: &Incoming<'_>,
        wnd: u32,
        out: &mut Out,
    ) -> Verdict {
        let distance = incoming.segment.seq.distance_from(self.irs.add(1));
        if distance == 0 || (distance < wnd && !config.challenge_rst) {
            return Verdict::Ends(Rule::ResetInSynReceived);
        }
        if distance < wnd {
            self.reply(now, config, incoming, Rule::ChallengeRst, out);
        } else {
            out.notes.push(Note::Dropped(Rule::RstIgnored));
        }
        Verdict::Stays
    }
    /// The test of RFC 9293, section 3.10.7.4, first.
    fn acceptable(&self, segment: &Segment, wnd: u32) -> bool {
        let inside = |seq: SeqNum| seq.distance_from(self.irs.add(1)) < wnd;
        let len = segment.seq_len();
        inside(segment.seq) || (len > 0 && inside(segment.seq.add(len - 1)))
    }
    /// RFC 7323, section 5.3, R1.
    fn fails_paws(&self, now: Time, config: &Config, segment: &Segment) -> bool {
        const OUTDATED: Duration = Duration::from_secs(24 * 24 * 3600);
        let older = |ts: Timestamps| (ts.val.wrapping_sub(self.ts_recent) as i32) < 0;
        config.paws
            && self.agreed.timestamps
            && segment.options.timestamps.is_some_and(older)
            && now.since(self.since) < OUTDATED
    }
    /// Drops the segment; <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, limited in rate.
    fn reply(&mut self, now: Time, config: &Config, incoming: &Incoming<'_>, why: Rule, out: &mut Out) {
        out.notes.push(Note::Dropped(why));
        if !self.may_reply(now, config, out) {
            return;
        }
        let scale = self.agreed.window_scale(config).unwrap_or_default();
        let wnd = self.agreed.window(config, &incoming.tuple, self.mtu) >> scale.rcv;
        let segment = Segment {
            src: incoming.tuple.local.port(),
            dst: incoming.tuple.remote.port(),
            seq: self.iss.add(1),
            ack: self.irs.add(1),
            flags: Flags::ACK,
            wnd: wnd as u16,
            options: Options {
                timestamps: self.agreed.timestamps.then(|| self.timestamps(now)),
                order: config.option_order,
                ..Options::default()
            },
            ..Segment::default()
        };
        out.segments.push(Outgoing { segment, why, ecn: EcnCodepoint::NotEct });
    }
    /// Whether the rate limit allows a reply now (RFC 5961, section 7).
    pub(crate) fn may_reply(&mut self, now: Time, config: &Config, out: &mut Out) -> bool {
        let may = config.may_answer_packed(now, &mut self.answering, &mut self.bits);
        if !may {
            out.notes.push(Note::Happened(Rule::ChallengeLimited));
        }
        may
    }

    /// What the connection begins with, once `last` has completed the handshake.
    pub(super) fn handshake(
        &self,
        now: Time,
        config: &Arc<Config>,
        tuple: Tuple,
        last: &Segment,
    ) -> Handshake {
        let wscale = self.agreed.window_scale(config);
        let mut clock = self.clock();
        if let Some(ts) = last.options.timestamps
            && is_at_or_before(last.seq, self.irs.add(1))
        {
            (clock.recent, clock.recent_at) = (ts.val, now);
        }
        // The window of a SYN is never scaled (RFC 7323, section 2.2).
        let shift = wscale.filter(|_| !last.has(Flags::SYN)).unwrap_or_default().snd;
        let told = self.agreed.mss.map(NonZeroU16::get);
        Handshake {
            config: Arc::clone(config),
            tuple,
            mtu: self.mtu,
            passive: true,
            iss: self.iss,
            irs: self.irs,
            snd_wnd: u32::from(last.wnd) << shift,
            snd_wl1: last.seq,
            rcv_wnd: self.agreed.window(config, &tuple, self.mtu),
            wscale,
            snd_mss: offer::send_mss(config, &tuple, self.mtu, told),
            peer_mss: offer::told_mss(&tuple, told),
            rcv_mss: offer::announced_mss(config, &tuple, self.mtu),
            timestamps: self.agreed.timestamps.then_some(clock),
            sack: self.agreed.sack,
            ecn: self.ecn_agreed(last, config),
            rtt: self.rtt(now, last).filter(|_| !last.has(Flags::SYN)),
            syn_acked: 0,
            retransmits: self.repeats,
        }
    }
    /// What was agreed on about ECN, once `last` has completed the handshake.
    fn ecn_agreed(&self, last: &Segment, config: &Config) -> EcnAgreed {
        match self.agreed.ecn {
            Mode::Off => EcnAgreed::Off,
            // 3168/6.1.1-NONSETUPRX
            Mode::Classic => EcnAgreed::Classic { ect: !self.none_asked() },
            Mode::Accurate => {
                let mut accurate = Box::new(AccEcn::new(self.syn));
                accurate.tells.last = self.syn;
                if self.none_asked() {
                    accurate.silence(Mute::GotNone);
                }
                if self.repeats > 1 {
                    accurate.silence(Mute::SentNone);
                }
                if !last.has(Flags::SYN) {
                    accurate.on_third_ack(last, config);
                }
                EcnAgreed::Accurate(accurate)
            }
        }
    }
    /// The round-trip time of SYN-ACK and ACK. After a repetition only the echoed timestamp tells which SYN-ACK was
    /// answered (RFC 6298, section 3).
    pub(crate) fn rtt(&self, now: Time, last: &Segment) -> Option<Duration> {
        if self.since == Time::NEVER {
            return None;
        }
        if self.repeats == 0 {
            return Some(now.since(self.since));
        }
        let ts = last.options.timestamps.filter(|_| self.agreed.timestamps)?;
        let ticks = self.clock().val(now).wrapping_sub(ts.ecr);
        let rtt = Duration::from_millis(u64::from(ticks));
        (rtt <= now.since(self.since) + Duration::from_millis(1)).then_some(rtt)
    }
}

/// Drops a segment and answers it with a reset.
pub(super) fn refuse(config: &Config, segment: &Segment, why: Rule, out: &mut Out) {
    out.notes.push(Note::Dropped(why));
    let reset = offer::reset_to(config, segment);
    out.segments.push(Outgoing { segment: reset, why, ecn: EcnCodepoint::NotEct });
}

/// Answers a SYN that ends a request: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>.
fn reset_by_syn(request: &Request, syn: &Segment, out: &mut Out) {
    out.notes.push(Note::Dropped(Rule::EcnMixed));
    let reset = Segment {
        src: syn.dst,
        dst: syn.src,
        seq: request.iss.add(1),
        ack: request.irs.add(1),
        flags: Flags::RST | Flags::ACK,
        ..Segment::default()
    };
    out.segments.push(Outgoing { segment: reset, why: Rule::EcnMixed, ecn: EcnCodepoint::NotEct });
}

/// Whether `a` does not come after `b`, modulo 2^32.
fn is_at_or_before(a: SeqNum, b: SeqNum) -> bool {
    (a.distance_from(b) as i32) <= 0
}
