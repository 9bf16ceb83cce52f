//! `watch` on programs whose TLS is not followed - Deno's rustls without symbols, Java's own, a static mbedTLS: each is told as blind, with
//! whom it spoke to, and the server that it asks is not (root).

use crate::run::Dir;
use crate::tls::{certificate, coverage, streams, watch};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// A server of HTTPS that answers one request of the program that it starts, `URL` in whose arguments is its own.
const SERVE: &str = r#"
import http.server, ssl, subprocess, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "https://127.0.0.1:%d/" % server.server_address[1]
subprocess.run([word.replace("URL", url) for word in sys.argv[2:]], check=True, stdin=subprocess.DEVNULL)
"#;

const DENO: &str = r#"
const r = await fetch("URL", {method: "POST", body: "x".repeat(1000) + "y"});
console.log((await r.text()).slice(0, 2))
"#;

const JAVA: &str = r#"
import java.net.URL;
import java.security.cert.X509Certificate;
import javax.net.ssl.*;
public class Ask {
    public static void main(String[] args) throws Exception {
        X509TrustManager any = new X509TrustManager() {
            public void checkClientTrusted(X509Certificate[] chain, String type) {}
            public void checkServerTrusted(X509Certificate[] chain, String type) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        };
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] { any }, null);
        HttpsURLConnection connection = (HttpsURLConnection) new URL(args[0]).openConnection();
        connection.setSSLSocketFactory(context.getSocketFactory());
        connection.setHostnameVerifier((host, session) -> true);
        connection.setDoOutput(true);
        connection.getOutputStream().write(("x".repeat(1000) + "y").getBytes());
        System.out.println(new String(connection.getInputStream().readNBytes(2)));
    }
}
"#;

const MBEDTLS: &str = r#"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    char *port = strrchr(argv[1], ':') + 1;
    port[strcspn(port, "/")] = 0;
    mbedtls_net_context net;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_net_init(&net);
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0)
        || mbedtls_net_connect(&net, "127.0.0.1", port, MBEDTLS_NET_PROTO_TCP)
        || mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT))
        return 2;
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    if (mbedtls_ssl_setup(&ssl, &config)) return 3;
    mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
    char request[2048], answer[4096] = "";
    int sent = sprintf(request, "POST / HTTP/1.0\r\nContent-Length: 1001\r\n\r\n");
    memset(request + sent, 'x', 1000);
    request[sent + 1000] = 'y';
    if (mbedtls_ssl_write(&ssl, (unsigned char *)request, sent + 1001) != sent + 1001) return 4;
    int got = 0, more;
    while (got < 4000 && (more = mbedtls_ssl_read(&ssl, (unsigned char *)answer + got, 4000 - got)) > 0) got += more;
    char *body = strstr(answer, "\r\n\r\n");
    if (!body) return 5;
    printf("%.2s\n", body + 4);
    return 0;
}
"#;

/// The client, whose program's name has `name` in it, gets its answer and is blind; the server is attached, and heard it.
fn assert_blind(dir: &Dir, name: &str, client: &[&str]) {
    let Some(certificate) = certificate(dir) else { return };
    let command = [&["python3", "-c", SERVE, &certificate], client].concat();
    let Some((records, printed)) = watch(dir, &["--no-redact"], &command) else { return };
    assert_eq!(printed.trim(), "yx");
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!(tls.len(), 2, "{tls:?}");
    let state = |is_client: bool| {
        let is = |one: &&Value| one["exe"].as_str().is_some_and(|exe| exe.contains(name)) == is_client;
        tls.iter().find(is).unwrap_or_else(|| panic!("{tls:?}"))
    };
    assert_eq!((&state(false)["state"], &state(false)["library"]), (&"attached".into(), &"openssl".into()));
    assert_eq!((&state(true)["state"], &state(true)["library"]), (&"blind".into(), &"unknown".into()));
    let why = state(true)["why"].as_str().expect("text");
    assert!(why.contains("127.0.0.1") && why.contains("called no function"), "{why}");
    let body = format!("{}y", "x".repeat(1000));
    let heard =
        streams(&records).into_iter().find(|((_, way), _)| way == "recv").expect("what the server heard");
    assert!(String::from_utf8_lossy(&heard.1).ends_with(&body));
    assert_eq!(records.last().expect("the ledger")["closes"], Value::Bool(true));
}

fn runs(program: &str, option: &str) -> bool {
    Command::new(program).arg(option).output().is_ok_and(|output| output.status.success())
}

#[test]
fn deno_is_blind_and_who_serves_it_is_not() {
    let deno = std::env::var("KERNSCOPE_DENO").unwrap_or_else(|_| "deno".to_owned());
    if !runs(&deno, "--version") {
        return eprintln!("skipped: no deno (`pip install deno` brings one; KERNSCOPE_DENO names it)");
    }
    let dir = Dir::new("tls-deno");
    let options = ["eval", "--quiet", "--no-check", "--unsafely-ignore-certificate-errors", DENO];
    assert_blind(&dir, "deno", &[&[deno.as_str()][..], &options].concat());
}

#[test]
fn java_is_blind_and_who_serves_it_is_not() {
    if !runs("javac", "-version") {
        return eprintln!("skipped: no Java that compiles (Debian: default-jdk-headless)");
    }
    let dir = Dir::new("tls-java");
    let source = dir.text("Ask.java");
    std::fs::write(&source, JAVA).expect("write the program");
    assert_blind(&dir, "java", &["java", &source, "URL"]);
}

/// The client with a static mbedTLS, without symbols; `None`, said aloud, where it cannot be built.
fn mbedtls(dir: &Dir) -> Option<PathBuf> {
    let (source, program) = (dir.path("ask.c"), dir.path("mbedtls-ask"));
    std::fs::write(&source, MBEDTLS).expect("write the program");
    let mut cc = Command::new("cc");
    cc.arg("-s").arg("-o").arg(&program).arg(&source);
    cc.args(["-Wl,-Bstatic", "-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-Wl,-Bdynamic"]);
    match cc.output() {
        Ok(output) if output.status.success() => Some(program),
        Ok(output) if output.stderr.windows(9).any(|part| part == b"mbedtls/s" || part == b"mbedtls/c") => {
            eprintln!("skipped: no mbedTLS (Debian: libmbedtls-dev)");
            None
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("skipped: cc: {error}");
            None
        }
    }
}

#[test]
fn a_library_that_nobody_knows_is_blind_and_who_serves_it_is_not() {
    let dir = Dir::new("tls-mbedtls");
    let Some(program) = mbedtls(&dir) else { return };
    assert_blind(&dir, "mbedtls-ask", &[program.to_str().expect("UTF-8"), "URL"]);
}
