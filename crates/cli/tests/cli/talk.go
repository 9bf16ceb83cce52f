// Command talk is a TLS server and its clients in one program: each client sends pieces of the sizes given, each answered by
// itself reversed. Arguments: how many clients, sizes. Prints what each client sent and got, as bytes and SHA-256.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand"
	"os"
	"strconv"
	"sync"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	conns := must(strconv.Atoi(os.Args[1]))
	var sizes []int
	for _, a := range os.Args[2:] {
		sizes = append(sizes, must(strconv.Atoi(a)))
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key))
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	l := must(tls.Listen("tcp", "127.0.0.1:0", cfg))
	go func() {
		for {
			c := must(l.Accept())
			go func() {
				for _, n := range sizes {
					b := make([]byte, n)
					must(io.ReadFull(c, b))
					for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
						b[i], b[j] = b[j], b[i]
					}
					must(c.Write(b))
				}
				c.Close()
			}()
		}
	}()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for k := 0; k < conns; k++ {
		k := k
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := must(tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true}))
			sent, got := sha256.New(), sha256.New()
			total := 0
			for _, n := range sizes {
				b := make([]byte, n)
				mrand.New(mrand.NewSource(int64(k*1000003 + n))).Read(b)
				must(c.Write(b))
				sent.Write(b)
				must(io.ReadFull(c, b))
				got.Write(b)
				total += n
			}
			io.Copy(io.Discard, c)
			c.Close()
			mu.Lock()
			fmt.Printf("%d %x %x\n", total, sent.Sum(nil), got.Sum(nil))
			mu.Unlock()
		}()
	}
	wg.Wait()
}
