//! A host's counters, with Linux's names (`/proc/net/snmp`, `/proc/net/netstat`) where Linux has them.

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident: $name:literal;)*) => {
        /// A host's counters.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $($(#[$doc])* pub $field: u64,)* }

        impl Counters {
            /// The names of all counters, in this order.
            pub const NAMES: &[&str] = &[$($name,)*];
            /// The counter of this name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name { $($name => Some(self.$field),)* _ => None }
            }
            /// All names and values.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($name, self.$field),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Packets that arrived.
    ip_in_receives: "IpInReceives";
    /// Packets that arrived and were not addressed here.
    ip_in_addr_errors: "IpInAddrErrors";
    /// Packets made here.
    ip_out_requests: "IpOutRequests";
    /// Fragments that arrived.
    ip_reasm_reqds: "IpReasmReqds";
    /// Packets put together from fragments.
    ip_reasm_oks: "IpReasmOKs";
    /// Reassemblies given up.
    ip_reasm_fails: "IpReasmFails";
    /// Packets cut into fragments here.
    ip_frag_oks: "IpFragOKs";
    /// ICMP messages that arrived.
    icmp_in_msgs: "IcmpInMsgs";
    /// ICMP messages sent.
    icmp_out_msgs: "IcmpOutMsgs";
    /// Active opens: SYN-SENT entered.
    tcp_active_opens: "TcpActiveOpens";
    /// Passive opens: connections that a listener completed or began (SYN-RECEIVED).
    tcp_passive_opens: "TcpPassiveOpens";
    /// Opens that failed: SYN-SENT or SYN-RECEIVED to CLOSED.
    tcp_attempt_fails: "TcpAttemptFails";
    /// ESTABLISHED or CLOSE-WAIT to CLOSED.
    tcp_estab_resets: "TcpEstabResets";
    /// Segments that arrived.
    tcp_in_segs: "TcpInSegs";
    /// Segments sent, without retransmissions.
    tcp_out_segs: "TcpOutSegs";
    /// Segments sent again.
    tcp_retrans_segs: "TcpRetransSegs";
    /// Segments with RST sent.
    tcp_out_rsts: "TcpOutRsts";
    /// Datagrams delivered.
    udp_in_datagrams: "UdpInDatagrams";
    /// Datagrams for a port that nobody reads.
    udp_no_ports: "UdpNoPorts";
    /// Datagrams sent.
    udp_out_datagrams: "UdpOutDatagrams";
    /// Datagrams dropped because a receive queue was full.
    udp_rcvbuf_errors: "UdpRcvbufErrors";
    /// A listener's accept queue was full.
    listen_overflows: "ListenOverflows";
    /// SYNs and handshake ACKs that a listener dropped.
    listen_drops: "ListenDrops";
    /// SYN cookies sent.
    syncookies_sent: "SyncookiesSent";
    /// Valid SYN cookies received.
    syncookies_recv: "SyncookiesRecv";
    /// Invalid SYN cookies received.
    syncookies_failed: "SyncookiesFailed";
    /// Connections that went through TIME-WAIT and out of it by its timer or were moved into it.
    tw: "TW";
    /// TIME-WAIT records reused by a new open.
    tw_recycled: "TWRecycled";
    /// Segments dropped by PAWS.
    paws_estab: "PAWSEstab";
    /// Retransmission timeouts.
    tcp_timeouts: "TCPTimeouts";
    /// Tail loss probes.
    tcp_loss_probes: "TCPLossProbes";
    /// Fast retransmissions.
    tcp_fast_retrans: "TCPFastRetrans";
    /// Delayed ACKs sent.
    delayed_acks: "DelayedACKs";
    /// Challenge ACKs sent.
    tcp_challenge_ack: "TCPChallengeACK";
    /// Challenge ACKs in answer to a SYN.
    tcp_syn_challenge: "TCPSYNChallenge";
    /// Keepalive probes sent.
    tcp_keep_alive: "TCPKeepAlive";
    /// Window probes sent.
    tcp_win_probe: "TCPWinProbe";
    /// Connections closed with unread data: reset.
    tcp_abort_on_close: "TCPAbortOnClose";
    /// Connections reset by linger 0, or by data that nobody will read.
    tcp_abort_on_data: "TCPAbortOnData";
    /// Connections that a timeout ended.
    tcp_abort_on_timeout: "TCPAbortOnTimeout";
}
