//! How the host's TCP is set: as sysctls that lead from a personality to it.

use sim::sys;
use tcp::Config;

/// The personality that a script starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Linux.
    Linux,
    /// To the letter of the RFCs.
    Rfc,
    /// FreeBSD.
    FreeBsd,
}

impl Base {
    const ALL: [Base; 3] = [Base::Linux, Base::Rfc, Base::FreeBsd];
    /// Its configuration, as `timewait packetdrill` runs scripts under it.
    pub fn config(self) -> Config {
        match self {
            Base::Linux => sys::Setup::default().tcp,
            Base::Rfc => Config::rfc(),
            Base::FreeBsd => Config::freebsd(),
        }
    }
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Base::Linux => "linux",
            Base::Rfc => "rfc",
            Base::FreeBsd => "freebsd",
        }
    }
}

/// What stands in front of the events.
pub(super) struct Settings {
    pub(super) base: Base,
    /// Settings by name, and their values.
    sysctls: Vec<(&'static str, String)>,
    /// Knobs that no setting changes.
    pub(super) unset: Vec<String>,
    mtu: u16,
}

/// These say what they say on every machine: left to its defaults, a kernel would choose by its memory or its build.
const ALWAYS: [&str; 6] =
    ["tcp_rmem", "tcp_wmem", "tcp_congestion_control", "tcp_ecn", "tcp_timestamps", "tcp_sack"];

/// Knobs that no script can see, or that are about other connections.
const INVISIBLE: [&str; 5] = ["isn", "max_tw_buckets", "fast_open_keys", "pmtu_expires", "somaxconn"];

/// The settings that make one of the personalities this configuration, as far as settings can.
pub(super) fn of(config: &Config, mtu: u16) -> Settings {
    let settled = |base: Base| {
        let mut reached = base.config();
        let before = sys::readings(&reached);
        let mut sysctls = Vec::new();
        for (name, value) in sys::readings(config) {
            let same = before.iter().any(|(other, at)| *other == name && *at == value);
            let changes = !same && sys::change(&mut reached, name, &value).is_ok();
            if changes || ALWAYS.contains(&name) {
                sysctls.push((name, value));
            }
        }
        Settings { base, sysctls, unset: differences(config, &reached), mtu }
    };
    let all = Base::ALL.map(settled);
    let best = all.into_iter().min_by_key(|settings| (settings.unset.len(), settings.sysctls.len()));
    best.unwrap_or_else(|| settled(Base::Linux))
}

/// The knobs in which these differ, with both values: `nagle: Off (Minshall under the personality)`.
fn differences(wanted: &Config, reached: &Config) -> Vec<String> {
    let (wanted, reached) = (fields(wanted), fields(reached));
    let differ = wanted.iter().zip(&reached).filter(|(a, b)| a != b);
    let told = differ.filter(|((name, _), _)| !INVISIBLE.contains(&name.as_str()));
    told.map(|((name, a), (_, b))| format!("{name}: {a}, where the personality has {b}")).collect()
}

/// The fields of a configuration and their values in words, as its `Debug` shows them.
fn fields(config: &Config) -> Vec<(String, String)> {
    let text = format!("{config:#?}");
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip(1) {
        match line.strip_prefix("    ") {
            Some(line) if !line.starts_with([' ', '}', ')', ']']) => {
                let (name, value) = line.split_once(": ").unwrap_or((line, ""));
                fields.push((name.to_owned(), value.trim_end_matches(',').to_owned()));
            }
            Some(more) => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push_str(more.trim().trim_end_matches(','));
                    value.push(' ');
                }
            }
            None => {}
        }
    }
    fields
}

impl Settings {
    /// Options, comments and the shell step.
    pub(super) fn head(&self, v6: bool) -> String {
        let mut head = String::new();
        if self.base != Base::Linux {
            let name = self.base.name();
            head.push_str(&format!("// Run it with `timewait packetdrill --personality {name}`.\n"));
        }
        for knob in &self.unset {
            head.push_str(&format!("// No setting of a kernel says this: {knob}\n"));
        }
        if v6 {
            head.push_str("--ip_version=ipv6\n");
        }
        head.push_str("\n`");
        for (name, value) in &self.sysctls {
            head.push_str(&format!("sysctl -q net.ipv4.{name}=\"{value}\"\n"));
        }
        if self.mtu != 1500 {
            head.push_str(&format!("ip link set dev tun0 mtu {}\n", self.mtu));
        }
        // Each line is one segment: the device cuts nothing.
        head.push_str("ethtool -K tun0 tso off gso off`\n\n");
        head
    }
}
