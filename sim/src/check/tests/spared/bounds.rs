//! What may wait in memory.

use tcp::config::Congestion;
use tcp::{Config, Duration, Info, Running, State};

use super::super::laws::run::{A, B, Watched, each_host, scenario};
use crate::check::Law;
use crate::check::bounds::LENT;

/// What is told of a sender whose hosts are set up so, and whose connection reads so.
fn of_hosts(set: fn(&mut Config), change: fn(&mut Info, &mut Running)) -> Vec<Law> {
    let mut spec = scenario();
    each_host(&mut spec, set);
    let found = Watched::of(&spec).reading(A, State::FinWait1, change);
    found.iter().map(|violation| violation.law).collect()
}
/// The same where buffers count memory, or octets.
fn of_sender(truesize: bool, change: fn(&mut Info, &mut Running)) -> Vec<Law> {
    of_hosts(if truesize { |host| host.truesize = true } else { |host| host.truesize = false }, change)
}
fn sent(info: &mut Info, _: &mut Running) {
    (info.send_q, info.snd_nxt) = (20_000_000, info.snd_una + 20_000_000);
}
fn unsent(info: &mut Info, _: &mut Running) {
    info.send_q = 20_000_000;
}

/// What lies beyond a gap may fill all that was offered.
#[test]
fn beyond_a_gap_there_is_room_up_to_the_edge() {
    let of = |more: bool| {
        let found = Watched::of(&scenario()).reading(
            B,
            State::CloseWait,
            match more {
                false => |info, _| info.held = offered(info),
                true => |info, _| info.held = offered(info) + 1,
            },
        );
        found.iter().map(|violation| violation.law).collect::<Vec<_>>()
    };
    /// As the last ACK of `b` had it, whose window only grows here.
    fn offered(info: &Info) -> u64 {
        info.rcv_wnd
    }
    assert_eq!(of(false), []);
    assert_eq!(of(true), [Law::MemoryBounds]);
}

/// Linux asks for memory when an skb begins: what goes out of the last one, and is joined by the next write, asks for none.
#[test]
fn what_was_sent_is_bounded_by_windows_alone() {
    assert_eq!(of_sender(true, sent), []);
}
#[test]
fn what_was_never_sent_is_bounded_by_the_buffer_and_so_is_all_where_octets_count() {
    assert_eq!(of_sender(true, unsent), [Law::MemoryBounds]);
    assert_eq!(of_sender(false, sent), [Law::MemoryBounds]);
}

/// What is added to an RTO is added to what was measured; before that it may be as short as the first is (RFC 6298, section 5.7).
#[test]
fn an_rto_before_any_measurement_has_nothing_added() {
    let of = |change: fn(&mut Info, &mut Running)| {
        let adds = |host: &mut Config| {
            host.min_rto = Duration::from_secs(1);
            host.rto_slop = Duration::from_millis(200);
        };
        of_hosts(adds, change)
    };
    assert_eq!(of(|info, _| (info.srtt, info.rto) = (Duration::ZERO, Duration::from_secs(1))), []);
    assert_eq!(of(|info, _| info.rto = Duration::from_millis(1200)), []);
    assert_eq!(of(|info, _| info.rto = Duration::from_secs(1)), [Law::RtoBounds]);
}

/// What segments of BBR have earned they have earned in the size that they had.
#[test]
fn segments_that_have_become_shorter_keep_their_window() {
    let of = |change| of_hosts(|host| host.congestion = Congestion::Bbr, change);
    // What is on its way in segments of 1460 is more than as many segments of a hundred.
    assert_eq!(of(|info, _| (info.mss, info.cwnd) = (100, lent() + 300)), []);
    assert_eq!(of(|info, _| (info.mss, info.cwnd) = (100, lent() + 2_000)), [Law::CwndBounds]);
    /// What is lent, in segments.
    fn lent() -> u32 {
        LENT as u32 + 4 * 10
    }
}
