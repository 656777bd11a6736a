//! A run as a scenario in which nothing that happens to a packet is left to chance: what chance did on each link stands in
//! lists (`lose`, `copy`, `flip`, `shift`, `overtake`; `drop_early` and `mark` for queues that drop or mark at random), and the
//! file runs to the same trace.
//!
//! The seed stays: hosts draw their initial sequence numbers, timestamps' offsets and ports from it.

use sim::link::FateLog;
use sim::{Simulator, TraceLevel};

use crate::scenario::expand::expand;
use crate::scenario::file::{self, FaultKind, Qdisc, Way};
use crate::scenario::units::{Percent, Shift, Span};
use crate::scenario::{Problem, Scenario};

/// The run of `scenario`, frozen, and the hash of its trace.
///
/// # Errors
/// If what was written is no scenario, which would be a mistake of this program.
pub fn freeze(scenario: &Scenario) -> Result<(Scenario, u64), Vec<Problem>> {
    let mut simulator =
        Simulator::new(scenario.spec(), TraceLevel::Off).keeping_fates(scenario.spec()).without_checks();
    simulator.run();
    let typed = frozen(&scenario.typed, &simulator);
    let comment = leading_comment(&scenario.text);
    let text = typed.write(&comment);
    let frozen = Scenario::parse(&scenario.path, &text).map_err(|wrong| wrong.problems)?;
    Ok((frozen, simulator.trace_hash()))
}

/// `typed` with what happened in `simulator`, which has kept its fates, in place of chance.
pub fn frozen(typed: &file::Scenario, simulator: &Simulator) -> file::Scenario {
    // Each link has a list of its own.
    let mut typed = expand(typed).map_or_else(|_| typed.clone(), |expanded| expanded.file);
    for link in &mut typed.links {
        let name = link.name.clone().unwrap_or_else(|| format!("{}-{}", link.between.0, link.between.1));
        let Some(pipes) = simulator.names().link_pipes(&name) else { continue };
        let [forth, back] = pipes.map(|pipe| simulator.fate_log(pipe).cloned().unwrap_or_default());
        let mut way = link.way();
        let mut returning = link.back.clone().unwrap_or_default();
        write_down(&mut way, &forth);
        write_down(&mut returning, &back);
        for (list, chance) in [
            (!way.lose.is_empty() && returning.lose.is_empty(), &mut returning.loss),
            (!way.copy.is_empty() && returning.copy.is_empty(), &mut returning.duplicate),
            (!way.flip.is_empty() && returning.flip.is_empty(), &mut returning.corrupt),
            (!way.overtake.is_empty() && returning.overtake.is_empty(), &mut returning.reorder),
        ] {
            // Else the way back would take over the list of the way forth.
            *chance = list.then_some(Percent(0));
        }
        // Nor its queue: with one of its own it has lists of its own.
        let decides = |way: &Way| !way.drop_early.is_empty() || !way.mark.is_empty();
        if returning.qdisc.is_some_and(draws) || decides(&way) || decides(&returning) {
            returning.qdisc = Some(Qdisc::DropTail);
        }
        returning.jitter = (!way.shift.is_empty() && returning.shift.is_empty()).then_some(Span(0));
        link.set_way(way);
        link.back = Some(returning).filter(|back| *back != Way::default());
    }
    for fault in &mut typed.faults {
        if let FaultKind::LinkChange { set, back, .. } = &mut fault.r#do {
            set.iter_mut().chain(back).for_each(without_chance);
        }
    }
    typed
}

fn write_down(way: &mut Way, log: &FateLog) {
    without_chance(way);
    way.lose.clone_from(&log.lose);
    way.copy.clone_from(&log.listed.copy);
    way.flip.clone_from(&log.listed.flip);
    way.shift = log.listed.shift.iter().map(|(n, nanos)| (*n, Shift(*nanos))).collect();
    way.overtake.clone_from(&log.listed.overtake);
    way.drop_early.clone_from(&log.listed.drop_early);
    way.mark.clone_from(&log.listed.mark);
}

/// Whether a queue drops or marks at random.
fn draws(qdisc: Qdisc) -> bool {
    matches!(qdisc, Qdisc::Red { .. } | Qdisc::Pie { .. })
}

fn without_chance(way: &mut Way) {
    *way = Way {
        jitter: None,
        jitter_shape: None,
        jitter_correlation: None,
        loss: None,
        burst_loss: None,
        lose: Vec::new(),
        duplicate: None,
        reorder: None,
        corrupt: None,
        copy: Vec::new(),
        flip: Vec::new(),
        shift: Vec::new(),
        overtake: Vec::new(),
        drop_early: Vec::new(),
        mark: Vec::new(),
        qdisc: way.qdisc.filter(|qdisc| !draws(*qdisc)),
        ..way.clone()
    };
}

/// The comment at the top of a file, without its slashes.
pub fn leading_comment(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}
