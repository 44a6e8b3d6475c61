//! The binary: arguments in, exit code out. The only user of color-eyre; decides nothing.

use std::process::ExitCode;

use clap::Parser;
use color_eyre::eyre::{Report, Result};
use pilothouse::{cli::Cli, runtime::crash, verbs};

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let (panic, eyre) = color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .into_hooks();
    eyre.install()?;
    std::panic::set_hook(Box::new(move |info| {
        crash::report(|| panic.panic_report(info).to_string());
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(verbs::run(cli));
    // A provider that hangs must not hold the way out.
    runtime.shutdown_background();
    crash::print_kept();
    match outcome {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(failure) => {
            let code = failure.code();
            crash::say(&format!("pilothouse: {}", Report::new(failure)));
            Ok(ExitCode::from(code))
        }
    }
}
