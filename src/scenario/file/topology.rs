//! Networks by template: many hosts, routers and links in one line, with names that everything else can refer to.

use super::table::described;
use super::{Tcp, Way};

described! {
    /// A network by template. Its hosts, routers and links have names as if they had been typed: rules, faults,
    /// expectations and programs refer to them, `hosts` may say more of one of them, and `links` may add to them.
    pub enum Topology {
        /// Hosts `l1`, `l2`, ... and `r1`, `r2`, ... on both sides of the link `bottleneck` between the routers `left` and
        /// `right`. The other links are named after their ends: `l1-left`, `right-r1`.
        Dumbbell {
            /// Hosts on the left.
            left: u32, "10";
            /// Hosts on the right.
            right: Option<u32> = "as many as on the left", "10";
            /// The link in the middle.
            bottleneck: Option<Way> = "a link without limits", "(rate: \"1Gbit\", delay: \"10ms\", limit: Packets(1666))";
            /// What is different on it from right to left.
            back: Option<Way> = "nothing", "(loss: \"0%\")";
            /// The links to the hosts.
            access: Option<Way> = "links without limits", "(rate: \"1Gbit\", delay: \"1us\")";
            /// Those on the right.
            right_access: Option<Way> = "as on the left", "(delay: \"20ms\")";
            /// How the hosts' TCP behaves.
            tcp: Option<Tcp> = "the scenario's personality", "(congestion: Reno)";
        },
        /// Routers `p1`, `p2`, ... in a row, with the links `hop1`, `hop2`, ... between them. Hosts `a` and `z` at its ends
        /// have all hops between them; `x1` and `y1` have the first hop, `x2` and `y2` the second.
        ParkingLot {
            /// Links in a row.
            hops: u32, "3";
            /// Pairs of hosts at each hop; with more than one they are `x1_1`, `x1_2`, ...
            cross: Option<u32> = "1", "2";
            /// The links between routers.
            hop: Option<Way> = "links without limits", "(rate: \"10Mbit\", delay: \"5ms\")";
            /// The links to the hosts.
            access: Option<Way> = "links without limits", "(rate: \"100Mbit\")";
            /// How the hosts' TCP behaves.
            tcp: Option<Tcp> = "the scenario's personality", "(congestion: Reno)";
        },
        /// Hosts `h1`, `h2`, ... around the router `hub`. Links: `h1-hub`.
        Star {
            /// Hosts.
            hosts: u32, "16";
            /// The links.
            access: Option<Way> = "links without limits", "(rate: \"1Gbit\", delay: \"10us\")";
            /// What is different on them from the hub to the hosts.
            back: Option<Way> = "nothing", "(qdisc: Codel())";
            /// How the hosts' TCP behaves.
            tcp: Option<Tcp> = "the scenario's personality", "(congestion: Dctcp)";
        },
        /// A data centre's tree of switches with `k` ports (Al-Fares and others, 2008): `k` pods of `k / 2` edge switches
        /// with `k / 2` hosts each. Host `h1_2_3` is the third at the edge switch `edge1_2`, the second of the first pod,
        /// above which are `agg1_1`, ... and above all pods `core1_1`, ... Host `hP_E_N` has the address 10.N.E.P. As in the
        /// paper the way up is chosen by the destination, so packets of a flow stay in order.
        FatTree {
            /// Ports of a switch: even, 2 to 16.
            k: u32, "4";
            /// The links to the hosts.
            access: Option<Way> = "links without limits", "(rate: \"1Gbit\", delay: \"1us\")";
            /// The links between switches.
            fabric: Option<Way> = "as those to the hosts", "(rate: \"1Gbit\", delay: \"2us\", qdisc: Red())";
            /// How the hosts' TCP behaves.
            tcp: Option<Tcp> = "the scenario's personality", "(congestion: Dctcp)";
        },
        /// Hosts `a` and `b` with routers `r1`, `r2`, ... in a row between them. Links: `a-r1`, `r1-r2`, ..., `r2-b`.
        Chain {
            /// Routers.
            routers: u32, "3";
            /// All links.
            link: Option<Way> = "links without limits", "(rate: \"10Mbit\", delay: \"1ms\")";
            /// How the hosts' TCP behaves.
            tcp: Option<Tcp> = "the scenario's personality", "(personality: Rfc)";
        },
    }
}
