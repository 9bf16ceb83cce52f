//! Installers that are honestly fetched and run: `curl https://sh.rustup.rs | sh`.
//!
//! Who runs them trusts the place and the certificate. They stay worth telling, since a shell runs what nobody has read, but are not what a
//! text from anywhere is.

use super::roles::{FETCHERS, fetches};
use super::script::{Command, Script};

/// Hosts, and beginnings of paths there, spaces between them. A name that anybody can register below a host has its folder.
const PLACES: &str = "\
    sh.rustup.rs/ static.rust-lang.org/ get.docker.com/ get.k3s.io/ get.rke2.io/ bun.sh/install deno.land/install.sh fnm.vercel.app/ \
    get.pnpm.io/ install.python-poetry.org/ astral.sh/ deb.nodesource.com/ rpm.nodesource.com/ packages.gitlab.com/install/ \
    bootstrap.pypa.io/ get.sdkman.io/ starship.rs/install.sh tailscale.com/install.sh ollama.com/install.sh claude.ai/install.sh \
    get.helm.sh/ install.determinate.systems/ nixos.org/nix/install sentry.io/get-cli/ fly.io/install.sh just.systems/ taskfile.dev/ \
    get-ghcup.haskell.org/ get.haskellstack.org/ install.julialang.org/ get.rvm.io/ pyenv.run/ mise.run/ get.volta.sh/ \
    wasmtime.dev/install.sh cursor.com/install raw.githubusercontent.com/nvm-sh/nvm/ raw.githubusercontent.com/creationix/nvm/ raw.github.com/creationix/nvm/ \
    www.npmjs.com/install.sh npmjs.org/install.sh \
    raw.githubusercontent.com/Homebrew/install/ raw.githubusercontent.com/helm/helm/ raw.githubusercontent.com/rhysd/actionlint/ \
    raw.githubusercontent.com/ohmyzsh/ohmyzsh/ raw.githubusercontent.com/golangci/golangci-lint/ raw.githubusercontent.com/k3d-io/k3d/ \
    raw.githubusercontent.com/aquasecurity/trivy/ raw.githubusercontent.com/anchore/syft/ raw.githubusercontent.com/anchore/grype/";

/// Whether all that a text fetches are such installers.
pub(super) fn only(script: &Script) -> bool {
    let mut fetchers = script.commands.iter().map(plain).filter(fetches).peekable();
    fetchers.peek().is_some() && fetchers.all(|command| is_one(&command))
}

/// Whether this fetches an installer and nothing else.
pub(super) fn is_one(command: &Command) -> bool {
    let mut addresses = command.args().filter(|arg| is_address(arg)).peekable();
    FETCHERS.contains(&command.name())
        && !command.args().any(trusts_anybody)
        && addresses.peek().is_some()
        && addresses.all(is_known)
}

fn plain(command: &Command) -> Command {
    command.unwrapped().unwrap_or_else(|| command.clone())
}

/// Options by which it is another place, or nobody's.
fn trusts_anybody(arg: &str) -> bool {
    let short = arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['k', 'x', 'K']);
    let long = [
        "--insecure",
        "--no-check-certificate",
        "--resolve",
        "--connect-to",
        "--proxy",
        "--cacert",
        "--config",
        "--preproxy",
        "--doh",
    ];
    short || long.iter().any(|option| arg.starts_with(option))
}

/// `curl` takes names without a scheme as well.
fn is_address(arg: &str) -> bool {
    !arg.starts_with(['-', '/', '.']) && (arg.contains("://") || arg.contains('.') && arg.contains('/'))
}

/// Without a certificate nobody knows where it comes from.
fn is_known(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("https://") else { return false };
    let rest = if rest.contains('/') { rest.to_owned() } else { format!("{rest}/") };
    !rest.contains("..") && PLACES.split(' ').any(|place| rest.starts_with(place))
}
