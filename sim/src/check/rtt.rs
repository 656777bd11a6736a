//! Round-trip times, where the wire leaves no doubt: all that is outstanding is one segment, which was sent once, and its
//! acknowledgment comes. What has passed meanwhile is the sample; by it SRTT, RTTVAR and RTO must move as RFC 6298 has it, or as
//! Linux does (`tcp_rtt_estimator`).

use tcp::config::{RtoFloor, Undoing};
use tcp::{Duration, Flags, Rule, Segment, Seq, Time, Tuple};

use super::ends::{End, Ends};
use super::{Findings, Law, Reading};
use crate::trace::NodeId;

/// Clock granularity (RFC 6298, section 4), and the longest tick of a kernel, to which timeouts are rounded up.
const G: i64 = 1_000_000;
const TICK: i64 = 10_000_000;

/// The sample that an event brings. Nothing of it is left between two.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    came: Option<(NodeId, Tuple, Duration)>,
    /// At which event something came last.
    event: u64,
}

impl Samples {
    /// A segment has come to a host; `ends` does not know it yet.
    pub(super) fn received(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        segment: &Segment,
        ends: &Ends,
        (now, event): (Time, u64),
    ) {
        // What waited for a host that was paused is read together with others.
        let alone = self.event != event;
        (self.event, self.came) = (event, None);
        let end = ends.get(node, &tuple).filter(|_| alone && !ends.is_forged(&tuple));
        let answers = segment.has(Flags::ACK) && !segment.has(Flags::RST);
        let sent = end.filter(|_| answers).and_then(|end| end.sent_once(Seq::near(end.nxt, segment.ack)));
        self.came = sent.map(|at| (node, tuple, now.since(at)));
    }
    /// The event is over: the connection as it is now, where `ends` knows how it was.
    pub(super) fn look(&mut self, reading: &Reading<'_>, ends: &mut Ends, findings: &mut Findings<'_>) {
        let Reading { node, tuple, info, config, .. } = *reading;
        let came =
            self.came.take_if(|came| (came.0, came.1) == (node, tuple) && self.event == findings.event);
        let Some(end) = ends.get_mut(node, &tuple) else { return };
        let before = end.estimates(info);
        let trips = &mut end.trips;
        trips.may_adapt |= info.retransmitted > trips.resent;
        trips.resent = info.retransmitted;
        let now = (info.srtt, info.rttvar);
        // What has come may have been refused.
        let Some((.., sample)) = came.filter(|_| before != now) else { return };
        let nanos = |(srtt, rttvar): (Duration, Duration)| (signed(srtt), signed(rttvar));
        let moved = Moved { before: nanos(before), now: nanos(now), rto: signed(info.rto) };
        let bounds = [config.min_rto, config.max_rto, config.rto_slop].map(signed);
        let answers = config.undo == Undoing::Eifel && trips.may_adapt && moved.is_patient(signed(sample));
        let wrong = match moved.wrong(signed(sample), config.min_rto_on, bounds) {
            // Once for each that was sent again, and the RTO is their sum all the same.
            Some(_) if answers => {
                trips.may_adapt = false;
                moved.wrong_timeout(config.min_rto_on, bounds)
            }
            wrong => wrong,
        };
        if let Some(what) = wrong {
            let text = format!(
                "{what} by a sample of {sample}: SRTT and RTTVAR were {}, {}, and are {}, {}, the RTO {}",
                before.0, before.1, now.0, now.1, info.rto
            );
            findings.add(Law::RtoMeasured, node, Some(tuple), text);
        }
    }
}

/// What the round trips of an end may have told it.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Trips {
    /// From where on and when it sent what is outstanding, if that is one segment that was sent once.
    pub once: Option<(Seq, Time)>,
    /// Readings before: SRTT and RTTVAR.
    estimate: (Duration, Duration),
    /// Its retransmissions so far.
    resent: u32,
    /// RFC 4015 may yet make the timer more patient for one of them.
    may_adapt: bool,
}

impl Trips {
    /// Those of an end that has sent its first SYN.
    pub(super) fn of_syn(iss: Seq, now: Time) -> Trips {
        Trips { once: Some((iss, now)), ..Trips::default() }
    }
}

fn signed(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX >> 8)
}

/// SRTT and RTTVAR before and behind a sample, and the RTO, in nanoseconds.
pub(super) struct Moved {
    pub(super) before: (i64, i64),
    pub(super) now: (i64, i64),
    pub(super) rto: i64,
}

impl Moved {
    /// The first round trip behind a needless timeout sets SRTT and RTTVAR anew: no lower than those of the sample alone, nor than
    /// SRTT and RTTVAR were when the timer expired (RFC 4015, section 3.2, step 11), which is not known here.
    pub(super) fn is_patient(&self, sample: i64) -> bool {
        self.now.0 >= sample && 2 * self.now.1 + 1 >= sample
    }
    /// What is wrong. Readings are rounded down, to a nanosecond, and Linux's margin to a microsecond. The RTO has its bounds, and
    /// what is added to it besides.
    pub(super) fn wrong(&self, sample: i64, kind: RtoFloor, bounds: [i64; 3]) -> Option<&'static str> {
        let ((srtt, rttvar), (srtt_now, rttvar_now)) = (self.before, self.now);
        let deviation = (srtt - sample).abs();
        let [mean, variation] = if srtt == 0 {
            // RFC 6298, section 2.2.
            [srtt_now - sample, 2 * rttvar_now - sample]
        } else {
            let (by, share) = (
                deviation - rttvar,
                if kind == RtoFloor::Variance && sample < srtt && deviation > rttvar { 32 } else { 4 },
            );
            // Section 2.3: the deviation from the old SRTT.
            [8 * (srtt_now - srtt) - (sample - srtt), share * (rttvar_now - rttvar) - by]
        };
        match () {
            () if mean.abs() > 32 => Some("SRTT moves wrongly"),
            () if variation.abs() > 128 => Some("RTTVAR moves wrongly"),
            () => self.wrong_timeout(kind, bounds),
        }
    }
    /// RFC 6298, end of section 2.3, and 2.4, 2.5.
    fn wrong_timeout(&self, kind: RtoFloor, [min, max, slop]: [i64; 3]) -> Option<&'static str> {
        let (srtt_now, rttvar_now) = self.now;
        let least = (srtt_now + 4 * rttvar_now + slop - 2_000).min(max);
        let most = ((srtt_now + (4 * rttvar_now + 4).max(G)).max(min) + slop).min(max) + TICK;
        match () {
            () if self.rto < least => Some("the RTO is too short"),
            () if self.rto > most && kind == RtoFloor::Total => Some("the RTO is too long"),
            () => None,
        }
    }
}

impl End {
    /// When that was sent which an acknowledgment up to here is for, if it is one segment, sent once, and all that was outstanding.
    fn sent_once(&self, ack: Seq) -> Option<Time> {
        self.trips.once.filter(|(from, _)| ack == self.nxt && ack > *from).map(|(_, at)| at)
    }
    /// A segment that takes numbers is sent, from this one on. Of a probe only its echo tells when it was sent, in the ticks of
    /// timestamps.
    pub(super) fn sends(&mut self, from: Seq, now: Time, why: Rule) {
        let alone = from == self.nxt && self.acked == Some(from) && why != Rule::ZeroWindowProbe;
        self.trips.once = alone.then_some((from, now));
    }
    /// SRTT and RTTVAR are these now: what they were.
    fn estimates(&mut self, info: &tcp::Info) -> (Duration, Duration) {
        // An acknowledgment that came was refused, or one that came was for it.
        let una = self.iss + info.snd_una;
        self.trips.once = self.trips.once.filter(|(from, _)| una == *from);
        std::mem::replace(&mut self.trips.estimate, (info.srtt, info.rttvar))
    }
}
