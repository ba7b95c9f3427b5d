// An SSH server that shares no code with Sallyport: accepts user certificates of one authority, as hosts of such gateways
// do, and echoes what a command is sent. Prints JSON lines: first its port, then each sign-in and each unknown request.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

var lines sync.Mutex

func say(value any) {
	lines.Lock()
	defer lines.Unlock()
	must(json.NewEncoder(os.Stdout).Encode(value))
}

func main() {
	hostKeyFile := flag.String("host-key", "", "private key file")
	authorityFile := flag.String("authority", "", "public key file of the certificates' authority")
	kex := flag.String("kex", "mlkem768x25519-sha256", "the only key exchange")
	rekey := flag.Uint64("rekey", 0, "bytes between key exchanges")
	flag.Parse()

	key, err := os.ReadFile(*hostKeyFile)
	must(err)
	signer, err := ssh.ParsePrivateKey(key)
	must(err)
	line, err := os.ReadFile(*authorityFile)
	must(err)
	authority, _, _, _, err := ssh.ParseAuthorizedKey(line)
	must(err)

	checker := &ssh.CertChecker{
		IsUserAuthority: func(auth ssh.PublicKey) bool {
			return bytes.Equal(auth.Marshal(), authority.Marshal())
		},
		SupportedCriticalOptions: []string{},
	}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			permissions, err := checker.Authenticate(conn, key)
			if err != nil {
				say(map[string]any{"event": "refused", "why": err.Error()})
			}
			return permissions, err
		},
	}
	config.KeyExchanges = []string{*kex}
	config.RekeyThreshold = *rekey
	config.AddHostKey(signer)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	say(map[string]any{"event": "ready", "port": listener.Addr().(*net.TCPAddr).Port})
	for {
		conn, err := listener.Accept()
		must(err)
		go serve(conn, config)
	}
}

func serve(conn net.Conn, config *ssh.ServerConfig) {
	connection, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		say(map[string]any{"event": "failed", "why": err.Error()})
		return
	}
	event := map[string]any{
		"event":      "signed-in",
		"user":       connection.User(),
		"client":     string(connection.ClientVersion()),
		"extensions": connection.Permissions.Extensions,
	}
	if about, ok := connection.Conn.(ssh.AlgorithmsConnMetadata); ok {
		event["kex"] = about.Algorithms().KeyExchange
	}
	say(event)
	go func() {
		for request := range requests {
			say(map[string]any{"event": "request", "type": request.Type})
			if request.WantReply {
				must(request.Reply(request.Type == "yes@example.com", nil))
			}
		}
	}()
	for channel := range channels {
		if channel.ChannelType() != "session" {
			must(channel.Reject(ssh.UnknownChannelType, fmt.Sprintf("no %s here", channel.ChannelType())))
			continue
		}
		go echo(channel)
	}
	say(map[string]any{"event": "ended"})
}

func echo(request ssh.NewChannel) {
	channel, requests, err := request.Accept()
	must(err)
	for request := range requests {
		started := request.Type == "exec" || request.Type == "shell"
		if request.WantReply {
			must(request.Reply(started, nil))
		}
		if !started {
			continue
		}
		go func() {
			_, _ = io.Copy(channel, channel)
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{7}))
			_ = channel.Close()
		}()
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
