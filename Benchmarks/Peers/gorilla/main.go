// A foreign server to compare with: Go's gorilla/websocket over net/http, as its examples have it.
//
//	gorilla PORT
//
// On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole; "/all" sends each to everybody who is connected there. Says
// "listening on 127.0.0.1:PORT" once it accepts. Messages of up to 64 MiB; everything else is the library's default: no compression,
// buffers of 4 KiB from net/http, a goroutine for each connection. At /all a second goroutine writes what waits for its connection, 1,024
// messages at most.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"
)

type message struct {
	kind int
	data []byte
}

var (
	upgrader  = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	lock      sync.RWMutex
	everybody = map[chan message]struct{}{}
)

func open(w http.ResponseWriter, r *http.Request) *websocket.Conn {
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil
	}
	socket.SetReadLimit(64 << 20)
	return socket
}

func echo(w http.ResponseWriter, r *http.Request) {
	socket := open(w, r)
	if socket == nil {
		return
	}
	defer socket.Close()
	for {
		kind, data, err := socket.ReadMessage()
		if err != nil || socket.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func all(w http.ResponseWriter, r *http.Request) {
	socket := open(w, r)
	if socket == nil {
		return
	}
	waiting := make(chan message, 1024)
	lock.Lock()
	everybody[waiting] = struct{}{}
	lock.Unlock()
	go func() {
		defer socket.Close()
		for m := range waiting {
			if socket.WriteMessage(m.kind, m.data) != nil {
				break
			}
		}
		for range waiting { // until it is closed
		}
	}()
	for {
		kind, data, err := socket.ReadMessage()
		if err != nil {
			break
		}
		lock.RLock()
		for one := range everybody {
			one <- message{kind, data}
		}
		lock.RUnlock()
	}
	lock.Lock()
	delete(everybody, waiting)
	lock.Unlock()
	close(waiting)
}

func main() {
	if len(os.Args) != 2 {
		usage()
	}
	if _, err := strconv.ParseUint(os.Args[1], 10, 16); err != nil {
		usage()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/", echo)
	http.HandleFunc("/all", all)
	fmt.Printf("listening on %s\n", listener.Addr())
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-ended
		os.Exit(0)
	}()
	http.Serve(listener, nil)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: gorilla PORT")
	os.Exit(2)
}
