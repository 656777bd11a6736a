//! The client of an echo: our FIN was 6, the peer's FIN 6, so both sides count 7.

use super::*;
use crate::payload::Payload;

const AT: Time = Time::from_nanos(1_000_000_000);
const RECENT: u32 = 5000;

fn record(config: Config, timestamps: bool) -> TimeWait {
    let timestamps = timestamps.then_some(TimestampState { offset: 100, recent: RECENT, recent_at: AT });
    let last = Last {
        local_port: 40_000,
        remote_port: 5000,
        snd_nxt: SeqNum(7),
        rcv_nxt: SeqNum(7),
        wnd: 63,
        rcv_wscale: 10,
        timestamps,
        ace: Flags::NONE,
    };
    TimeWait::new(AT, Arc::new(config), last)
}
fn segment(seq: u32, flags: Flags, len: u32, ts: Option<u32>) -> Segment {
    Segment {
        src: 5000,
        dst: 40_000,
        seq: SeqNum(seq),
        ack: SeqNum(7),
        flags,
        payload: Payload::Pattern { stream: 0, offset: 0, len }.slice(0, len),
        options: Options { timestamps: ts.map(|val| Timestamps { val, ecr: 0 }), ..Options::default() },
        ..Segment::default()
    }
}
/// What comes of `segment`, the reasons of the replies, and the notes.
fn give(record: &mut TimeWait, now: Time, segment: &Segment) -> (TimeWaitOutcome, Vec<Rule>, Vec<Note>) {
    let mut out = Out::default();
    let outcome = record.on_segment(now, segment, &mut out);
    for reply in &out.segments {
        assert_eq!((reply.segment.seq, reply.segment.ack), (SeqNum(7), SeqNum(7)));
        assert_eq!((reply.segment.flags, reply.segment.wnd), (Flags::ACK, 63));
    }
    (outcome, out.segments.iter().map(|o| o.why).collect(), out.notes)
}
/// Dropped, and answered.
fn stays(rule: Rule) -> (TimeWaitOutcome, Vec<Rule>, Vec<Note>) {
    let notes = if rule == Rule::TimeWaitReAck { vec![] } else { vec![Note::Dropped(rule)] };
    (TimeWaitOutcome::Stays, vec![rule], notes)
}
fn dropped(rule: Rule) -> (TimeWaitOutcome, Vec<Rule>, Vec<Note>) {
    (TimeWaitOutcome::Stays, vec![], vec![Note::Dropped(rule)])
}
const FA: Flags = Flags::FIN.union(Flags::ACK);

/// 9293/EV-TW-FIN; the capture lost_final_ack: the answer still echoes the timestamp of the first FIN.
#[test]
fn retransmitted_fin_is_acknowledged_and_restarts_2msl() {
    let mut record = record(Config::linux(), true);
    let later = AT + Duration::from_secs(30);
    assert_eq!(record.deadline(), AT + Duration::from_secs(60));
    let mut out = Out::default();
    record.on_segment(later, &segment(6, FA, 0, Some(RECENT + 226)), &mut out);
    let reply = &out.segments[0];
    assert_eq!(reply.why, Rule::TimeWaitReAck);
    assert_eq!(reply.segment.options.timestamps, Some(Timestamps { val: 31_100, ecr: RECENT }));
    assert_eq!(record.deadline(), later + Duration::from_secs(60));
    // The same with data in front of the FIN, and however often: a FIN is not limited in rate.
    assert_eq!(give(&mut record, later, &segment(1, FA, 5, Some(RECENT))), stays(Rule::TimeWaitReAck));
}

/// 9768/3.2.2-ACE: on all segments, these too.
#[test]
fn tells_how_many_packets_were_marked() {
    let mut record = record(Config::rfc(), true);
    record.last.bits |= Flags::of_ace(6).ace();
    let mut out = Out::default();
    record.on_segment(AT, &segment(6, FA, 0, Some(RECENT)), &mut out);
    assert_eq!(out.segments[0].segment.flags, Flags::ACK | Flags::of_ace(6));
    assert_eq!(record.timestamps().map(|ts| ts.recent), Some(RECENT), "the bits beside are not disturbed");
}

/// 9293/EV-TW-EXPIRE: silently.
#[test]
fn expires_in_silence() {
    let mut record = record(Config::linux(), true);
    let mut out = Out::default();
    assert!(!record.on_deadline(AT + Duration::from_secs(59), &mut out));
    assert!(record.on_deadline(AT + Duration::from_secs(60), &mut out));
    assert!(out.segments.is_empty());
}

/// 9293/EV-TW-DATA; the capture tw_old_data.
#[test]
fn data_is_acknowledged_and_nothing_restarts() {
    let mut record = record(Config::linux(), true);
    let deadline = record.deadline();
    let old = segment(1, Flags::ACK, 5, Some(RECENT - 200));
    assert_eq!(give(&mut record, AT, &old), stays(Rule::TimeWaitAck));
    assert_eq!(give(&mut record, AT, &segment(1, Flags::ACK, 5, Some(RECENT))), stays(Rule::TimeWaitAck));
    assert_eq!(give(&mut record, AT, &segment(7, Flags::ACK, 5, Some(RECENT))), stays(Rule::TimeWaitAck));
    assert_eq!(record.deadline(), deadline);
    // A pure ACK of all that was sent needs no answer.
    let ack = segment(7, Flags::ACK, 0, Some(RECENT));
    assert_eq!(give(&mut record, AT, &ack), (TimeWaitOutcome::Stays, vec![], vec![]));
    assert_eq!(give(&mut record, AT, &segment(7, Flags::NONE, 0, None)), dropped(Rule::NoAckBit));
    // 7323/5.3-R1: unless it is old.
    assert_eq!(give(&mut record, AT, &segment(7, Flags::ACK, 0, Some(RECENT - 1))), stays(Rule::Paws));
}

/// 5961/7-ACKLOOP, 5961/7-PERCONN.
#[test]
fn answers_to_what_carries_no_data_are_limited() {
    let mut record = record(Config::linux(), true);
    let probe = segment(6, Flags::ACK, 0, Some(RECENT));
    assert_eq!(give(&mut record, AT, &probe), stays(Rule::TimeWaitAck));
    let limited = vec![Note::Dropped(Rule::TimeWaitAck), Note::Happened(Rule::ChallengeLimited)];
    assert_eq!(give(&mut record, AT, &probe), (TimeWaitOutcome::Stays, vec![], limited));
    assert_eq!(give(&mut record, AT + Duration::from_millis(500), &probe), stays(Rule::TimeWaitAck));
}

/// The capture tw_rst; 5961/3.2; 1337/3-F1.
#[test]
fn reset_at_rcv_nxt_ends_it_unless_rfc1337() {
    let mut linux = record(Config::linux(), true);
    let exact = segment(7, Flags::RST, 0, None);
    assert_eq!(give(&mut linux, AT, &segment(6, Flags::RST, 0, None)), dropped(Rule::RstIgnored));
    assert_eq!(give(&mut linux, AT, &segment(8, Flags::RST, 0, None)), stays(Rule::ChallengeRst));
    // 7323/5.2-RSTPAWS: an old timestamp does not save it.
    let (outcome, replies, _) = give(&mut linux, AT, &segment(7, Flags::RST, 0, Some(RECENT - 1)));
    assert_eq!((outcome, replies), (TimeWaitOutcome::Ended, vec![]));
    let mut rfc = record(Config::rfc(), true);
    assert_eq!(give(&mut rfc, AT, &exact), dropped(Rule::TimeWaitRstIgnored));
}

fn takes_syn(record: &mut TimeWait, seq: u32, ts: Option<u32>) -> bool {
    match give(record, AT + Duration::from_secs(1), &segment(seq, Flags::SYN, 0, ts)) {
        (TimeWaitOutcome::NewSyn(above), replies, _) => {
            assert_eq!((above, replies.len()), (SeqNum(7), 0));
            true
        }
        (outcome, _, _) => {
            assert_eq!(outcome, TimeWaitOutcome::Stays);
            false
        }
    }
}

/// 6191/2-TSGT, 2-TSEQ, 2-NOTS-SEQ, 2-DROP, 2-LASTSEQ: the old connection used timestamps.
#[test]
fn syn_after_timestamps() {
    let mut record = record(Config::linux(), true);
    assert!(takes_syn(&mut record, 3, Some(RECENT + 1)));
    assert!(takes_syn(&mut record, 7, Some(RECENT)));
    assert!(!takes_syn(&mut record, 6, Some(RECENT)));
    assert!(!takes_syn(&mut record, 100, Some(RECENT - 1)));
    assert!(takes_syn(&mut record, 7, None));
    assert!(!takes_syn(&mut record, 6, None));
}

/// 6191/2-OLDNOTS-TS, 2-OLDNOTS-SEQ; the capture tw_stale_syn_lowseq: the refused SYN draws an ACK.
#[test]
fn syn_without_timestamps() {
    let mut record = record(Config::linux(), false);
    assert!(takes_syn(&mut record, 3, Some(1)));
    assert!(takes_syn(&mut record, 7, None));
    assert!(!takes_syn(&mut record, 6, None));
    let stale = segment(0u32.wrapping_sub(49_993), Flags::SYN, 0, None);
    assert_eq!(give(&mut record, AT + Duration::from_secs(9), &stale), stays(Rule::TimeWaitSynRefused));
    let mut config = Config::linux();
    config.time_wait_accepts_syn = false;
    config.challenge_syn = false;
    let mut strict = self::record(config, false);
    assert_eq!(give(&mut strict, AT, &segment(9, Flags::SYN, 0, None)), dropped(Rule::TimeWaitSynRefused));
}

/// The capture old_syn_server_listen: a SYN-ACK into TIME-WAIT draws an ACK of the old numbers.
#[test]
fn syn_ack_is_challenged() {
    let mut record = record(Config::linux(), true);
    let syn_ack = segment(0, Flags::SYN | Flags::ACK, 0, Some(RECENT + 1));
    assert_eq!(give(&mut record, AT, &syn_ack), stays(Rule::ChallengeSyn));
}

/// The captures tw_client_reconnect_ts, tw_client_reconnect_nots and tw_client_autoport.
#[test]
fn reuse_by_an_active_open() {
    let with = record(Config::linux(), true);
    let soon = AT + Duration::from_millis(500);
    let late = AT + Duration::from_millis(1500);
    assert!(with.reusable(soon, true, false));
    assert!(!with.reusable(late, false, false));
    assert!(with.reusable(late, false, true) && !with.reusable(soon, false, true));
    assert!(!record(Config::linux(), false).reusable(late, true, true));
}

/// 9293/SEQ-ACCEPT: the four lines of table 6, each at both edges.
#[test]
fn acceptable_is_what_table_6_says() {
    let mut record = record(Config::linux(), false);
    let wnd = 63 << 10;
    let acceptable =
        |record: &TimeWait, seq: u32, len: u32| record.acceptable(&segment(seq, Flags::ACK, len, None));
    for (seq, len, expected) in [
        (6, 0, false),
        (7, 0, true),
        (6 + wnd, 0, true),
        (7 + wnd, 0, false),
        // Data: its first or its last octet is in the window.
        (5, 2, false),
        (5, 3, true),
        (6 + wnd, 3, true),
        (7 + wnd, 3, false),
    ] {
        assert_eq!(acceptable(&record, seq, len), expected, "{len} octets from {seq}");
    }
    record.last.wnd = 0;
    for (seq, len, expected) in [(6, 0, false), (7, 0, true), (8, 0, false), (7, 1, false), (6, 2, false)] {
        assert_eq!(acceptable(&record, seq, len), expected, "{len} octets from {seq}, no window");
    }
}

#[test]
fn is_small() {
    assert!(size_of::<TimeWait>() <= 64, "{}", size_of::<TimeWait>());
}

/// 7323/5.5-IDLE: TS.Recent that is 24 days old says nothing any more, and a younger one does.
#[test]
fn an_outdated_timestamp_says_nothing() {
    let day = Duration::from_secs(24 * 3600);
    for (days, passes) in [(2, false), (23, false), (25, true)] {
        let mut record = record(Config::linux(), true);
        let (_, rules, _) = give(&mut record, AT + day * days, &segment(7, Flags::ACK, 0, Some(RECENT - 1)));
        assert_eq!(rules != [Rule::Paws], passes, "{days} days: {rules:?}");
    }
}

/// `tcp_tw_reuse` 0: only a port that the program has chosen, not even over the loopback interface.
#[test]
fn reuse_may_be_off() {
    let off = record(Config { tw_reuse: 0, ..Config::linux() }, true);
    let late = AT + Duration::from_millis(1500);
    assert!(off.reusable(late, true, false) && !off.reusable(late, false, true));
    let on = record(Config { tw_reuse: 1, ..Config::linux() }, true);
    assert!(on.reusable(late, false, false));
}
