//! The processes of a host: their ids, and the descriptors that they have in use.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::Setup;

/// Descriptors begin behind standard input, output and error.
const FIRST_FD: u32 = 3;

/// The processes, by number of the program.
#[derive(Clone, Debug, Hash)]
pub(super) struct Processes {
    list: Vec<Process>,
}

/// A process.
#[derive(Clone, Debug)]
struct Process {
    name: Arc<str>,
    pid: u32,
    /// Descriptors below `next_fd` that are free again, the lowest first.
    free: BinaryHeap<Reverse<u32>>,
    next_fd: u32,
}

impl std::hash::Hash for Process {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Process { name: _, pid, free, next_fd } = self; // names do not change
        (pid, next_fd).hash(state);
        free.clone().into_sorted_vec().hash(state);
    }
}

impl Processes {
    pub(super) fn new(setup: &Setup) -> Processes {
        let process = |(i, program): (usize, &crate::spec::Program)| Process {
            name: Arc::clone(&program.name),
            pid: setup.spec.first_pid.saturating_add(i as u32),
            free: BinaryHeap::new(),
            next_fd: FIRST_FD,
        };
        Processes { list: setup.programs.iter().enumerate().map(process).collect() }
    }
    /// Its name and id.
    pub(super) fn name(&self, process: u32) -> Option<(Arc<str>, u32)> {
        self.list.get(process as usize).map(|p| (Arc::clone(&p.name), p.pid))
    }
    /// The lowest descriptor that is free.
    pub(super) fn take_fd(&mut self, process: u32) -> u32 {
        let Some(p) = self.list.get_mut(process as usize) else { return FIRST_FD };
        if let Some(Reverse(fd)) = p.free.pop() {
            return fd;
        }
        p.next_fd += 1;
        p.next_fd - 1
    }
    /// A descriptor is free again.
    pub(super) fn give_back(&mut self, process: u32, fd: u32) {
        if let Some(p) = self.list.get_mut(process as usize) {
            p.free.push(Reverse(fd));
        }
    }
}
