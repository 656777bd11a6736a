//! What a random scenario may have beside its connection: Fast Open on both ends, middleboxes, ICMP, floods and scans,
//! datagrams and pings, an open from both sides, listeners of other kinds, and the knobs that TCP seldom turns.

use std::fmt::Write as _;

use super::dice::Dice;
use super::swarm::HEALED;

/// Knobs, and values that make a difference. Those that switch a protection off (PAWS, the third segment of the handshake) are
/// left out: what breaks without them is no finding.
const KNOBS: &[(&str, &[&str])] = &[
    ("min_mss", &["48", "536"]),
    ("require_timestamps", &["true", "false"]),
    ("reset_timestamps", &["true", "false"]),
    ("ecn_fallback", &["true", "false"]),
    ("accecn_beacon", &["1", "3"]),
    ("accecn_syn_response", &["true", "false"]),
    ("rto_after_syn_loss", &["\"1s\"", "\"3s\""]),
    ("syn_linear_timeouts", &["0", "4"]),
    ("queue_before_open", &["true", "false"]),
    ("check_syn_echo", &["true", "false"]),
    ("somaxconn", &["1", "10"]),
    ("max_syn_backlog", &["1", "10"]),
    ("rtt_gains_by_flight", &["true", "false"]),
    ("hz", &["100", "250", "1000", "None"]),
    ("r1", &["1", "3"]),
    ("orphan_retries", &["1", "8"]),
    ("user_timeout_adopt", &["true", "false"]),
    ("rack_rtt_of_last", &["true", "false"]),
    ("probe_margin", &["\"0s\"", "\"200ms\""]),
    ("probe_puts_off_rto", &["true", "false"]),
    ("frto_repeats", &["true", "false"]),
    ("initial_window_fallback", &["true", "false"]),
    ("idle_halving", &["true", "false"]),
    ("cubic_ticks", &["true", "false"]),
    ("hystart", &["true", "false"]),
    ("hystart_detect", &["1", "2", "3"]),
    ("fast_convergence", &["true", "false"]),
    ("ect_on_control", &["true", "false"]),
    ("pacing_ss_ratio", &["100", "400"]),
    ("pacing_ca_ratio", &["50", "200"]),
    ("pacing_exempt", &["0", "10"]),
    ("delayed_ack", &["(min: \"200ms\", max: \"200ms\")", "(min: \"10ms\", max: \"500ms\")"]),
    ("notsent_lowat", &["1", "5000"]),
    ("min_tso_segs", &["1", "2"]),
    ("tso_win_divisor", &["1", "3"]),
    ("initial_rcv_wnd", &["2000", "\"64KiB\""]),
    ("persist_max", &["\"6s\"", "\"60s\""]),
    ("keepalive_count", &["1", "3"]),
    ("max_tw_buckets", &["1", "1000"]),
    ("time_wait_accepts_syn", &["true", "false"]),
    ("reset_in_close_wait_is_epipe", &["true", "false"]),
    ("reset_after_fins_is_silent", &["true", "false"]),
    ("ecn_outlives_fallback", &["true", "false"]),
    ("crossing_keeps_offer", &["true", "false"]),
    ("late_max_seg", &["true", "false"]),
    ("fin_beyond_window", &["true", "false"]),
    ("min_pmtu", &["536", "1000"]),
    ("mss_of_interface", &["true", "false"]),
    ("syn_ack_mss_of_interface", &["true", "false"]),
    ("pmtu_expires", &["\"5s\"", "\"10min\""]),
    ("icmp_aborts_connect", &["true", "false"]),
    ("fast_open_blackhole", &["\"0s\"", "\"5s\"", "\"1h\""]),
    ("fast_open_negative", &["\"0s\"", "\"5s\""]),
    ("cwnd_in_segments", &["true", "false"]),
    ("max_reordering", &["3", "300"]),
    ("retrans_collapse", &["true", "false"]),
    ("skb_overhead", &["0", "1280"]),
    ("max_tcp_header", &["192", "320"]),
];

/// Knobs that came later, drawn with dice of their own: what a seed stood for before stays in its scenario.
const LATER: &[(&str, &[&str])] = &[
    ("rto_slop", &["\"0s\"", "\"200ms\""]),
    ("challenge_count", &["1", "5", "10"]),
    ("reassembly_blocks", &["1", "100", "None"]),
    ("sack_holes", &["1", "128", "None"]),
    ("icmp_aborts_after", &["0", "3", "None"]),
    ("icmp_filters_refuse", &["true", "false"]),
    ("icmp_limit", &["PerDestination", "PerSecond(1)", "PerSecond(200)"]),
    ("parameter_problems", &["true", "false"]),
];

/// Listeners of other kinds, all on port 80.
const SERVERS: &[&str] = &[
    "EchoServer(port: 80, options: [KeepAlive(true), KeepIdle(\"1s\"), KeepInterval(\"1s\"), KeepCount(3)])",
    "EchoServer(port: 80, accept_every: \"1s\", options: [FastOpen(2)])",
    "Sink(port: 80, per_client_limit: 2, options: [MaxSeg(600), RcvBuf(3000)])",
    "Sink(port: 80, accept_after: \"4s\", backlog: 1, options: [FastOpen(16)])",
    "ChatServer(port: 80, reply: \"hello\", one_at_a_time: true, options: [NoDelay(true), UserTimeout(\"20s\")])",
    "Server(port: 80, accept_max: 2, options: [DeferAccept(\"2s\"), FastOpen(16)], steps: [RecvSome(100), Send(\"yes\"), Close])",
    "Server(port: 80, options: [Linger(\"0s\")], steps: [RecvSome(10), Close])",
    "Server(port: 80, options: [OobInline(true), UserTimeoutOption(\"60s\")], steps: [Try([Echo]), Close])",
    "Server(port: 80, steps: [ShutdownRead, SendBytes(len: 3000), Sleep(\"1s\"), Close])",
    "Server(port: 80, steps: [Sleep(\"2s\"), Abort])",
];

/// Draws what is beside a connection. Each kind is there or not, once for the whole scenario.
pub(super) struct Beside {
    dice: Dice,
    later: Dice,
    knobs: u64,
    fast_open: bool,
    middlebox: bool,
    icmp: bool,
    traffic: bool,
    both: bool,
    flood: bool,
    listener: bool,
}

impl Beside {
    pub(super) fn new(mut dice: Dice, later: Dice) -> Beside {
        let mut some = |percent| dice.chance(percent);
        let [fast_open, middlebox, icmp, traffic] = [some(25), some(15), some(15), some(15)];
        let [both, flood, listener] = [some(10), some(10), some(20)];
        let knobs = [0, 0, 4, 12][dice.roll(4) as usize];
        Beside { dice, later, knobs, fast_open, middlebox, icmp, traffic, both, flood, listener }
    }

    /// A host's TCP with more knobs.
    pub(super) fn tcp(&mut self, text: String) -> String {
        let mut text = text.strip_suffix(')').map_or(text.clone(), str::to_owned);
        for (knob, values) in KNOBS {
            if self.dice.chance(self.knobs) {
                let _ = write!(text, ", {knob}: {}", self.dice.pick(values));
            }
        }
        for (knob, values) in LATER {
            if self.later.chance(self.knobs) {
                let _ = write!(text, ", {knob}: {}", self.later.pick(values));
            }
        }
        if self.fast_open && self.dice.chance(90) {
            // Client, server, data without a cookie, a server that wants none, every listener.
            let _ = write!(
                text,
                ", fast_open: {}",
                self.dice.pick(&["1", "3", "7", "1027", "1027", "1539", "1543"])
            );
            if self.dice.chance(30) {
                text += ", fast_open_keys: \"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\"";
            }
        }
        text + ")"
    }
    /// The server, or a listener of another kind.
    pub(super) fn server(&mut self, server: &'static str) -> &'static str {
        let other = self.dice.roll(SERVERS.len() as u64) as usize;
        if self.listener { SERVERS[other] } else { server }
    }

    /// More programs, each after a comma.
    pub(super) fn programs(&mut self, has_attacker: bool, six: bool) -> String {
        let dice = &mut self.dice;
        let mut text = String::new();
        if self.fast_open {
            let mut steps = Vec::new();
            for _ in 0..1 + dice.roll(3) {
                let then =
                    dice.pick(&["Recv(2), ", "", "SendBytes(len: 4000), ", "ShutdownWrite, RecvToEof, "]);
                let words = ["GET /", "x", &"a long request ".repeat(1 + dice.roll(160) as usize)];
                let word = dice.pick(&words);
                steps.push(format!(
                    "Try([FastOpen(to: \"b:80\", send: \"{word}\"), {then}Close]), Sleep(\"{}ms\")",
                    dice.roll(4_000)
                ));
            }
            let at = 5 + dice.roll(3_000);
            let _ = write!(
                text,
                ", (on: \"a\", name: \"fast\", at: \"{at}ms\", run: Script([{}]))",
                steps.join(", ")
            );
        }
        if self.traffic {
            let sizes = dice.pick(&["[100]", "[1472, 1473]", "[4000]", "[0, 9000, 20]"]);
            let every = dice.pick(&["0s", "3ms", "200ms"]);
            let _ = write!(
                text,
                ", (on: \"b\", name: \"datagrams\", run: UdpReceive(port: 53, echo: {}))",
                dice.chance(70)
            );
            let _ = write!(
                text,
                ", (on: \"a\", name: \"sender\", at: \"50ms\", run: UdpSend(to: \"b:53\", sizes: {sizes}, count: {}, every: \"{every}\", df: {}))",
                1 + dice.roll(20),
                dice.chance(30)
            );
            let look = dice.pick(&[
                "Ping(to: \"b\", count: 3, size: 3000)",
                "Ping(to: \"b\", df: true, size: 1472)",
                "Traceroute(to: \"b\", hops: 4)",
            ]);
            let _ = write!(text, ", (on: \"a\", name: \"look\", at: \"20ms\", run: {look})");
        }
        if self.both {
            let [one, other] = [dice.roll(40), dice.roll(40)];
            for (host, peer, at) in [("a", "b", one), ("b", "a", other)] {
                let then = dice.pick(&[
                    "Send(\"hi\"), Recv(2), ",
                    "SendBytes(len: 3000), ShutdownWrite, RecvToEof, ",
                    "",
                ]);
                let _ = write!(
                    text,
                    ", (on: \"{host}\", name: \"{host} opens\", at: \"{at}ms\", run: Script([Bind(port: 7000), Try([Connect(\"{peer}:7000\"), {then}Close])]))"
                );
            }
        }
        if self.flood && has_attacker && !six {
            let kind = dice.pick(&["Syn", "Fin", "Null", "Xmas", "Ack"]);
            let _ = match dice.chance(50) {
                true => write!(
                    text,
                    ", (on: \"x\", name: \"flood\", at: \"5ms\", run: SynFlood(to: \"b:80\", count: {}, every: \"{}ms\"))",
                    1 + dice.roll(60),
                    1 + dice.roll(30)
                ),
                false => write!(
                    text,
                    ", (on: \"x\", name: \"scan\", at: \"5ms\", run: Scan(target: \"b\", ports: [22, 80, 7000], kind: {kind}))"
                ),
            };
        }
        text
    }

    /// More rules. First match first, so most come behind the others. A middlebox changes what a SYN asks for, and marks;
    /// one that looks at SYNs comes first: what it did to one of them, but not to the next, no end could agree on.
    pub(super) fn rules(&mut self, mut text: String) -> String {
        let dice = &mut self.dice;
        let until = HEALED - 3_000;
        if self.middlebox {
            let what = dice.pick(&[
                "flags: \"S\", without: \".\", do: Rewrite(strip: [WindowScale, Sack])",
                "flags: \"S\", without: \".\", do: Rewrite(strip: [Timestamps])",
                "flags: \"S\", do: Rewrite(strip: [FastOpen, AccEcn])",
                "flags: \"S\", do: Rewrite(clamp_mss: 500)",
                "flags: \"S\", without: \".\", len: (1, 2000), do: Rewrite(cut: true)",
                "flags: \"S\", do: Rewrite(clear: \"EW\")",
                "from: \"a\", do: Rewrite(ecn: NotEct)",
                "from: \"b\", do: Rewrite(ecn: Ce)",
                "do: Rewrite(strip: [AccEcn, UserTimeout])",
            ]);
            let at = if what.starts_with("flags: \"S\"") { 0 } else { text.len() };
            text.insert_str(at, &format!("({what}), "));
        }
        if self.icmp {
            let what = dice.pick(&["Net", "Host", "Protocol", "Port", "Prohibited"]);
            let _ = write!(
                text,
                "(time: (\"0s\", \"{until}ms\"), nth: {}, do: Refuse({what})), ",
                1 + dice.roll(12)
            );
        }
        text
    }

    /// More faults: ICMP errors that somebody forges.
    pub(super) fn faults(&mut self, has_attacker: bool, six: bool) -> String {
        let dice = &mut self.dice;
        let mut text = String::new();
        if !self.icmp || !has_attacker {
            return text;
        }
        for _ in 0..1 + dice.roll(4) {
            let at = 20 + dice.roll(8_000);
            let small = if six { "TooBig(1280)" } else { "TooBig(600)" };
            let says = dice.pick(&["Net", "Host", "Port", "Prohibited", "TtlExceeded", small, "TooBig(0)"]);
            let near = dice.roll(3_000) as i64 - 1_500;
            let (src, dst) = if dice.chance(60) { ("a:40000", "b:80") } else { ("b:80", "a:40000") };
            let _ = write!(
                text,
                "(at: \"{at}ms\", do: InjectIcmp(on: \"x\", says: {says}, src: \"{src}\", dst: \"{dst}\", seq: Expected({near}))), "
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::fuzz::scenario;

    #[test]
    fn every_listener_and_knob_reads() {
        for server in SERVERS {
            let text = format!("Scenario(hosts: {{ \"b\": () }}, programs: [(on: \"b\", run: {server})])");
            assert!(crate::scenario::Scenario::parse("x.ron", &text).is_ok(), "{server}");
        }
        for (knob, values) in KNOBS.iter().chain(LATER) {
            for value in *values {
                let text = format!("Scenario(hosts: {{ \"b\": (tcp: ({knob}: {value})) }})");
                assert!(crate::scenario::Scenario::parse("x.ron", &text).is_ok(), "{knob}: {value}");
            }
        }
    }

    #[test]
    fn each_kind_comes_up_and_reads() {
        let mut text = String::new();
        for seed in 1..400 {
            text += &scenario(seed).unwrap_or_else(|wrong| panic!("{wrong}")).text;
        }
        for kind in [
            "FastOpen(",
            "Rewrite(",
            "Refuse(",
            "InjectIcmp(",
            "UdpSend(",
            "Bind(port: 7000)",
            "SynFlood(",
            "Scan(",
        ] {
            assert!(text.contains(kind), "{kind}");
        }
    }
}
