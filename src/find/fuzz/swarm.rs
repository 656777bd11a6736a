//! Scenarios at random, each from a random subset of what there is (swarm testing: a scenario with everything in it
//! hides what only few things together show).
//!
//! Everything that goes wrong does so before [`HEALED`]; from then on the network is whole, hosts run, and what is left
//! must come to rest.

use std::fmt::Write as _;

use super::beside::Beside;
use super::dice::Dice;

/// When the last fault is over, in milliseconds.
pub const HEALED: u64 = 30_000;
/// When a run ends: longer than any connection takes to be given up, in seconds.
const UNTIL: u64 = 30 + 3 * 3600;

/// What a scenario may have; each in about a half of all.
#[derive(Clone, Copy)]
struct Features {
    knobs: u64,
    small_windows: bool,
    wrap: bool,
    chance: bool,
    rules: bool,
    faults: bool,
    crashes: bool,
    attacker: bool,
    router: bool,
    six: bool,
    narrow: bool,
    many: bool,
    urgent: bool,
    abort: bool,
    old: bool,
}

impl Features {
    fn new(dice: &mut Dice) -> Features {
        let mut some = |percent| dice.chance(percent);
        Features {
            small_windows: some(40),
            wrap: some(30),
            chance: some(55),
            rules: some(50),
            faults: some(40),
            crashes: some(20),
            attacker: some(25),
            router: some(60),
            six: some(25),
            narrow: some(40),
            many: some(25),
            urgent: some(15),
            abort: some(20),
            old: some(20),
            knobs: [0, 5, 15, 40][dice.roll(4) as usize],
        }
    }
}

/// Knobs, and values that make a difference.
const KNOBS: &[(&str, &[&str])] = &[
    ("mss", &["100", "536", "1000", "None"]),
    ("sack", &["true", "false"]),
    ("dsack", &["true", "false"]),
    ("timestamps", &["true", "false"]),
    ("window_scaling", &["true", "false"]),
    ("ecn", &["Off", "Passive", "On", "Accurate", "AccurateIn", "AccuratePassive"]),
    ("loss_detection", &["Rack", "Sack", "NewReno", "TimeoutOnly"]),
    ("tail_loss_probe", &["true", "false"]),
    ("congestion", &["Reno", "Cubic", "Dctcp", "Vegas", "Westwood", "Bbr", "Bbr1", "Fixed(5)", "Fixed(1)"]),
    ("initial_window", &["1", "3", "10", "40"]),
    ("nagle", &["Off", "Classic", "Minshall"]),
    ("syn_cookies", &["Off", "UnderPressure", "Off", "Always"]),
    ("path_mtu_discovery", &["true", "false"]),
    ("mtu_probing", &["Off", "BlackHole", "Always"]),
    ("base_mss", &["256", "536", "1024"]),
    ("mtu_probe_interval", &["\"5s\"", "\"10min\""]),
    ("cautious_mtu_search", &["true", "false"]),
    ("keepalive", &["true", "false"]),
    ("keepalive_idle", &["\"2s\"", "\"60s\""]),
    ("keepalive_interval", &["\"500ms\"", "\"5s\""]),
    ("prr", &["true", "false"]),
    ("frto", &["true", "false"]),
    ("undo", &["Off", "Restore", "RestoreTimeout", "Eifel"]),
    ("limited_transmit", &["true", "false"]),
    ("dupthresh", &["1", "3", "6"]),
    ("min_rto", &["\"20ms\"", "\"200ms\"", "\"1s\""]),
    ("min_rto_on", &["Total", "Variance"]),
    ("initial_rto", &["\"1s\"", "\"3s\""]),
    ("max_rto", &["\"10s\"", "\"60s\"", "\"120s\""]),
    ("r2", &["Count(3)", "Doublings(6)", "Time(\"100s\")"]),
    ("syn_retries", &["2", "6"]),
    ("synack_retries", &["1", "5"]),
    ("user_timeout", &["\"20s\"", "None"]),
    ("slow_start_after_idle", &["true", "false"]),
    ("probe_with_data", &["true", "false"]),
    ("persist_min", &["\"200ms\"", "\"5s\"", "None"]),
    ("shrink_window", &["false", "false", "false", "true"]),
    ("time_wait", &["\"1s\"", "\"60s\"", "\"240s\""]),
    ("rfc1337", &["true", "false"]),
    ("tw_reuse", &["0", "1"]),
    ("fin_wait_2", &["\"5s\"", "None"]),
    ("exact_window", &["true", "false"]),
    ("window_update", &["Any", "LargerOrClosed", "Larger"]),
    ("challenge_rst", &["true", "false"]),
    ("challenge_syn", &["true", "false"]),
    ("syn_resets_request", &["true", "false"]),
    ("icmp_exact", &["true", "false"]),
    ("ack_range", &["true", "false"]),
    ("challenge_interval", &["\"0s\"", "\"500ms\""]),
    ("limit_probe_answers", &["true", "false"]),
    ("reset_on_unread", &["true", "false"]),
    ("cautious_pmtu", &["true", "false"]),
    ("buffers_in_segments", &["true", "false"]),
    ("drop_signed", &["true", "false"]),
    ("icmp_hard_errors", &["true", "false"]),
    ("icmp_undoes_backoff", &["true", "false"]),
    ("urgent_points_at_last", &["true", "false"]),
    ("option_order", &["Linux", "FreeBsd"]),
    ("abort_on_overflow", &["true", "false"]),
    ("paws_slack", &["0", "1"]),
    ("ecn_stops_at_one", &["true", "false"]),
    ("ssthresh_from_cwnd", &["true", "false"]),
    ("accecn_option", &["Off", "Minimum", "Full"]),
    ("accecn_mixed_reset", &["true", "false"]),
    ("accecn_marks_all", &["true", "false"]),
    ("pacing", &["OnDemand", "Fq"]),
    ("max_pacing_rate", &["\"1Mbit\"", "None"]),
    ("cwnd_validation", &["Rfc7661", "NoGrowth"]),
    ("abe", &["true", "false"]),
];

fn tcp(dice: &mut Dice, with: Features) -> String {
    let mut text = format!("(personality: {}", dice.pick(&["Linux", "Rfc", "FreeBsd"]));
    for (knob, values) in KNOBS {
        if dice.chance(with.knobs) {
            let _ = write!(text, ", {knob}: {}", dice.pick(values));
        }
    }
    if with.small_windows && dice.chance(70) {
        let _ = write!(text, ", rcv_buf: {}", dice.pick(&["300", "1000", "1460", "2900", "5000", "20000"]));
        if dice.chance(50) {
            text += ", rcv_buf_max: 20000";
        }
    } else if dice.chance(20) {
        text += ", rcv_buf: \"4MiB\", rcv_buf_max: \"16MiB\"";
    }
    if with.small_windows && dice.chance(30) {
        text += ", snd_buf: 2000, snd_buf_max: 4000";
    }
    if with.wrap {
        let before = dice.pick(&["0", "1", "2", "500", "1461", "5000", "40000"]);
        let isn = u32::MAX - before.parse::<u32>().unwrap_or(0);
        let _ = write!(text, ", isn: Fixed({isn})");
    }
    text + ")"
}

fn link(dice: &mut Dice, with: Features, ends: (&str, &str), least: u64) -> String {
    let mut text = format!("(between: (\"{}\", \"{}\")", ends.0, ends.1);
    let _ = write!(
        text,
        ", delay: \"{}us\"",
        [10, 1_000, 20_000, 100_000][dice.roll(4) as usize] + dice.roll(5_000)
    );
    if with.narrow {
        let _ = write!(
            text,
            ", rate: \"{}kbit\", limit: Packets({})",
            500 + dice.roll(20_000),
            1 + dice.roll(40)
        );
        if dice.chance(50) {
            let qdiscs = [
                "Red(min: 3, max: 9)",
                "Pie()",
                "Codel()",
                "FqCodel()",
                "Codel(ecn: false, target: \"1ms\")",
            ];
            let _ = write!(text, ", qdisc: {}", dice.pick(&qdiscs));
        }
        if dice.chance(25) {
            text += ", shape: (rate: \"2Mbit\", burst: \"3kB\")";
        }
    }
    if with.chance {
        for (field, most) in [("loss", 12), ("duplicate", 6), ("reorder", 12), ("corrupt", 3)] {
            if dice.chance(45) {
                let _ = write!(text, ", {field}: \"{}.{}%\"", dice.roll(most), 1 + dice.roll(9));
            }
        }
        if dice.chance(30) {
            let _ = write!(
                text,
                ", jitter: \"{}us\", jitter_reorders: {}",
                1 + dice.roll(5_000),
                dice.chance(50)
            );
        }
    }
    if dice.chance(25) {
        let _ = write!(text, ", mtu: {}", least + dice.roll(221));
    }
    text + ")"
}

fn server(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "EchoServer(port: 80)",
        "Sink(port: 80)",
        "Sink(port: 80, idle_limit: \"20s\")",
        "ChatServer(port: 80, reply: \"hello\")",
        "RequestServer(port: 80, request: 10, response: 9000)",
        "Server(port: 80, backlog: 1, steps: [Sleep(\"3s\"), RecvToEof, Close])",
        "Server(port: 80, steps: [RecvSlowly(chunk: 700, every: \"30ms\"), SendBytes(len: 3000), Close])",
        "Server(port: 80, steps: [Sleep(\"8s\"), RecvSlowly(chunk: 300, every: \"20ms\"), Close])",
        "Server(port: 80, steps: [SendBytes(len: 40000), Close])",
        "Server(port: 80, steps: [SendBytes(len: 8000), ShutdownWrite, RecvToEof, Close])",
        "Server(port: 80, steps: [Close])",
        "Server(port: 80, steps: [Sleep(\"1s\"), Close])",
        "Server(port: 80, steps: [SendMore(\"so far\"), Sleep(\"300ms\"), SendMore(\" so good\"), ShutdownWrite, RecvToEof, Close])",
        "EchoServer(port: 80, close_after: \"700ms\")",
        "Sink(port: 80, backlog: 2, accept_every: \"4s\", close_after: \"2s\")",
    ])
}

fn client(dice: &mut Dice, with: Features, name: &str, port: u64) -> String {
    let mut steps = Vec::new();
    for _ in 0..dice.roll(5) {
        steps.push(match dice.roll(10) {
            0 => format!("SendBytes(len: {})", 1 + dice.roll(60_000)),
            1 => "Send(\"a few bytes\")".to_owned(),
            2 => format!("Sleep(\"{}ms\")", dice.roll(6_000)),
            3 if with.urgent => "SendUrgent(\"!\")".to_owned(),
            4 => format!("Try([Recv({})])", 1 + dice.roll(12)),
            5 => format!(
                "Set({})",
                dice.pick(&["NoDelay(true)", "Cork(true)", "QuickAck(true)", "KeepAlive(true)"])
            ),
            6 => format!("SendBytes(len: {})", [1, 10, 535, 1459, 1460, 1461][dice.roll(6) as usize]),
            7 => "SendMore(\"a few bytes of many\")".to_owned(),
            _ => format!(
                "SendBytes(len: {}, chunk: {}, every: \"5ms\")",
                1 + dice.roll(9_000),
                1 + dice.roll(900)
            ),
        });
    }
    let ends = ["Close", "Close", "ShutdownWrite, Try([RecvToEof]), Close", "Try([RecvToEof]), Close"];
    let end = if with.abort && dice.chance(40) { "Abort" } else { dice.pick(&ends) };
    steps.push(end.to_owned());
    let steps = steps.join(", ");
    if with.many {
        let (count, every) = (2 + dice.roll(5), [1, 100, 2_000][dice.roll(3) as usize]);
        return format!(
            "(on: \"{name}\", name: \"client\", at: \"10ms\", run: Clients(to: \"b:80\", count: {count}, every: \"{every}ms\", steps: [{steps}]))"
        );
    }
    let again = if with.old {
        format!(
            ", (on: \"{name}\", name: \"again\", at: \"{}ms\", run: Client(to: \"b:80\", port: {port}, steps: [Send(\"more\"), Close]))",
            500 + dice.roll(9_000)
        )
    } else {
        String::new()
    };
    format!(
        "(on: \"{name}\", name: \"client\", at: \"10ms\", run: Client(to: \"b:80\", port: {port}, steps: [{steps}])){again}"
    )
}

fn rules(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.roll(4) {
        let from = dice.pick(&["from: \"a\", ", "from: \"b\", ", ""]);
        let which = match dice.roll(9) {
            0 => "flags: \"S\", ",
            1 => "flags: \"S.\", ",
            2 => "flags: \"F\", ",
            3 => "flags: \"R\", ",
            4 => "len: 0, flags: \".\", without: \"SFR\", ",
            5 => "len: (1, 2000), ",
            _ => "",
        };
        let nth = match dice.roll(4) {
            0 => format!("nth: [{}, {}], ", 1 + dice.roll(4), 5 + dice.roll(6)),
            1 => "nth: \"2..\", ".to_owned(),
            _ => format!("nth: {}, ", 1 + dice.roll(8)),
        };
        let action = match dice.roll(9) {
            0..=2 => "Drop".to_owned(),
            3 => format!("Duplicate(copies: {}, after: \"{}ms\")", 1 + dice.roll(3), dice.roll(900)),
            4 | 5 => format!("Delay(\"{}ms\")", 1 + dice.roll(2_500)),
            6 => format!("HoldUntil(\"{}ms\")", 1_000 + dice.roll(HEALED - 1_000)),
            7 => "Corrupt".to_owned(),
            _ => "MarkCe".to_owned(),
        };
        let _ = write!(text, "({from}{which}time: (\"0s\", \"{}ms\"), {nth}do: {action}), ", HEALED - 3_000);
    }
    text
}

fn faults(dice: &mut Dice, with: Features, links: &[&str]) -> String {
    let mut text = String::new();
    let link = dice.pick(links);
    let count = if with.faults || with.crashes { 1 + dice.roll(4) } else { 0 };
    for _ in 0..count {
        let within = if dice.chance(50) { 600 } else { 15_000 };
        let at = 20 + dice.roll(within);
        let later = at + 1 + dice.roll(9_000);
        let what = match dice.roll(8) {
            0 if with.crashes => "Reboot(\"b\")".to_owned(),
            1 if with.crashes => "Reboot(\"a\")".to_owned(),
            2 if with.crashes => format!("Crash(\"b\")), (at: \"{later}ms\", do: Reboot(\"b\")"),
            3 if with.crashes => "Crash(\"a\")".to_owned(),
            4 if with.crashes => "Kill(\"client\")".to_owned(),
            _ if !with.faults => continue,
            5 => format!("Pause(\"b\")), (at: \"{later}ms\", do: Resume(\"b\")"),
            6 => {
                format!("LinkChange(link: \"{link}\", set: (mtu: 1300, delay: \"{}ms\"))", 1 + dice.roll(200))
            }
            _ => format!("LinkDown(\"{link}\")), (at: \"{later}ms\", do: LinkUp(\"{link}\")"),
        };
        let _ = write!(text, "(at: \"{at}ms\", do: {what}), ");
    }
    if with.attacker {
        for _ in 0..1 + dice.roll(6) {
            let within = if dice.chance(60) { 600 } else { 15_000 };
            let at = 20 + dice.roll(within);
            let _ = write!(text, "(at: \"{at}ms\", do: {}), ", forged(dice));
        }
    }
    if with.chance {
        for link in links {
            let set = "loss: \"0%\", duplicate: \"0%\", reorder: \"0%\", corrupt: \"0%\", jitter: \"0s\"";
            let _ = write!(text, "(at: \"{HEALED}ms\", do: LinkChange(link: \"{link}\", set: ({set}))), ");
        }
    }
    text
}

/// A segment that nobody sent, at or near numbers that matter, in either direction.
fn forged(dice: &mut Dice) -> String {
    let flags = dice.pick(&["S", "S.", "R", "R.", ".", "P.", "F.", "FPU", "none", "SF"]);
    let number = |dice: &mut Dice| {
        let far = dice.roll(3000) as i64 - 1500;
        let near = dice.roll(3) as i64 - 1;
        let base = dice.pick(&["Expected", "SenderIsn", "ReceiverIsn"]);
        format!("{base}({})", if dice.chance(50) { near } else { far })
    };
    let (seq, ack) = (number(dice), number(dice));
    let (src, dst) = if dice.chance(70) { ("a:40000", "b:80") } else { ("b:80", "a:40000") };
    // Half of those who forge have read along: without timestamps an end that uses them drops most at once.
    let stamps = if dice.chance(50) {
        let mut near = |width: u64| dice.roll(width) as i64 - (width / 2) as i64;
        format!(", timestamps_near: ({}, {})", near(5), near(2000))
    } else {
        String::new()
    };
    format!(
        "Inject(on: \"x\", src: \"{src}\", dst: \"{dst}\", flags: \"{flags}\", seq: {seq}, ack: {ack}{stamps})"
    )
}

/// The scenario that the number `seed` stands for.
pub fn swarm(seed: u64) -> String {
    // The first number of neighbouring seeds is mixed once more, so that nothing follows from their order.
    let mixed = Dice::new(seed).roll(u64::MAX);
    let dice = &mut Dice::new(mixed);
    let with = Features::new(dice);
    // What came later to this list has dice of its own: what a seed stood for before stays in its scenario.
    let mut beside = Beside::new(Dice::new(!mixed), Dice::new(mixed.rotate_left(32)));
    let (a, b) = (beside.tcp(tcp(dice, with)), beside.tcp(tcp(dice, with)));
    let addresses = if with.six {
        ["2001:db8::1", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:3::1"]
    } else {
        ["10.0.0.1", "10.0.1.1", "10.0.2.1", "10.0.3.1"]
    };
    let [at_a, at_b, at_r, at_x] = addresses;
    let least = if with.six { 1280 } else { 400 };
    let has_router = with.router || with.attacker;
    let ends: &[(&str, &str)] = if has_router { &[("a", "r"), ("r", "b")] } else { &[("a", "b")] };
    let names: &[&str] = if has_router { &["a-r", "r-b"] } else { &["a-b"] };
    let mut links: Vec<String> = ends.iter().map(|ends| link(dice, with, *ends, least)).collect();
    let mut hosts = format!("\"a\": (addr: \"{at_a}\", tcp: {a}), \"b\": (addr: \"{at_b}\", tcp: {b})");
    if with.attacker {
        let _ = write!(hosts, ", \"x\": (addr: \"{at_x}\")");
        links.push("(between: (\"x\", \"r\"))".to_owned());
    }
    let routers =
        if has_router { format!("    routers: {{ \"r\": (addr: \"{at_r}\") }},\n") } else { String::new() };
    let links = links.join(",\n        ");
    let (server, client) = (server(dice), client(dice, with, "a", 40_000));
    let rules = if with.rules { rules(dice) } else { String::new() };
    let faults = faults(dice, with, names);
    let (server, programs) = (beside.server(server), beside.programs(with.attacker, with.six));
    let rules = beside.rules(rules);
    let faults = faults + &beside.faults(with.attacker, with.six);
    format!(
        r#"Scenario(
    about: "swarm, seed {seed}", seed: {seed}, until: "{UNTIL}s",
    hosts: {{ {hosts} }},
{routers}    links: [
        {links},
    ],
    programs: [(on: "b", run: {server}), {client}{programs}],
    rules: [{rules}],
    faults: [{faults}],
)
"#
    )
}
