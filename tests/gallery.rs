//! The gallery: every scenario is there, meets its own expectations, and does what its snapshot shows.
//!
//! A snapshot is accepted only after it was read against the reasons that the scenario's comment names: an RFC's
//! section, a kernel's capture (see `kernel`), an invariant.

use std::collections::BTreeSet;

use sim::{Simulator, TraceLevel};
use timewait::Names;
use timewait::scenario::{self, Scenario};
use timewait::view::{Show, Story, trace};

use crate::scenarios::files;

/// What the gallery has to show.
const GALLERY: &[&str] = &[
    // Opening
    "handshake",
    "echo_chat",
    "connection_refused",
    "listen_only",
    "simultaneous_open",
    "lost_syn",
    "lost_synack",
    "lost_handshake_ack",
    "duplicate_syn",
    "old_duplicate_syn",
    "two_way_handshake_ablation",
    "syn_gives_up",
    "backlog_overflow",
    "syn_flood",
    "syn_flood_cookies",
    "wrap_around_isn",
    // Data
    "mss_and_mtu",
    "path_mtu_discovery",
    "pmtu_blackhole",
    "ip_fragmentation",
    "udp_datagrams",
    "push_and_urgent",
    "corrupted_segment",
    "reordering",
    "lost_segment_fast_retransmit",
    "lost_tail",
    "rto_backoff",
    "sliding_window",
    "zero_window",
    "lost_window_update",
    "silly_window",
    "nagle_and_delayed_ack",
    "ecn_mark",
    "accecn_mark",
    "accecn_old_server",
    "accecn_bleached",
    // Loss and recovery, congestion control
    "tail_loss_probe",
    "rack_reordering_window",
    "prr",
    "reneging",
    "spurious_rto_frto",
    "spurious_rto_eifel",
    "spurious_rto_response",
    "controller_reno",
    "controller_cubic",
    "controller_bbr",
    "controller_bbr1",
    "controller_dctcp",
    "controller_vegas",
    "controller_westwood",
    "hystart",
    "abe",
    // Fast Open
    "fast_open",
    "fast_open_cookie_refused",
    "fast_open_syn_data_lost",
    "fast_open_black_hole",
    // Closing
    "four_way_close",
    "three_segment_close",
    "half_close",
    "simultaneous_close",
    "lost_fin",
    "lost_fin_ack",
    "lost_final_ack",
    "lost_final_ack_no_time_wait",
    "lost_duplicate_old_incarnation",
    "time_wait_reuse",
    "time_wait_assassination",
    "close_with_unread_data",
    "linger_zero",
    "close_wait_leak",
    "fin_wait_2_timeout",
    // Long idle connections
    "keepalive_peer_alive",
    "keepalive_peer_crashed",
    "keepalive_peer_rebooted",
    "keepalive_peer_unreachable",
    "half_open_without_keepalive",
    "user_timeout",
    "blind_reset",
    "blind_data",
    "forged_icmp",
    // Servers
    "short_connections",
    "long_connection",
    "ephemeral_port_exhaustion",
    "idle_reaper",
    "per_client_limit",
    "syn_scan",
    "fin_scan",
    "congestion_dumbbell",
    // Attacks
    "attack_ack_division",
    "attack_ack_storm",
    "attack_challenge_side_channel",
    "attack_cookie_guess",
    "attack_dsack_forgery",
    "attack_duplicate_acks",
    "attack_ecn",
    "attack_fast_open",
    "attack_fin_wait_hoard",
    "attack_fragment_smack",
    "attack_icmp_sweep",
    "attack_idle_scan",
    "attack_isn_prediction",
    "attack_land",
    "attack_optimistic_ack",
    "attack_options",
    "attack_overlapping_fragments",
    "attack_paws_poison",
    "attack_reflection",
    "attack_reset_sweep",
    "attack_sack_panic",
    "attack_sack_slowness",
    "attack_segment_smack",
    "attack_shrew",
    "attack_sockstress",
    "attack_syn_sweep",
    "attack_time_wait_assassination",
    "attack_time_wait_exhaustion",
    "attack_timestamp_leak",
    "attack_tiny_fragments",
    "attack_urgent",
    "attack_user_timeout",
];

/// Longer views are snapshot as their beginning, their end and the hash of the trace.
const LONG: usize = 400;

#[test]
fn it_is_complete() {
    let there: BTreeSet<String> = files("scenarios").into_iter().map(|(name, _)| name).collect();
    let missing: Vec<&&str> = GALLERY.iter().filter(|name| !there.contains(**name)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn each_says_what_it_shows_and_why_it_is_right() {
    for (name, path) in files("scenarios") {
        let text = std::fs::read_to_string(&path).expect("readable");
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(comment.len() > 2, "{name} has no leading comment");
        assert!(
            comment.iter().any(|line| line.starts_with("// Outside: ")),
            "{name} names no outside reason"
        );
        let scenario = load(&path);
        assert!(!scenario.about().is_empty(), "{name} does not say what it is about");
        assert!(scenario.expectations().len() > 1, "{name} expects nothing");
    }
}

/// Whatever the seed: ports, initial sequence numbers and timestamps are random, what a scenario shows is not.
#[test]
fn expectations_are_met() {
    let mut wrong = String::new();
    for (_, path) in files("scenarios") {
        let scenario = load(&path);
        for seed in [scenario.spec().seed, 2, 3] {
            let mut spec = scenario.spec().clone();
            spec.seed = seed;
            let mut run = Simulator::new(&spec, TraceLevel::On);
            to_its_end(&mut run, &scenario);
            for failure in missed(&scenario, &run) {
                wrong.push_str(&format!("with seed {seed}: {failure}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every stream arrives as it was written, but for the scenarios that show how that can break: an old duplicate that
/// passes for new, and data that an attacker forges well enough.
#[test]
fn streams_are_intact() {
    for (name, path) in files("scenarios") {
        let run = run(&load(&path));
        let broken = ["lost_duplicate_old_incarnation_corrupts", "attack_ack_storm"].contains(&name.as_str());
        assert_eq!(!run.findings().is_empty(), broken, "{name}: {:?}", run.findings());
    }
}

#[test]
fn traces_are_as_they_were() {
    for (name, path) in files("scenarios") {
        let scenario = load(&path);
        let run = run(&scenario);
        insta::with_settings!({
            snapshot_path => "gallery",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => scenario.about(),
        }, {
            insta::assert_snapshot!(name, shown(&scenario, &run));
        });
    }
}

/// Hashes of all traces: the same on every machine, in debug and release (`.ci/compare-builds` compares those).
#[test]
fn hashes_are_as_they_were() {
    let mut table = String::new();
    for (name, path) in files("scenarios") {
        let scenario = load(&path);
        let mut run = Simulator::new(scenario.spec(), TraceLevel::Off);
        to_its_end(&mut run, &scenario);
        table.push_str(&format!("{name} {:016x} {} events\n", run.trace_hash(), run.events()));
    }
    insta::with_settings!({
        snapshot_path => "gallery",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("_hashes", table);
    });
}

pub fn load(path: &std::path::Path) -> Scenario {
    scenario::load(path).unwrap_or_else(|problems| panic!("{problems}"))
}

pub fn run(scenario: &Scenario) -> Simulator {
    let mut run = Simulator::new(scenario.spec(), TraceLevel::On);
    to_its_end(&mut run, scenario);
    run
}
/// No scenario of the gallery needs so many events: one that does goes round in circles.
const MOST_EVENTS: u64 = 1_000_000;
fn to_its_end(run: &mut Simulator, scenario: &Scenario) {
    while run.step() {
        let (events, now) = (run.events(), run.now());
        assert!(events < MOST_EVENTS, "{}: no end after {events} events, at {now}", scenario.about());
    }
}

/// The expectations that a run did not meet.
pub fn missed(scenario: &Scenario, run: &Simulator) -> Vec<String> {
    scenario.judge(scenario.spec(), run).iter().map(|failure| failure.render(scenario, false)).collect()
}

/// The default view, without colours; cut if long.
fn shown(scenario: &Scenario, run: &Simulator) -> String {
    let names = Names::of(scenario.spec());
    let story = Story::read(run.records(), &names);
    let mut coloured = Vec::new();
    trace::write(&story, Show::default(), &mut coloured).expect("a vector takes everything");
    let text = plain(&String::from_utf8(coloured).expect("views are UTF-8"));
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= LONG {
        return text;
    }
    let (head, tail) = (&lines[..LONG / 4], &lines[lines.len() - LONG / 20..]);
    let left_out = lines.len() - head.len() - tail.len();
    let hash = run.trace_hash();
    format!("{}\n … {left_out} lines, trace {hash:016x} …\n{}\n", head.join("\n"), tail.join("\n"))
}

/// `text` without the sequences that colour it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\u{1b}') {
        plain.push_str(&rest[..start]);
        rest = rest[start..].split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}
