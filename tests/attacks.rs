//! What an attacker may not learn: laid beside a run in which the secret is another.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use sim::packet::Body;
use sim::{Simulator, TraceLevel, What};
use tcp::Time;
use timewait::scenario::Scenario;

use crate::gallery::{load, run};

fn scenario(name: &str) -> Scenario {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.ron")))
}

/// All that a host gets: when, and octet by octet.
fn seen_by(host: &str, run: &Simulator) -> Vec<(Time, Vec<u8>)> {
    let node = run.names().node_id(host).expect("a host of this name");
    let got = |record: &sim::Record| match &record.what {
        What::Received { node: at, packet, .. } if *at == node => {
            Some((record.time, sim::wire::encode(packet)))
        }
        _ => None,
    };
    run.records().iter().filter_map(got).collect()
}

/// SAFE/IPIDSIDE: what an idle scan shows is the same, octet by octet, whether or not the scanned host sends to somebody else.
#[test]
fn an_idle_scan_shows_nothing() {
    let busy = scenario("attack_idle_scan");
    let mut typed = busy.typed.clone();
    let before = typed.programs.len();
    typed.programs.retain(|program| program.name.as_deref() != Some("secret"));
    assert_eq!(typed.programs.len(), before - 1, "the traffic that is to stay secret");
    let quiet = Scenario::parse("quiet.ron", &typed.write("the same without"))
        .unwrap_or_else(|problems| panic!("{problems}"));
    let (busy, quiet) = (seen_by("attacker", &run(&busy)), seen_by("attacker", &run(&quiet)));
    assert_eq!(busy.len(), 8);
    assert_eq!(busy, quiet);
}

/// 7323/7-OFFSET: at the same moment two connections of a host have timestamps that have nothing to do with one another, nor
/// with the time since the host was started.
///
/// Of two independent numbers of 32 bits, the distance is below 2^24 (4.7 hours) with probability 1/128: of 64 pairs in half a
/// case; more than six would come once in two million times.
#[test]
fn timestamps_of_one_connection_tell_nothing_of_another() {
    let mut spec = scenario("attack_timestamp_leak").spec().clone();
    let (mut close, mut young) = (0, 0);
    for seed in 1..=64 {
        spec.seed = seed;
        let mut run = Simulator::new(&spec, TraceLevel::On);
        run.run();
        let offsets = offsets_of("server", &run);
        let offsets: Vec<u32> = offsets.into_values().collect();
        let [one, other] = offsets[..] else { panic!("two connections: {offsets:?}") };
        let near = |a: u32, b: u32| a.wrapping_sub(b).min(b.wrapping_sub(a)) < 1 << 24;
        close += u32::from(near(one, other));
        young += u32::from(near(one, 0)) + u32::from(near(other, 0));
    }
    assert!(close <= 6, "{close} of 64 pairs of connections have clocks that are close");
    assert!(young <= 9, "{young} of 128 clocks tell the time since the start");
}

/// By peer, what the clock in its timestamps is ahead of the time of the run, in milliseconds; it stays the same.
fn offsets_of(host: &str, run: &Simulator) -> BTreeMap<IpAddr, u32> {
    let node = run.names().node_id(host).expect("a host of this name");
    let mut offsets = BTreeMap::new();
    for record in run.records() {
        if let What::Sent { node: at, packet, .. } = &record.what
            && *at == node
            && let Body::Tcp(segment) = &packet.body
            && let Some(stamps) = segment.options.timestamps
        {
            let ticks = (record.time.as_nanos() / 1_000_000) as u32;
            let offset = stamps.val.wrapping_sub(ticks);
            assert_eq!(*offsets.entry(packet.ip.dst).or_insert(offset), offset, "a clock that jumps");
        }
    }
    offsets
}
