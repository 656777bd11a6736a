//! Settings of the kernel read back: what a person would write to each sysctl to get this behaviour.

use tcp::Config;
use tcp::config::{AccEcnOption, Congestion, Ecn, LossDetection, MtuProbing, RetryLimit, SynCookies};

use super::sysctl::{self, SysctlError};

/// Sets what a sysctl says in a configuration that no kernel has yet.
///
/// # Errors
/// [`SysctlError`]: there is no such setting here, or it does not take that value.
pub fn change(config: &mut Config, name: &str, value: &str) -> Result<(), SysctlError> {
    sysctl::apply(name, value).map(|apply| apply(config))
}

/// The settings below `net.ipv4` with the values that say what this configuration says. One whose value no kernel takes
/// is left out.
pub fn readings(config: &Config) -> Vec<(&'static str, String)> {
    let c = config;
    let flags = [
        ("tcp_window_scaling", c.window_scaling),
        ("tcp_timestamps", c.timestamps),
        ("tcp_sack", c.sack),
        ("tcp_dsack", c.dsack),
        ("tcp_ecn_fallback", c.ecn_fallback),
        ("tcp_slow_start_after_idle", c.slow_start_after_idle),
        ("tcp_shrink_window", c.shrink_window),
        ("tcp_abort_on_overflow", c.abort_on_overflow),
        ("tcp_stdurg", c.urgent_points_at_last),
        ("tcp_rfc1337", c.rfc1337),
        ("tcp_retrans_collapse", c.retrans_collapse),
    ];
    let numbers = [
        ("tcp_frto", if c.frto { 2 } else { 0 }),
        ("tcp_early_retrans", if c.tail_loss_probe { 3 } else { 0 }),
        ("tcp_comp_sack_nr", c.delayed_ack.compress_count.into()),
        ("tcp_comp_sack_delay_ns", c.delayed_ack.compress.as_nanos()),
        ("tcp_comp_sack_slack_ns", c.delayed_ack.compress_slack.as_nanos()),
        ("tcp_tso_win_divisor", c.tso_win_divisor.into()),
        ("tcp_syn_retries", c.syn_retries.into()),
        ("tcp_syn_linear_timeouts", c.syn_linear_timeouts.into()),
        ("tcp_synack_retries", c.synack_retries.into()),
        ("tcp_retries1", c.r1.into()),
        ("tcp_orphan_retries", c.orphan_retries.into()),
        ("tcp_keepalive_probes", c.keepalive_count.into()),
        ("tcp_reordering", c.dupthresh.into()),
        ("tcp_max_reordering", c.max_reordering.into()),
        ("tcp_tw_reuse", c.tw_reuse.into()),
        ("tcp_keepalive_time", c.keepalive_idle.as_secs()),
        ("tcp_keepalive_intvl", c.keepalive_interval.as_secs()),
        ("tcp_invalid_ratelimit", c.challenge_interval.as_millis()),
        ("tcp_rto_max_ms", c.max_rto.as_millis()),
        ("tcp_rto_min_us", c.min_rto.as_micros()),
        ("tcp_max_syn_backlog", c.max_syn_backlog.into()),
        ("tcp_notsent_lowat", c.notsent_lowat.into()),
        ("tcp_pacing_ss_ratio", c.pacing_ss_ratio.into()),
        ("tcp_pacing_ca_ratio", c.pacing_ca_ratio.into()),
        ("tcp_min_tso_segs", c.min_tso_segs.into()),
        ("tcp_base_mss", c.base_mss.into()),
        ("tcp_mtu_probe_floor", c.mtu_probe_floor.into()),
        ("tcp_probe_threshold", c.mtu_probe_threshold.into()),
        ("tcp_probe_interval", c.mtu_probe_interval.as_secs()),
        ("tcp_min_snd_mss", c.min_mss.into()),
        ("tcp_ecn_option_beacon", c.accecn_beacon.into()),
        ("tcp_fastopen", c.fast_open.into()),
        ("tcp_fastopen_blackhole_timeout_sec", c.fast_open_blackhole.as_secs()),
    ];
    let mut all: Vec<(&'static str, String)> = Vec::new();
    all.extend(flags.map(|(name, on)| (name, u8::from(on).to_string())));
    all.extend(numbers.map(|(name, number): (_, u64)| (name, number.to_string())));
    all.extend(choices(config));
    all.push(("tcp_wmem", format!("4096 {} {}", c.snd_buf, c.snd_buf_max)));
    all.push(("tcp_rmem", format!("4096 {} {}", c.rcv_buf, c.rcv_buf_max)));
    all
}

/// Settings whose values are names, or whose numbers stand for them.
fn choices(c: &Config) -> Vec<(&'static str, String)> {
    let ecn = match c.ecn {
        Ecn::Off => 0,
        Ecn::On => 1,
        Ecn::Passive => 2,
        Ecn::Accurate => 3,
        Ecn::AccurateIn => 4,
        Ecn::AccuratePassive => 5,
    };
    let option = match c.accecn_option {
        AccEcnOption::Off => 0,
        AccEcnOption::Minimum => 1,
        AccEcnOption::Full => 2,
        AccEcnOption::Persist => 3,
    };
    let cookies = match c.syn_cookies {
        SynCookies::Off => 0,
        SynCookies::UnderPressure => 1,
        SynCookies::Always => 2,
    };
    let probing = match c.mtu_probing {
        MtuProbing::Off => 0,
        MtuProbing::BlackHole => 1,
        MtuProbing::Always => 2,
    };
    let recovery = match c.loss_detection {
        LossDetection::Rack => Some(1),
        LossDetection::Sack => Some(0),
        _ => None,
    };
    let doublings = match c.r2 {
        RetryLimit::Doublings(n) => Some(n),
        _ => None,
    };
    let controller = match c.congestion {
        Congestion::Reno => Some("reno"),
        Congestion::Cubic => Some("cubic"),
        Congestion::Dctcp => Some("dctcp"),
        Congestion::Vegas => Some("vegas"),
        Congestion::Westwood => Some("westwood"),
        Congestion::Bbr1 => Some("bbr"),
        Congestion::Bbr | Congestion::Fixed(_) => None,
    };
    let known = [
        ("tcp_ecn", Some(ecn.to_string())),
        ("tcp_ecn_option", Some(option.to_string())),
        ("tcp_mtu_probing", Some(probing.to_string())),
        ("tcp_syncookies", Some(cookies.to_string())),
        ("tcp_recovery", recovery.map(|n: u8| n.to_string())),
        ("tcp_retries2", doublings.map(|n| n.to_string())),
        ("tcp_congestion_control", controller.map(str::to_owned)),
        ("tcp_fin_timeout", c.fin_wait_2.map(|time| time.as_secs().to_string())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
