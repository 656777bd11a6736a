//! A run judged by what its file asks for, whatever becomes of it; and files that ask for what they show, so that `timewait run`
//! repeats it.

use std::borrow::Cow;

use sim::check::{Law, Violation};
use sim::{NodeId, Simulator};

use super::fuzz::{MOST_EVENTS, caught};
use super::verdict;
use crate::scenario::file;

/// Lets a world that has just begun run to its end, and says what it broke. A panic is an end as well.
pub fn run(typed: &file::Scenario, world: &mut Simulator) -> Vec<Violation> {
    let rests = typed.check.as_ref().and_then(|check| check.rest).unwrap_or(false);
    let ran = caught(|| {
        if rests {
            while world.events() < MOST_EVENTS && world.step() {}
        } else {
            world.run();
        }
    });
    match ran {
        Err(text) => up_to_panic(typed, world, text),
        Ok(()) if rests => at_rest(typed, world),
        Ok(()) => verdict::violations(typed, world),
    }
}

/// What a run has broken that must have come to its end and to rest, and was cut off if it did not.
pub(super) fn at_rest(typed: &file::Scenario, world: &Simulator) -> Vec<Violation> {
    let mut violations = verdict::violations(typed, world);
    let (time, event, node) = (world.now(), world.events(), NodeId(0));
    let unrest = if event >= MOST_EVENTS {
        let text = format!("{MOST_EVENTS} events, and no end");
        vec![Violation { time, event, law: Law::WorkBounds, node, tuple: None, text, excuse: None }]
    } else {
        world.unrest()
    };
    let on_purpose =
        |law: Law| typed.check.iter().flat_map(|check| &check.breaks).any(|name| name == law.name());
    violations.extend(unrest.into_iter().filter(|violation| !on_purpose(violation.law)));
    violations
}

/// What a run has broken up to the event in which it panicked, and that.
pub(super) fn up_to_panic(typed: &file::Scenario, world: &Simulator, text: String) -> Vec<Violation> {
    // What is left of such a world need not be whole.
    let mut violations = caught(|| verdict::violations(typed, world)).unwrap_or_default();
    let (time, event, law, node) = (world.now(), world.events(), Law::NoPanic, NodeId(0));
    violations.push(Violation { time, event, law, node, tuple: None, text, excuse: None });
    violations
}

/// The file asks for what this law asks for, if it did not.
pub(super) fn ask_for(typed: &mut file::Scenario, law: Law) {
    let rests = matches!(law, Law::ComesToRest | Law::WorkBounds);
    let mut check = typed.check.take().unwrap_or(file::Check {
        stream: None,
        laws: None,
        rest: None,
        breaks: Vec::new(),
    });
    check.rest = rests.then_some(true).or(check.rest);
    check.laws = check.laws.filter(|laws| *laws);
    let says =
        check.stream.is_some() || check.laws.is_some() || check.rest.is_some() || !check.breaks.is_empty();
    typed.check = says.then_some(check);
}

/// The command that runs this file.
pub fn command(file: &str) -> String {
    format!("timewait run {}", quoted(file))
}

/// A word of a command as a shell reads it.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        for (word, expected) in
            [("a/b-1.ron", "a/b-1.ron"), ("a b", "'a b'"), ("", "''"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quoted(word), expected);
        }
    }
}
