//! The binary: arguments in, exit code out. The only user of color-eyre; decides nothing.

use std::process::ExitCode;

use clap::Parser;
use color_eyre::eyre::{Report, Result};
use pilothouse::{
    cli::Cli,
    runtime::{desk, terminal},
    verbs,
};

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let (panic, eyre) = color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .into_hooks();
    eyre.install()?;
    let panic = panic.into_panic_hook();
    std::panic::set_hook(Box::new(move |info| {
        // The report must land on a terminal that is itself again.
        terminal::restore();
        panic(info);
        if let Some(words) = desk::last_words() {
            eprintln!("{words}");
        }
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(verbs::run(cli));
    // A provider that hangs must not hold the way out.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(failure) => {
            let code = failure.code();
            eprintln!("pilothouse: {}", Report::new(failure));
            Ok(ExitCode::from(code))
        }
    }
}
