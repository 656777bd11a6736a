//! What TCP cannot see changes nothing: other names, exchanged roles, a host that says nothing, a router in the middle of a
//! link, other queues, another day, no event queue; in the gallery and in random scenarios.

use std::collections::BTreeMap;

use timewait::find::fuzz;
use timewait::find::metamorphic::{Change, compare};

use crate::gallery::load;
use crate::scenarios::files;

/// What goes by numbers that chance has chosen: by ports, when many sockets act at one moment or a port is drawn that is in
/// TIME-WAIT, and by timestamps.
const BY_CHANCE: &[&str] = &["attack_fast_open", "attack_paws_poison", "attack_time_wait_exhaustion"];

fn by_name(change: Change) -> bool {
    matches!(change, Change::Renamed | Change::Swapped)
}

/// Differences in words, and for each change how many runs were compared.
fn compared<'a>(
    scenarios: impl Iterator<Item = (String, &'a sim::Spec)>,
    found: &mut Vec<String>,
    compared: &mut BTreeMap<Change, usize>,
) {
    for (name, spec) in scenarios {
        for change in Change::ALL {
            match compare(spec, change) {
                Some(Ok(lines)) if lines > 0 => *compared.entry(change).or_default() += 1,
                Some(Err(_)) if by_name(change) && BY_CHANCE.contains(&name.as_str()) => {}
                Some(Err(difference)) => found.push(format!("{name}: {difference:#?}")),
                _ => {}
            }
        }
    }
}

#[test]
fn the_gallery_shows_the_same() {
    let (mut found, mut runs) = (Vec::new(), BTreeMap::new());
    for (name, path) in files("scenarios") {
        compared(std::iter::once((name, load(&path).spec())), &mut found, &mut runs);
    }
    assert!(found.is_empty(), "{} differ\n{}", found.len(), found.join("\n"));
    assert!(runs.values().all(|runs| *runs > 50), "{runs:?}");
}

#[test]
fn random_scenarios_show_the_same() {
    let (mut found, mut runs) = (Vec::new(), BTreeMap::new());
    for seed in 0..250 {
        let scenario = fuzz::scenario(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        compared(std::iter::once((format!("seed {seed}"), scenario.spec())), &mut found, &mut runs);
    }
    assert!(found.is_empty(), "{} differ\n{}", found.len(), found.join("\n"));
    assert!(runs.values().all(|runs| *runs > 30), "{runs:?}");
}
