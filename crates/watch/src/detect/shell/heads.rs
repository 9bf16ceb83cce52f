//! The commands that data is most often given to, and what may well stand behind them.

use super::payload::{Payload, inner_reads};
use super::roles::is_one_of;
use super::script::Command;

/// Programs that what comes from outside is often made an argument of, and that people use all day as well.
const DATA_TOOLS: &str = "\
    curl wget tar zip unzip 7z ls cat grep find file stat head tail echo printf md5sum sha256sum wc du df openssl ssh telnet nc ps \
    id gpg";
/// Programs that services give data to, and whose result is not looked at by listing folders or machines.
const CONVERTERS: &str = "\
    useradd usermod userdel adduser passwd convert identify mogrify magick ffmpeg ffprobe gs pdftotext pdftoppm exiftool wkhtmltopdf \
    wkhtmltoimage youtube-dl yt-dlp figlet sendmail mail lp lpr finger tesseract unoconv soffice libreoffice antiword catdoc sox \
    espeak qrencode dot clamscan htpasswd smbclient ldapsearch xmllint xsltproc";
/// Programs that reach out to a machine that somebody names.
const NET_TOOLS: &str = "\
    ping ping6 nslookup host dig whois traceroute tracepath mtr nmap arping fping snmpget snmpwalk";
/// Programs that copy, count and compare files: as often given data as `mkdir && ls` is written by hand.
const FILE_TOOLS: &str = "cp rsync wc sort diff chown chgrp sha1sum";
/// What tells of the machine in many lines, which no argument is made of.
const LISTERS: &str = "lscpu lsmod dmesg ps netstat ifconfig ss lsof env printenv mount df free last w set";
/// Hosts whose next command, written without a blank, is no habit of anybody's.
const BARE_HOSTS: &str = "\
    cat ls file stat head tail wc id curl wget openssl md5sum sha256sum gpg mail zip unzip 7z du";
/// Programs that do not read what is piped into them.
const DEAF: &str = "\
    id whoami ls dir uname hostname pwd sleep ping ifconfig ip ps date touch nslookup dig host netstat w who last env printenv echo \
    printf ipconfig ver systeminfo net uptime df";

/// What works on the output of another, or tells of it.
const FOLLOWERS: &str = "\
    cd make rm mv cp mkdir chmod if echo printf exit true false break continue return [ test grep egrep awk sed head tail cut sort \
    uniq wc tee cat tr xargs jq less logger";

/// How likely data from outside is in this command: 2 where it names a machine, 1 for what data is often given to.
pub(super) fn takes_data(command: &Command) -> u32 {
    let name = command.name();
    // `id -u` is asked of oneself.
    let asks_oneself = name == "id" && command.args().all(|arg| arg.starts_with('-'));
    let clones = name == "git" && command.args().next() == Some("clone");
    match name {
        _ if asks_oneself => 0,
        name if is_one_of(name, NET_TOOLS) => 2,
        name => {
            let all = [DATA_TOOLS, CONVERTERS, FILE_TOOLS];
            u32::from(clones || all.iter().any(|tools| is_one_of(name, tools)))
        }
    }
}

/// Whether somebody who looks about does not look at what this command has done.
pub(super) fn is_converter(command: &Command) -> bool {
    is_one_of(command.name(), CONVERTERS)
        || (command.name() == "git" && command.args().next() == Some("clone"))
}

/// Whether a command is one that follows a copy or a count every day.
pub(super) fn is_daily_after(payload: Payload, command: &Command, host: &Command) -> bool {
    let everyday = matches!(payload, Payload::Mark | Payload::Wait | Payload::Call | Payload::Code);
    is_one_of(host.name(), FILE_TOOLS) && (everyday || !tells_of_machine(command))
}

/// Whether what a command prints is no argument.
pub(super) fn lists(command: &Command) -> bool {
    is_one_of(command.name(), LISTERS)
}

/// Whether nobody writes another command right behind this one without a blank.
pub(super) fn stands_alone(command: &Command) -> bool {
    is_one_of(command.name(), BARE_HOSTS) || is_one_of(command.name(), CONVERTERS)
}

/// Whether a command tells of the machine, and not of files.
pub(super) fn tells_of_machine(command: &Command) -> bool {
    !matches!(command.name(), "ls" | "dir" | "pwd" | "df" | "mount" | "date" | "du")
}

/// Whether a pipe into this command makes no sense.
pub(super) fn is_deaf(command: &Command) -> bool {
    let name = command.name();
    if inner_reads(command) {
        return false;
    }
    let reads_file = name == "cat" && command.args().any(|arg| arg.starts_with('/'));
    let fetches =
        matches!(name, "curl" | "wget") && command.words.len() > 1 && !command.args().any(names_stdin);
    is_one_of(name, DEAF) || reads_file || fetches
}

/// `-d @-`, `-T -`, `-K-`, `-i /dev/stdin`.
fn names_stdin(arg: &str) -> bool {
    arg.ends_with('-') || arg.contains("/dev/stdin") || arg.contains("/dev/fd/")
}

/// Whether a command is done before anybody could want it in the background.
pub(super) fn ends_at_once(command: &Command) -> bool {
    matches!(
        command.name(),
        "echo" | "printf" | "ls" | "cat" | "pwd" | "head" | "stat" | "file" | "wc" | "md5sum"
    )
}

/// Whether a command may well follow one that names a machine: it works on what was printed, or says how it went.
pub(super) fn follows_well(command: &Command) -> bool {
    is_one_of(command.name(), FOLLOWERS) || command.words.is_empty()
}
