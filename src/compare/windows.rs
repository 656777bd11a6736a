//! Congestion windows and slow start thresholds, ACK by ACK: theirs from a kernel's `tcp_probe`, ours by watching a run.
//!
//! ACKs need not be the same on both sides (whether a receiver acknowledges one segment or two is a matter of
//! microseconds), so the windows are compared as functions of acknowledged octets: at each SND.UNA that both had, with
//! what the next ACK found there.

use std::collections::BTreeMap;

use sim::packet::Body;
use sim::trace::What;
use sim::{Simulator, Spec, TraceLevel};
use tcp::info::CaState;
use tcp::{Flags, State, Tuple};

use super::compact::micros;
use super::{Capture, ours};

/// What a segment found that arrived at an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it arrived, in microseconds.
    pub at: u64,
    /// The host.
    pub who: String,
    /// `local>remote`.
    pub ports: String,
    /// SND.UNA before it, relative to ISS.
    pub una: u32,
    /// Congestion window, in segments.
    pub cwnd: u32,
    /// Slow start threshold, in segments; `None`: not set yet.
    pub ssthresh: Option<u32>,
}

/// Reads `tcp_probe.csv`: `t,host,local,remote,data_len,snd_nxt_raw,snd_una_raw,snd_cwnd,ssthresh,…`.
#[derive(Default)]
pub(super) struct Probe {
    /// ISS by host and ports: an end is established when it is first seen.
    first: BTreeMap<(String, String), u32>,
}

impl Probe {
    /// Takes a line.
    pub(super) fn take(&mut self, line: &str, windows: &mut Vec<Window>) -> Result<(), String> {
        if line.starts_with("t,") {
            return Ok(());
        }
        let fields: Vec<&str> = line.split(',').collect();
        let [at, who, local, remote, _, _, una, cwnd, ssthresh, ..] = fields.as_slice() else {
            return Err("expected `t,host,local,remote,data_len,snd_nxt,snd_una,snd_cwnd,ssthresh`".into());
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is no number"));
        let port = |socket: &str| socket.rsplit_once(':').map_or("?", |(_, port)| port).to_owned();
        let ports = format!("{}>{}", port(local), port(remote));
        let una = number(una)?;
        let iss = *self.first.entry(((*who).to_owned(), ports.clone())).or_insert(una.wrapping_sub(1));
        windows.push(Window {
            at: micros(at)?,
            who: (*who).to_owned(),
            ports,
            una: una.wrapping_sub(iss),
            cwnd: number(cwnd)?,
            ssthresh: Some(number(ssthresh)?).filter(|n| *n < i32::MAX.cast_unsigned()),
        });
        Ok(())
    }
}

/// An end: host and ports.
type End = (String, String);

/// Runs a scenario and tells what happened, with the windows; also the run.
pub fn watch(spec: &Spec, keep: usize) -> (Capture, Simulator) {
    let mut run = Simulator::new(spec, TraceLevel::On).keep_at_most(keep);
    let mut eyes = Eyes::default();
    let mut more = true;
    while more {
        more = run.step();
        eyes.look(&run);
    }
    let mut capture = ours::tell(run.records(), &|id| run.names().node(sim::NodeId(id)).to_string());
    capture.windows = eyes.windows;
    capture.cut = run.trace_cut().map(|at| at.as_nanos() / 1_000);
    (capture, run)
}

/// Looks at each connection after each event, so that what an arriving segment found is what was seen last.
#[derive(Default)]
struct Eyes {
    seen: usize,
    ends: Vec<Watched>,
    windows: Vec<Window>,
}

struct Watched {
    node: sim::NodeId,
    tuple: Tuple,
    /// The tracepoint of the kernel looks in this state only.
    established: bool,
    iss: Option<u32>,
    una: u32,
    cwnd: u32,
    ssthresh: Option<u32>,
}

impl Eyes {
    fn look(&mut self, run: &Simulator) {
        let records = run.records();
        for record in &records[self.seen.min(records.len())..] {
            match &record.what {
                What::State { node, tuple, to, .. } if tuple.remote.port() != 0 => {
                    self.meet(*node, *tuple);
                    let end = self.ends.iter_mut().find(|end| end.is(*node, tuple.local, tuple.remote));
                    end.into_iter().for_each(|end| end.established = *to == State::Established);
                }
                What::Sent { node, packet, why: Some(_), .. } => {
                    if let Body::Tcp(segment) = &packet.body
                        && segment.has(Flags::SYN)
                    {
                        let local = std::net::SocketAddr::new(packet.ip.src, segment.src);
                        let remote = std::net::SocketAddr::new(packet.ip.dst, segment.dst);
                        self.meet(*node, Tuple { local, remote });
                        let end = self.ends.iter_mut().find(|end| end.is(*node, local, remote));
                        if let Some(end) = end {
                            (end.iss, end.una) = (Some(segment.seq.0), 1);
                        }
                    }
                }
                What::Received { node, packet, .. } => {
                    let Body::Tcp(segment) = &packet.body else { continue };
                    let local = std::net::SocketAddr::new(packet.ip.dst, segment.dst);
                    let remote = std::net::SocketAddr::new(packet.ip.src, segment.src);
                    let Some(end) = self.ends.iter_mut().find(|end| end.is(*node, local, remote)) else {
                        continue;
                    };
                    let at = record.time.as_nanos() / 1_000;
                    self.windows.extend(end.found(at, run));
                    end.acknowledge(segment);
                }
                _ => {}
            }
        }
        self.seen = records.len();
        for end in &mut self.ends {
            if let Some(info) = run.info(end.node, &end.tuple) {
                (end.cwnd, end.ssthresh) = (info.cwnd, threshold(&info));
            }
        }
    }

    fn meet(&mut self, node: sim::NodeId, tuple: Tuple) {
        if !self.ends.iter().any(|end| end.is(node, tuple.local, tuple.remote)) {
            self.ends.push(Watched {
                node,
                tuple,
                established: false,
                iss: None,
                una: 1,
                cwnd: 0,
                ssthresh: None,
            });
        }
    }
}

/// The slow start threshold as the tracepoint has it: outside a reduction no less than three quarters of the window
/// (`tcp_current_ssthresh`).
fn threshold(info: &tcp::Info) -> Option<u32> {
    let reducing = matches!(info.tally.ca_state, CaState::Cwr | CaState::Recovery);
    let least = if reducing { 0 } else { info.cwnd / 2 + info.cwnd / 4 };
    info.ssthresh.map(|ssthresh| ssthresh.max(least))
}

impl Watched {
    fn is(&self, node: sim::NodeId, local: std::net::SocketAddr, remote: std::net::SocketAddr) -> bool {
        self.node == node && self.tuple.local == local && self.tuple.remote == remote
    }

    fn found(&self, at: u64, run: &Simulator) -> Option<Window> {
        (self.cwnd > 0 && self.established).then(|| Window {
            at,
            who: run.names().node(self.node).to_string(),
            ports: format!("{}>{}", self.tuple.local.port(), self.tuple.remote.port()),
            una: self.una,
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
        })
    }

    fn acknowledge(&mut self, segment: &tcp::Segment) {
        let Some(iss) = self.iss.filter(|_| segment.has(Flags::ACK)) else { return };
        let ack = segment.ack.0.wrapping_sub(iss);
        if ack.wrapping_sub(self.una) < 1 << 31 {
            self.una = ack;
        }
    }
}

/// How the windows of one end agree.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The host.
    pub who: String,
    /// `local>remote`.
    pub ports: String,
    /// Acknowledgment numbers at which theirs was seen.
    pub theirs: usize,
    /// Those at which ours was seen, too.
    pub common: usize,
    /// Those of them at which both windows and both thresholds are the same.
    pub equal: usize,
    /// The first of them at which they are not, theirs and ours.
    pub first: Option<(Window, Window)>,
    /// What both had around that, theirs and ours.
    pub around: Vec<(Window, Window)>,
}

/// Acknowledgment numbers that are shown before the first difference, and from it on.
const AROUND: (usize, usize) = (4, 8);

/// Whether window and threshold are the same.
pub fn same(theirs: &Window, ours: &Window) -> bool {
    (theirs.cwnd, theirs.ssthresh) == (ours.cwnd, ours.ssthresh)
}

/// Compares the windows of each end that had more than a handful of its octets acknowledged.
pub fn compare(theirs: &Capture, ours: &Capture) -> Vec<Agreement> {
    let (theirs, ours) = (by_end(&theirs.windows), by_end(&ours.windows));
    let both = theirs.into_iter().filter_map(|(end, list)| Some((ours.get(&end)?, end, list)));
    let agree = both.map(|(own, (who, ports), list)| {
        let pairs: Vec<_> = list.iter().filter_map(|(una, theirs)| Some((*theirs, *own.get(una)?))).collect();
        let first = pairs.iter().position(|(t, o)| !same(t, o));
        let shown = first.map_or(0..0, |at| at.saturating_sub(AROUND.0)..(at + AROUND.1).min(pairs.len()));
        let pair = |(t, o): &(&Window, &Window)| ((*t).clone(), (*o).clone());
        let equal = pairs.iter().filter(|(t, o)| same(t, o)).count();
        Agreement {
            who,
            ports,
            theirs: list.len(),
            common: pairs.len(),
            equal,
            first: first.map(|at| pair(&pairs[at])),
            around: pairs[shown].iter().map(pair).collect(),
        }
    });
    agree.filter(|agreement| agreement.theirs >= 4).collect()
}

/// The last window at each SND.UNA, by end.
pub fn by_end(windows: &[Window]) -> BTreeMap<End, BTreeMap<u32, &Window>> {
    let mut ends: BTreeMap<End, BTreeMap<u32, &Window>> = BTreeMap::new();
    for window in windows {
        let end = (window.who.clone(), window.ports.clone());
        ends.entry(end).or_default().insert(window.una, window);
    }
    ends
}
