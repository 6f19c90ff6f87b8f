//! The libraries of native/, built as its users build them: by CMake. Where CMake is not installed the
//! test is shown as ignored, except in CI, which installs it.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;

fn main() {
    let installed = Command::new("cmake").arg("--version").output().is_ok();
    let ignored = !installed && std::env::var_os("CI").is_none();
    let test = Trial::test("cmake_builds_the_libraries_of_native", build_and_run);
    libtest_mimic::run(&Arguments::from_args(), vec![test.with_ignored_flag(ignored)]).exit();
}

fn build_and_run() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    let build = folder.path().join("build");
    run(Command::new("cmake").arg("-S").arg(root.join("native")).arg("-B").arg(&build))?;
    run(Command::new("cmake").arg("--build").arg(&build))?;
    // A bare name finds the library that was built, whatever the platform calls its file.
    let program = folder.path().join("program.vasm");
    std::fs::write(
        &program,
        ".lib 0 \"math_ops\" math_add\n.lib 1 \"stats\" lerp (f64, f64, f64) -> f64\n\
         PUSH 10\nPUSH 5\nCALL_NATIVE math_add\nPRINT\n\
         PUSH 1.0\nPUSH 3.0\nPUSH 0.5\nCALL_NATIVE lerp\nPRINT\nHALT\n",
    )?;
    let mut hotvm = Command::new(env!("CARGO_BIN_EXE_hotvm"));
    let output = run(hotvm.arg("run").arg(&program).arg("--lib-dir").arg(&build))?;
    if output != "15\n2.0\n" {
        return Err(format!("the program printed {output:?}").into());
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => {
            Err(format!("{command:?} failed:\n{}{}", text(&output.stdout), text(&output.stderr))
                .into())
        }
    }
}
