//! What a script may say that changes nothing which could be seen here, each with the reason: options of packetdrill and
//! shell commands. What a program may ask of its sockets without effect is in [`sim::sys::UNSEEN`]. Whatever is neither
//! there nor here and has no meaning makes a script unsupported.

/// What is taken without effect, and why.
pub type Unseen = (&'static str, &'static str);

/// Options of packetdrill.
pub const OPTIONS: &[Unseen] = &[
    ("send_omit_free", "is about packetdrill's own memory"),
    ("verbose", "packets are told of in failures and with --pcap"),
    ("debug", "is about packetdrill itself"),
    ("dry_run", "is about packetdrill itself: --check reads scripts without running them"),
    ("code_command", "code blocks are evaluated here, not by an interpreter"),
    ("code_format", "code blocks are evaluated here, not by an interpreter"),
    ("gateway_ip", "the next hop towards the peer has no part in what TCP does"),
    ("netmask_ip", "the network of the interface has no part in what TCP does"),
    ("local_ip_dev", "there is one interface"),
    ("tun_dev", "is the name of the interface"),
    ("persistent_tun_dev", "interfaces do not outlive a script"),
    ("wire_client", "both ends of the wire are in this process"),
    ("wire_server", "both ends of the wire are in this process"),
    ("wire_server_ip", "both ends of the wire are in this process"),
    ("wire_server_port", "both ends of the wire are in this process"),
    ("wire_client_dev", "both ends of the wire are in this process"),
    ("wire_server_dev", "both ends of the wire are in this process"),
    ("no_cleanup", "nothing of a script is left behind in any case"),
    ("host_route_ip", "there is one route"),
    ("speed", "is the speed that the interface claims; TCP does not look at it"),
    ("local_linklocal_ip", "is for neighbour discovery, which is not run"),
    ("remote_linklocal_ip", "is for neighbour discovery, which is not run"),
    ("live_local_ip", "is the address behind the one that the script knows"),
    ("live_remote_ip", "is the address behind the one that the script knows"),
];

/// Shell commands.
pub const COMMANDS: &[Unseen] = &[
    ("true", "does nothing"),
    ("echo TEXT", "writes to the terminal"),
    ("/tmp/sysctl_restore_….sh", "restores the settings of a machine that ends with the script"),
    (
        "ethtool -K … tso, gso, gro",
        "TCP builds its bursts alike, and who cuts them is below it; lines are compared as bursts",
    ),
    ("tc qdisc … pfifo limit N", "N above 0: what TCP sends leaves at once, so no queue grows"),
    (
        "sysctl net.inet…, tcpdrop, setkey, sockstat",
        "are FreeBSD's: said to another system they say nothing; under --personality freebsd they count",
    ),
    ("> FILE, 2> FILE", "where a command's words go"),
];

/// Whether this option is taken without effect.
pub fn option(name: &str) -> bool {
    options().any(|option| option == name)
}
/// The names of the options.
pub fn options() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manual lists all that is taken without effect, with the reasons.
    #[test]
    fn the_manual_says_all_of_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/packetdrill.md");
        let manual = std::fs::read_to_string(path).expect("the manual is there");
        let calls = sim::sys::UNSEEN.iter().map(|unseen| (unseen.name, unseen.why));
        let rows = calls.chain(COMMANDS.iter().copied()).chain(OPTIONS.iter().copied());
        let missing: Vec<String> = rows
            .map(|(name, why)| format!("| `{name}` | {why} |"))
            .filter(|row| !manual.contains(row.as_str()))
            .collect();
        assert!(missing.is_empty(), "missing in docs/packetdrill.md:\n{}", missing.join("\n"));
    }
}
