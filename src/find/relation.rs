//! What must be the same of two runs, as one thing that can be asked for by name.

use tcp::Time;

use super::differential;
use super::metamorphic::{self, Change, Difference};
use crate::scenario::Scenario;

/// A relation between a run and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nobody notices the change.
    Unnoticed(Change),
    /// Programs are told the same whichever personalities the hosts have.
    Personalities,
}

/// Where runs that should be the same part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The relation.
    pub relation: Relation,
    /// When they part, if that is known.
    pub time: Option<Time>,
    /// How, in some lines.
    pub words: String,
}

impl From<Difference> for Parting {
    fn from(difference: Difference) -> Parting {
        let relation = Relation::Unnoticed(difference.change);
        Parting { relation, time: Some(difference.time), words: difference.in_words() }
    }
}

impl Relation {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Relation> {
        Change::ALL.into_iter().map(Relation::Unnoticed).chain([Relation::Personalities])
    }
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Relation::Unnoticed(change) => change.name(),
            Relation::Personalities => "personalities",
        }
    }
    /// What it asks for.
    pub const fn text(self) -> &'static str {
        match self {
            Relation::Unnoticed(change) => change.text(),
            Relation::Personalities => "whichever personalities the hosts have, programs are told the same",
        }
    }
    /// Where the runs of `scenario` part; `None`: they do not, or the relation does not apply.
    pub fn parting(self, scenario: &Scenario) -> Option<Parting> {
        match self {
            Relation::Unnoticed(change) => {
                Some(Parting::from(metamorphic::compare(scenario.spec(), change)?.err()?))
            }
            Relation::Personalities => {
                let words = differential::parting(scenario)?;
                Some(Parting { relation: self, time: None, words })
            }
        }
    }
}
