//! The flag that chooses an engine.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use hotvm::engine::Engine;

/// What executes the program.
#[derive(Args, Clone, Copy)]
pub(super) struct EngineFlag {
    /// What executes the program
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Choice>,
}

impl EngineFlag {
    /// The engine that was asked for.
    pub(super) fn asked(self) -> Option<Engine> {
        self.engine.map(|choice| choice.0)
    }

    /// The engine to use.
    pub(super) fn engine(self) -> Engine {
        self.asked().unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
struct Choice(Engine);

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Choice] {
        const CHOICES: [Choice; Engine::ALL.len()] = {
            let mut all = [Choice(Engine::ALL[0]); Engine::ALL.len()];
            let mut i = 0;
            while i < all.len() {
                all[i] = Choice(Engine::ALL[i]);
                i += 1;
            }
            all
        };
        &CHOICES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.describe()))
    }
}
