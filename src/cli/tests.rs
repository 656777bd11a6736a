//! That the commands which help and documentation show are commands: they parse, and what they name in this project is
//! there.

use std::path::Path;

use clap::{Command, CommandFactory, Parser};

use super::Cli;

/// A command, and where it is shown.
struct Example {
    line: String,
    place: String,
}

/// The lines of a text that begin with `timewait`, without what is said of them: behind two spaces or `#`.
fn examples(text: &str, place: &str) -> Vec<Example> {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("timewait "));
    let commands = lines.map(|line| line.split("  ").next().unwrap_or_default());
    let commands = commands.map(|line| line.split(" # ").next().unwrap_or_default().to_owned());
    commands.map(|line| Example { line, place: place.to_owned() }).collect()
}

/// The code blocks of a page.
fn blocks(page: &str) -> String {
    page.split("```").skip(1).step_by(2).collect::<Vec<_>>().join("\n")
}

fn of_help(command: &Command, all: &mut Vec<Example>) {
    if let Some(help) = command.get_after_help() {
        all.extend(examples(&help.to_string(), &format!("timewait help {}", command.get_name())));
    }
    command.get_subcommands().for_each(|command| of_help(command, all));
}

fn of_pages(all: &mut Vec<Example>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs =
        std::fs::read_dir(root.join("docs")).expect("docs/").map(|entry| entry.expect("a page").path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    for page in pages.chain(["README.md", "CONTRIBUTING.md", "benches/README.md"].map(|name| root.join(name)))
    {
        let text = std::fs::read_to_string(&page).expect("a page");
        all.extend(examples(&blocks(&text), &page.display().to_string()));
    }
}

/// The words of a command line as far as a shell hands them to the command.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' | '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    let ends = |word: &String| ["|", ">", "&&"].contains(&word.as_str());
    let end = words.iter().position(ends).unwrap_or(words.len());
    words.truncate(end);
    words.retain(|word| !word.is_empty());
    words
}

fn all() -> Vec<Example> {
    let mut all = Vec::new();
    of_help(&Cli::command(), &mut all);
    of_pages(&mut all);
    assert!(all.len() > 80, "only {} examples are found", all.len());
    all
}

#[test]
fn every_example_is_a_command() {
    for Example { line, place } in all() {
        let words: Vec<String> = words(&line.replace("SHELL", "bash").replace("$SLURM_ARRAY_TASK_ID", "1"));
        match Cli::try_parse_from(&words) {
            Ok(_) => {}
            Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {}
            Err(error) => panic!("{place}: {line}\n{error}"),
        }
    }
}

#[test]
fn what_examples_name_in_this_project_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for Example { line, place } in all() {
        for word in words(&line) {
            let ours = ["scenarios/", "tests/", "benches/"].iter().any(|folder| word.starts_with(folder));
            assert!(!ours || root.join(&word).exists(), "{place}: {line}: there is no {word}");
        }
    }
}

#[test]
fn help_fits_a_hundred_columns() {
    fn look(command: &Command) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() <= 100, "timewait help {}: {line}", command.get_name());
        }
        command.get_subcommands().for_each(look);
    }
    look(&Cli::command());
}
