//! What a number of runs has shown: states, transitions, causes, kinds of segments in each state, and rare situations.

use std::collections::BTreeMap;

use sim::NodeId;
use sim::check::transitions;
use sim::trace::{DropReason, Record, What};
use tcp::{Flags, Note, Rule, State, Tuple};

/// Counts by what was seen.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    seen: BTreeMap<Feature, u64>,
    states: BTreeMap<(NodeId, Tuple), State>,
}

/// One thing that can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// A state was reached.
    State(State),
    /// A state changed into another.
    Transition(State, State),
    /// A rule decided.
    Cause(Rule),
    /// A segment with these bits (and data or none) came in this state.
    Segment(State, u16, bool),
}

/// A rare situation that a soak should see: by the rule that tells of it, or the state that is reached.
pub const SOMETIMES: &[(&str, Feature)] = &[
    ("CLOSING reached", Feature::State(State::Closing)),
    ("simultaneous open", Feature::Cause(Rule::SimultaneousOpen)),
    ("challenge ACK for a SYN", Feature::Cause(Rule::ChallengeSyn)),
    ("challenge ACK for a RST", Feature::Cause(Rule::ChallengeRst)),
    ("challenge ACK for an ACK", Feature::Cause(Rule::ChallengeAck)),
    ("challenge ACK withheld", Feature::Cause(Rule::ChallengeLimited)),
    ("PAWS drop", Feature::Cause(Rule::Paws)),
    ("TIME-WAIT reused by a SYN", Feature::Cause(Rule::TimeWaitReused)),
    ("TIME-WAIT restarted by a FIN", Feature::Cause(Rule::TimeWaitReAck)),
    ("RST ignored in TIME-WAIT", Feature::Cause(Rule::TimeWaitRstIgnored)),
    ("SACK reneging", Feature::Cause(Rule::SackReneging)),
    ("zero-window probe", Feature::Cause(Rule::ZeroWindowProbe)),
    ("probe answered", Feature::Cause(Rule::AckOfProbe)),
    ("small segment after the override timer", Feature::Cause(Rule::SwsOverride)),
    ("keepalive gives up", Feature::Cause(Rule::KeepaliveLimit)),
    ("R2 reached", Feature::Cause(Rule::RetransmissionLimit)),
    ("user timeout", Feature::Cause(Rule::UserTimeout)),
    ("orphan given up", Feature::Cause(Rule::OrphanLimit)),
    ("fast retransmit", Feature::Cause(Rule::FastRetransmit)),
    ("partial ACK", Feature::Cause(Rule::PartialAck)),
    ("RACK retransmission", Feature::Cause(Rule::RackRetransmit)),
    ("tail loss probe", Feature::Cause(Rule::TailLossProbe)),
    ("spurious timeout undone", Feature::Cause(Rule::SpuriousUndo)),
    ("reduction undone", Feature::Cause(Rule::UnneededUndo)),
    ("SYN cookie accepted", Feature::Cause(Rule::SynCookieAccepted)),
    ("accept queue full", Feature::Cause(Rule::AcceptQueueFull)),
    ("path MTU smaller", Feature::Cause(Rule::PmtuRetransmit)),
    ("ECE answered", Feature::Cause(Rule::EcnResponse)),
    ("reset on unread data", Feature::Cause(Rule::CloseUnread)),
    ("data for a closed receiver", Feature::Cause(Rule::DataAfterClose)),
    ("R1 reported", Feature::Cause(Rule::FirstLimit)),
    ("smaller path MTU forgotten", Feature::Cause(Rule::PmtuForgotten)),
    ("slow start ended by delay", Feature::Cause(Rule::SlowStartEnds)),
    ("window begun anew after idleness", Feature::Cause(Rule::IdleRestart)),
    ("ICMP out of window ignored", Feature::Cause(Rule::IcmpOutOfWindow)),
];

impl Coverage {
    /// Takes in what a run has done.
    pub fn take(&mut self, records: &[Record]) {
        for record in records {
            match &record.what {
                What::State { node, tuple, from, to, why } => {
                    self.states.insert((*node, *tuple), *to);
                    self.saw(Feature::State(*to));
                    self.saw(Feature::Transition(*from, *to));
                    self.saw(Feature::Cause(why.rule));
                }
                What::Sent { why: Some(why), .. } => self.saw(Feature::Cause(why.rule)),
                What::Dropped { why: DropReason::Tcp(rule), .. } => self.saw(Feature::Cause(*rule)),
                What::Tcp { note: Note::Happened(rule), .. } => self.saw(Feature::Cause(*rule)),
                What::Received { node, packet, .. } if packet.flipped_bit.is_none() => {
                    let Some((segment, tuple)) = packet.tcp().zip(packet.tuple()) else { continue };
                    let Some(state) = self.states.get(&(*node, tuple.reversed())) else { continue };
                    let bits = segment.flags.without(Flags::PSH | Flags::ECE | Flags::CWR).0;
                    self.saw(Feature::Segment(*state, bits, !segment.payload.is_empty()));
                }
                _ => {}
            }
        }
    }
    fn saw(&mut self, feature: Feature) {
        *self.seen.entry(feature).or_default() += 1;
    }
    /// Adds what another has seen.
    pub fn add(&mut self, other: &Coverage) {
        for (feature, count) in &other.seen {
            *self.seen.entry(*feature).or_default() += count;
        }
    }
    /// How often something was seen.
    pub fn count(&self, feature: Feature) -> u64 {
        self.seen.get(&feature).copied().unwrap_or(0)
    }
    /// Numbers of different states, transitions, causes, and kinds of segments in a state.
    pub fn sizes(&self) -> [usize; 4] {
        let mut sizes = [0; 4];
        for feature in self.seen.keys() {
            sizes[match feature {
                Feature::State(_) => 0,
                Feature::Transition(..) => 1,
                Feature::Cause(_) => 2,
                Feature::Segment(..) => 3,
            }] += 1;
        }
        sizes
    }
    /// Rare situations that were never seen.
    pub fn never(&self) -> Vec<&'static str> {
        SOMETIMES.iter().filter(|(_, feature)| self.count(*feature) == 0).map(|(name, _)| *name).collect()
    }
    /// States that were never reached.
    pub fn missing_states(&self) -> Vec<State> {
        State::ALL.into_iter().filter(|state| self.count(Feature::State(*state)) == 0).collect()
    }
    /// Transitions of the diagram that never happened.
    pub fn missing_transitions(&self) -> Vec<(State, State)> {
        let never = |(from, to): &(State, State)| self.count(Feature::Transition(*from, *to)) == 0;
        transitions().filter(never).collect()
    }
    /// Rules that never decided.
    pub fn missing_causes(&self) -> Vec<Rule> {
        Rule::ALL.iter().copied().filter(|rule| self.count(Feature::Cause(*rule)) == 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::fuzz::{play, scenario};

    #[test]
    fn what_is_seen_and_what_is_missing_are_all_there_is() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.missing_states(), State::ALL);
        assert_eq!(coverage.missing_causes(), Rule::ALL);
        assert_eq!(coverage.never().len(), SOMETIMES.len());
        for seed in 1..60 {
            coverage.add(&play(&scenario(seed).expect("it reads"), true).coverage);
        }
        let [states, happened, causes, _] = coverage.sizes();
        assert!(states > 8 && happened > 15 && causes > 80, "{:?}", coverage.sizes());
        assert_eq!(states + coverage.missing_states().len(), State::ALL.len());
        assert_eq!(happened + coverage.missing_transitions().len(), transitions().count());
        assert_eq!(causes + coverage.missing_causes().len(), Rule::ALL.len());
    }
}
