package main

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/coder/websocket"
)

// dial opens the byte stream that the SSH connection runs on: TCP for ssh://, a WebSocket for ws://.
func dial(server, user, password, version string) (net.Conn, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "ssh" {
		return net.Dial("tcp", u.Host)
	}
	u.User = nil
	credentials := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	header := http.Header{"Authorization": {"Basic " + credentials}}
	if version != "" {
		header.Set("Upterm-Client-Version", version)
	}
	ctx := context.Background()
	socket, response, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPHeader:      header,
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if response != nil {
			return nil, fmt.Errorf("status %d: %w", response.StatusCode, err)
		}
		return nil, err
	}
	socket.SetReadLimit(-1)
	return websocket.NetConn(ctx, socket, websocket.MessageBinary), nil
}

// proxy joins standard input and output to ws://USER[:NODE]@HOST, for ssh's ProxyCommand.
func proxy(args []string) error {
	flags := flag.NewFlagSet("proxy", flag.ExitOnError)
	_ = flags.Parse(args)
	u, err := url.Parse(flags.Arg(0))
	if err != nil {
		return err
	}
	password, _ := u.User.Password()
	conn, err := dial(u.String(), u.User.Username(), password, clientVersion)
	if err != nil {
		return err
	}
	done := make(chan error, 2)
	go func() {
		_, err := io.Copy(conn, os.Stdin)
		done <- err
	}()
	go func() {
		_, err := io.Copy(os.Stdout, conn)
		done <- err
	}()
	err = <-done
	_ = conn.Close()
	return err
}
