//! IP as hosts and routers share it: lengths, fragmentation, reassembly, ICMP, the path MTU cache.
//!
//! Not modelled: IP options, multicast, redirects.

mod fragment;
mod icmp;
mod icmp_limit;
mod path_mtu;
mod reassembly;

#[cfg(test)]
mod tests;

pub use fragment::fragment;
pub use icmp::{echo_reply, icmp_error, may_answer, names_one_host, quote, rule};
pub use icmp_limit::IcmpLimit;
pub use path_mtu::PathMtu;
pub use reassembly::{Expired, Reassembly, wrong_octet};

/// Protocol number of ICMP in an IPv4 header.
pub const PROTO_ICMP: u8 = 1;
/// Protocol number of TCP.
pub const PROTO_TCP: u8 = 6;
/// Protocol number of UDP.
pub const PROTO_UDP: u8 = 17;
/// Next header number of ICMPv6.
pub const PROTO_ICMPV6: u8 = 58;

/// The protocol number in the header of this packet; of a fragment, that of what was cut.
pub fn protocol_of(packet: &crate::Packet) -> u8 {
    use crate::packet::Body;
    match &packet.body {
        Body::Tcp(_) => PROTO_TCP,
        Body::Udp(_) => PROTO_UDP,
        Body::Icmp(_) | Body::Echo(_) if packet.ip.is_v6() => PROTO_ICMPV6,
        Body::Icmp(_) | Body::Echo(_) => PROTO_ICMP,
        Body::Fragment(fragment) => protocol_of(&fragment.of),
    }
}
