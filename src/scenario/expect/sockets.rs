//! What `ss` showed of a connection at some time. A run keeps no readings, so it is played once more up to each of the times:
//! it is the same, whoever looks at it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sim::view::SocketInfo;
use sim::{Simulator, Spec, TraceLevel};
use tcp::{State, Time};

use super::{Miss, Run};
use crate::names::Names;
use crate::scenario::Scenario;
use crate::scenario::file::{Expect, Range};
use crate::scenario::units::Span;

/// The sockets of hosts at the times that somebody expects something of them.
pub type Looks = BTreeMap<(Time, String), Vec<SocketInfo>>;

/// Looks whenever an expectation of `scenario` asks for it.
pub(super) fn looks(scenario: &Scenario, spec: &Spec) -> Looks {
    let asked = scenario.expectations().iter().filter_map(|expect| match expect {
        Expect::Socket { on, at, .. } => Some(((at.time(), on.clone()), Vec::new())),
        _ => None,
    });
    let mut looks: Looks = asked.collect();
    if !looks.is_empty() {
        let names = Names::of(spec);
        let mut simulator = Simulator::new(spec, TraceLevel::Off);
        for ((at, host), sockets) in &mut looks {
            simulator.run_until(*at);
            *sockets = names.by_name(host).map_or_else(Vec::new, |node| simulator.sockets(node));
        }
    }
    looks
}

/// Which connection, and when.
pub(super) struct Place<'a> {
    pub on: &'a str,
    pub at: Span,
    pub port: Option<u16>,
    pub peer_port: Option<u16>,
}

/// What is expected of a reading, by the name that it has in the file.
pub(super) type Reading = (&'static str, Option<Range>);

impl Run<'_> {
    pub(super) fn socket(
        &self,
        place: &Place<'_>,
        state: Option<State>,
        readings: &[Reading],
    ) -> Option<Miss> {
        let is_right = |socket: &SocketInfo| {
            let holds = |(name, is): &Reading| {
                is.is_none_or(|is| value(socket, name).is_some_and(|value| is.contains(value)))
            };
            state.is_none_or(|state| socket.state == state) && readings.iter().all(holds)
        };
        let key = (place.at.time(), place.on.to_owned());
        let all = self.outcome.looks.get(&key).into_iter().flatten();
        let there: Vec<&SocketInfo> = all.filter(|socket| place.means(socket)).collect();
        if there.iter().any(|socket| is_right(socket)) {
            return None;
        }
        let mut expected = format!("a connection of {} at {}", place.on, place.at);
        if let Some(state) = state {
            let _ = write!(expected, ", {state}");
        }
        for (name, is) in readings {
            let _ = is.map(|is| write!(expected, ", {name} {is}"));
        }
        let found = there.iter().map(|socket| told(socket, readings)).collect::<Vec<_>>().join("; ");
        let found = if found.is_empty() { "there was none".to_owned() } else { found };
        Some(Miss::new(expected, found, self.last_before(place.at.time())))
    }

    /// The last record up to `time`.
    fn last_before(&self, time: Time) -> Option<usize> {
        self.outcome.records.partition_point(|record| record.time <= time).checked_sub(1)
    }
}

impl Place<'_> {
    fn means(&self, socket: &SocketInfo) -> bool {
        socket.remote.is_some_and(|remote| self.peer_port.is_none_or(|port| remote.port() == port))
            && self.port.is_none_or(|port| socket.local.port() == port)
    }
}

/// How a socket was, in the words of the expectation.
fn told(socket: &SocketInfo, readings: &[Reading]) -> String {
    let mut text = socket.state.to_string();
    for (name, _) in readings.iter().filter(|(_, is)| is.is_some()) {
        let value = value(socket, name).map_or_else(|| "none".to_owned(), |value| value.to_string());
        let _ = write!(text, ", {name} {value}");
    }
    text
}

fn value(socket: &SocketInfo, name: &str) -> Option<u64> {
    let tcp = socket.tcp.as_ref()?;
    match name {
        "cwnd" => Some(tcp.cwnd.into()),
        "ssthresh" => tcp.ssthresh.map(u64::from),
        "unacked" => Some(tcp.unacked.into()),
        "retrans" => Some(tcp.retransmitted.into()),
        "snd_wnd" => Some(tcp.snd_wnd),
        "rcv_wnd" => Some(tcp.rcv_wnd),
        "mss" => Some(tcp.mss.into()),
        "pmtu" => Some(tcp.pmtu.into()),
        _ => None,
    }
}
