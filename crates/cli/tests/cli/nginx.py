# nginx as a server of HTTPS, what stands behind it, and those who ask it: `nginx.py FOLDER CERTIFICATE WHAT [NUMBER...]`.
# Says what was put and got as SHA-256 of each body.
import base64, hashlib, os, random, signal, socket, ssl, struct, subprocess, sys, threading, time

folder, certificate, what, *numbers = sys.argv[1:]
CONF = """
daemon off; master_process on; worker_processes 2; error_log %(folder)s/error.log; pid %(folder)s/pid;
%(user)s
events { worker_connections 1024; }
http {
    access_log off; client_max_body_size 64m; client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/f; uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s;
    gzip on; gzip_types application/json; gzip_min_length 1; types { application/json json; }
    server {
        listen 127.0.0.1:%(port)d ssl http2; ssl_certificate %(certificate)s; ssl_certificate_key %(certificate)s;
        root %(folder)s/files; location /put/ { dav_methods PUT; gzip off; }
        location /behind/ {
            proxy_pass http://127.0.0.1:%(behind)d; proxy_http_version 1.1; proxy_buffering off;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;
        }
    }
}
"""

def free():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]

def head(stream):
    lines = []
    while (line := stream.readline().strip()):
        lines.append(line)
    return lines

def frame(text, mask=b""):
    flag = 0x80 if mask else 0
    front = struct.pack("!BB", 0x81, flag | len(text)) if len(text) < 126 else struct.pack("!BBH", 0x81, flag | 126, len(text))
    return front + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(text)) if mask else front + text

def unframed(stream):
    _, length = stream.read(2)
    flag, length = length & 0x80, length & 0x7F
    if length == 126:
        length, = struct.unpack("!H", stream.read(2))
    mask = stream.read(4) if flag else bytes(4)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(stream.read(length)))

# What stands behind: a stream of events, or a WebSocket that answers in capitals.
def behind(listener):
    while True:
        side, _ = listener.accept()
        with side, side.makefile("rb") as stream:
            lines = head(stream)
            key = [line.split(b": ")[1] for line in lines if line.lower().startswith(b"sec-websocket-key")]
            if key:
                accept = base64.b64encode(hashlib.sha1(key[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                side.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                for _ in range(2):
                    side.sendall(frame(unframed(stream).upper()))
            else:
                side.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                for number in range(3):
                    side.sendall(b'event: tick\ndata: {"number": %d}\n\n' % number)
                    time.sleep(0.05)

context = ssl._create_unverified_context()
def connect():
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)))

def put_and_get(number, said):
    body = random.Random(number).randbytes(number)
    with connect() as side, side.makefile("rb") as stream:
        name = b"/put/%d" % number
        side.sendall(b"PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (name, len(body)))
        side.sendall(body)
        assert b" 201 " in head(stream)[0]
        side.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % name)
        assert b" 200 " in head(stream)[0]
        assert stream.read() == body
    said.append(f"{number} {hashlib.sha256(body).hexdigest()}")

def many():
    said = []
    threads = [threading.Thread(target=put_and_get, args=(int(number), said)) for number in numbers]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print("\n".join(said))

def kinds():
    with open(folder + "/files/some.json", "w") as file:
        file.write('{"some": "%s"}' % ("json " * 400))
    url = f"https://127.0.0.1:{port}/some.json"
    for version in ("--http1.1", "--http2"):
        subprocess.run(["curl", "-sk", version, "--compressed", url], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["curl", "-skN", "--http2", f"https://127.0.0.1:{port}/behind/events"], check=True, stdout=subprocess.DEVNULL)
    with connect() as side, side.makefile("rb") as stream:
        side.sendall(b"GET /behind/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
        assert b" 101 " in head(stream)[0]
        for text in (b'{"say": "hello"}', numbers[0].encode()):
            side.sendall(frame(text, b"\x11\x22\x33\x44"))
            assert unframed(stream) == text.upper()

# For clients of another's: until the input ends.
def serve():
    print(port, flush=True)
    sys.stdin.read()

port = free()
listener = socket.create_server(("127.0.0.1", 0))
os.makedirs(folder + "/files/put")
user = "user root;" if os.getuid() == 0 else ""
with open(folder + "/conf", "w") as conf:
    conf.write(CONF % dict(folder=folder, certificate=certificate, port=port, behind=listener.getsockname()[1], user=user))
threading.Thread(target=behind, args=(listener,), daemon=True).start()
nginx = subprocess.Popen(["nginx", "-p", folder, "-c", folder + "/conf", "-e", folder + "/error.log"])
for _ in range(600):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except OSError:
        time.sleep(0.05)
try:
    {"many": many, "kinds": kinds, "serve": serve}[what]()
finally:
    nginx.send_signal(signal.SIGQUIT)
    nginx.wait()
