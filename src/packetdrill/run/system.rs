//! Shell steps: settings of the machine, and questions about it.

use sim::sys::RouteMetrics;
use tcp::{Config, State};

use super::{Runner, Step, freebsd};
use crate::packetdrill::ast::{Action, Body, Script, Shell, TcpOption};
use crate::packetdrill::shell::{self, When};

/// What `defaults.sh` of the suites sets (Linux tools/testing/selftests/net/packetdrill; google/packetdrill).
const DEFAULTS: &[(&str, &str)] = &[
    ("tcp_rmem", "4096 540000 15728640"),
    ("tcp_wmem", "4096 262144 4194304"),
    ("tcp_timestamps", "1"),
    ("tcp_syn_retries", "5"),
    ("tcp_synack_retries", "5"),
    ("tcp_frto", "2"),
    ("tcp_sack", "1"),
    ("tcp_dsack", "1"),
    ("tcp_fack", "0"),
    ("tcp_reordering", "3"),
    ("tcp_congestion_control", "cubic"),
    ("tcp_slow_start_after_idle", "0"),
    ("tcp_early_retrans", "4"),
    ("tcp_recovery", "1"),
    ("tcp_tso_win_divisor", "3"),
    ("tcp_ecn", "0"),
    ("tcp_pacing_ss_ratio", "200"),
    ("tcp_pacing_ca_ratio", "120"),
    ("tcp_notsent_lowat", "4294967295"),
    ("tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"),
    ("tcp_syncookies", "1"),
];
/// What google's sets besides.
const GOOGLE: &[(&str, &str)] = &[("tcp_ecn_option", "2"), ("tcp_fastopen", "0x70403")];
/// What the kernel's sets besides.
const KERNEL: &[(&str, &str)] = &[("tcp_fastopen", "0x3")];

/// The configuration that a script finds. How large the receive buffer may become by default depends on how much memory
/// a machine has and on how old its kernel is (Linux `tcp_init()`: at most 4, 6 and now 32 MiB), and the window scale
/// offered depends on that; a script that leaves it alone tells by the scale that it expects what it was written on.
pub(super) fn fitted(script: &Script, tcp: &Config) -> Config {
    let mut tcp = tcp.clone();
    let sets_it = script.shells().flat_map(|shell| &shell.program.pipelines).any(|(_, step)| match step {
        shell::Step::Defaults { .. } => true,
        shell::Step::Sysctl { name, .. } => name == "tcp_rmem",
        _ => false,
    });
    let expected = script.events.iter().find_map(|event| match &event.action {
        Action::Out(packet) => match &packet.body {
            Body::Tcp(line) if line.flags.contains(tcp::Flags::SYN) => {
                line.options.iter().flatten().find_map(|option| match option {
                    TcpOption::Wscale(shift) => Some(*shift),
                    _ => None,
                })
            }
            _ => None,
        },
        _ => None,
    });
    if let (false, Some(shift @ 0..=13)) = (sets_it, expected) {
        tcp.rcv_buf_max = tcp.rcv_buf_max.min(65_535 << shift);
    }
    tcp
}

impl Runner<'_> {
    /// Does what a command line says.
    pub(super) fn shell(&mut self, shell: &Shell) -> Step {
        let mut succeeded = true;
        for (when, step) in &shell.program.pipelines {
            match when {
                When::Succeeded if !succeeded => continue,
                When::Failed if succeeded => continue,
                _ => {}
            }
            succeeded = match self.shell_step(step) {
                Ok(succeeded) => succeeded,
                Err(what) => return Err(self.unsupported(shell.span.clone(), what)),
            };
        }
        if succeeded {
            return Ok(());
        }
        let what = "the command fails: what it asks for is not so".to_owned();
        Err(self.failed(shell.span.clone(), what))
    }

    /// One step: whether it succeeds. `Err`: it has no meaning here.
    fn shell_step(&mut self, step: &shell::Step) -> Result<bool, String> {
        use shell::Step;
        match step {
            Step::Defaults { path } => {
                // The kernel's stands beside its scripts, google's in a folder of its own.
                let more = if path.contains("common/") { GOOGLE } else { KERNEL };
                for (name, value) in DEFAULTS.iter().chain(more) {
                    self.sysctl(name, value)?;
                }
            }
            Step::Sysctl { name, value } => self.sysctl(name, value)?,
            Step::FreeBsdSysctl { name, value } if self.is_freebsd => {
                let apply = freebsd::setting(name, value)?;
                self.machine.reconfigure(&*apply);
            }
            Step::FreeBsdSysctl { .. } | Step::Nothing => {}
            Step::File { path, len } => self.machine.put_file(path, *len),
            Step::Remove(path) => self.machine.remove_file(path),
            Step::FlushMetrics => self.machine.flush_metrics(),
            Step::Nstat { update, wanted } => return self.nstat(*update, wanted.as_ref()),
            Step::QdiscFifo { limit } => {
                self.machine.set_interface_full(*limit == Some(0));
                self.sysctl("net.core.default_qdisc", "pfifo")?;
            }
            Step::QdiscFq => {
                self.machine.set_interface_full(false);
                self.sysctl("net.core.default_qdisc", "fq")?;
            }
            Step::Route { advmss, mtu, mtu_locked, initcwnd } => {
                let metrics =
                    RouteMetrics { mtu: *mtu, mtu_locked: *mtu_locked, advmss: *advmss, initcwnd: *initcwnd };
                self.machine.change_route(&metrics);
            }
            Step::LinkMtu(mtu) => self.machine.set_mtu(*mtu),
            // Segments are of one MSS here in any case, and their bursts are compared as bursts.
            Step::SegmentationOffload { .. } => {}
            Step::HystartDetect(3) => {}
            Step::HystartDetect(n) => return Err(format!("HyStart with detection {n} is not modelled")),
            Step::ProcNetTcp { state, port } => return Ok(self.has_socket(*state, *port)),
            Step::Sockstat { .. } if !self.for_freebsd => return Err("sockstat is FreeBSD's".into()),
            Step::Sockstat { .. } if self.is_foreign() => {}
            Step::Sockstat { state, count } => return self.sockstat(state, *count),
            Step::Ss { state, pattern } => return self.ss(state.as_deref(), pattern),
            Step::Unknown(text) => return Err(format!("the shell command `{text}` has no meaning here")),
        }
        Ok(true)
    }

    fn sysctl(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.machine.set_sysctl(name, value).map_err(|error| error.to_string())
    }

    fn nstat(&mut self, update: bool, wanted: Option<&(String, Option<u64>)>) -> Result<bool, String> {
        let mut succeeded = true;
        if let Some((name, by)) = wanted {
            let now = self.machine.counter(name).ok_or_else(|| format!("nothing here counts {name}"))?;
            let moved = now - self.nstat.get(name).copied().unwrap_or(0);
            succeeded = match by {
                Some(by) => moved == *by,
                // Counters that have not moved are not shown.
                None => moved > 0,
            };
        }
        if update {
            let counters = self.machine.counters();
            let names = counters.iter().map(|(name, _)| name);
            let all = names.map(|name| (format!("TcpExt{name}"), counters.get(name).unwrap_or(0)));
            self.nstat = all.collect();
        }
        Ok(succeeded)
    }

    fn has_socket(&self, state: u8, port: u16) -> bool {
        let number = |state: State| match state {
            State::Established => 1,
            State::SynSent => 2,
            State::SynReceived => 3,
            State::FinWait1 => 4,
            State::FinWait2 => 5,
            State::TimeWait => 6,
            State::Closed => 7,
            State::CloseWait => 8,
            State::LastAck => 9,
            State::Listen => 10,
            State::Closing => 11,
        };
        self.machine
            .sockets()
            .iter()
            .any(|socket| number(socket.state) == state && socket.local.port() == port)
    }

    /// `sockstat … | grep -c STATE | grep N`, on FreeBSD.
    fn sockstat(&self, state: &str, count: u32) -> Result<bool, String> {
        let state = match state {
            "LISTEN" => State::Listen,
            "SYN_SENT" => State::SynSent,
            "SYN_RCVD" => State::SynReceived,
            "ESTABLISHED" => State::Established,
            "CLOSE_WAIT" => State::CloseWait,
            "FIN_WAIT_1" => State::FinWait1,
            "FIN_WAIT_2" => State::FinWait2,
            "CLOSING" => State::Closing,
            "LAST_ACK" => State::LastAck,
            "TIME_WAIT" => State::TimeWait,
            other => return Err(format!("sockstat is not asked for {other} here")),
        };
        let found = self.machine.sockets().iter().filter(|socket| socket.state == state).count();
        Ok(found as u64 == u64::from(count))
    }

    /// `ss … | grep 192.168.0.1:8080`: a line with this address in this state.
    fn ss(&self, state: Option<&str>, pattern: &str) -> Result<bool, String> {
        let state = match state {
            None => None,
            Some("SYN-RECV" | "syn-recv") => Some(State::SynReceived),
            Some("established" | "ESTAB") => Some(State::Established),
            Some(other) => return Err(format!("ss state {other} is not asked here")),
        };
        let fits = |socket: &sim::view::SocketInfo| {
            let shown = state.map_or(socket.state != State::Listen, |state| socket.state == state);
            shown && socket.local.to_string().contains(pattern)
        };
        Ok(self.machine.sockets().iter().any(fits))
    }
}
