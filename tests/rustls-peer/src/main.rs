//! A TLS server and its clients in one program, with rustls: each client sends pieces of the sizes given, each answered by
//! itself reversed. Arguments: a file with certificate and key, the version of TLS (1.2 or 1.3), how many clients, sizes. Prints
//! for each client its number; what is sent follows from that.
//!
//! One end alone, for peers with other libraries: `serve FILE VERSION CLIENTS SIZES...`, which prints its port first, and
//! `ask PORT VERSION CLIENTS SIZES...`.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned, SupportedProtocolVersion, version,
};
use std::io::{IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args[0].as_str() {
        "serve" => {
            let talk = Talk::read(&args[2..])?;
            let listener = TcpListener::bind("127.0.0.1:0")?;
            println!("{}", listener.local_addr()?.port());
            talk.serve(&listener, &args[1])
        }
        "ask" => Talk::read(&args[2..])?.ask(SocketAddr::from(([127, 0, 0, 1], args[1].parse()?))),
        file => {
            let talk = Arc::new(Talk::read(&args[1..])?);
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            let (server, file) = (talk.clone(), file.to_owned());
            let serving = thread::spawn(move || server.serve(&listener, &file));
            talk.ask(address)?;
            serving.join().expect("no panic")
        }
    }
}

static TLS12: [&SupportedProtocolVersion; 1] = [&version::TLS12];
static TLS13: [&SupportedProtocolVersion; 1] = [&version::TLS13];

/// What is said: the version of TLS, how many clients, and the sizes of the pieces of each.
struct Talk {
    versions: &'static [&'static SupportedProtocolVersion],
    clients: usize,
    sizes: Vec<usize>,
}

impl Talk {
    fn read(args: &[String]) -> Result<Self, Failure> {
        let versions: &[_] = if args[0] == "1.2" { &TLS12 } else { &TLS13 };
        let sizes = args[2..].iter().map(|size| size.parse()).collect::<Result<_, _>>()?;
        Ok(Self { versions, clients: args[1].parse()?, sizes })
    }

    /// Answers each client in a thread of its own.
    fn serve(&self, listener: &TcpListener, file: &str) -> Result<(), Failure> {
        let chain = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(file)?;
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider).with_protocol_versions(self.versions)?;
        let server = Arc::new(server.with_no_client_auth().with_single_cert(chain, key)?);
        let each = (0..self.clients).map(|_| {
            let (socket, _) = listener.accept()?;
            let (server, sizes) = (server.clone(), self.sizes.clone());
            Ok(thread::spawn(move || answer(socket, server, &sizes)))
        });
        let each: Vec<_> = each.collect::<Result<_, std::io::Error>>()?;
        each.into_iter().try_for_each(|answering| answering.join().expect("no panic"))
    }

    /// Asks by each client in a thread of its own.
    fn ask(&self, address: SocketAddr) -> Result<(), Failure> {
        let provider = Arc::new(ring::default_provider());
        let any = Arc::new(Any(provider.signature_verification_algorithms));
        let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(self.versions)?;
        let client = Arc::new(client.dangerous().with_custom_certificate_verifier(any).with_no_client_auth());
        let each: Vec<_> = (0..self.clients)
            .map(|number| {
                let (client, sizes) = (client.clone(), self.sizes.clone());
                thread::spawn(move || ask(number, address, client, &sizes))
            })
            .collect();
        for (number, asking) in each.into_iter().enumerate() {
            asking.join().expect("no panic")?;
            println!("{number}");
        }
        Ok(())
    }
}

fn answer(socket: TcpStream, config: Arc<ServerConfig>, sizes: &[usize]) -> Result<(), Failure> {
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, socket);
    for size in sizes {
        let mut piece = vec![0; *size];
        stream.read_exact(&mut piece)?;
        piece.reverse();
        stream.write_all(&piece)?;
    }
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(())
}

/// What a client sends: the test makes the same.
fn piece(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (7 * at + at / 251 + size + 31 * number) as u8).collect()
}

fn ask(
    number: usize,
    address: SocketAddr,
    config: Arc<ClientConfig>,
    sizes: &[usize],
) -> Result<(), Failure> {
    let mut conn = ClientConnection::new(config, ServerName::try_from("localhost")?)?;
    let mut socket = TcpStream::connect(address)?;
    // Every third is moved between its handshake and its first data.
    if number % 3 == 2 {
        conn.complete_io(&mut socket)?;
    }
    let mut stream = Box::new(StreamOwned::new(conn, socket));
    for (index, size) in sizes.iter().enumerate() {
        let sent = piece(number, *size);
        match (number % 4, index) {
            // Before the handshake, which it waits for in the connection.
            (1, 0) => stream.conn.writer().write_all(&sent)?,
            (2, _) => in_parts(&mut stream, &sent)?,
            _ => stream.write_all(&sent)?,
        }
        stream.flush()?;
        let mut got = vec![0; *size];
        stream.read_exact(&mut got)?;
        got.reverse();
        assert_eq!(got, piece(number, *size));
    }
    Ok(())
}

/// Three slices at a time, of which one is empty.
fn in_parts(stream: &mut impl Write, mut data: &[u8]) -> std::io::Result<()> {
    while !data.is_empty() {
        let (one, rest) = data.split_at(data.len().min(5000));
        let (two, _) = rest.split_at(rest.len().min(17));
        let taken = stream.write_vectored(&[IoSlice::new(one), IoSlice::new(&[]), IoSlice::new(two)])?;
        data = &data[taken..];
    }
    Ok(())
}

/// Takes any certificate.
#[derive(Debug)]
struct Any(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
