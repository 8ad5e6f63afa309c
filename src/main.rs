//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(all(feature = "linux", target_os = "linux"))]
    if std::env::args().nth(1).as_deref() == Some(tcpvet::target::linux::SUBCOMMAND) {
        return tcpvet::target::linux::child_main(std::env::args().skip(2));
    }
    ExitCode::SUCCESS
}
