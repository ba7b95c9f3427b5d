package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// serveClient is the host's SSH server. Its commands are built in, so that a test says exactly what runs:
// "say TEXT", "fail N", "sum" (SHA-256 of the input), "cat", "fill N" (N bytes of output), "whoami".
func serveClient(stream net.Conn, config *ssh.ServerConfig) {
	conn, channels, requests, err := ssh.NewServerConn(stream, config)
	if err != nil {
		_ = stream.Close()
		return
	}
	event("joined", map[string]any{
		"user": conn.User(), "key": conn.Permissions.Extensions["key"],
		"client": conn.Permissions.Extensions["client"], "address": conn.Permissions.Extensions["address"],
	})
	go func() {
		for request := range requests {
			// Unknown to every server: that it arrives shows that requests pass.
			_ = request.Reply(request.Type == "test-request@sallyport", request.Payload)
		}
	}()
	for channel := range channels {
		switch channel.ChannelType() {
		case "session":
			go serveSession(conn, channel)
		case "direct-tcpip":
			go serveForward(channel)
		default:
			_ = channel.Reject(ssh.UnknownChannelType, "unknown to this host")
		}
	}
	event("left", map[string]any{"user": conn.User()})
}

func serveSession(conn *ssh.ServerConn, channel ssh.NewChannel) {
	session, requests, err := channel.Accept()
	if err != nil {
		return
	}
	for request := range requests {
		switch request.Type {
		case "exec":
			_ = request.Reply(true, nil)
			var exec struct{ Command string }
			_ = ssh.Unmarshal(request.Payload, &exec)
			go run(conn, session, exec.Command)
		case "env", "pty-req":
			_ = request.Reply(true, nil)
		default:
			_ = request.Reply(false, nil)
		}
	}
}

func run(conn *ssh.ServerConn, session ssh.Channel, command string) {
	verb, rest, _ := strings.Cut(command, " ")
	number := 0
	_, _ = fmt.Sscan(rest, &number)
	status := 0
	switch verb {
	case "say":
		_, _ = fmt.Fprintln(session, rest)
	case "fail":
		_, _ = fmt.Fprintln(session.Stderr(), "failing")
		status = number
	case "cat":
		_, _ = io.Copy(session, session)
	case "sum":
		hash := sha256.New()
		_, _ = io.Copy(hash, session)
		_, _ = fmt.Fprintf(session, "%x\n", hash.Sum(nil))
	case "fill":
		_, _ = io.Copy(session, io.LimitReader(zeros{}, int64(number)))
	case "whoami":
		_, _ = fmt.Fprintln(session, conn.Permissions.Extensions["key"])
	default:
		status = 127
	}
	_ = session.CloseWrite()
	_, _ = session.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
	_ = session.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func serveForward(channel ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	_ = ssh.Unmarshal(channel.ExtraData(), &to)
	target, err := net.Dial("tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		_ = channel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	stream, requests, err := channel.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	answered := make(chan struct{})
	go func() {
		_, _ = io.Copy(stream, target)
		_ = stream.CloseWrite()
		close(answered)
	}()
	_, _ = io.Copy(target, stream)
	<-answered
	_ = target.Close()
	_ = stream.Close()
}
