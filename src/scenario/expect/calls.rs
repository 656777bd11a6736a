//! What programs saw.

use sim::trace::What;
use tcp::{Errno, Time};

use super::{About, Miss, Run};
use crate::view::words;

/// A call and its outcome.
struct Call<'a> {
    record: usize,
    time: Time,
    call: &'a str,
    result: &'a str,
}
impl Call<'_> {
    fn words(&self) -> String {
        format!("{} = {} at {}", self.call, self.result, words::clock(self.time))
    }
}

/// Whether `text` is `start`, or goes on behind it with something that is no part of the word.
fn begins_with_word(text: &str, start: &str) -> bool {
    text.strip_prefix(start).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Whether `text` has `word` in it.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|own| own == word)
}

/// Whether a program of the trace is the one that is meant: itself, or one of its connections (`server/1[3]`).
fn is_program(own: &str, meant: &str) -> bool {
    own.strip_prefix(meant).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

impl Run<'_> {
    fn calls(&self, meant: &str) -> Vec<Call<'_>> {
        let mut calls = Vec::new();
        for (i, record) in self.outcome.records.iter().enumerate() {
            if let What::Program { program, call, result, .. } = &record.what
                && is_program(program, meant)
            {
                calls.push(Call { record: i, time: record.time, call, result });
            }
        }
        calls
    }

    pub(super) fn result(
        &self,
        program: &str,
        call: &str,
        is: &str,
        nth: Option<u64>,
        about: Option<About>,
    ) -> Option<Miss> {
        let mut expected = format!("{program}: {call} = {is}");
        if let Some(nth) = nth {
            expected += &format!(" (number {nth})");
        }
        if let Some(about) = about {
            expected += &format!(" at {}", words::clock(about.at));
        }
        let calls = self.calls(program);
        let of_name: Vec<&Call<'_>> = calls.iter().filter(|own| begins_with_word(own.call, call)).collect();
        let wanted: Vec<&&Call<'_>> = match nth {
            Some(nth) => {
                of_name.iter().skip(usize::try_from(nth - 1).unwrap_or(usize::MAX)).take(1).collect()
            }
            None => of_name.iter().collect(),
        };
        let right = |own: &&&&Call<'_>| begins_with_word(own.result, is);
        let in_time = |own: &&&&Call<'_>| about.is_none_or(|about| about.holds(own.time));
        if wanted.iter().filter(right).any(|own| in_time(&own)) {
            return None;
        }
        let nearest = wanted.iter().find(right).or(wanted.last());
        Some(match nearest {
            Some(own) => Miss::new(expected, own.words(), Some(own.record)),
            None if calls.is_empty() => Miss::new(expected, "this program did nothing", self.last_record()),
            None => {
                let last = calls.last().map(|own| (own.words(), own.record));
                let (last, record) = last.unwrap_or_default();
                Miss::new(expected, format!("no such call; the last was {last}"), Some(record))
            }
        })
    }

    pub(super) fn error(
        &self,
        program: &str,
        is: Errno,
        call: Option<&str>,
        about: Option<About>,
    ) -> Option<Miss> {
        let mut expected = format!("{program}: {} fails with {is}", call.unwrap_or("a call"));
        if let Some(about) = about {
            expected += &format!(" at {}", words::clock(about.at));
        }
        let calls = self.calls(program);
        let mut failed = calls.iter().filter(|own| {
            has_word(own.result, &is.to_string()) && call.is_none_or(|call| begins_with_word(own.call, call))
        });
        let first = failed.clone().next();
        if failed.any(|own| about.is_none_or(|about| about.holds(own.time))) {
            return None;
        }
        Some(match first.or(calls.last()) {
            Some(own) => Miss::new(expected, own.words(), Some(own.record)),
            None => Miss::new(expected, "this program did nothing", self.last_record()),
        })
    }

    pub(super) fn no_error(&self, program: &str) -> Option<Miss> {
        let calls = self.calls(program);
        let expected = format!("no call of {program} fails");
        let failed = calls.iter().find(|own| has_errno(own.result));
        match failed {
            Some(own) => Some(Miss::new(expected, own.words(), Some(own.record))),
            None if calls.is_empty() => {
                Some(Miss::new(expected, "this program did nothing", self.last_record()))
            }
            None => None,
        }
    }
}

/// Whether a result names an errno.
fn has_errno(result: &str) -> bool {
    Errno::ALL.iter().any(|errno| has_word(result, &errno.to_string()))
}
