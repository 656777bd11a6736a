//! States that connections went through.

use std::collections::BTreeMap;

use sim::trace::What;
use tcp::{State, Tuple};

use super::{Miss, Run};
use crate::scenario::units::StateName;

/// Which connections are meant.
pub(super) struct Filter<'a> {
    pub on: &'a str,
    pub port: Option<u16>,
    pub peer_port: Option<u16>,
}

/// A connection's states, from its first to its last.
struct Course {
    tuple: Tuple,
    states: Vec<State>,
    /// Of each state but the first: the record that tells of it.
    records: Vec<usize>,
}
impl Course {
    /// Where it ended. A request that went back to LISTEN is no connection any more (RFC 9293, section 3.5).
    fn last(&self) -> State {
        match self.states.last() {
            None | Some(State::Listen) => State::Closed,
            Some(last) => *last,
        }
    }
    fn words(&self) -> String {
        listed(&self.states)
    }
}

fn listed(states: &[State]) -> String {
    states.iter().map(State::to_string).collect::<Vec<_>>().join(", ")
}

impl Run<'_> {
    /// The connections that are meant, in the order in which they began.
    fn courses(&self, filter: &Filter<'_>) -> Vec<Course> {
        let mut courses: Vec<Course> = Vec::new();
        let mut present: BTreeMap<Tuple, usize> = BTreeMap::new();
        for (i, record) in self.outcome.records.iter().enumerate() {
            let What::State { node, tuple, from, to, .. } = &record.what else { continue };
            // A listener is no connection: it has no other end.
            let meant = tuple.remote.port() != 0
                && self.story.names.node(*node) == filter.on
                && filter.port.is_none_or(|port| tuple.local.port() == port)
                && filter.peer_port.is_none_or(|port| tuple.remote.port() == port);
            if !meant {
                continue;
            }
            let begins = matches!(from, State::Closed | State::Listen);
            match present.get(tuple) {
                Some(&course) if !begins => {
                    courses[course].states.push(*to);
                    courses[course].records.push(i);
                }
                _ => {
                    present.insert(*tuple, courses.len());
                    courses.push(Course { tuple: *tuple, states: vec![*from, *to], records: vec![i] });
                }
            }
        }
        courses
    }

    fn none_there(&self, filter: &Filter<'_>, expected: String) -> Miss {
        Miss::new(expected, format!("there was no such connection on {}", filter.on), None)
    }

    pub(super) fn transitions(&self, filter: &Filter<'_>, are: &[StateName], gaps: bool) -> Option<Miss> {
        let are: Vec<State> = are.iter().map(|state| state.0).collect();
        let courses = self.courses(filter);
        let goes = |course: &Course| {
            if gaps { in_order(&course.states, &are) } else { stretch(&course.states, &are) }
        };
        if courses.iter().any(goes) {
            return None;
        }
        let expected = format!("a connection of {} goes through {}", filter.on, listed(&are));
        // The connection that got furthest.
        let Some(best) = courses.iter().max_by_key(|course| furthest(&course.states, &are)) else {
            return Some(self.none_there(filter, expected));
        };
        let near = best.records.last().copied();
        Some(Miss::new(expected, format!("it went through {}", best.words()), near))
    }

    pub(super) fn never(&self, filter: &Filter<'_>, state: State) -> Option<Miss> {
        let expected = format!("no connection of {} is ever in {state}", filter.on);
        self.courses(filter).iter().find_map(|course| {
            let place = course.states.iter().position(|own| *own == state)?;
            let found = format!("port {} was: {}", course.tuple.local.port(), course.words());
            Some(Miss::new(expected.clone(), found, course.records.get(place.saturating_sub(1)).copied()))
        })
    }

    pub(super) fn ended(&self, filter: &Filter<'_>, is: State, count: Option<u64>) -> Option<Miss> {
        let courses = self.courses(filter);
        let expected = match count {
            Some(1) => format!("one connection of {}, which ends in {is}", filter.on),
            None => format!("every connection of {} ends in {is}", filter.on),
            Some(count) => format!("{count} connections of {}, all of which end in {is}", filter.on),
        };
        if let Some(other) = courses.iter().find(|course| course.last() != is) {
            let found = format!("port {} ended in {}", other.tuple.local.port(), other.last());
            return Some(Miss::new(expected, found, other.records.last().copied()));
        }
        match count {
            None if courses.is_empty() => Some(self.none_there(filter, expected)),
            Some(count) if count != courses.len() as u64 => {
                Some(Miss::new(expected, format!("their number is {}", courses.len()), None))
            }
            _ => None,
        }
    }
}

/// Whether `are` follow one another in `states`.
fn stretch(states: &[State], are: &[State]) -> bool {
    are.is_empty() || states.windows(are.len()).any(|window| window == are)
}

/// Whether `are` come in this order, whatever lies between.
fn in_order(states: &[State], are: &[State]) -> bool {
    furthest(states, are) == are.len()
}

/// How many of `are` come in this order.
fn furthest(states: &[State], are: &[State]) -> usize {
    states.iter().fold(0, |found, state| found + usize::from(are.get(found) == Some(state)))
}
