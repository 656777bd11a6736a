//! Links: names, ends, parameters, and who can reach whom.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sim::spec;
use tcp::Duration;

use super::{At, Resolver};
use crate::scenario::error::suggest;
use crate::scenario::file::{Limit, Link, Qdisc, Shape, Way};
use crate::scenario::units::{Percent, Span};

impl<'a> Resolver<'a> {
    pub(super) fn all_links(&mut self) -> BTreeMap<String, spec::Link> {
        let file = self.file;
        let all = At::root("links");
        let mut links = BTreeMap::new();
        for (i, link) in file.links.iter().enumerate() {
            let at = all.index(i);
            let name = self.link_name(&at, i, link);
            let (a, b) = &link.between;
            let between = at.field("between");
            self.node(&between.index(0), a);
            self.node(&between.index(1), b);
            if a == b {
                self.wrong(&between, format!("a link from `{a}` to itself"), "two ends are needed", None);
            }
            let least = self.least_mtu(a, b);
            let forth = link.way();
            self.fills(&at, &forth);
            let ways = [self.way(&at, &forth, least), self.way_back(&at, link, least)];
            links.insert(name, spec::Link { ends: link.between.clone(), ways });
        }
        links
    }

    fn link_name(&mut self, at: &At<'_>, number: usize, link: &Link) -> String {
        let name = link.name.clone().unwrap_or_else(|| format!("{}-{}", link.between.0, link.between.1));
        if self.links.contains_key(&name) {
            let help = link.name.is_none().then(|| "give one of them a `name`".to_owned());
            let place = if link.name.is_some() { at.field("name") } else { at.field("between") };
            self.wrong(&place, format!("two links are named `{name}`"), "this name is taken", help);
        } else {
            self.links.insert(name.clone(), number);
        }
        name
    }

    /// The smallest MTU that a link between these may have (RFC 791: 68; RFC 8200: 1280). A link carries IPv6 if one of its
    /// ends has such an address, or if it lies between routers and some host has.
    pub(super) fn least_mtu(&self, a: &str, b: &str) -> u16 {
        let six = |name: &str| {
            let own = self.addresses.get(name).map(Vec::as_slice).unwrap_or_default();
            own.iter().any(IpAddr::is_ipv6)
        };
        let file = self.file;
        let between_routers = file.routers.contains_key(a) && file.routers.contains_key(b);
        let carries = six(a) || six(b) || between_routers && file.hosts.keys().any(|host| six(host));
        if carries { 1280 } else { 68 }
    }

    fn way_back(&mut self, at: &At<'_>, link: &Link, least: u16) -> spec::Way {
        match &link.back {
            None => resolved(&link.way()),
            Some(back) => {
                let (at, way) = (at.field("back"), back.over(&link.way()));
                if back.qdisc.is_some() || !back.drop_early.is_empty() || !back.mark.is_empty() {
                    self.fills(&at, &way);
                }
                self.way(&at, &way, least)
            }
        }
    }

    /// One direction, checked. `at` is where its fields stand.
    pub(super) fn way(&mut self, at: &At<'_>, way: &Way, least: u16) -> spec::Way {
        if way.rate.is_some_and(|rate| rate.0 == 0) {
            let help = "leave it out for an infinite rate; a link that carries nothing is `LinkDown` among the faults";
            self.wrong(&at.field("rate"), "a rate of zero carries nothing", "zero", Some(help.to_owned()));
        }
        if let Some(mtu) = way.mtu.filter(|mtu| *mtu < least) {
            let why = if least == 68 { "IPv4 needs 68 (RFC 791)" } else { "IPv6 needs 1280 (RFC 8200)" };
            self.wrong(&at.field("mtu"), format!("an MTU of {mtu} is too small"), why, None);
        }
        let kinds = [way.loss.is_some(), way.burst_loss.is_some(), !way.lose.is_empty()];
        if kinds.iter().filter(|kind| **kind).count() > 1 {
            let place = if way.burst_loss.is_some() { at.field("burst_loss") } else { at.field("lose") };
            self.wrong(
                &place,
                "two kinds of loss on one link",
                "only one of `loss`, `burst_loss`, `lose`",
                None,
            );
        }
        let zeros = [
            ("lose", way.lose.contains(&0)),
            ("copy", way.copy.contains(&0)),
            ("flip", way.flip.iter().any(|(n, _)| *n == 0)),
            ("shift", way.shift.iter().any(|(n, _)| *n == 0)),
            ("overtake", way.overtake.contains(&0)),
            ("drop_early", way.drop_early.contains(&0)),
            ("mark", way.mark.contains(&0)),
        ];
        for (field, _) in zeros.iter().filter(|(_, zero)| *zero) {
            self.wrong(&at.field(field), "the first packet is number 1, not 0", "counted from 1", None);
        }
        match way.limit {
            Some(Limit::Packets(0)) => {
                self.wrong(&at.field("limit"), "a queue of nothing", "at least 1", None)
            }
            Some(Limit::Bytes(size)) if size.0 == 0 => {
                self.wrong(&at.field("limit"), "a queue of nothing", "at least 1", None);
            }
            _ => {}
        }
        self.queue(at, way);
        let chances = [
            ("jitter_correlation", way.jitter_correlation),
            ("loss", way.loss),
            ("duplicate", way.duplicate),
            ("reorder", way.reorder),
            ("corrupt", way.corrupt),
        ];
        for (field, chance) in chances {
            self.chance(&at.field(field), chance);
        }
        if let Some(burst) = &way.burst_loss {
            let at = at.field("burst_loss");
            let chances =
                [("p", Some(burst.p)), ("r", Some(burst.r)), ("bad", burst.bad), ("good", burst.good)];
            for (field, chance) in chances {
                self.chance(&at.field(field), chance);
            }
        }
        resolved(way)
    }

    /// A discipline that never has anything to do is a mistake.
    fn fills(&mut self, at: &At<'_>, way: &Way) {
        let keeps_short = way.qdisc.is_some_and(|qdisc| qdisc != Qdisc::DropTail);
        let given = [
            ("qdisc", keeps_short),
            ("drop_early", !way.drop_early.is_empty()),
            ("mark", !way.mark.is_empty()),
        ];
        for (field, _) in given.iter().filter(|(_, given)| *given) {
            if way.rate.is_none() && way.shape.is_none() {
                let help = "give the link a `rate`, or a `shape`".to_owned();
                self.wrong(&at.field(field), "a queue without a rate never fills", "no rate", Some(help));
            } else if keeps_short && *field != "qdisc" {
                let help = "leave out one of the two".to_owned();
                let what = "a list of what the queue does, beside a queue that decides by itself";
                self.wrong(&at.field(field), what, "instead of `qdisc`", Some(help));
            }
        }
    }
    /// The times of CoDel: a queue that stands for an interval is too long if that is longer than the target.
    fn codel(&mut self, at: &At<'_>, target: Option<Span>, interval: Option<Span>) {
        let base = spec::Codel::default();
        let or = |span: Option<Span>, base: Duration| span.map_or(base, Span::duration);
        let (target_is, interval_is) = (or(target, base.target), or(interval, base.interval));
        if target_is >= interval_is {
            let message = format!("a target of {target_is} is not below the interval, {interval_is}");
            let (field, label) = match interval {
                Some(_) => ("interval", "more than the target"),
                None => ("target", "less than the interval"),
            };
            let help = "the target is a twentieth to a tenth of it (RFC 8289, section 4.3)".to_owned();
            self.wrong(&at.field(field), message, label, Some(help));
        }
    }
    /// A queue discipline and a shaper, checked.
    fn queue(&mut self, at: &At<'_>, way: &Way) {
        let within = at.field("qdisc");
        match way.qdisc {
            Some(Qdisc::Red { min, max, probability, weight, .. }) => {
                self.chance(&within.field("probability"), probability);
                self.chance(&within.field("weight"), weight);
                if max.is_some_and(|max| max <= min.unwrap_or(spec::Red::default().min)) {
                    self.wrong(&within.field("max"), "`max` is not above `min`", "more than `min`", None);
                }
                if weight.is_some_and(|weight| weight.0 == 0) {
                    self.wrong(&within.field("weight"), "an average that never moves", "more than 0", None);
                }
            }
            Some(Qdisc::Pie { target, update, ecn_most, .. }) => {
                self.chance(&within.field("ecn_most"), ecn_most);
                for (field, span) in [("target", target), ("update", update)] {
                    if span.is_some_and(|span| span.0 == 0) {
                        self.wrong(&within.field(field), "no time at all", "more than 0s", None);
                    }
                }
            }
            Some(Qdisc::Codel { target, interval, .. }) => self.codel(&within, target, interval),
            Some(Qdisc::FqCodel { target, interval, flows, quantum, .. }) => {
                self.codel(&within, target, interval);
                if flows.is_some_and(|flows| !(1..=65_536).contains(&flows)) {
                    self.wrong(&within.field("flows"), "so many queues cannot be", "1 to 65536", None);
                }
                if quantum == Some(0) {
                    self.wrong(&within.field("quantum"), "a turn of nothing", "at least 1", None);
                }
            }
            Some(Qdisc::DropTail) | None => {}
        }
        if let Some(shape) = &way.shape {
            let at = at.field("shape");
            if shape.rate.0 == 0 {
                self.wrong(&at.field("rate"), "a bucket that never fills", "zero", None);
            }
            let mtu = u64::from(way.mtu.unwrap_or(1500));
            if shape.burst.0 < mtu {
                let help = format!("at least the MTU, {mtu} bytes");
                self.wrong(&at.field("burst"), "no full packet would ever pass", "too small", Some(help));
            }
        }
    }

    fn chance(&mut self, at: &At<'_>, chance: Option<Percent>) {
        if let Some(chance) = chance.filter(|chance| chance.0 > 1_000_000) {
            self.wrong(at, format!("a probability of {chance}"), "more than 100%", None);
        }
    }

    /// Numbers the parts of the network that hang together.
    pub(super) fn find_parts(&mut self) {
        let mut parts: BTreeMap<&str, usize> =
            self.addresses.keys().enumerate().map(|(i, name)| (*name, i)).collect();
        for link in &self.file.links {
            let (a, b) = (parts.get(link.between.0.as_str()), parts.get(link.between.1.as_str()));
            let (Some(&a), Some(&b)) = (a, b) else { continue };
            parts.values_mut().filter(|part| **part == b).for_each(|part| *part = a);
        }
        self.parts = parts;
        self.check_linked();
    }

    /// A host without a link in a scenario with others is most likely forgotten.
    fn check_linked(&mut self) {
        let file = self.file;
        let at = At::root("routers");
        for name in file.routers.keys() {
            if !file.links.iter().any(|link| link.between.0 == *name || link.between.1 == *name) {
                let help = suggest("", file.hosts.keys().map(String::as_str), "hosts");
                self.wrong(&at.field(name), format!("no link leads to the router `{name}`"), "unused", help);
            }
        }
    }
}

/// One direction with its defaults.
pub(super) fn resolved(way: &Way) -> spec::Way {
    let duration = |span: Option<Span>| span.unwrap_or_default().duration();
    let ppm = |chance: Option<Percent>| u32::try_from(chance.unwrap_or_default().0).unwrap_or(u32::MAX);
    let loss = match &way.burst_loss {
        Some(burst) => spec::Loss::GilbertElliott {
            p: ppm(Some(burst.p)),
            r: ppm(Some(burst.r)),
            bad_loss: ppm(Some(burst.bad.unwrap_or(Percent(1_000_000)))),
            good_loss: ppm(burst.good),
        },
        None if !way.lose.is_empty() => spec::Loss::Listed(sorted(&way.lose)),
        None if ppm(way.loss) == 0 => spec::Loss::None,
        None => spec::Loss::Bernoulli(ppm(way.loss)),
    };
    spec::Way {
        rate_bps: way.rate.unwrap_or_default().0,
        delay: duration(way.delay),
        jitter: spec::Jitter {
            scale: duration(way.jitter),
            distribution: match way.jitter_shape.unwrap_or(Shape::Uniform) {
                Shape::Uniform => spec::Distribution::Uniform,
                Shape::Normal => spec::Distribution::Normal,
                Shape::Pareto => spec::Distribution::Pareto,
            },
            correlation_ppm: ppm(way.jitter_correlation),
            reorders: way.jitter_reorders.unwrap_or(false),
        },
        loss,
        duplicate_ppm: ppm(way.duplicate),
        duplicate_delay: duration(way.duplicate_delay),
        reorder_ppm: ppm(way.reorder),
        reorder_delay: duration(Some(way.reorder_delay.unwrap_or(Span(1_000_000)))),
        corrupt_ppm: ppm(way.corrupt),
        mtu: way.mtu.unwrap_or(1500),
        discipline: discipline(way.qdisc.unwrap_or(Qdisc::DropTail)),
        shape: way.shape.as_ref().map(|shape| spec::Shape { rate_bps: shape.rate.0, burst: shape.burst.0 }),
        limit: match way.limit {
            None if matches!(way.qdisc, Some(Qdisc::FqCodel { .. })) => spec::Limit::Packets(10_240), // RFC 8290, 5.2.3
            None => spec::Limit::Packets(1000),
            Some(Limit::Unlimited) => spec::Limit::Unlimited,
            Some(Limit::Packets(n)) => spec::Limit::Packets(n),
            Some(Limit::Bytes(size)) => spec::Limit::Bytes(size.0),
        },
        listed: listed(way),
    }
}

/// The numbered packets to which something happens, if there are any.
fn listed(way: &Way) -> Option<Arc<spec::Listed>> {
    let mut shift: Vec<(u64, i64)> = way.shift.iter().map(|(n, shift)| (*n, shift.0)).collect();
    let mut flip = way.flip.clone();
    shift.sort_by_key(|(n, _)| *n);
    flip.sort_by_key(|(n, _)| *n);
    let [copy, overtake] = [&way.copy, &way.overtake].map(|numbers| sorted(numbers));
    let [drop_early, mark] = [&way.drop_early, &way.mark].map(|numbers| sorted(numbers));
    let listed = spec::Listed { copy, flip, shift, overtake, drop_early, mark };
    (listed != spec::Listed::default()).then(|| Arc::new(listed))
}

/// The first list, or the second if that is empty.
fn or<T: Clone>(own: &[T], base: &[T]) -> Vec<T> {
    if own.is_empty() { base.to_vec() } else { own.to_vec() }
}

/// A queue discipline with its defaults.
fn discipline(qdisc: Qdisc) -> spec::Discipline {
    let span = |span: Option<Span>, default: Duration| span.map_or(default, Span::duration);
    let ppm = |chance: Option<Percent>, default: u32| {
        chance.map_or(default, |chance| u32::try_from(chance.0).unwrap_or(u32::MAX))
    };
    let codel = |target, interval, ecn: Option<bool>| {
        let base = spec::Codel::default();
        spec::Codel {
            target: span(target, base.target),
            interval: span(interval, base.interval),
            ecn: ecn.unwrap_or(base.ecn),
        }
    };
    match qdisc {
        Qdisc::DropTail => spec::Discipline::DropTail,
        Qdisc::Red { min, max, probability, weight, gentle, ecn } => {
            let base = spec::Red::default();
            let min = min.unwrap_or(base.min);
            spec::Discipline::Red(spec::Red {
                min,
                max: max.unwrap_or(min.saturating_mul(3)),
                probability_ppm: ppm(probability, base.probability_ppm),
                weight_ppm: ppm(weight, base.weight_ppm),
                gentle: gentle.unwrap_or(base.gentle),
                ecn: ecn.unwrap_or(base.ecn),
            })
        }
        Qdisc::Pie { target, update, burst, ecn, ecn_most } => {
            let base = spec::Pie::default();
            spec::Discipline::Pie(spec::Pie {
                target: span(target, base.target),
                update: span(update, base.update),
                burst: span(burst, base.burst),
                ecn: ecn.unwrap_or(base.ecn),
                ecn_most_ppm: ppm(ecn_most, base.ecn_most_ppm),
            })
        }
        Qdisc::Codel { target, interval, ecn } => spec::Discipline::Codel(codel(target, interval, ecn)),
        Qdisc::FqCodel { target, interval, ecn, flows, quantum } => {
            let base = spec::FqCodel::default();
            spec::Discipline::FqCodel(spec::FqCodel {
                codel: codel(target, interval, ecn),
                flows: flows.unwrap_or(base.flows),
                quantum: quantum.unwrap_or(base.quantum),
            })
        }
    }
}

/// In order, each once.
fn sorted(numbers: &[u64]) -> Vec<u64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

impl Way {
    /// Whether `new` would be another kind of queue than this.
    pub(super) fn changes_kind_of_queue(&self, new: &Way) -> bool {
        let kind = |qdisc: Qdisc| std::mem::discriminant(&qdisc);
        new.qdisc.is_some_and(|new| kind(new) != kind(self.qdisc.unwrap_or(Qdisc::DropTail)))
    }
    /// These parameters where they are typed, those of `base` otherwise. A kind of loss takes the place of another; so
    /// does a probability of the list of packets to which the same happens.
    pub fn over(&self, base: &Way) -> Way {
        let own_loss = self.loss.is_some() || self.burst_loss.is_some() || !self.lose.is_empty();
        let loss = if own_loss { self } else { base };
        Way {
            rate: self.rate.or(base.rate),
            delay: self.delay.or(base.delay),
            jitter: self.jitter.or(base.jitter),
            jitter_shape: self.jitter_shape.or(base.jitter_shape),
            jitter_correlation: self.jitter_correlation.or(base.jitter_correlation),
            jitter_reorders: self.jitter_reorders.or(base.jitter_reorders),
            loss: loss.loss,
            burst_loss: loss.burst_loss.clone(),
            lose: loss.lose.clone(),
            duplicate: self.duplicate.or(base.duplicate),
            duplicate_delay: self.duplicate_delay.or(base.duplicate_delay),
            reorder: self.reorder.or(base.reorder),
            reorder_delay: self.reorder_delay.or(base.reorder_delay),
            corrupt: self.corrupt.or(base.corrupt),
            copy: if self.duplicate.is_some() { self.copy.clone() } else { or(&self.copy, &base.copy) },
            flip: if self.corrupt.is_some() { self.flip.clone() } else { or(&self.flip, &base.flip) },
            shift: if self.jitter.is_some() { self.shift.clone() } else { or(&self.shift, &base.shift) },
            overtake: if self.reorder.is_some() {
                self.overtake.clone()
            } else {
                or(&self.overtake, &base.overtake)
            },
            drop_early: if self.qdisc.is_some() {
                self.drop_early.clone()
            } else {
                or(&self.drop_early, &base.drop_early)
            },
            mark: if self.qdisc.is_some() { self.mark.clone() } else { or(&self.mark, &base.mark) },
            mtu: self.mtu.or(base.mtu),
            limit: self.limit.clone().or(base.limit.clone()),
            qdisc: self.qdisc.or(base.qdisc),
            shape: self.shape.clone().or(base.shape.clone()),
        }
    }
}
