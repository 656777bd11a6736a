//! What panics is found like anything else that is broken, by however many threads.

use tcp::State;

use super::*;

/// Two hosts, of which one opens a connection and closes it.
fn scenario() -> Scenario {
    let text = r#"Scenario(
        about: "an open and a close",
        hosts: { "client": (), "server": () },
        links: [(between: ("client", "server"), delay: "1ms", loss: "0%")],
        programs: [(on: "server", run: Sink(port: 80)), (on: "client", run: Client(to: "server:80"))],
    )"#;
    Scenario::parse("open.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// A mistake: whoever repeats its SYN panics.
fn repeats(world: &Simulator) {
    let opens = world.sockets(NodeId(0)).iter().any(|row| row.state == State::SynSent);
    assert!(!opens || world.now() < Time::ZERO + Duration::from_millis(500), "a SYN is repeated");
}

fn by(jobs: usize, scenario: &Scenario, faults: u32, looks: Looks<'_>) -> Explored {
    let plan = Plan { faults, jobs, ..Plan::default() };
    explore_looking(scenario, &plan, &|_| true, looks).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn a_panic_is_found_by_any_number_of_threads() {
    for faults in [1, 2] {
        let one = by(1, &scenario(), faults, &repeats);
        let [broken] = one.broken.as_slice() else { panic!("{:?}", one.broken) };
        assert_eq!((broken.place.law, broken.faults), (Law::NoPanic, 1));
        assert_eq!(broken.violation.text, "a SYN is repeated");
        assert!(
            broken.violation.time >= Time::ZERO + Duration::from_millis(500) && broken.violation.event > 0,
            "{broken:?}"
        );
        assert!(one.complete && broken.ends >= 4, "SYN and SYN-ACK, lost or damaged: {} ends", broken.ends);
        for jobs in [2, 3] {
            assert_eq!(one, by(jobs, &scenario(), faults, &repeats), "{jobs} threads, {faults} faults");
        }
        // What was written down panics without anything more.
        let again =
            Scenario::parse("again.ron", &broken.typed.write("")).unwrap_or_else(|wrong| panic!("{wrong}"));
        let again = by(2, &again, 0, &repeats);
        let [same] = again.broken.as_slice() else { panic!("{:?}", again.broken) };
        assert_eq!((&same.violation, same.faults), (&broken.violation, 0));
    }
}

#[test]
fn a_panic_without_a_fault_is_told_too() {
    let always =
        |world: &Simulator| assert!(world.now() < Time::ZERO + Duration::from_millis(3), "it is late");
    let (one, two) = (by(1, &scenario(), 1, &always), by(2, &scenario(), 1, &always));
    assert_eq!(one, two);
    let [broken] = one.broken.as_slice() else { panic!("{:?}", one.broken) };
    assert_eq!(
        (broken.place.law, broken.faults, broken.violation.text.as_str()),
        (Law::NoPanic, 0, "it is late")
    );
}
