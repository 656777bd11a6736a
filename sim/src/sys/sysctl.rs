//! Settings of the kernel by name: sysctl(8), Documentation/networking/ip-sysctl.rst.

use std::fmt;
use std::ops::RangeInclusive;

use tcp::config::{AccEcnOption, Congestion, Ecn, LossDetection, MtuProbing, Pacing, RetryLimit, SynCookies};
use tcp::{Config, Duration};

use super::unseen;
use crate::host::Kernel;

/// Why a setting was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SysctlError {
    /// It is not modelled.
    Unsupported(String),
    /// It does not take this value.
    Invalid(String, String),
}

impl fmt::Display for SysctlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SysctlError::Unsupported(name) => write!(f, "sysctl {name} is not modelled"),
            SysctlError::Invalid(name, value) => write!(f, "sysctl {name} does not take the value {value:?}"),
        }
    }
}
impl std::error::Error for SysctlError {}

/// Sets what `name` says: for what is opened from now on, and for what is open as far as Linux looks at the setting
/// whenever it matters.
pub(super) fn set(kernel: &mut Kernel, name: &str, value: &str) -> Result<(), SysctlError> {
    if short_name(name) == "tcp_fastopen_cookies" {
        kernel.forget_cookies();
        return Ok(());
    }
    kernel.reconfigure(&apply(name, value)?);
    Ok(())
}

/// What a setting does to a configuration.
pub(super) fn apply(name: &str, value: &str) -> Result<Apply, SysctlError> {
    let short = short_name(name);
    setting(&short, value).map_err(|refusal| match refusal {
        Refusal::Unknown => SysctlError::Unsupported(short.clone()),
        Refusal::Value => SysctlError::Invalid(short.clone(), value.to_owned()),
    })
}

/// The congestion control of this name, as Linux names them.
pub(super) fn controller(name: &str) -> Option<Congestion> {
    Some(match name {
        "reno" => Congestion::Reno,
        "cubic" => Congestion::Cubic,
        "dctcp" => Congestion::Dctcp,
        "vegas" => Congestion::Vegas,
        "westwood" => Congestion::Westwood,
        "bbr" => Congestion::Bbr1,
        _ => return None,
    })
}

/// `net/ipv4/tcp_sack`, `/proc/sys/net/ipv4/tcp_sack`, `net.ipv4.tcp_sack`, `tcp_sack`: the last; names outside of
/// `net.ipv4` in full, with dots.
fn short_name(name: &str) -> String {
    let name = name.trim().replace('/', ".");
    let name = name.strip_prefix(".proc.sys.").unwrap_or(&name);
    name.strip_prefix("net.ipv4.").unwrap_or(name).to_owned()
}

enum Refusal {
    Unknown,
    Value,
}

pub(super) type Apply = Box<dyn Fn(&mut Config)>;

/// What a setting does to a configuration.
fn setting(name: &str, text: &str) -> Result<Apply, Refusal> {
    let number = |bounds: RangeInclusive<i64>| {
        let value: i64 = text.trim().parse().map_err(|_| Refusal::Value)?;
        if bounds.contains(&value) { Ok(value) } else { Err(Refusal::Value) }
    };
    let three = || {
        let values: Vec<u32> =
            text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| Refusal::Value)?;
        <[u32; 3]>::try_from(values).map_err(|_| Refusal::Value)
    };
    let byte = || number(0..=255).map(|n| n as u8);
    let flag = || number(0..=255).map(|n| n != 0);
    let seconds = || number(0..=i64::from(i32::MAX)).map(|n| Duration::from_secs(n as u64));
    Ok(match name {
        "tcp_window_scaling" => set_flag(flag()?, |c| &mut c.window_scaling),
        "tcp_timestamps" => set_flag(flag()?, |c| &mut c.timestamps),
        "tcp_sack" => set_flag(flag()?, |c| &mut c.sack),
        "tcp_dsack" => set_flag(flag()?, |c| &mut c.dsack),
        "tcp_retrans_collapse" => set_flag(flag()?, |c| &mut c.retrans_collapse),
        "tcp_max_reordering" => {
            let most = number(0..=i64::from(u16::MAX))? as u16;
            Box::new(move |c| c.max_reordering = most)
        }
        "tcp_frto" => set_flag(flag()?, |c| &mut c.frto),
        "tcp_slow_start_after_idle" => set_flag(flag()?, |c| &mut c.slow_start_after_idle),
        "tcp_shrink_window" => set_flag(flag()?, |c| &mut c.shrink_window),
        "tcp_abort_on_overflow" => set_flag(flag()?, |c| &mut c.abort_on_overflow),
        "tcp_stdurg" => set_flag(flag()?, |c| &mut c.urgent_points_at_last),
        "tcp_rfc1337" => set_flag(flag()?, |c| &mut c.rfc1337),
        "tcp_early_retrans" => {
            let probes = number(0..=4)? >= 3;
            set_flag(probes, |c| &mut c.tail_loss_probe)
        }
        "tcp_mtu_probing" => {
            let probing = match number(0..=2)? {
                0 => MtuProbing::Off,
                1 => MtuProbing::BlackHole,
                _ => MtuProbing::Always,
            };
            Box::new(move |c| c.mtu_probing = probing)
        }
        name if unseen::sysctl(name, number(0..=255).unwrap_or(-1)) => Box::new(|_| {}),
        "tcp_comp_sack_nr" => set_byte(byte()?, |c| &mut c.delayed_ack.compress_count),
        "tcp_comp_sack_delay_ns" => {
            let delay = Duration::from_nanos(number(0..=i64::from(u32::MAX))? as u64);
            Box::new(move |c| c.delayed_ack.compress = delay)
        }
        "tcp_comp_sack_slack_ns" => {
            let slack = Duration::from_nanos(number(0..=i64::from(u32::MAX))? as u64);
            Box::new(move |c| c.delayed_ack.compress_slack = slack)
        }
        "tcp_tso_win_divisor" => {
            set_byte(number(0..=i64::from(i32::MAX))?.min(255) as u8, |c| &mut c.tso_win_divisor)
        }
        "tcp_syn_retries" => set_byte(number(1..=127)? as u8, |c| &mut c.syn_retries),
        "tcp_syn_linear_timeouts" => set_byte(number(0..=127)? as u8, |c| &mut c.syn_linear_timeouts),
        "tcp_synack_retries" => set_byte(byte()?, |c| &mut c.synack_retries),
        "tcp_retries1" => set_byte(byte()?, |c| &mut c.r1),
        "tcp_orphan_retries" => {
            let n = byte()?;
            set_byte(if n == 0 { 8 } else { n }, |c| &mut c.orphan_retries)
        }
        "tcp_keepalive_probes" => set_byte(byte()?, |c| &mut c.keepalive_count),
        "tcp_reordering" => set_byte(number(1..=255)? as u8, |c| &mut c.dupthresh),
        "tcp_tw_reuse" => set_byte(number(0..=2)? as u8, |c| &mut c.tw_reuse),
        "tcp_retries2" => {
            let n = byte()?;
            Box::new(move |c| c.r2 = RetryLimit::Doublings(n))
        }
        "tcp_keepalive_time" => set_time(seconds()?, |c| &mut c.keepalive_idle),
        "tcp_keepalive_intvl" => set_time(seconds()?, |c| &mut c.keepalive_interval),
        "tcp_fin_timeout" => {
            let limit = seconds()?;
            Box::new(move |c| c.fin_wait_2 = Some(limit))
        }
        "tcp_invalid_ratelimit" => {
            let limit = Duration::from_millis(number(0..=i64::from(i32::MAX))? as u64);
            set_time(limit, |c| &mut c.challenge_interval)
        }
        "tcp_rto_max_ms" => {
            let most = Duration::from_millis(number(1000..=120_000)? as u64);
            Box::new(move |c| {
                c.max_rto = most;
                c.persist_max = most;
            })
        }
        "tcp_rto_min_us" => {
            let least = Duration::from_micros(number(1..=i64::from(i32::MAX))? as u64);
            set_time(least, |c| &mut c.min_rto)
        }
        "tcp_max_syn_backlog" => {
            set_number(number(0..=i64::from(i32::MAX))? as u32, |c| &mut c.max_syn_backlog)
        }
        "net.core.somaxconn" => set_number(number(0..=i64::from(i32::MAX))? as u32, |c| &mut c.somaxconn),
        "tcp_notsent_lowat" => {
            let bytes = number(0..=i64::from(u32::MAX))? as u32;
            set_number(bytes, |c| &mut c.notsent_lowat)
        }
        "net.core.default_qdisc" => {
            let pacing = match text.trim() {
                "fq" => Pacing::Fq,
                "pfifo" | "bfifo" | "pfifo_fast" | "fq_codel" | "noqueue" => Pacing::OnDemand,
                _ => return Err(Refusal::Unknown),
            };
            Box::new(move |c| c.pacing = pacing)
        }
        "tcp_pacing_ss_ratio" => {
            let percent = number(0..=1000)? as u16;
            Box::new(move |c| c.pacing_ss_ratio = percent)
        }
        "tcp_pacing_ca_ratio" => {
            let percent = number(0..=1000)? as u16;
            Box::new(move |c| c.pacing_ca_ratio = percent)
        }
        "tcp_min_tso_segs" => set_byte(number(1..=255)? as u8, |c| &mut c.min_tso_segs),
        "tcp_base_mss" => {
            let mss = number(0..=65_535)? as u16;
            Box::new(move |c| c.base_mss = mss)
        }
        "tcp_mtu_probe_floor" => {
            let mss = number(48..=65_535)? as u16;
            Box::new(move |c| c.mtu_probe_floor = mss)
        }
        "tcp_probe_threshold" => {
            let bytes = number(0..=65_535)? as u16;
            Box::new(move |c| c.mtu_probe_threshold = bytes)
        }
        "tcp_probe_interval" => set_time(seconds()?, |c| &mut c.mtu_probe_interval),
        "tcp_min_snd_mss" => {
            let mss = number(48..=65_535)? as u16;
            Box::new(move |c| c.min_mss = mss)
        }
        "tcp_ecn" => {
            let ecn = match number(0..=5)? {
                0 => Ecn::Off,
                1 => Ecn::On,
                2 => Ecn::Passive,
                3 => Ecn::Accurate,
                4 => Ecn::AccurateIn,
                _ => Ecn::AccuratePassive,
            };
            Box::new(move |c| c.ecn = ecn)
        }
        "tcp_ecn_fallback" => set_flag(flag()?, |c| &mut c.ecn_fallback),
        "tcp_ecn_option" => {
            let option = match number(0..=3)? {
                0 => AccEcnOption::Off,
                1 => AccEcnOption::Minimum,
                2 => AccEcnOption::Full,
                _ => AccEcnOption::Persist,
            };
            Box::new(move |c| c.accecn_option = option)
        }
        "tcp_ecn_option_beacon" => set_byte(number(0..=63)? as u8, |c| &mut c.accecn_beacon),
        "tcp_fastopen" => {
            let hexadecimal = text.trim().strip_prefix("0x").map(|digits| i64::from_str_radix(digits, 16));
            let bits = match hexadecimal {
                Some(bits) => bits.map_err(|_| Refusal::Value)? as u16,
                None => number(0..=i64::from(i32::MAX))? as u16,
            };
            Box::new(move |c| c.fast_open = bits)
        }
        "tcp_fastopen_key" => {
            let keys = tcp::fast_open::parse_keys(text).ok_or(Refusal::Value)?;
            Box::new(move |c| c.fast_open_keys = keys)
        }
        "tcp_fastopen_blackhole_timeout_sec" => set_time(seconds()?, |c| &mut c.fast_open_blackhole),
        "tcp_syncookies" => {
            let cookies = match number(0..=2)? {
                0 => SynCookies::Off,
                1 => SynCookies::UnderPressure,
                _ => SynCookies::Always,
            };
            Box::new(move |c| c.syn_cookies = cookies)
        }
        "tcp_recovery" => {
            let rack = number(0..=7)? & 1 != 0;
            let how = if rack { LossDetection::Rack } else { LossDetection::Sack };
            Box::new(move |c| c.loss_detection = how)
        }
        "tcp_congestion_control" => {
            let controller = controller(text.trim()).ok_or(Refusal::Unknown)?;
            Box::new(move |c| c.congestion = controller)
        }
        "tcp_wmem" => {
            let [_, first, most] = three()?;
            Box::new(move |c| {
                c.snd_buf = first;
                c.snd_buf_max = most;
            })
        }
        "tcp_rmem" => {
            let [_, first, most] = three()?;
            Box::new(move |c| {
                c.rcv_buf = first;
                c.rcv_buf_max = most;
            })
        }
        _ => return Err(Refusal::Unknown),
    })
}

fn set_flag(value: bool, field: fn(&mut Config) -> &mut bool) -> Apply {
    Box::new(move |config| *field(config) = value)
}
fn set_byte(value: u8, field: fn(&mut Config) -> &mut u8) -> Apply {
    Box::new(move |config| *field(config) = value)
}
fn set_number(value: u32, field: fn(&mut Config) -> &mut u32) -> Apply {
    Box::new(move |config| *field(config) = value)
}
fn set_time(value: Duration, field: fn(&mut Config) -> &mut Duration) -> Apply {
    Box::new(move |config| *field(config) = value)
}
