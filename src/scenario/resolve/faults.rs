//! Rules for packets, and the timeline of faults.

use std::collections::BTreeMap;

use sim::packet::IcmpKind;
use sim::spec;
use tcp::{Duration, EcnCodepoint, Flags, Time, Timestamps};

use super::links::resolved;
use super::nodes::routes;
use super::{At, Resolver};
use crate::scenario::file::fault::{Codepoint, IcmpSays, Number, Protocol, Strippable, Unreachable};
use crate::scenario::file::{Action, FaultKind, Nth, Range, Rule, Way};
use crate::scenario::units::{Bits, Span};

/// What rules and expectations pick packets by.
macro_rules! picked {
    ($typed:expr) => {
        $crate::scenario::resolve::faults::Picked {
            from: $typed.from.as_deref(),
            to: $typed.to.as_deref(),
            link: $typed.link.as_deref(),
            flags: $typed.flags,
            without: $typed.without,
            seq: $typed.seq,
            ack: $typed.ack,
            sack: $typed.sack,
            raw_seq: $typed.raw_seq,
            protocol: $typed.protocol,
        }
    };
}
pub(super) use picked;

/// What a packet is picked by, wherever it was typed.
pub(super) struct Picked<'a> {
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    pub link: Option<&'a str>,
    pub flags: Option<Bits>,
    pub without: Option<Bits>,
    pub seq: Option<Range>,
    pub ack: Option<Range>,
    pub sack: Option<Range>,
    pub raw_seq: Option<Range>,
    pub protocol: Option<Protocol>,
}

impl<'a> Resolver<'a> {
    pub(super) fn rules(&mut self) -> Vec<spec::FateRule> {
        let file = self.file;
        let all = At::root("rules");
        let one = |(i, rule): (usize, &Rule)| {
            let at = all.index(i);
            self.check_match(&at, &picked!(rule));
            if rule.time.is_some_and(|(from, to)| from >= to) {
                self.wrong(&at.field("time"), "a window of no time", "the second must be later", None);
            }
            spec::FateRule { matching: matching(rule), action: action(&rule.r#do) }
        };
        file.rules.iter().enumerate().map(one).collect()
    }

    /// Names exist, and the fields do not exclude each other.
    pub(super) fn check_match(&mut self, at: &At<'_>, picked: &Picked<'_>) {
        for (field, name) in [("from", picked.from), ("to", picked.to)] {
            if let Some(name) = name {
                self.node(&at.field(field), name);
            }
        }
        if let Some(name) = picked.link {
            self.link(&at.field("link"), name);
        }
        let bits = |bits: Option<Bits>| bits.map_or(Flags::NONE, |bits| bits.0);
        if picked.flags.is_some_and(|flags| flags.0 == Flags::NONE) {
            let help = "every segment has all bits of none; to exclude bits, use `without`".to_owned();
            self.wrong(&at.field("flags"), "`none` matches everything", "which bits?", Some(help));
        }
        if bits(picked.flags).intersects(bits(picked.without)) {
            self.wrong(
                &at.field("without"),
                "a bit that is both wanted and excluded",
                "matches nothing",
                None,
            );
        }
        let for_tcp = picked.flags.is_some()
            || picked.without.is_some()
            || [picked.seq, picked.ack, picked.sack, picked.raw_seq].iter().any(Option::is_some);
        if for_tcp && picked.protocol.is_some_and(|protocol| protocol != Protocol::Tcp) {
            self.wrong(
                &at.field("protocol"),
                "flags and numbers are TCP's",
                "not TCP: matches nothing",
                None,
            );
        }
    }

    pub(super) fn faults(&mut self) -> Vec<(Time, spec::Fault)> {
        let file = self.file;
        let all = At::root("faults");
        // By time, and by mention where the time is the same: parameters of links build on those before.
        let mut order: Vec<usize> = (0..file.faults.len()).collect();
        order.sort_by_key(|i| file.faults[*i].at);
        let mut ways: BTreeMap<usize, [Way; 2]> = BTreeMap::new();
        let mut faults = Vec::new();
        for i in order {
            let at = all.index(i);
            let first = file.faults[i].at.time();
            let Some(fault) = self.fault(&at.field("do"), &file.faults[i].r#do, &mut ways) else { continue };
            let (count, every) = self.barrage(&at.field("do"), &file.faults[i].r#do);
            for n in 0..count {
                faults.push((first + every * u64::from(n), further(&fault, &file.faults[i].r#do, n)));
            }
        }
        // Barrages overlap; what comes at the same time keeps its order.
        faults.sort_by_key(|(at, _)| *at);
        faults
    }
    /// How often a fault happens, and how far apart.
    fn barrage(&mut self, at: &At<'_>, kind: &FaultKind) -> (u32, Duration) {
        let (FaultKind::Inject { count, every, .. } | FaultKind::InjectIcmp { count, every, .. }) = kind
        else {
            return (1, Duration::ZERO);
        };
        let count = count.unwrap_or(1);
        let pieces = if let FaultKind::Inject { fragments, .. } = kind { fragments.len().max(1) } else { 1 };
        let most = MOST_FORGED / pieces.min(MOST_FORGED as usize) as u32;
        if count > most {
            let what = if pieces > 1 { "fragments" } else { "segments" };
            let message = format!("more than {MOST_FORGED} forged {what} at once");
            self.wrong(&at.field("count"), message, "too many", None);
        }
        (count.min(most), every.map_or(Duration::from_millis(1), Span::duration))
    }

    fn fault(
        &mut self,
        at: &At<'_>,
        kind: &FaultKind,
        ways: &mut BTreeMap<usize, [Way; 2]>,
    ) -> Option<spec::Fault> {
        let one = at.index(0);
        Some(match kind {
            FaultKind::LinkDown(name) => {
                self.link(&one, name).map(|_| spec::Fault::LinkDown(name.clone()))?
            }
            FaultKind::LinkUp(name) => self.link(&one, name).map(|_| spec::Fault::LinkUp(name.clone()))?,
            FaultKind::LinkChange { link, set, back } => {
                let number = self.link(&at.field("link"), link)?;
                let typed = &self.file.links[number];
                let forth = typed.way();
                let returning = typed.back.as_ref().map_or(forth.clone(), |back| back.over(&forth));
                let now = ways.entry(number).or_insert([forth, returning]);
                for (field, typed) in [("set", set), ("back", back)] {
                    let same = |way: &Way| !typed.as_ref().is_some_and(|new| way.changes_kind_of_queue(new));
                    if !now.iter().all(same) {
                        let help = "its parameters may, and its `limit`";
                        let at = at.field(field);
                        let what = "the kind of a queue does not change during a run";
                        self.wrong(&at.field("qdisc"), what, "another kind", Some(help.to_owned()));
                    }
                }
                if let Some(set) = set {
                    *now = [set.over(&now[0]), set.over(&now[1])];
                }
                if let Some(back) = back {
                    now[1] = back.over(&now[1]);
                }
                let now = now.clone();
                let fields = [(at.field("set"), set), (at.field("back"), back)];
                for (at, typed) in fields {
                    if let Some(typed) = typed {
                        let (a, b) = &self.file.links[number].between;
                        self.way(&at, typed, self.least_mtu(a, b));
                    }
                }
                let [forth, returning] = now.map(|way| Some(Box::new(resolved(&way))));
                let forth = if set.is_some() { forth } else { None };
                spec::Fault::LinkChange(link.clone(), [forth, returning])
            }
            FaultKind::Routes { on, routes: typed } => {
                if !self.node(&at.field("on"), on) {
                    return None;
                }
                self.neighbours(at, on, typed);
                spec::Fault::Routes(on.clone(), routes(typed))
            }
            FaultKind::Crash(name) => self.host(&one, name).then(|| spec::Fault::Crash(name.clone()))?,
            FaultKind::Reboot(name) => self.host(&one, name).then(|| spec::Fault::Reboot(name.clone()))?,
            FaultKind::Pause(name) => self.host(&one, name).then(|| spec::Fault::Pause(name.clone()))?,
            FaultKind::Resume(name) => self.host(&one, name).then(|| spec::Fault::Resume(name.clone()))?,
            FaultKind::Kill(name) => {
                self.program(&one, name);
                spec::Fault::Kill(name.clone())
            }
            FaultKind::Inject { .. } => spec::Fault::Inject(Box::new(self.inject(at, kind)?)),
            FaultKind::InjectIcmp { .. } => spec::Fault::InjectIcmp(Box::new(self.inject_icmp(at, kind)?)),
        })
    }

    fn inject(&mut self, at: &At<'_>, kind: &FaultKind) -> Option<spec::Inject> {
        let FaultKind::Inject {
            on,
            src,
            dst,
            flags,
            seq,
            ack,
            wnd,
            urg,
            data,
            len,
            ecn,
            mss,
            wscale,
            sack_permitted,
            sack,
            timestamps,
            timestamps_near: stamps,
            cookie,
            options,
            ident,
            fragments,
            ..
        } = kind
        else {
            return None;
        };
        if !self.node(&at.field("on"), on) {
            return None;
        }
        let len = if data.is_empty() { len.map_or(0, |len| len.0) } else { data.len() as u64 };
        let payload = if data.is_empty() {
            tcp::Payload::from_bytes(&vec![b'x'; len.min(65_000) as usize])
        } else {
            tcp::Payload::from_bytes(data.as_bytes())
        };
        if len > 65_000 {
            self.wrong(&at.field("data"), "too much for one segment", "at most 65000 bytes", None);
        }
        let sack = sack.as_deref().unwrap_or_default();
        if sack.len() > 4 {
            self.wrong(&at.field("sack"), "too many SACK blocks for one segment", "at most four", None);
        }
        if timestamps.is_some() && stamps.is_some() {
            self.wrong(
                &at.field("timestamps_near"),
                "a segment has one Timestamps option",
                "beside `timestamps`",
                None,
            );
        }
        if (timestamps.is_some() || stamps.is_some()) && sack.len() > 3 {
            self.wrong(&at.field("sack"), "too many SACK blocks beside timestamps", "at most three", None);
        }
        let fast_open = cookie.as_ref().map(|text| {
            let cookie = octets(text).and_then(|octets| tcp::TfoCookie::new(&octets));
            if cookie.is_none() && !text.is_empty() {
                let help = "an even number of octets, 4 to 16, two digits each";
                self.wrong(
                    &at.field("cookie"),
                    "this is no cookie",
                    "not hexadecimal",
                    Some(help.to_owned()),
                );
            }
            Box::new(tcp::FastOpenOption { cookie, experimental: false })
        });
        if options.len() > 40 {
            self.wrong(&at.field("options"), "too many options for one segment", "at most 40 octets", None);
        }
        // They take the place of all others.
        let stamps = stamps.filter(|_| options.is_empty());
        let sack: Vec<_> = sack.iter().map(|(left, right)| (exact(left), exact(right))).collect();
        let options = if options.is_empty() {
            tcp::Options {
                mss: *mss,
                wscale: *wscale,
                sack_permitted: sack_permitted.unwrap_or(false),
                timestamps: timestamps.map(|(val, ecr)| Timestamps { val, ecr }),
                fast_open,
                ..tcp::Options::default()
            }
        } else {
            tcp::Options::from_wire(options)
        };
        let pieces = self.pieces(
            &at.field("fragments"),
            fragments,
            whole_len(&options, sack.len(), stamps.is_some(), &payload),
        );
        Some(spec::Inject {
            at: on.clone(),
            src: self.endpoint(&at.field("src"), on, src),
            dst: self.endpoint(&at.field("dst"), on, dst),
            flags: flags.0,
            seq: number(seq),
            ack: number(ack),
            wnd: wnd.unwrap_or(65535),
            urg: urg.unwrap_or(0),
            options,
            stamps,
            sack,
            payload,
            ecn: ecn.map_or(EcnCodepoint::NotEct, codepoint),
            ident: ident.unwrap_or(0),
            pieces,
        })
    }
    /// Fragments of a forged segment of `whole` octets.
    fn pieces(&mut self, at: &At<'_>, typed: &[(u16, u16)], whole: u32) -> Vec<spec::Piece> {
        let each = |(i, &(offset, len)): (usize, &(u16, u16))| {
            let at = at.index(i);
            let end = u32::from(offset) + u32::from(len);
            if !offset.is_multiple_of(8) {
                let help = format!("the nearest is {}", (u32::from(offset) + 3) / 8 * 8);
                let message = "a fragment begins at a multiple of eight octets";
                self.wrong(&at.index(0), message, "not a multiple of eight", Some(help));
            } else if len == 0 {
                self.wrong(&at.index(1), "a fragment of nothing", "at least one octet", None);
            } else if end > whole {
                let message = format!("a fragment beyond the end of the segment, which has {whole} octets");
                let room = whole.saturating_sub(offset.into());
                let help = (room > 0).then(|| format!("there are {room} from {offset} on"));
                self.wrong(&at, message, &format!("ends at {end}"), help);
            }
            spec::Piece { offset, len, more: end < whole }
        };
        typed.iter().enumerate().map(each).collect()
    }

    fn inject_icmp(&mut self, at: &At<'_>, kind: &FaultKind) -> Option<spec::InjectIcmp> {
        let FaultKind::InjectIcmp { on, from, says, src, dst, seq, len, .. } = kind else { return None };
        if !self.node(&at.field("on"), on) {
            return None;
        }
        let src = self.endpoint(&at.field("src"), on, src);
        let claimed = from.as_deref().unwrap_or(on);
        let from = self.address(&at.field("from"), on, claimed);
        Some(spec::InjectIcmp {
            at: on.clone(),
            from,
            kind: match *says {
                IcmpSays::Net => IcmpKind::NetUnreachable,
                IcmpSays::Host => IcmpKind::HostUnreachable,
                IcmpSays::Protocol => IcmpKind::ProtocolUnreachable,
                IcmpSays::Port => IcmpKind::PortUnreachable,
                IcmpSays::Prohibited => IcmpKind::AdminProhibited,
                IcmpSays::TooBig(mtu) => IcmpKind::FragmentationNeeded(mtu),
                IcmpSays::TtlExceeded => IcmpKind::TtlExceeded,
            },
            src,
            dst: self.endpoint(&at.field("dst"), on, dst),
            seq: number(seq),
            len: len.unwrap_or(1500),
        })
    }
}

/// Octets of a forged segment, its header counted.
fn whole_len(options: &tcp::Options, blocks: usize, stamps: bool, payload: &tcp::Payload) -> u32 {
    let mut options = options.clone();
    if stamps {
        options.timestamps = Some(Timestamps::default());
    }
    for _ in 0..blocks.min(4) {
        options.sack.push(tcp::SeqNum(0), tcp::SeqNum(1));
    }
    20 + options.wire_len() + payload.len()
}

/// Most forged segments of one line of a file.
const MOST_FORGED: u32 = 100_000;

/// The `n`th of a barrage of forged segments.
fn further(first: &spec::Fault, typed: &FaultKind, n: u32) -> spec::Fault {
    let mut fault = first.clone();
    let times = |step: &Option<i64>| step.unwrap_or(0).wrapping_mul(n.into());
    match (&mut fault, typed) {
        (
            spec::Fault::Inject(inject),
            FaultKind::Inject { seq_step, ack_step, sack_step, stamp_step, port_step, ident_step, .. },
        ) => {
            let idents = u32::from(ident_step.unwrap_or(0)).wrapping_mul(n);
            inject.ident = inject.ident.wrapping_add(idents as u16);
            advance(&mut inject.seq, times(seq_step));
            advance(&mut inject.ack, times(ack_step));
            for (left, right) in &mut inject.sack {
                advance(left, times(sack_step));
                advance(right, times(sack_step));
            }
            if let Some(stamps) = &mut inject.options.timestamps {
                stamps.val = stamps.val.wrapping_add(stamp_step.unwrap_or(0).wrapping_mul(n));
            }
            if let Some((val, _)) = &mut inject.stamps {
                *val = val.wrapping_add(stamp_step.unwrap_or(0).wrapping_mul(n) as i32);
            }
            let port = u64::from(inject.src.port()) + u64::from(port_step.unwrap_or(0)) * u64::from(n);
            let port = if port > 65_535 { 1024 + (port - 65_536) % 64_512 } else { port };
            inject.src.set_port(port as u16);
        }
        (spec::Fault::InjectIcmp(inject), FaultKind::InjectIcmp { seq_step, .. }) => {
            advance(&mut inject.seq, times(seq_step));
        }
        _ => {}
    }
    fault
}
fn advance(number: &mut spec::SeqRef, by: i64) {
    match number {
        spec::SeqRef::Absolute(n) => *n = n.wrapping_add(by as u32),
        spec::SeqRef::SenderIsn(n) | spec::SeqRef::ReceiverIsn(n) | spec::SeqRef::Expected(n) => {
            *n = n.wrapping_add(by);
        }
    }
}
/// Octets in hexadecimal.
fn octets(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(octet).collect())?
}

fn number(typed: &Option<Number>) -> spec::SeqRef {
    typed.as_ref().map_or(spec::SeqRef::Expected(0), exact)
}
fn exact(typed: &Number) -> spec::SeqRef {
    match typed {
        Number::Absolute(n) => spec::SeqRef::Absolute(*n),
        Number::SenderIsn(n) => spec::SeqRef::SenderIsn(*n),
        Number::ReceiverIsn(n) => spec::SeqRef::ReceiverIsn(*n),
        Number::Expected(n) => spec::SeqRef::Expected(*n),
    }
}

fn matching(rule: &Rule) -> spec::Match {
    let octets = |range: Range| (range.0, range.1.saturating_add(1));
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    spec::Match {
        link: rule.link.clone(),
        from: rule.from.clone(),
        to: rule.to.clone(),
        protocol: rule.protocol.map(|protocol| match protocol {
            Protocol::Tcp => spec::Protocol::Tcp,
            Protocol::Udp => spec::Protocol::Udp,
            Protocol::Icmp => spec::Protocol::Icmp,
            Protocol::Fragment => spec::Protocol::Fragment,
        }),
        flags: rule.flags.map(|bits| bits.0),
        without: rule.without.map(|bits| bits.0),
        src_port: rule.src_port,
        dst_port: rule.dst_port,
        seq: rule.seq.map(octets),
        ack: rule.ack.map(octets),
        sack: rule.sack.map(octets),
        raw_seq: rule.raw_seq.map(|range| (small(range.0), small(range.1))),
        payload_len: rule.len.map(|range| (small(range.0), small(range.1))),
        time: rule.time.map(|(from, to)| (from.time(), to.time())),
        nth: rule.nth.as_ref().map(|nth| match nth {
            Nth::Listed(these) => spec::Nth::Listed(these.clone()),
            Nth::From(first) => spec::Nth::From(*first),
        }),
    }
}

fn action(typed: &Action) -> spec::Action {
    match *typed {
        Action::Rewrite { ecn, clear, set, ref strip, clamp_mss, cut } => {
            let has = |option| strip.contains(&option);
            spec::Action::Rewrite(spec::Rewrite {
                ecn: ecn.map(codepoint),
                clear: clear.map_or(Flags::NONE, |bits| bits.0),
                set: set.map_or(Flags::NONE, |bits| bits.0),
                strip: spec::Strip {
                    wscale: has(Strippable::WindowScale),
                    sack: has(Strippable::Sack),
                    timestamps: has(Strippable::Timestamps),
                    accecn: has(Strippable::AccEcn),
                    fast_open: has(Strippable::FastOpen),
                    user_timeout: has(Strippable::UserTimeout),
                },
                clamp_mss,
                cut: cut.unwrap_or(false),
            })
        }
        Action::Drop => spec::Action::Drop,
        Action::Duplicate { copies, after } => spec::Action::Duplicate {
            copies: copies.unwrap_or(1),
            after: after.unwrap_or_default().duration(),
        },
        Action::Delay(span) => spec::Action::Delay(span.duration()),
        Action::HoldUntil(span) => spec::Action::HoldUntil(span.time()),
        Action::Corrupt => spec::Action::Corrupt(None),
        Action::CorruptBit(bit) => spec::Action::Corrupt(Some(bit)),
        Action::MarkCe => spec::Action::MarkCe,
        Action::Refuse(what) => spec::Action::Refuse(match what {
            Unreachable::Net => IcmpKind::NetUnreachable,
            Unreachable::Host => IcmpKind::HostUnreachable,
            Unreachable::Protocol => IcmpKind::ProtocolUnreachable,
            Unreachable::Port => IcmpKind::PortUnreachable,
            Unreachable::Prohibited => IcmpKind::AdminProhibited,
        }),
    }
}

fn codepoint(typed: Codepoint) -> EcnCodepoint {
    match typed {
        Codepoint::NotEct => EcnCodepoint::NotEct,
        Codepoint::Ect1 => EcnCodepoint::Ect1,
        Codepoint::Ect0 => EcnCodepoint::Ect0,
        Codepoint::Ce => EcnCodepoint::Ce,
    }
}
