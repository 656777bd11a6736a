//! The event queue: one pop and one push, with so many sources pending.

use divan::Bencher;
use divan::counter::ItemsCount;
use sim::queue::{EventQueue, Source};
use tcp::{Duration, Time};

fn main() {
    divan::main();
}

const STEPS: u32 = 10_000;

#[divan::bench(args = [4, 100, 10_000])]
fn pop_and_push(bencher: Bencher, pending: u32) {
    let mut queue = EventQueue::default();
    for number in 0..pending {
        queue.set(Source::Pipe(number), Time::from_nanos(u64::from(number) * 7919 % 1_000_003));
    }
    bencher.counter(ItemsCount::new(STEPS)).bench_local(|| {
        for _ in 0..STEPS {
            let (time, source) = queue.pop().expect("sources come back");
            queue.set(source, time + Duration::from_nanos(1_000 + time.as_nanos() * 31 % 997));
        }
    });
}
