// The drivers in Go: gorilla/websocket and nhooyr.io/websocket. Neither has a parser that can be called by itself: each has its whole
// connection, over a net.Conn of ours that gives one arrival after the other. What they print is told in c/drive.h.
//
//	drive gorilla|nhooyr VERSION CORPUS WIRE...
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	nhooyr "nhooyr.io/websocket"
)

const (
	warmUp  = time.Second
	sample  = 60 * time.Millisecond
	samples = 8
)

// connection is the net.Conn that a parser reads from.
type connection struct {
	wire     []byte
	arrivals []byte
	left     int
	keeps    bool
	sent     bytes.Buffer
	closed   bool
	counted  int
}

func (c *connection) Read(to []byte) (int, error) {
	if c.left == 0 {
		if len(c.arrivals) == 0 {
			return 0, io.EOF
		}
		c.left = int(binary.LittleEndian.Uint32(c.arrivals))
		c.arrivals = c.arrivals[4:]
	}
	n := copy(to[:min(len(to), c.left)], c.wire)
	c.wire = c.wire[n:]
	c.left -= n
	return n, nil
}

func (c *connection) Write(from []byte) (int, error) {
	c.counted += len(from)
	if c.keeps {
		c.closed = c.closed || from[0] == 0x88
		c.sent.Write(from)
	}
	return len(from), nil
}

func (c *connection) Close() error                     { c.closed = true; return nil }
func (c *connection) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *connection) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *connection) SetDeadline(time.Time) error      { return nil }
func (c *connection) SetReadDeadline(time.Time) error  { return nil }
func (c *connection) SetWriteDeadline(time.Time) error { return nil }

// answer is the http.ResponseWriter of an upgrade that gives the connection away.
type answer struct {
	to     *connection
	header http.Header
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(int)             {}
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return a.to, bufio.NewReadWriter(bufio.NewReader(a.to), bufio.NewWriter(a.to)), nil
}

type reader func() (kind int, message []byte, err error)

func request() *http.Request {
	r, _ := http.NewRequest("GET", "http://localhost/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	return r
}

func openGorilla(c *connection) reader {
	upgrader := websocket.Upgrader{}
	socket, err := upgrader.Upgrade(&answer{c, http.Header{}}, request(), nil)
	check(err)
	return socket.ReadMessage
}

func openNhooyr(c *connection) reader {
	socket, err := nhooyr.Accept(&answer{c, http.Header{}}, request(), &nhooyr.AcceptOptions{CompressionMode: nhooyr.CompressionDisabled})
	check(err)
	socket.SetReadLimit(64 << 20)
	background := context.Background()
	return func() (int, []byte, error) {
		kind, message, err := socket.Read(background)
		return int(kind), message, err
	}
}

type set struct {
	wire, arrivals, messages, pongs []byte
	count                           int
}

func load(corpus, name string) *set {
	read := func(ending string) []byte {
		b, err := os.ReadFile(filepath.Join(corpus, name+"."+ending))
		check(err)
		return b
	}
	s := &set{wire: read("wire"), arrivals: read("arrivals"), messages: read("messages"), pongs: read("pongs")}
	for at := 0; at < len(s.messages); s.count++ {
		at += 5 + int(binary.LittleEndian.Uint32(s.messages[at+1:]))
	}
	return s
}

// readAll reads the wire once, to its last message.
func readAll(c *connection, read reader, from *set, to *bytes.Buffer) error {
	c.wire, c.arrivals, c.left = from.wire, from.arrivals, 0
	for i := 0; i < from.count; i++ {
		kind, message, err := read()
		if err != nil {
			return err
		}
		c.counted += len(message)
		if to != nil {
			to.WriteByte(byte(kind))
			binary.Write(to, binary.LittleEndian, uint32(len(message)))
			to.Write(message)
		}
	}
	return nil
}

func mistake(open func(*connection) reader, from *set) string {
	c := &connection{}
	read := open(c)
	c.keeps = true
	for round := 0; round < 2; round++ {
		var messages bytes.Buffer
		c.sent.Reset()
		if err := readAll(c, read, from, &messages); err != nil {
			return "refused: " + err.Error()
		}
		if !bytes.Equal(messages.Bytes(), from.messages) {
			return "other messages"
		}
		if !bytes.Equal(c.sent.Bytes(), from.pongs) {
			return "other Pongs"
		}
	}
	return ""
}

// accepts: whether the connection goes on. What is behind the probe's end is no refusal.
func accepts(open func(*connection) reader, wire []byte) bool {
	c := &connection{}
	read := open(c)
	c.keeps = true
	length := make([]byte, 4)
	binary.LittleEndian.PutUint32(length, uint32(len(wire)))
	c.wire, c.arrivals, c.left = wire, length, 0
	_, _, err := read()
	if err == nil {
		return true
	}
	return !bytes.Contains(c.sent.Bytes(), []byte{0x88}) && (strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "1006"))
}

func measure(open func(*connection) reader, from *set, name string) {
	c := &connection{}
	read := open(c)
	begun, rounds := time.Now(), 0
	for ; time.Since(begun) < warmUp; rounds++ {
		check(readAll(c, read, from, nil))
	}
	each := int(float64(sample)*float64(rounds)/float64(time.Since(begun))) + 1
	sum, squares := 0.0, 0.0
	for i := 0; i < samples; i++ {
		begun = time.Now()
		for round := 0; round < each; round++ {
			check(readAll(c, read, from, nil))
		}
		ns := float64(time.Since(begun)) / float64(each)
		sum += ns
		squares += ns * ns
	}
	mean := sum / samples
	fmt.Printf("time\t%s\t%.1f\t%.1f\n", name, mean, math.Sqrt(math.Max(0, (squares-sum*mean)/(samples-1))))
}

func main() {
	open := map[string]func(*connection) reader{"gorilla": openGorilla, "nhooyr": openNhooyr}[os.Args[1]]
	corpus := os.Args[3]
	fmt.Printf("parser\t%s (Go)\t%s, %s\n", os.Args[1], os.Args[2], runtime.Version())
	names, _ := filepath.Glob(filepath.Join(corpus, "*.wire"))
	sort.Strings(names)
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".wire")
		if why := mistake(open, load(corpus, name)); why != "" {
			fmt.Printf("wrong\t%s\t%s\n", name, why)
			return
		}
	}
	fmt.Println("right")
	probes, _ := filepath.Glob(filepath.Join(corpus, "broken", "*.wire"))
	for _, path := range probes {
		wire, err := os.ReadFile(path)
		check(err)
		if accepts(open, wire) {
			fmt.Printf("accepts\t%s\n", strings.TrimSuffix(filepath.Base(path), ".wire"))
		}
	}
	for _, name := range os.Args[4:] {
		measure(open, load(corpus, name), name)
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
