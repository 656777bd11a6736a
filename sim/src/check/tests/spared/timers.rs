//! How long a retransmission timer may run.

use tcp::{Config, Duration, Flags, Info, Rule, State};

use super::super::laws::run::{A, Watched, tuple};
use super::super::told::{B, ISS_A, ISS_B, Told, segment, tuple as told_tuple, with_data};
use crate::check::ends::{End, Ends};
use crate::check::{Findings, Law, Reading, timers};
use crate::trace::Trigger;
use crate::{Record, What};

const RTO: Duration = Duration::from_millis(300);
/// How long after it was sent last the first segment may wait.
const MOST: Duration = Duration::from_millis(4 * 300 + 1000);

/// Where `a` has just sent its last data and its FIN.
fn outstanding() -> Watched {
    Watched::new().until(|new| {
        new.iter().any(|record| {
            matches!(record, Record { what: What::State { node: A, to: State::FinWait1, .. }, .. })
        })
    })
}
fn end(ends: &mut Ends) -> &mut End {
    ends.get_mut(A, &tuple()).expect("it has begun")
}
/// Whether a timer is accused that ends so long after the first segment was sent last, and that by a nanosecond longer.
fn accused(watched: &mut Watched, after: Duration, config: &Config) -> [bool; 2] {
    [Duration::ZERO, Duration::from_nanos(1)].map(|more| {
        let (info, mut running) = watched.sim.reading(A, &tuple()).expect("it is open");
        let info = Info { rto: RTO, ..info };
        running.retransmit = Some(end(&mut watched.checks.ends).waits.since + after + more);
        let reading = Reading { node: A, tuple: tuple(), info: &info, running: &running, config };
        let mut found = Vec::new();
        let (event, time) = (watched.sim.events(), watched.sim.now());
        let findings = &mut Findings { event, time, found: &mut found };
        timers::look(&reading, &mut watched.checks.ends, findings);
        assert!(found.iter().all(|violation| violation.law == Law::TimerEnds), "{found:?}");
        !found.is_empty()
    })
}

#[test]
fn a_timer_may_run_four_times_the_rto_and_a_second() {
    assert_eq!(accused(&mut outstanding(), MOST, &Config::linux()), [false, true]);
}

/// The RTO may have been longer when the timer was started, but not before the segment was sent.
#[test]
fn the_longest_rto_counts() {
    let mut watched = outstanding();
    end(&mut watched.checks.ends).waits.rto = RTO * 10;
    assert_eq!(accused(&mut watched, MOST + RTO * 36, &Config::linux()), [false, true]);
    let (una, now) = (end(&mut watched.checks.ends).last.expect("it was read"), watched.sim.now());
    end(&mut watched.checks.ends).reads((una.0 + 1, una.1, una.2), now);
    assert_eq!(accused(&mut watched, MOST, &Config::linux()), [false, true]);
}

/// What a host misses while it is paused it does when it goes on.
#[test]
fn a_pause_does_not_count() {
    let (mut watched, pause) = (outstanding(), Duration::from_secs(50));
    let since = end(&mut watched.checks.ends).waits.since;
    watched.checks.goes_on(A, since + pause);
    assert_eq!(accused(&mut watched, pause + MOST, &Config::linux()), [false, true]);
}

/// Where the probe puts the timeout off (`tcp_schedule_loss_probe` of Linux), new data does; elsewhere nothing new counts.
#[test]
fn new_data_puts_it_off_on_linux() {
    let mut watched = outstanding();
    let later = Duration::from_secs(7);
    let waits = &mut end(&mut watched.checks.ends).waits;
    waits.sent = waits.since + later;
    assert_eq!(accused(&mut watched, later + MOST, &Config::linux()), [false, true]);
    for change in [|c: &mut Config| c.probe_puts_off_rto = false, |c: &mut Config| c.tail_loss_probe = false]
    {
        let mut config = Config::linux();
        change(&mut config);
        assert_eq!(accused(&mut watched, MOST, &config), [false, true]);
    }
}

/// Timeouts of FreeBSD, which adds 200 ms to each: it may have been rounded up once, and need not be doubled with the rest.
fn timeouts(freebsd: bool, third: u64) -> Vec<Law> {
    let mut told =
        Told::open(|_, config| *config = if freebsd { Config::freebsd() } else { Config::linux() });
    let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100);
    told.sends(A, data.clone(), Rule::Data, Trigger::Call);
    for wait in [1000, 304, third] {
        told.after(Duration::from_millis(wait)).sends(A, data.clone(), Rule::RtoRetransmit, Trigger::Timer);
    }
    told.found()
}
#[test]
fn what_is_added_to_a_timeout_is_not_doubled() {
    assert_eq!((timeouts(true, 352), timeouts(true, 255)), (vec![], vec![Law::BacksOff]));
    assert_eq!(timeouts(false, 352), [Law::BacksOff]);
}

/// An ACK in a segment that lies before the window is not looked at: nothing waits since then.
#[test]
fn an_ack_that_is_refused_puts_nothing_off() {
    let mut told = Told::open(|_, config| *config = Config::freebsd());
    let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100);
    told.sends(A, data, Rule::Data, Trigger::Call);
    told.reading(A, (1, 101, 1));
    let waits = |told: &Told| told.checks.ends.get(A, &told_tuple(A)).expect("it is open").waits.since;
    let before = waits(&told);
    told.after(Duration::from_secs(5)).stray(B, segment(Flags::ACK, ISS_B, ISS_A + 101));
    told.reading(A, (1, 101, 1));
    assert_eq!(waits(&told), before);
    told.reading(A, (101, 101, 1));
    assert_eq!(waits(&told), told.now);
}
