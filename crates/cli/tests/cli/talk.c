// A client and a server of TLS in one program, which has the library built in. The client sends pieces of these sizes, each
// answered by itself reversed; a piece of n bytes has (7 * i + n) mod 256 at place i.
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void exactly(SSL *ssl, unsigned char *data, int len, int write) {
    for (int done = 0; done < len;) {
        size_t moved = 0;
        // Reads by one function, writes by the other sort.
        int n = write ? SSL_write(ssl, data + done, len - done) : SSL_read_ex(ssl, data + done, len - done, &moved);
        if (n <= 0) exit(3);
        done += write ? n : (int)moved;
    }
}

int main(int argc, char **argv) {
    int ends[2];
    if (argc < 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 2;
    int is_client = fork() != 0;
    close(ends[!is_client]);
    SSL_CTX *context = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());
    if (!is_client) {
        SSL_CTX_use_certificate_file(context, argv[1], SSL_FILETYPE_PEM);
        SSL_CTX_use_PrivateKey_file(context, argv[1], SSL_FILETYPE_PEM);
    }
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, ends[is_client]);
    if ((is_client ? SSL_connect(ssl) : SSL_accept(ssl)) != 1) return 4;
    for (int arg = 2; arg < argc; arg++) {
        int len = atoi(argv[arg]);
        unsigned char *data = malloc(len);
        for (int i = 0; i < len; i++) data[i] = (unsigned char)(7 * i + len);
        if (is_client) exactly(ssl, data, len, 1);
        exactly(ssl, data, len, 0);
        for (int i = 0; !is_client && i < len / 2; i++) {
            unsigned char byte = data[i];
            data[i] = data[len - 1 - i];
            data[len - 1 - i] = byte;
        }
        if (!is_client) exactly(ssl, data, len, 1);
        free(data);
    }
    int status = 0;
    if (is_client) wait(&status);
    return status != 0;
}
