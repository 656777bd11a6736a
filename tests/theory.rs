//! Figures against theory, where there is one: what a link can carry, what a loss rate allows, how long a queue gets.

use tcp::Duration;
use timewait::figures::{Figures, Options, measure};
use timewait::scenario::Scenario;

fn measured(text: &str, warmup_ms: u64) -> Figures {
    let scenario = Scenario::parse("theory.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let warmup = Duration::from_millis(warmup_ms);
    let figures = measure(scenario.spec(), &Options { warmup, ..Options::default() });
    assert_eq!(figures.wrong, Vec::<String>::new());
    figures
}

/// Whether a figure is what theory says, within so many parts of a thousand.
#[track_caller]
fn near(found: u64, theory: u64, per_mille: u64) {
    assert!(
        found.abs_diff(theory) * 1000 <= theory * per_mille,
        "{found} where theory says {theory}, more than {per_mille} parts of a thousand off"
    );
}

/// One flow that always has something to send over a link that is no bottleneck but for losses: every `nth` data packet is
/// lost, and an early one, which ends slow start. Its goodput, in segments per round trip times a hundred.
fn window_at_loss(congestion: &str, nth: u64, one_way_ms: u64, seconds: u64) -> u64 {
    let lose: Vec<String> =
        std::iter::once(60).chain((1..400).map(|i| i * nth)).map(|n| n.to_string()).collect();
    let text = format!(
        r#"Scenario(
            until: "{seconds}s",
            topology: Dumbbell(left: 1,
                bottleneck: (rate: "10Gbit", delay: "{one_way_ms}ms", limit: Unlimited, lose: [{}]),
                back: (loss: "0%"),
                tcp: (congestion: {congestion}, fast_convergence: false, rcv_buf: "16MiB", rcv_buf_max: "16MiB", snd_buf: "16MiB", snd_buf_max: "16MiB")),
            populations: [(name: "bulk", from: "l1", to: "r1", kind: LongLived)],
        )"#,
        lose.join(", ")
    );
    let figures = measured(&text, seconds * 1000 / 5);
    let bits_per_round_trip = figures.total.goodput_bps * 2 * one_way_ms / 1000;
    bits_per_round_trip * 100 / (8 * 1448)
}

#[test]
fn one_flow_fills_a_link_but_for_headers() {
    let text = r#"Scenario(
        until: "6s",
        topology: Dumbbell(left: 1, bottleneck: (rate: "100Mbit", delay: "5ms", limit: Packets(200))),
        populations: [(name: "bulk", from: "l1", to: "r1", kind: LongLived)],
    )"#;
    let figures = measured(text, 1000);
    // Of 1,500 bytes, 20 are IP's, 20 TCP's, 12 those of timestamps.
    near(figures.total.goodput_bps, 100_000_000 * 1448 / 1500, 5);
    let queue = figures.queues.iter().find(|queue| queue.link == "bottleneck" && queue.from == "left");
    let queue = queue.expect("it carried something");
    near(queue.use_ppm.unwrap_or(0), 1_000_000, 3);
    // The queue is never longer than its limit, and a packet waits for those before it: 120 us each.
    assert!(queue.found.max <= 200 && queue.wait_ns.max <= 200 * 120_000 + 120_000, "{queue:?}");
}

#[test]
fn renos_window_goes_with_the_inverse_square_root_of_loss() {
    // Mathis and others (1997): W = sqrt(3 / (2 p)) segments, every segment acknowledged or counted by bytes.
    for (nth, theory) in [(1000, 3873), (4000, 7746)] {
        near(window_at_loss("Reno", nth, 20, 120), theory, 60);
    }
}

#[test]
fn cubics_window_is_that_of_its_rfc() {
    // RFC 9438, section 5.1, equation 6: 1.054 RTT^(3/4) / p^(3/4); with 0.1 s and p = 10^-4, table 1: 187 segments.
    // The model never leaves the concave part, so fast convergence is off. A window of whole segments stays as it is while
    // the cube is flatter than one, for more than a second on both sides: a loss at the start lets it begin near.
    near(window_at_loss("Cubic", 10_000, 50, 300), 18_700, 100);
}

#[test]
fn poisson_datagrams_wait_as_in_an_m_d_1_queue() {
    // 1,250 bytes at 10 Mbit/s take S = 1 ms. Khinchin and Pollaczek: the mean wait is S rho / (2 (1 - rho)).
    for (gap_us, theory_ns) in [(2000, 500_000), (1250, 2_000_000)] {
        let text = format!(
            r#"Scenario(
                until: "150s",
                hosts: {{ "a": (), "b": () }},
                links: [(between: ("a", "b"), rate: "10Mbit", delay: "1ms", limit: Unlimited)],
                programs: [
                    (on: "b", run: UdpReceive(port: 9)),
                    (on: "a", run: UdpSend(to: "b:9", sizes: [1222], count: 1000000, every: "{gap_us}us", poisson: true)),
                ],
            )"#
        );
        let figures = measured(&text, 1000);
        let queue = &figures.queues[0];
        near(queue.wait_ns.mean, theory_ns, 60);
        // Little: the mean number that waits is the wait by the time between arrivals, in thousandths.
        near(queue.length_milli, theory_ns / gap_us, 60);
        // The link is busy for S in each gap.
        near(queue.use_ppm.unwrap_or(0), 1_000_000_000 / gap_us, 20);
    }
}

#[test]
fn no_packet_is_lost_or_made_without_being_counted() {
    for (name, path) in crate::scenarios::files("scenarios") {
        let scenario = timewait::scenario::load(&path).unwrap_or_else(|wrong| panic!("{wrong}"));
        let figures = measure(scenario.spec(), &Options::default());
        assert_eq!(figures.wrong, Vec::<String>::new(), "{name}");
    }
}
