//! FQ-CoDel (RFC 8290): a CoDel queue for each flow, served in turn by deficit, new flows first.

use std::collections::VecDeque;

use tcp::Time;

use super::codel::Codel;
use super::leaving::{Departure, Gone, Waiting};
use crate::spec;

/// The queues.
#[derive(Clone, Debug, Hash)]
pub(super) struct Flows {
    flows: Vec<Flow>,
    /// Numbers of flows that have become busy, and of those that have had their turn.
    new: VecDeque<u32>,
    old: VecDeque<u32>,
    packets: usize,
    bytes: u64,
}

#[derive(Clone, Debug, Default, Hash)]
struct Flow {
    queue: Codel,
    /// Bytes that it may send before it is another's turn.
    credit: i64,
    /// Whether it is on a list.
    active: bool,
}

/// Packets that are dropped at once when there is no more room, at most (Section 4.1).
const BATCH: usize = 64;

impl Flows {
    pub(super) fn new(count: u32) -> Flows {
        let flows = vec![Flow::default(); count.max(1) as usize];
        Flows { flows, new: VecDeque::new(), old: VecDeque::new(), packets: 0, bytes: 0 }
    }
    pub(super) fn len(&self) -> usize {
        self.packets
    }
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    pub(super) fn front_len(&self) -> Option<u32> {
        self.new.iter().chain(&self.old).find_map(|number| self.flows[*number as usize].queue.front_len())
    }
    /// Takes out any packet, in order of the flows' numbers.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let packet = self.flows.iter_mut().find_map(|flow| flow.queue.pop())?;
        self.packets -= 1;
        self.bytes -= u64::from(packet.len);
        Some(packet)
    }

    /// A packet joins its flow's queue; above the limit, the fattest flow pays (Section 4.1).
    pub(super) fn push(
        &mut self,
        packet: Waiting,
        config: spec::FqCodel,
        limit: usize,
        gone: &mut VecDeque<Gone>,
    ) {
        let number = (packet.flow % self.flows.len() as u64) as u32;
        let flow = &mut self.flows[number as usize];
        self.packets += 1;
        self.bytes += u64::from(packet.len);
        flow.queue.push(packet);
        if !flow.active {
            flow.active = true;
            flow.credit = i64::from(config.quantum);
            self.new.push_back(number);
        }
        if self.packets > limit {
            self.thin_out(gone);
        }
    }
    /// Drops half of what the flow with most bytes has, from its head.
    fn thin_out(&mut self, gone: &mut VecDeque<Gone>) {
        let Some(fattest) = self.flows.iter_mut().rev().max_by_key(|flow| flow.queue.bytes()) else { return };
        let half = fattest.queue.bytes() / 2;
        for _ in 0..BATCH {
            let Some(packet) = fattest.queue.pop() else { break };
            self.packets -= 1;
            self.bytes -= u64::from(packet.len);
            gone.push_back(Gone::full(&packet));
            if fattest.queue.bytes() <= half {
                break;
            }
        }
    }

    /// Takes the next packet to leave (Section 4.2).
    pub(super) fn dequeue(
        &mut self,
        now: Time,
        config: spec::FqCodel,
        mtu: u32,
        gone: &mut VecDeque<Gone>,
    ) -> Option<Departure> {
        loop {
            let from_new = !self.new.is_empty();
            let number = *if from_new { self.new.front() } else { self.old.front() }?;
            let flow = &mut self.flows[number as usize];
            if flow.credit <= 0 {
                flow.credit += i64::from(config.quantum.max(1));
                self.rotate(from_new);
                continue;
            }
            let (packets, bytes) = (flow.queue.len(), flow.queue.bytes());
            let departure = flow.queue.dequeue(now, config.codel, mtu, gone);
            self.packets -= packets - flow.queue.len();
            self.bytes -= bytes - flow.queue.bytes();
            match departure {
                Some(departure) => {
                    flow.credit -= i64::from(departure.packet.len);
                    return Some(departure);
                }
                // A flow that has just been new takes a turn among the old ones, lest it starve those.
                None if from_new => self.rotate(true),
                None => {
                    flow.active = false;
                    self.old.pop_front();
                }
            }
        }
    }
    /// The first flow of a list goes to the end of the old ones.
    fn rotate(&mut self, from_new: bool) {
        let number = if from_new { self.new.pop_front() } else { self.old.pop_front() };
        self.old.extend(number);
    }
}
