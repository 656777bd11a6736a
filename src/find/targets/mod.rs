//! What a fuzzer that is guided by coverage feeds with bytes: one function for each kind of input from outside. Each panics
//! where something is wrong, and does nothing else. The binaries that libFuzzer drives are in `fuzz/`, outside the workspace;
//! the tests run these functions over the same corpus.

mod endpoint;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sim::{PacketId, Simulator, TraceLevel};
use tcp::Segment;
use tcp::segment::Options;

use crate::packetdrill::run::{Settings, run};
use crate::packetdrill::{Symbols, parse};
use crate::scenario::Scenario;

pub use endpoint::endpoint;

/// A function of bytes that panics where something is wrong.
pub type Target = fn(&[u8]);

/// All of them, by name: that of the binary, and of the folder of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("wire", wire),
    ("options", options),
    ("scenario", scenario),
    ("packetdrill", packetdrill),
    ("endpoint", endpoint),
];

/// Events that a scenario or a script may have: more only take time.
const MOST_EVENTS: u64 = 2_000;

/// Packets and segments from the wire: no bytes are too wrong, and what was read reads the same once written.
pub fn wire(bytes: &[u8]) {
    if let Ok(packet) = sim::wire::decode(PacketId(1), bytes) {
        let _ = sim::wire::encode(&packet);
    }
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    for address in [v4, v6] {
        let _ = tcp::wire::decode(bytes, address, address);
        let Ok(segment) = tcp::wire::decode_unverified(bytes) else { continue };
        let through = |segment: &Segment| {
            let written = tcp::wire::encode(segment, address, address);
            tcp::wire::decode(&written, address, address)
                .unwrap_or_else(|wrong| panic!("what was written is {wrong}: {segment:?}"))
        };
        let once = through(&segment);
        let without_options = |segment: &Segment| Segment { options: Options::default(), ..segment.clone() };
        assert_eq!(without_options(&once), without_options(&segment), "it reads otherwise once written");
        // Options that do not fit are left out once, and then no more.
        assert_eq!(through(&once), once, "it reads otherwise once written again");
    }
}

/// The list of options of a header (RFC 9293, MUST-6, MUST-7).
pub fn options(bytes: &[u8]) {
    let read = Options::from_wire(bytes);
    let written = read.to_wire();
    assert!(written.len() <= 40 && written.len().is_multiple_of(4), "{} octets of options", written.len());
    assert_eq!(written.len() as u32, read.wire_len());
    // What did not fit is left out once, and then no more; only the padding of it may remain.
    let again = Options::from_wire(&written);
    assert_eq!(Options::from_wire(&again.to_wire()), again, "{read:?}");
}

/// A scenario file: complaints or a scenario, which reads the same once written, and runs.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let scenario = match Scenario::parse("fuzz.ron", text) {
        Ok(scenario) => scenario,
        Err(complaints) => {
            let _ = complaints.render(false);
            return;
        }
    };
    let written = scenario.typed.write("");
    let again = Scenario::parse("again.ron", &written)
        .unwrap_or_else(|wrong| panic!("what was written is no scenario: {wrong}\n{written}"));
    assert_eq!(again.typed.write(""), written, "it reads otherwise once written");
    let mut simulator =
        Simulator::new(scenario.spec(), TraceLevel::Off).with_checks(scenario.spec()).keep_at_most(10_000);
    while simulator.events() < MOST_EVENTS && simulator.step() {}
}

/// A packetdrill script: complaints or a script, which runs.
pub fn packetdrill(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse::script("fuzz.pkt", text, &Symbols::default()) {
        Err(complaints) => {
            let _ = complaints.render(false);
        }
        Ok(script) if script.events.len() as u64 <= MOST_EVENTS => {
            let tcp = tcp::Config::linux();
            let _ = run(&script, &Settings { tcp, seed: 1, no_leftovers: true, tolerance_usecs: None });
        }
        Ok(_) => {}
    }
}
