//! What goes wrong: rules for packets, and the timeline of faults.

use super::loose::{Nth, Range};
use super::table::described;
use super::{Route, Way};
use crate::scenario::units::{Bits, Endpoint, Size, Span};

/// Adds what a packet can be picked by.
macro_rules! matching {
    ($(#[doc = $doc:literal])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::scenario::file::table::described! {
            $(#[doc = $doc])*
            pub struct $name {
                /// Sent by this host.
                from: Option<String> = "any", "\"client\"";
                /// Sent to this host.
                to: Option<String> = "any", "\"server\"";
                /// Control bits in tcpdump's letters, all of which are set: `"S."` is a SYN-ACK, `"F"` also matches `[F.]`.
                flags: Option<Bits> = "any", "\"S.\"";
                /// Control bits none of which is set.
                without: Option<Bits> = "none", "\"FSR\"";
                /// Payload octets, or a range.
                len: Option<Range> = "any", "(1, 1460)";
                /// Overlaps this octet, or this range (last included), counted as tcpdump does: SYN is 0, first octet 1.
                seq: Option<Range> = "any", "1";
                /// ACK field, or a range (last included), counted as tcpdump does.
                ack: Option<Range> = "any", "(6, 100)";
                /// A SACK block covers all of this octet, or of this range (last included), counted as tcpdump does.
                sack: Option<Range> = "any", "(4345, 5792)";
                /// Sequence number as it stands in the header, or a range (last included).
                raw_seq: Option<Range> = "any", "4294967290";
                /// Source port.
                src_port: Option<u16> = "any", "49822";
                /// Destination port.
                dst_port: Option<u16> = "any", "80";
                /// Protocol.
                protocol: Option<Protocol> = "any", "Tcp";
                /// Only on this link.
                link: Option<String> = "the first one that a packet takes", "\"r1-server\"";
                $($own)*
            }
        }
    };
}
pub(crate) use matching;

matching! {
    /// What happens to packets that look like this. Every field that is there must hold.
    pub struct Rule {
        /// Sent at or after the first and before the second of these times.
        time: Option<(Span, Span)> = "any", "(\"1s\", \"2s\")";
        /// Of those that match all else, only these, counted from one: `1`, `[1, 3]`, `"2.."`.
        nth: Option<Nth> = "all", "1";
        /// What happens.
        r#do: Action, "Drop";
    }
}

described! {
    /// A protocol.
    pub enum Protocol: Copy, Eq {
        /// TCP.
        Tcp,
        /// UDP.
        Udp,
        /// ICMP.
        Icmp,
        /// A fragment of anything.
        Fragment,
    }
}

described! {
    /// What happens to a packet that a rule picked.
    pub enum Action {
        /// It is lost.
        Drop,
        /// Copies follow.
        Duplicate {
            /// How many, besides the original.
            copies: Option<u32> = "1", "2";
            /// How much later each arrives than the one before.
            after: Option<Span> = "0s", "\"5ms\"";
        },
        /// It takes this much longer, and may be overtaken.
        Delay(Span),
        /// It wanders, and arrives at this time.
        HoldUntil(Span),
        /// One bit is flipped: the first of the payload, or of the transport header where there is none.
        Corrupt,
        /// This bit is flipped, counted from the start of the IP header.
        CorruptBit(u32),
        /// Marked congestion experienced, if it is ECN-capable; dropped otherwise.
        MarkCe,
        /// It is lost, and its sender is told by ICMP, in the name of its destination, from the far end of the link
        /// (iptables `REJECT`).
        Refuse(Unreachable),
        /// Its header is changed, with a checksum that fits: what middleboxes do.
        Rewrite {
            /// The ECN field becomes this.
            ecn: Option<Codepoint> = "as it is", "NotEct";
            /// Control bits that are cleared.
            clear: Option<Bits> = "none", "\"EWe\"";
            /// Control bits that are then set.
            set: Option<Bits> = "none", "\"e\"";
            /// Options that are taken out.
            strip: Vec<Strippable> = "none", "[AccEcn, FastOpen]";
            /// The MSS option, where there is one, says at most this.
            clamp_mss: Option<u16> = "as it is", "1360";
            /// Whether the data is taken away.
            cut: Option<bool> = "false", "true";
        },
    }
}

described! {
    /// A codepoint of the ECN field (RFC 3168, section 5).
    pub enum Codepoint: Copy, Eq {
        /// Not ECN-capable: 00.
        NotEct,
        /// ECT(1): 01.
        Ect1,
        /// ECT(0): 10.
        Ect0,
        /// Congestion experienced: 11.
        Ce,
    }
}

described! {
    /// An option of TCP that a middlebox takes out.
    pub enum Strippable: Copy, Eq {
        /// Window scale.
        WindowScale,
        /// SACK-permitted and SACK.
        Sack,
        /// Timestamps.
        Timestamps,
        /// Accurate ECN (RFC 9768).
        AccEcn,
        /// Fast Open (RFC 7413).
        FastOpen,
        /// User timeout (RFC 5482).
        UserTimeout,
    }
}

described! {
    /// What an ICMP error says cannot be reached.
    pub enum Unreachable: Copy, Eq {
        /// The network.
        Net,
        /// The host.
        Host,
        /// The protocol.
        Protocol,
        /// The port.
        Port,
        /// Forbidden by a filter.
        Prohibited,
    }
}

described! {
    /// Something that happens to the network or a host.
    pub struct Fault {
        /// When.
        at: Span, "\"2s\"";
        /// What.
        r#do: FaultKind, "LinkDown(\"client-server\")";
    }
}

described! {
    /// What can happen to the network or a host.
    pub enum FaultKind {
        /// The link of this name loses everything, what is on it included.
        LinkDown(String),
        /// It carries again.
        LinkUp(String),
        /// A link gets new parameters.
        LinkChange {
            /// The link.
            link: String, "\"client-server\"";
            /// What changes, in both directions.
            set: Option<Way> = "nothing", "(rate: \"1Mbit\")";
            /// What changes on the way back only.
            back: Option<Way> = "nothing", "(delay: \"300ms\")";
        },
        /// The overrides of routes of a host or router become these.
        Routes {
            /// The host or router.
            on: String, "\"r1\"";
            /// The overrides.
            routes: Vec<Route> = "none", "[(to: \"10.9.0.0/16\")]";
        },
        /// The host stops at once; all state is lost.
        Crash(String),
        /// The host starts anew: its state lost, its programs from their start.
        Reboot(String),
        /// The host does nothing; timers and arriving packets wait.
        Pause(String),
        /// It goes on.
        Resume(String),
        /// The program of this name ends; its sockets are closed as a kernel would.
        Kill(String),
        /// A segment appears, as if sent by somebody at a node.
        Inject {
            /// The node from which it is sent.
            on: String, "\"attacker\"";
            /// Source as it claims to be.
            src: Endpoint, "\"client:49822\"";
            /// Destination.
            dst: Endpoint, "\"server:80\"";
            /// Control bits.
            flags: Bits, "\"R\"";
            /// Its sequence number.
            seq: Option<Number> = "Expected(0)", "Expected(100)";
            /// Its acknowledgment number, if the ACK bit is set.
            ack: Option<Number> = "Expected(0)", "Absolute(1)";
            /// Window field, unscaled.
            wnd: Option<u16> = "65535", "0";
            /// Urgent pointer; it counts if the URG bit is set.
            urg: Option<u16> = "0", "65535";
            /// Data.
            data: String = "none", "\"evil\"";
            /// So many octets of data, each an `x`, where `data` says nothing.
            len: Option<Size> = "0", "1448";
            /// ECN field.
            ecn: Option<Codepoint> = "NotEct", "Ce";
            /// MSS option.
            mss: Option<u16> = "absent", "1460";
            /// Window scale option.
            wscale: Option<u8> = "absent", "7";
            /// SACK-permitted option.
            sack_permitted: Option<bool> = "false", "true";
            /// SACK blocks, at most four: left edge, and the number behind the block. They count as `ack` does.
            sack: Option<Vec<(Number, Number)>> = "none", "[(Expected(1448), Expected(2896))]";
            /// Timestamps option: TSval, TSecr.
            timestamps: Option<(u32, u32)> = "absent", "(1, 0)";
            /// Timestamps option, in ticks from what the receiver expects, as who reads along knows it: TSval from its TS.Recent,
            /// TSecr from its clock. Before the receiver has heard of a timestamp there is none.
            timestamps_near: Option<(i32, i32)> = "absent", "(0, -10)";
            /// Fast Open option: a cookie in hexadecimal, or nothing, which asks for one.
            cookie: Option<String> = "absent", "\"3021b9d889017eeb\"";
            /// All options, octet by octet as they stand in the header, in place of the others: well formed or not.
            options: Vec<u8> = "those above", "[2, 4, 5, 180, 3, 0]";
            /// IP identification.
            ident: Option<u16> = "0", "7";
            /// Fragments of it that are sent in its place, in this order: where each begins in the segment with its header, a
            /// multiple of eight, and its length, both in octets. All but one that reaches the end say that more follow.
            fragments: Vec<(u16, u16)> = "none: it is sent whole", "[(0, 24), (16, 100)]";
            /// How many such segments there are.
            count: Option<u32> = "1", "1000";
            /// Time from one to the next.
            every: Option<Span> = "1ms", "\"10us\"";
            /// What is added to the sequence number from one to the next.
            seq_step: Option<i64> = "0", "65535";
            /// What is added to the acknowledgment number.
            ack_step: Option<i64> = "0", "1448";
            /// What is added to both ends of the SACK blocks.
            sack_step: Option<i64> = "0", "100";
            /// What is added to TSval.
            stamp_step: Option<u32> = "0", "1";
            /// What is added to the source port; beyond 65535 it begins again at 1024.
            port_step: Option<u16> = "0", "1";
            /// What is added to the IP identification.
            ident_step: Option<u16> = "0", "1";
        },
        /// An ICMP error appears, as if sent by somebody at a node: about a segment of TCP, which may never have been.
        InjectIcmp {
            /// The node from which it is sent.
            on: String, "\"attacker\"";
            /// Who claims to send it: name or address.
            from: Option<String> = "the node", "\"r1\"";
            /// What it says.
            says: IcmpSays, "TooBig(600)";
            /// The source of the segment that it quotes, who is told.
            src: Endpoint, "\"client:49822\"";
            /// The destination of that segment.
            dst: Endpoint, "\"server:80\"";
            /// The quoted sequence number; `Expected` counts from what the destination expects next.
            seq: Option<Number> = "Expected(0)", "SenderIsn(1)";
            /// The quoted total length, in bytes.
            len: Option<u16> = "1500", "40";
            /// How many such errors there are.
            count: Option<u32> = "1", "1000";
            /// Time from one to the next.
            every: Option<Span> = "1ms", "\"10us\"";
            /// What is added to the quoted sequence number from one to the next.
            seq_step: Option<i64> = "0", "65535";
        },
    }
}

described! {
    /// What a forged ICMP error says.
    pub enum IcmpSays: Copy, Eq {
        /// The network is unreachable.
        Net,
        /// The host is unreachable.
        Host,
        /// The protocol is unreachable.
        Protocol,
        /// The port is unreachable.
        Port,
        /// Forbidden by a filter.
        Prohibited,
        /// Fragmentation is needed: the MTU of the next hop, in bytes (0: not told).
        TooBig(u16),
        /// Time to live exceeded in transit.
        TtlExceeded,
    }
}

described! {
    /// A sequence number in a forged segment.
    pub enum Number {
        /// Exactly this.
        Absolute(u32),
        /// This far from the initial sequence number of the one who is claimed to send.
        SenderIsn(i64),
        /// This far from the receiver's.
        ReceiverIsn(i64),
        /// This far from what the receiver expects next (for the acknowledgment: its SND.UNA).
        Expected(i64),
    }
}
