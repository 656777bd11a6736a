//! What a host of a scenario saw and did, as a packetdrill script: the script run against that host alone comes to the same
//! packets at the same times.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sim::spec::Node;
use timewait::packetdrill::bridge::{self, Refusal};
use timewait::packetdrill::run::{Outcome, Settings, Verdict, run};
use timewait::packetdrill::{Symbols, parse};

use crate::gallery::load;
use crate::scenarios::files;

/// Scripts that do not pass though every knob of the host could be set, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("controller_bbr1", "client", "BBR draws the phase that it begins its cycle in, each connection another"),
    ("write_before_open", "rfc", "a socket of a kernel does not queue what is written before it is open"),
];

fn gallery() -> Vec<(String, PathBuf)> {
    [files("scenarios"), files("scenarios/regressions")].concat()
}

fn named(wanted: &str) -> PathBuf {
    gallery().into_iter().find(|(name, _)| name == wanted).expect("it is in the gallery").1
}

fn play(written: &bridge::Written) -> Outcome {
    let script = parse::script("bridged.pkt", &written.text, &Symbols::new())
        .unwrap_or_else(|problems| panic!("{problems}\n{}", written.text));
    let settings =
        Settings { tcp: written.base.config(), seed: 7, no_leftovers: true, tolerance_usecs: None };
    run(&script, &settings)
}

/// Every host of every scenario: a strict pass from the first segment to the last and nothing behind it, or a reason.
#[test]
fn scripts_of_the_gallery_pass_to_the_letter() {
    let mut passed = 0;
    let mut reasons = BTreeSet::new();
    let mut excepted = BTreeSet::new();
    for (name, path) in gallery() {
        let scenario = load(&path);
        let hosts = scenario.spec().nodes.iter().filter(|(_, node)| matches!(node, Node::Host(_)));
        let hosts: Vec<&String> = hosts.map(|(host, _)| host).collect();
        if hosts.len() > 3 {
            continue;
        }
        for host in hosts {
            let written = match bridge::write(scenario.spec(), host, 1, &name) {
                Ok(written) => written,
                Err(refusal) => {
                    reasons.insert(match refusal {
                        Refusal::NoWords(_, what) => what,
                        Refusal::NoConnection(_, 0) => "no segment of TCP".to_owned(),
                        refusal => panic!("{name} {host}: {refusal}"),
                    });
                    continue;
                }
            };
            match play(&written).verdict {
                Verdict::Strict => passed += 1,
                Verdict::Unsupported(failure) => panic!("{name} {host}: {failure}"),
                // What no sysctl says is said on top of the script.
                Verdict::Relaxed(_) | Verdict::Failed(_) if !written.unset.is_empty() => {
                    assert!(written.text.contains("// No setting of a kernel says this"));
                }
                Verdict::Relaxed(_) | Verdict::Failed(_) => {
                    let known =
                        EXCEPTIONS.iter().find(|(of, at, _)| (*of, *at) == (name.as_str(), host.as_str()));
                    assert!(known.is_some(), "{name} {host} fails:\n{}", written.text);
                    excepted.insert((name.clone(), host.clone()));
                }
            }
        }
    }
    assert_eq!(excepted.len(), EXCEPTIONS.len(), "each exception is one still");
    assert!(passed >= 230, "only {passed} pass to the letter");
    insta::assert_snapshot!(reasons.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_script_reads_well() {
    let path = named("lost_tail");
    let written = bridge::write(load(&path).spec(), "server", 1, "A lost tail, seen by the server.")
        .expect("it can be said");
    insta::assert_snapshot!(written.text);
}

/// A script that says something else than what the host does fails: the round trip can say no.
#[test]
fn a_changed_script_fails() {
    let path = named("four_way_close");
    let written = bridge::write(load(&path).spec(), "client", 1, "").expect("it can be said");
    let fins = written.text.matches("> F.").count();
    assert!(fins > 0, "the client closes");
    let text = written.text.replacen("> F.", "> FP.", 1);
    let outcome = play(&bridge::Written { text, ..written });
    assert!(!matches!(outcome.verdict, Verdict::Strict), "a PSH that nobody sends is missed");
}

#[test]
fn what_is_not_there_is_said() {
    let path = named("handshake");
    let scenario = load(&path);
    let no_host = bridge::write(scenario.spec(), "sever", 1, "").expect_err("nobody is called so");
    assert_eq!(no_host.to_string(), "no host `sever`; there are client, server");
    let no_second = bridge::write(scenario.spec(), "server", 2, "").expect_err("there is one connection");
    assert_eq!(no_second, Refusal::NoConnection("server".into(), 1));
    assert_eq!(no_second.to_string(), "`server` has one connection only");
}
