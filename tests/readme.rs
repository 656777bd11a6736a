//! What the README shows is what the command prints.

use std::process::Command;

use timewait::scenario::Scenario;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md")
}

/// The first code block that contains `text`.
fn block<'a>(readme: &'a str, text: &str) -> &'a str {
    let block = readme.split("```").skip(1).step_by(2).find(|block| block.contains(text));
    block.unwrap_or_else(|| panic!("README.md shows no {text:?}")).split_once('\n').expect("a line").1
}

#[test]
fn the_trace_is_what_the_first_command_prints() {
    let shown = Command::new(env!("CARGO_BIN_EXE_timewait"))
        .args(["run", "scenarios/lost_final_ack.ron"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the command runs");
    let printed = String::from_utf8(shown.stdout).expect("UTF-8");
    assert_eq!(block(&readme(), "TIME-WAIT answers the FIN").trim(), printed.trim());
}

#[test]
fn the_example_reads_and_does_as_it_says() {
    let readme = readme();
    let scenario = Scenario::parse("README.md", block(&readme, "Scenario(")).expect("the example is right");
    let run = crate::gallery::run(&scenario);
    assert_eq!(crate::gallery::missed(&scenario, &run), Vec::<String>::new());
}

#[test]
fn the_error_is_what_a_typo_gets() {
    let readme = readme();
    let text = "Scenario(\n    hosts: {\n        \"client\": (addr: \"10.0.0.2\"),\n        \"server\": (addr: \"10.0.0.1\", tcp: \
                (time_wiat: \"60s\")),\n    },\n)\n";
    let errors = Scenario::parse("mine.ron", text).expect_err("a typo");
    assert_eq!(errors.to_string().trim(), block(&readme, "time_wiat: ").trim());
}
