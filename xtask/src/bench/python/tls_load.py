"""CONNECTIONS TLS connections within one program, each end a thread: MIB mebibytes go from client to server in calls of 16 KiB,
together at most RATE MB/s (0: as fast as can be). Prints the seconds that took. `tls_load.py CERTIFICATE KEY CONNECTIONS MIB RATE`"""
import random, socket, ssl, sys, threading, time

cert, key, conns, mib, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
dice = random.Random(1)
words = ["".join(dice.choices("etaoinshrdlucmf", k=dice.randint(2, 9))) for _ in range(2000)]
text = " ".join(dice.choices(words, k=1 << 18)).encode()
calls = mib * 1024 // 16 // conns
server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_side.load_cert_chain(cert, key)
client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
listener = socket.create_server(("127.0.0.1", 0), backlog=conns)
ready, got = threading.Barrier(2 * conns + 1), [0] * conns


def serve(number):
    with server_side.wrap_socket(listener.accept()[0], server_side=True) as tls:
        ready.wait()
        buffer = bytearray(65536)
        while count := tls.recv_into(buffer):
            got[number] += count


def send(number):
    with client_side.wrap_socket(socket.create_connection(listener.getsockname())) as tls:
        ready.wait()
        begin = time.monotonic()
        for call in range(calls):
            if rate and (ahead := call * 16384 * conns / rate / 1e6 - (time.monotonic() - begin)) > 0:
                time.sleep(ahead)
            at = (call + number) * 16384 % (len(text) - 16384)
            tls.sendall(memoryview(text)[at : at + 16384])
        tls.shutdown(socket.SHUT_WR)
        while tls.recv(4096):
            pass


threads = [threading.Thread(target=serve, args=(n,)) for n in range(conns)] + [threading.Thread(target=send, args=(n,)) for n in range(conns)]
[thread.start() for thread in threads]
ready.wait()
begin = time.monotonic()
[thread.join() for thread in threads]
assert sum(got) == calls * conns * 16384, (sum(got), calls * conns * 16384)
print(time.monotonic() - begin)
