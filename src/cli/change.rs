//! What a command changes of the file that it runs, and reading that file.

use std::path::Path;

use anyhow::{Result, anyhow};
use clap::Args;
use sim::Spec;
use timewait::find::judge::quoted;
use timewait::scenario::units::Span;
use timewait::scenario::{self, Scenario};
use timewait::sweep::plan;

use super::{Color, screen};

/// What is different from the file.
#[derive(Args, Debug, Default)]
pub struct Change {
    /// Another seed than the file's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Another end of the run than the file's: `30s`, `2h`.
    #[arg(long, value_name = "TIME")]
    pub until: Option<Span>,
    /// Change a value of the file: `links.client-server.delay=80ms`; repeatable.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

impl Change {
    /// The command of this name that changes the same of this file.
    pub fn command(&self, name: &str, file: &Path) -> String {
        let mut command = format!("timewait {name} {}", quoted(&file.display().to_string()));
        let seed = self.seed.map(|seed| format!("--seed {seed}"));
        let until = self.until.map(|until| format!("--until {until}"));
        let set = self.set.iter().map(|set| format!("--set {}", quoted(set)));
        for argument in seed.into_iter().chain(until).chain(set) {
            command += " ";
            command += &argument;
        }
        command
    }
    /// Reads a file, with its values changed, and tells what is run. Of a sweep it is the scenario in it, so that a row of
    /// its results can be repeated where the scenario stands.
    ///
    /// # Errors
    /// What is wrong with the file or with a change, rendered.
    pub fn load(&self, file: &Path, color: Color) -> Result<(Scenario, Spec)> {
        let scenario = read(file, &self.set, color)?;
        let mut spec = scenario.spec().clone();
        spec.seed = self.seed.unwrap_or(spec.seed);
        spec.until = self.until.map_or(spec.until, Span::time);
        Ok((scenario, spec))
    }
    /// The same as a scenario that can be written out: its text says what was changed.
    ///
    /// # Errors
    /// What is wrong with the file or with a change, rendered.
    pub fn scenario(&self, file: &Path, color: Color) -> Result<Scenario> {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        let until = self.until.map(|until| format!("until=\"{}ns\"", until.0));
        let changes: Vec<String> = self.set.iter().cloned().chain(seed).chain(until).collect();
        read(file, &changes, color)
    }
}

fn read(file: &Path, changes: &[String], color: Color) -> Result<Scenario> {
    let rendered = |wrong: scenario::Diagnostics| {
        anyhow!(wrong.render(screen::is_colored(color))).context(screen::Rendered)
    };
    let scenario = plan::scenario_of(file).map_err(rendered)?;
    changes.iter().try_fold(scenario, |scenario, change| scenario.set(change)).map_err(rendered)
}
