//! Settings of FreeBSD by name (tcp(4)), for scripts that run against a host of that personality.

use tcp::config::{Ecn, SynCookies};
use tcp::{Config, Duration};

type Apply = Box<dyn Fn(&mut Config)>;

/// What a sysctl of FreeBSD does to a configuration.
///
/// # Errors
/// It is not modelled, or not with this value: in words.
pub(super) fn setting(name: &str, value: &str) -> Result<Apply, String> {
    let unknown = || format!("sysctl {name}={value} is not modelled");
    let number: u64 = match value.trim().parse() {
        Ok(number) => number,
        // Tools that are no settings: dropping connections, keys.
        Err(_) => return Err(unknown()),
    };
    let (on, millis) = (number != 0, Duration::from_millis(number));
    let nothing: Apply = Box::new(|_| {});
    Ok(match (name, number) {
        ("net.inet.tcp.insecure_rst", _) => Box::new(move |c| c.challenge_rst = !on),
        ("net.inet.tcp.insecure_syn", _) => Box::new(move |c| c.challenge_syn = !on),
        ("net.inet.tcp.rfc1323", _) => Box::new(move |c| (c.timestamps, c.window_scaling) = (on, on)),
        ("net.inet.tcp.sack.enable", _) => Box::new(move |c| c.sack = on),
        ("net.inet.tcp.ecn.enable", 0..=2) => {
            let ecn = [Ecn::Off, Ecn::On, Ecn::Passive][number as usize];
            Box::new(move |c| c.ecn = ecn)
        }
        ("net.inet.tcp.recvspace", 1..=0x8000_0000) => Box::new(move |c| c.rcv_buf = number as u32),
        ("net.inet.tcp.sendspace", 1..=0x8000_0000) => Box::new(move |c| c.snd_buf = number as u32),
        ("kern.ipc.maxsockbuf", 1..=0xffff_ffff) => Box::new(move |c| {
            // Beyond this no window can be offered anyway.
            let most = number.min(0x8000_0000) as u32;
            (c.rcv_buf_max, c.snd_buf_max) = (most, most);
        }),
        ("net.inet.tcp.rexmit_initial", _) => Box::new(move |c| c.initial_rto = millis),
        ("net.inet.tcp.rexmit_slop", _) => Box::new(move |c| c.rto_slop = millis),
        ("net.inet.tcp.ack_war_timewindow", _) => Box::new(move |c| c.challenge_interval = millis),
        ("net.inet.tcp.ack_war_cnt", 1..=15) => Box::new(move |c| c.challenge_count = number as u8),
        ("net.inet.tcp.keepinit", _) => Box::new(move |c| c.connect_timeout = Some(millis)),
        ("net.inet.tcp.keepidle", _) => Box::new(move |c| c.keepalive_idle = millis),
        ("net.inet.tcp.keepintvl", _) => Box::new(move |c| c.keepalive_interval = millis),
        ("net.inet.tcp.keepcnt", 1..=127) => Box::new(move |c| c.keepalive_count = number as u8),
        ("net.inet.tcp.delacktime", _) => {
            Box::new(move |c| (c.delayed_ack.min, c.delayed_ack.max) = (millis, millis))
        }
        ("net.inet.tcp.syncookies", 0..=1) => {
            let cookies = if on { SynCookies::UnderPressure } else { SynCookies::Off };
            Box::new(move |c| c.syn_cookies = cookies)
        }
        // What these say is how it is.
        ("net.inet.tcp.blackhole" | "net.inet.tcp.drop_synfin" | "net.inet.tcp.rexmit_drop_options", 0)
        | ("net.inet.tcp.syncookies_only", 0)
        | ("net.inet.tcp.icmp_may_rst", 1)
        // Caches are empty at the start of a script.
        | ("net.inet.tcp.hostcache.purgenow", _) => nothing,
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_changes_its_knob() {
        let mut config = Config::freebsd();
        setting("net.inet.tcp.insecure_rst", "1").expect("it is known")(&mut config);
        setting("net.inet.tcp.keepidle", "15000").expect("it is known")(&mut config);
        assert!(!config.challenge_rst);
        assert_eq!(config.keepalive_idle, Duration::from_secs(15));
    }

    #[test]
    fn what_is_not_modelled_is_refused() {
        for (name, value) in [("net.inet.tcp.drop_synfin", "1"), ("net.inet.tcp.nolocaltimewait", "1")] {
            assert_eq!(setting(name, value).err(), Some(format!("sysctl {name}={value} is not modelled")));
        }
    }
}
