//! The listener alone, with a hand-made client on the other side.

mod flood;

use proptest::prelude::*;

use super::*;
use crate::accecn::Mode;
use crate::config::Ecn;
use crate::error::Errno;
use crate::payload::Payload;
use crate::segment::Options;
use crate::time::Duration;

const AT: Time = Time::from_nanos(500_000_000_000);
const SECRET: IsnSecret = IsnSecret([11, 12]);
const IRS: SeqNum = SeqNum(u32::MAX - 2);
const TSVAL: u32 = 777;
const SA: Flags = Flags::SYN.union(Flags::ACK);

fn after(ms: u64) -> Time {
    AT + Duration::from_millis(ms)
}
fn tuple(port: u16) -> Tuple {
    Tuple { local: ([10, 0, 0, 2], 5000).into(), remote: ([10, 0, 0, 1], port).into() }
}
fn listener(backlog: u32, change: impl FnOnce(&mut Config)) -> Listener {
    let mut config = Config::linux();
    change(&mut config);
    Listener::new(Arc::new(config), backlog)
}

/// A client: its port, and what its SYN offers.
#[derive(Clone)]
struct Client {
    port: u16,
    options: Options,
}

impl Client {
    fn new(port: u16) -> Client {
        let timestamps = Some(Timestamps { val: TSVAL, ecr: 0 });
        let syn = Options { mss: Some(1460), wscale: Some(10), sack_permitted: true, ..Options::default() };
        Client { port, options: Options { timestamps, ..syn } }
    }
    fn without_timestamps(port: u16) -> Client {
        let mut client = Client::new(port);
        client.options.timestamps = None;
        client
    }
    fn segment(&self, flags: Flags) -> Segment {
        Segment { src: self.port, dst: 5000, flags, wnd: 64_240, ..Segment::default() }
    }
    fn syn(&self) -> Segment {
        Segment { seq: IRS, options: self.options.clone(), ..self.segment(Flags::SYN) }
    }
    /// The ACK of this SYN-ACK, with `text`.
    fn ack(&self, syn_ack: &Segment, text: &[u8]) -> Segment {
        let timestamps = syn_ack.options.timestamps.map(|ts| Timestamps { val: TSVAL + 20, ecr: ts.val });
        Segment {
            seq: IRS.add(1),
            ack: syn_ack.seq.add(1),
            wnd: 63,
            options: Options { timestamps, ..Options::default() },
            payload: Payload::from_bytes(text),
            ..self.segment(Flags::ACK)
        }
    }
}

/// What came of a segment.
struct Reaction {
    replies: Vec<Outgoing>,
    notes: Vec<Note>,
    tcb: Option<Tcb>,
}

impl Reaction {
    fn only(&self) -> &Segment {
        assert_eq!(self.replies.len(), 1, "{:?} {:?}", self.replies, self.notes);
        &self.replies[0].segment
    }
    fn why(&self) -> Vec<Rule> {
        self.replies.iter().map(|reply| reply.why).collect()
    }
    /// The rule by which the segment was dropped without an answer.
    fn dropped(&self) -> Rule {
        assert!(self.replies.is_empty() && self.tcb.is_none(), "{:?}", self.replies);
        match self.notes[..] {
            [Note::Dropped(rule)] => rule,
            ref other => panic!("{other:?}"),
        }
    }
}

fn give(listener: &mut Listener, now: Time, segment: &Segment) -> Reaction {
    let incoming =
        Incoming { tuple: tuple(segment.src), mtu: 1500, segment, ecn: EcnCodepoint::NotEct, reopens: None };
    give_as(listener, now, incoming)
}
fn give_as(listener: &mut Listener, now: Time, incoming: Incoming<'_>) -> Reaction {
    let mut out = Out::default();
    let tcb = listener.on_segment(now, &incoming, &SECRET, &mut out);
    Reaction { replies: out.segments, notes: out.notes, tcb }
}
/// A SYN at `AT` and the SYN-ACK that answers it.
fn half_open(listener: &mut Listener, client: &Client) -> Segment {
    give(listener, AT, &client.syn()).only().clone()
}
/// A whole handshake, which must succeed.
fn connects(listener: &mut Listener, port: u16) -> Tcb {
    let client = Client::new(port);
    let syn_ack = half_open(listener, &client);
    give(listener, after(20), &client.ack(&syn_ack, b"")).tcb.expect("a connection")
}
/// Serves all deadlines up to `until` and returns the times, relative to `AT` in ms, and reasons of what was sent.
fn runs(listener: &mut Listener, until: Time) -> Vec<(u64, Rule)> {
    let mut sent = Vec::new();
    while listener.deadline() <= until {
        let now = listener.deadline();
        let mut out = Out::default();
        assert!(listener.on_deadline(now, &mut out).is_some());
        sent.extend(out.segments.iter().map(|reply| (now.since(AT).as_millis(), reply.why)));
    }
    sent
}

/// 9293/EV-LISTEN-RST, EV-LISTEN-ACK, EV-LISTEN-OTHER, EV-LISTEN-SYNFIN.
#[test]
fn listen_state() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let quiet =
        [Flags::RST, Flags::RST | Flags::ACK, Flags::FIN, Flags::PSH, Flags::NONE, Flags::FIN | Flags::URG];
    for flags in quiet.into_iter().chain([Flags::SYN | Flags::FIN, Flags::SYN | Flags::RST]) {
        assert_eq!(give(&mut listener, AT, &client.segment(flags)).dropped(), Rule::ListenIgnores, "{flags}");
    }
    for flags in [Flags::ACK, SA, Flags::FIN | Flags::ACK] {
        let segment = Segment { seq: SeqNum(5), ack: SeqNum(99), ..client.segment(flags) };
        let reaction = give(&mut listener, AT, &segment);
        let reset = Segment { src: 5000, dst: 1, seq: SeqNum(99), flags: Flags::RST, ..Segment::default() };
        assert_eq!((reaction.only(), reaction.why()), (&reset, vec![Rule::ListenGotAck]));
    }
    assert_eq!(listener.requests().count(), 0);
}

/// SAFE/LAND
#[test]
fn syn_from_itself_is_dropped() {
    let mut listener = listener(5, |_| {});
    let syn = Client::new(5000).syn();
    let own = Tuple { local: tuple(5000).local, remote: tuple(5000).local };
    let incoming =
        Incoming { tuple: own, mtu: 1500, segment: &syn, ecn: EcnCodepoint::NotEct, reopens: None };
    assert_eq!(give_as(&mut listener, AT, incoming).dropped(), Rule::ListenIgnores);
}

/// The captures echo_client_close, opt_nots_client, opt_nosack_client, opt_nowscale_client and opt_syn_nomss.
#[test]
fn syn_ack_offers_what_both_can() {
    let answer = |options: Options| {
        let client = Client { port: 1, options };
        let syn_ack = half_open(&mut listener(5, |_| {}), &client);
        assert_eq!((syn_ack.flags, syn_ack.ack), (SA, IRS.add(1)));
        (syn_ack.wnd, syn_ack.options)
    };
    let all = Client::new(1).options;
    let (wnd, options) = answer(all.clone());
    assert_eq!(
        (wnd, options.mss, options.wscale, options.sack_permitted),
        (65_160, Some(1460), Some(10), true)
    );
    assert_eq!(options.timestamps.map(|ts| ts.ecr), Some(TSVAL));
    let (wnd, options) = answer(Options { timestamps: None, ..all.clone() });
    assert_eq!((wnd, options.timestamps), (64_240, None));
    assert!(!answer(Options { sack_permitted: false, ..all.clone() }).1.sack_permitted);
    assert_eq!(answer(Options { wscale: None, ..all }).1.wscale, None);
    let only_mss = Options { mss: Some(1460), ..Options::default() };
    assert_eq!(answer(Options::default()), (64_240, only_mss));
}

/// 9293/EV-SYNRCVD-ACK: only the ACK of our SYN establishes; another is reset and costs nothing.
#[test]
fn third_ack() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    let good = client.ack(&syn_ack, b"");
    for wrong in [syn_ack.seq, syn_ack.seq.add(2), SeqNum(0)] {
        let reaction = give(&mut listener, after(10), &Segment { ack: wrong, ..good.clone() });
        assert_eq!(reaction.why(), [Rule::SynReceivedBadAck]);
        assert_eq!((reaction.only().seq, reaction.only().flags), (wrong, Flags::RST));
    }
    let reaction = give(&mut listener, after(20), &good);
    assert!(reaction.replies.is_empty());
    assert_eq!(reaction.tcb.expect("a connection").state(), State::Established);
    assert_eq!(listener.accept(), Some(tuple(1)));
    assert_eq!((listener.accept(), listener.requests().count(), listener.deadline()), (None, 0, Time::NEVER));
}

/// What the connection begins with.
#[test]
fn handshake_record() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    let ack = client.ack(&syn_ack, b"");
    let request = &listener.requests[&tuple(1)];
    let handshake = request.handshake(after(20), &listener.config, tuple(1), &ack);
    assert_eq!((handshake.iss, handshake.irs), (syn_ack.seq, IRS));
    assert_eq!((handshake.snd_wnd, handshake.rcv_wnd), (63 << 10, 65_160));
    assert_eq!((handshake.snd_mss, handshake.rcv_mss), (1460, 1460));
    assert_eq!((handshake.rtt, handshake.retransmits), (Some(Duration::from_millis(20)), 0));
    let timestamps = handshake.timestamps.expect("timestamps");
    assert_eq!((timestamps.recent, timestamps.recent_at), (TSVAL + 20, after(20)));
    // 6298/3-KARN: after a repetition, what the timestamp says.
    let reaction = give(&mut listener, after(900), &client.syn());
    let ack = client.ack(reaction.only(), b"");
    let request = &listener.requests[&tuple(1)];
    let handshake = request.handshake(after(930), &listener.config, tuple(1), &ack);
    assert_eq!((handshake.rtt, handshake.retransmits), (Some(Duration::from_millis(30)), 1));
    let ack = Segment { options: Options::default(), ..ack };
    assert_eq!(request.handshake(after(930), &listener.config, tuple(1), &ack).rtt, None);
}

/// Text and FIN of the segment that completes the handshake count; the capture lost_ack3_close.
#[test]
fn text_and_fin_of_the_third_segment() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    let tcb = give(&mut listener, after(20), &client.ack(&syn_ack, b"hello")).tcb.expect("a connection");
    assert_eq!((tcb.state(), tcb.readable()), (State::Established, (5, false)));
    let client = Client::new(2);
    let syn_ack = half_open(&mut listener, &client);
    let fin = Segment { flags: Flags::FIN | Flags::ACK, ..client.ack(&syn_ack, b"") };
    assert_eq!(give(&mut listener, after(20), &fin).tcb.expect("a connection").state(), State::CloseWait);
}

/// 9293/HS-DATA-ON-SYN: text on a SYN is not acknowledged, and so comes again behind the handshake, once.
#[test]
fn text_on_a_syn_comes_again() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn = Segment { payload: Payload::from_bytes(b"hello"), ..client.syn() };
    let syn_ack = give(&mut listener, AT, &syn).only().clone();
    assert_eq!(syn_ack.ack, IRS.add(1));
    let tcb = give(&mut listener, after(20), &client.ack(&syn_ack, b"hello")).tcb.expect("a connection");
    assert_eq!(tcb.readable(), (5, false));
}

/// 9293/EV-SYNRCVD-DUPSYN: the same ISS each time, one entry, bounded replies; the captures dup_syn_syn_recv, and
/// lost_synack_all: the timer starts anew, and what is echoed is the first SYN's timestamp.
#[test]
fn duplicate_syn() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    let mut again = client.syn();
    again.options.timestamps = Some(Timestamps { val: TSVAL + 100, ecr: 0 });
    let reaction = give(&mut listener, after(100), &again);
    assert_eq!((reaction.only().seq, reaction.why()), (syn_ack.seq, vec![Rule::DuplicateSyn]));
    assert_eq!(reaction.only().options.timestamps.map(|ts| ts.ecr), Some(TSVAL));
    assert_eq!(listener.deadline(), after(1100));
    for ms in 101..110 {
        let reaction = give(&mut listener, after(ms), &again);
        assert!(reaction.replies.is_empty());
        let limited = [Note::Happened(Rule::ChallengeLimited), Note::Dropped(Rule::DuplicateSyn)];
        assert_eq!(reaction.notes, limited);
    }
    assert_eq!(listener.requests().count(), 1);
}

/// RFC 6298, section 5.5, and SAFE/SYNREFL: 1, 3, 7, 15, 31 s, and at 63 s the request is forgotten.
#[test]
fn syn_ack_is_repeated_and_given_up() {
    let mut listener = listener(5, |_| {});
    half_open(&mut listener, &Client::new(1));
    let times = [1000, 3000, 7000, 15_000, 31_000].map(|ms| (ms, Rule::SynAckRetransmit));
    assert_eq!(runs(&mut listener, after(62_999)), times);
    assert_eq!(listener.requests().map(|request| request.retries).collect::<Vec<_>>(), [5]);
    assert_eq!(runs(&mut listener, after(63_000)), []);
    assert_eq!((listener.requests().count(), listener.young, listener.deadline()), (0, 0, Time::NEVER));
}

/// Of requests that are due at one moment the one that came first is served first, whatever its port.
#[test]
fn due_at_one_moment() {
    let mut listener = listener(5, |_| {});
    for port in [7, 9, 3, 5] {
        half_open(&mut listener, &Client::new(port));
    }
    let mut served = |now| {
        let mut out = Out::default();
        std::iter::from_fn(|| listener.on_deadline(now, &mut out))
            .map(|tuple| tuple.remote.port())
            .collect::<Vec<_>>()
    };
    assert_eq!(served(after(1000)), [7, 9, 3, 5]);
    assert_eq!(served(after(3000)), [7, 9, 3, 5]);
    // One that was answered anew waits behind the others of its new moment, one that has ended does not disturb them.
    give(&mut listener, after(3500), &Client::new(7).syn());
    let reset = Segment { seq: IRS.add(1), ..Client::new(9).segment(Flags::RST) };
    give(&mut listener, after(3500), &reset);
    let mut out = Out::default();
    let served = std::iter::from_fn(|| listener.on_deadline(after(60_000), &mut out));
    assert_eq!(served.map(|tuple| tuple.remote.port()).take(3).collect::<Vec<_>>(), [3, 5, 7]);
}

/// With a kernel's timer wheel the bucket is served from its last end: what came last is repeated first, and since all are armed
/// again in that order, it is last the next time (capture syn_flood_cookies). Of two buckets that are due with one tick
/// the coarser is served first.
#[test]
fn due_with_one_tick_of_a_wheel() {
    let mut listener = listener(5, |config| config.hz = Some(250));
    for port in [7, 9, 3, 5] {
        half_open(&mut listener, &Client::new(port));
    }
    let mut served = |now: &mut Time| {
        *now = listener.deadline();
        let mut out = Out::default();
        std::iter::from_fn(|| listener.on_deadline(*now, &mut out))
            .map(|tuple| tuple.remote.port())
            .collect::<Vec<_>>()
    };
    let mut now = AT;
    assert_eq!(served(&mut now), [5, 3, 9, 7]);
    assert_eq!(served(&mut now), [7, 9, 3, 5]);
    // The third time 4 s are waited for, in buckets of 256 ms; what comes a second before that, in one of 32.
    let coarse = listener.deadline();
    give(&mut listener, coarse - Duration::from_millis(1010), &Client::new(4).syn());
    give(&mut listener, coarse - Duration::from_millis(1009), &Client::new(6).syn());
    assert_eq!(listener.deadline(), coarse);
    let mut out = Out::default();
    let served = std::iter::from_fn(|| listener.on_deadline(coarse, &mut out));
    assert_eq!(served.map(|tuple| tuple.remote.port()).collect::<Vec<_>>(), [5, 3, 9, 7, 6, 4]);
}

/// 9293/MUST-11, 5961/3.2: a reset at RCV.NXT returns to LISTEN in silence; one in the window is challenged.
#[test]
fn reset_of_a_request() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    let reset = |seq: u32| Segment { seq: IRS.add(seq), ..client.segment(Flags::RST) };
    assert_eq!(give(&mut listener, AT, &reset(0)).dropped(), Rule::RstIgnored);
    assert_eq!(give(&mut listener, AT, &reset(70_000)).dropped(), Rule::RstIgnored);
    let challenge = give(&mut listener, AT, &reset(2));
    assert_eq!(challenge.why(), [Rule::ChallengeRst]);
    assert_eq!((challenge.only().seq, challenge.only().ack), (syn_ack.seq.add(1), IRS.add(1)));
    let end = give(&mut listener, AT, &reset(1));
    assert!(end.replies.is_empty());
    let note = Note::State { from: State::SynReceived, to: State::Listen, why: Rule::ResetInSynReceived };
    assert_eq!((end.notes, listener.requests().count()), (vec![note], 0));
}

/// 7323/3.2-RSTTS: the reset for a wrong ACK.
#[test]
fn reset_of_a_wrong_ack_echoes_the_timestamp_under_rfc() {
    for (reset_timestamps, echo) in [(true, Some(Timestamps { val: 0, ecr: TSVAL + 20 })), (false, None)] {
        let mut listener = listener(5, |c| c.reset_timestamps = reset_timestamps);
        let client = Client::new(1);
        let syn_ack = half_open(&mut listener, &client);
        let mut ack = client.ack(&syn_ack, b"");
        ack.ack = ack.ack.add(7);
        let reaction = give(&mut listener, after(20), &ack);
        assert_eq!((reaction.only().flags, reaction.only().options.timestamps), (Flags::RST, echo));
    }
}

/// 9293/MUST-54, 5927/4.1-SEQ: an ICMP error finds the request it quotes. Under Linux a soft error ends it, to the
/// letter a hard one does.
#[test]
fn icmp_for_a_request() {
    let (soft, hard) = (IcmpError::Soft(Errno::EHOSTUNREACH), IcmpError::Hard(Errno::ECONNREFUSED));
    for (rfc, error, ends) in
        [(false, soft, true), (false, hard, false), (true, soft, false), (true, hard, true)]
    {
        let mut listener = listener(5, |config| {
            config.icmp_hard_errors = rfc;
            config.icmp_aborts_connect = !rfc;
        });
        let client = Client::new(1);
        let iss = half_open(&mut listener, &client).seq;
        let mut out = Out::default();
        assert!(!listener.on_icmp(&tuple(2), error, iss, &mut out), "another's");
        assert!(listener.on_icmp(&tuple(client.port), error, iss.add(1), &mut out));
        assert_eq!(out.notes, [Note::Dropped(Rule::IcmpOutOfWindow)]);
        assert!(listener.on_icmp(&tuple(client.port), error, iss, &mut out));
        assert_eq!(listener.requests().count(), usize::from(!ends));
        assert_eq!(listener.deadline() == Time::NEVER, ends);
    }
}

/// 9293/EV-SYNRCVD-SYN-INWIN: RFC 5961's path, and RFC 793's.
#[test]
fn another_syn_in_the_window() {
    let client = Client::new(1);
    let syn = Segment { seq: IRS.add(1000), ..client.syn() };
    let mut modern = listener(5, |config| config.syn_resets_request = false);
    half_open(&mut modern, &client);
    assert_eq!(give(&mut modern, AT, &syn).why(), [Rule::ChallengeSyn]);
    assert_eq!(modern.requests().count(), 1);
    let mut old = listener(5, |config| (config.challenge_syn, config.syn_resets_request) = (false, false));
    half_open(&mut old, &client);
    assert!(give(&mut old, AT, &syn).replies.is_empty());
    assert_eq!(old.requests().count(), 0);
}

/// Linux 6.18, asked with packetdrill: the SYN is reset as one for nobody, a SYN-ACK with the right ACK as well, and the
/// request is gone.
#[test]
fn another_syn_in_the_window_resets_under_linux() {
    let client = Client::new(1);
    let mut linux = listener(5, |_| {});
    let ours = half_open(&mut linux, &client);
    let syn = Segment { seq: IRS.add(1000), ..client.syn() };
    let reaction = give(&mut linux, AT, &syn);
    assert_eq!(reaction.why(), [Rule::SynInRequest]);
    let reset = reaction.only();
    assert_eq!((reset.flags, reset.seq, reset.ack), (Flags::RST | Flags::ACK, SeqNum(0), IRS.add(1001)));
    assert_eq!(linux.requests().count(), 0);

    half_open(&mut linux, &client);
    let syn_ack = Segment { ack: ours.seq.add(1), flags: Flags::SYN | Flags::ACK, ..syn };
    let reset = give(&mut linux, AT, &syn_ack).only().clone();
    assert_eq!((reset.flags, reset.seq), (Flags::RST, ours.seq.add(1)));
    assert_eq!(linux.requests().count(), 0);
}

/// 9293/SEQ-ACCEPT in SYN-RECEIVED, 7323/5.3-R1: what does not fit is answered and changes nothing.
#[test]
fn unacceptable_segments() {
    let client = Client::new(1);
    let reaction_to = |change: &dyn Fn(&mut Segment)| {
        let mut listener = listener(5, |config| config.require_timestamps = true);
        let syn_ack = half_open(&mut listener, &client);
        let mut segment = client.ack(&syn_ack, b"");
        change(&mut segment);
        let reaction = give(&mut listener, AT, &segment);
        assert_eq!(listener.requests().count(), 1);
        reaction
    };
    let old = reaction_to(&|segment| segment.seq = IRS);
    assert_eq!(old.why(), [Rule::NotAcceptable]);
    assert_eq!((old.only().ack, old.only().wnd), (IRS.add(1), 63));
    let beyond = reaction_to(&|segment| segment.seq = IRS.add(70_000));
    assert_eq!(beyond.why(), [Rule::NotAcceptable]);
    let stale = reaction_to(&|segment| {
        segment.options.timestamps = Some(Timestamps { val: TSVAL - 1, ecr: 0 });
    });
    assert_eq!(stale.why(), [Rule::Paws]);
    let bare = reaction_to(&|segment| segment.options.timestamps = None);
    assert_eq!(bare.dropped(), Rule::TimestampMissing);
    assert_eq!(reaction_to(&|segment| segment.flags = Flags::PSH).dropped(), Rule::NoAckBit);
}

/// 9293/SEQ-ACCEPT: of data that begins before the window the last octet counts.
#[test]
fn data_that_reaches_into_the_window_is_acceptable() {
    let client = Client::without_timestamps(1);
    let reaction_to = |text: &[u8]| {
        let mut listener = listener(5, |_| {});
        let syn_ack = half_open(&mut listener, &client);
        give(&mut listener, AT, &Segment { seq: IRS, ..client.ack(&syn_ack, text) })
    };
    let before = reaction_to(b"x");
    assert_eq!((before.why(), before.tcb.is_none()), (vec![Rule::NotAcceptable], true));
    // The first octet stands where the SYN does and is passed over; the second is the first of the stream.
    let into = reaction_to(b"xy").tcb.expect("it opens");
    assert_eq!((into.state(), into.readable()), (State::Established, (1, false)));
}

/// 3168/6.1.1: ECN is granted to who asks for it; the capture ecn_default.
#[test]
fn ecn_is_negotiated() {
    let granted = |flags: Flags, ecn: EcnCodepoint, config: Ecn| {
        let mut listener = listener(5, |c| c.ecn = config);
        let syn = Segment { flags: flags | Flags::SYN, ..Client::new(1).syn() };
        let incoming = Incoming { tuple: tuple(1), mtu: 1500, segment: &syn, ecn, reopens: None };
        let reaction = give_as(&mut listener, AT, incoming);
        assert_eq!(reaction.replies[0].ecn, EcnCodepoint::NotEct);
        let flags = reaction.only().flags;
        assert!(!flags.contains(Flags::CWR));
        flags.contains(Flags::ECE)
    };
    let asks = Flags::ECE | Flags::CWR;
    assert!(granted(asks, EcnCodepoint::NotEct, Ecn::Passive));
    assert!(granted(asks | Flags::AE, EcnCodepoint::NotEct, Ecn::Passive));
    assert!(!granted(asks, EcnCodepoint::NotEct, Ecn::Off));
    assert!(!granted(asks, EcnCodepoint::Ect0, Ecn::Passive));
    assert!(!granted(Flags::ECE, EcnCodepoint::NotEct, Ecn::Passive));
}

/// RFC 9293, section 3.6.1, 6528/3-REUSE: the new connection's numbers lie above the old one's; under Linux they follow them
/// whatever was drawn (`time_wait_without_cookies.pkt`).
#[test]
fn reopened_from_time_wait() {
    let syn = Client::new(1).syn();
    let drawn = SECRET.isn(Config::linux().isn, &tuple(1), AT);
    let far = drawn.add(u32::MAX - 1000);
    for (above, follows, expected) in [
        (far, false, drawn),
        (far, true, far.add(65_537)),
        (drawn, false, drawn.add(65_537)),
        (drawn.add(9), false, drawn.add(65_546)),
    ] {
        let incoming = Incoming {
            tuple: tuple(1),
            mtu: 1500,
            segment: &syn,
            ecn: EcnCodepoint::NotEct,
            reopens: Some(above),
        };
        let reaction =
            give_as(&mut listener(5, |config| config.isn_follows_time_wait = follows), AT, incoming);
        assert_eq!(reaction.only().seq, expected);
        let note = Note::State { from: State::TimeWait, to: State::Closed, why: Rule::TimeWaitReused };
        assert_eq!(reaction.notes[0], note);
    }
}

/// The ablation: complete on the SYN.
#[test]
fn two_way_handshake() {
    let mut listener = listener(5, |config| config.two_way_handshake = true);
    let reaction = give(&mut listener, AT, &Client::new(1).syn());
    assert_eq!(reaction.only().flags, SA);
    assert_eq!(reaction.tcb.expect("a connection").state(), State::Established);
    assert_eq!(listener.waiting(), 1);
}

/// 4987/3.5-CACHE
#[test]
fn a_request_is_small() {
    assert!(size_of::<Request>() <= 72, "{}", size_of::<Request>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// SAFE: whatever arrives, nothing panics, and both queues keep their bounds.
    #[test]
    fn any_segments(
        segments in proptest::collection::vec(
            (1..40u16, 0..0x200u16, 0..4u32, 0..4u32, any::<[Option<u8>; 3]>(), 0..3000u64, 0..3u32), 0..200),
        cookies in 0..3u8,
    ) {
        let mut listener = listener(4, |config| config.syn_cookies = match cookies {
            0 => SynCookies::Off,
            1 => SynCookies::UnderPressure,
            _ => SynCookies::Always,
        });
        let mut now = AT;
        let mut last = [SeqNum(0); 40];
        for (port, flags, seq, ack, [mss, wscale, ts], wait, len) in segments {
            now += Duration::from_millis(wait);
            runs(&mut listener, now);
            let segment = Segment {
                seq: IRS.add(seq),
                ack: last[usize::from(port)].add(ack),
                options: Options {
                    mss: mss.map(u16::from),
                    wscale,
                    timestamps: ts.map(|ts| Timestamps { val: u32::from(ts), ecr: 0 }),
                    ..Options::default()
                },
                payload: Payload::from_bytes(&vec![b'x'; len as usize]),
                ..Client::new(port).segment(Flags(flags))
            };
            let reaction = give(&mut listener, now, &segment);
            for reply in reaction.replies.iter().filter(|reply| reply.segment.has(SA)) {
                last[usize::from(port)] = reply.segment.seq;
            }
            prop_assert!(listener.requests().count() <= 5 && listener.waiting() <= 5);
            prop_assert_eq!(listener.requests.len(), listener.timers.len());
        }
    }
}

/// 7323/4.3-RECENT: data that completes the handshake from beyond a gap does not set TS.Recent: what fills the gap was sent
/// before it, and PAWS must let it pass.
#[test]
fn data_beyond_a_gap_completes_the_handshake() {
    let mut listener = listener(5, |_| {});
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    let mut late = client.ack(&syn_ack, b"world");
    late.seq = late.seq.add(6);
    late.options.timestamps = late.options.timestamps.map(|ts| Timestamps { val: TSVAL + 500, ..ts });
    let mut tcb = give(&mut listener, after(20), &late).tcb.expect("a connection");
    let mut out = Out::default();
    tcb.on_segment(after(21), &client.ack(&syn_ack, b"hello "), EcnCodepoint::NotEct, &mut out);
    assert_eq!(tcb.readable(), (11, false), "{:?}", out.notes);
}
