//! Expectations: what they name exists.

use sim::host::Counters;
use tcp::Rule;

use super::faults::picked;
use super::{At, Resolver};
use crate::scenario::error::nearest;
use crate::scenario::file::fault::Protocol;
use crate::scenario::file::{Expect, Seen};
use crate::scenario::units::Span;

impl<'a> Resolver<'a> {
    pub(super) fn check_expectations(&mut self) {
        let file = self.file;
        let all = At::root("expect");
        for (i, expect) in file.expect.iter().enumerate() {
            self.expectation(&all.index(i), expect);
        }
    }

    fn expectation(&mut self, at: &At<'_>, expect: &Expect) {
        match expect {
            Expect::Transitions { on, are, .. } => {
                self.host(&at.field("on"), on);
                if are.len() < 2 {
                    self.wrong(&at.field("are"), "a transition has two states", "at least two", None);
                }
            }
            Expect::Never { on, .. } | Expect::Final { on, .. } | Expect::Socket { on, .. } => {
                self.host(&at.field("on"), on);
            }
            Expect::Counter { on, name, .. } => {
                self.host(&at.field("on"), on);
                if !Counters::NAMES.contains(&name.as_str()) {
                    let near = nearest(name, Counters::NAMES.iter().copied());
                    let help = near.map(|name| format!("did you mean `{name}`?"));
                    let help = help.unwrap_or_else(|| format!("counters: {}", Counters::NAMES.join(", ")));
                    let message = format!("no counter is named `{name}`");
                    self.wrong(&at.field("name"), message, "no such counter", Some(help));
                }
            }
            Expect::Result { program, at: about, within, nth, .. } => {
                self.program(&at.field("program"), program);
                self.about(at, *about, *within);
                if *nth == Some(0) {
                    self.wrong(&at.field("nth"), "the first call is number 1, not 0", "counted from 1", None);
                }
            }
            Expect::Error { program, at: about, within, .. } => {
                self.program(&at.field("program"), program);
                self.about(at, *about, *within);
            }
            Expect::NoError { program } => self.program(&at.field("program"), program),
            Expect::Packet(seen) | Expect::NoPacket(seen) => self.seen(at, seen),
            Expect::Count { of, .. } | Expect::Moves { of, .. } => self.seen(&at.field("of"), of),
            Expect::Happened { rule, on, .. } => {
                self.rule_name(&at.field("rule"), rule);
                if let Some(on) = on {
                    self.host(&at.field("on"), on);
                }
            }
            Expect::Ends { .. } => {}
        }
    }

    fn seen(&mut self, at: &At<'_>, seen: &Seen) {
        self.check_match(at, &picked!(seen));
        if seen.tsval.is_some() && seen.protocol.is_some_and(|protocol| protocol != Protocol::Tcp) {
            self.wrong(&at.field("protocol"), "timestamps are TCP's", "not TCP: matches nothing", None);
        }
        self.about(at, seen.at, seen.within);
        if let Some(why) = &seen.why {
            self.rule_name(&at.field("why"), why);
        }
        if let (Some(after), Some(before)) = (seen.after, seen.before)
            && after >= before
        {
            self.wrong(&at.field("before"), "a window of no time", "must be later than `after`", None);
        }
    }

    fn about(&mut self, at: &At<'_>, about: Option<Span>, within: Option<Span>) {
        if about.is_none() && within.is_some() {
            self.wrong(&at.field("within"), "`within` says how far from `at`", "`at` is missing", None);
        }
    }

    fn rule_name(&mut self, at: &At<'_>, name: &str) {
        let names: Vec<String> = Rule::ALL.iter().map(|rule| format!("{rule:?}")).collect();
        if !names.iter().any(|known| known == name) {
            let near = nearest(name, names.iter().map(String::as_str));
            let help = near.map(|name| format!("did you mean `{name}`?"));
            let help = help
                .unwrap_or_else(|| "the names are those of `tcp::Rule`; `--view why` shows them".to_owned());
            self.wrong(at, format!("no rule of TCP is named `{name}`"), "no such rule", Some(help));
        }
    }
}
