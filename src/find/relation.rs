//! What must be the same of two runs, as one thing that can be asked for by name.

use tcp::Time;

use super::differential::{self, Wrong};
use super::fuzz::caught;
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
    /// In which of the ways that there are to part, where it matters: what stays while the scenario is made small.
    pub kind: String,
    /// How, in some lines.
    pub words: String,
}

impl From<Difference> for Parting {
    fn from(difference: Difference) -> Parting {
        let relation = Relation::Unnoticed(difference.change);
        Parting { relation, time: Some(difference.time), kind: String::new(), words: difference.in_words() }
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
            Relation::Unnoticed(change) => beside(change, scenario)?.err(),
            Relation::Personalities => {
                let Wrong { kind, words } = differential::parting(scenario)?;
                Some(Parting { relation: self, time: None, kind, words })
            }
        }
    }
}

/// Whether the run of `scenario` and the one with this change are the same; `None`: a host could notice the change.
pub fn beside(change: Change, scenario: &Scenario) -> Option<Result<(), Parting>> {
    let compared = || Some(metamorphic::compare(scenario.spec(), change)?.map(|_| ()).map_err(Parting::from));
    guarded(Relation::Unnoticed(change), compared)
}

/// What comes of it. That one of the runs panics parts them.
fn guarded(
    relation: Relation,
    compared: impl FnOnce() -> Option<Result<(), Parting>>,
) -> Option<Result<(), Parting>> {
    caught(compared).unwrap_or_else(|said| {
        let words = format!("a run panics beside the other ({}): {said}", relation.name());
        Some(Err(Parting { relation, time: None, kind: "panic".to_owned(), words }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_part_where_one_panics() {
        for change in Change::ALL {
            let relation = Relation::Unnoticed(change);
            let parting = guarded(relation, || panic!("of {}", change.name()))
                .expect("it applies")
                .expect_err("they part");
            assert_eq!(parting.relation, relation);
            assert!(
                parting.words.contains(&format!("panics beside the other ({0}): of {0}", change.name())),
                "{}",
                parting.words
            );
        }
        assert_eq!(guarded(Relation::Personalities, || None), None);
    }
}
