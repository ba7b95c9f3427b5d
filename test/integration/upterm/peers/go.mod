module sallyport.test/upterm-peers

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	golang.org/x/crypto v0.58.0
	google.golang.org/protobuf v1.36.11
)

require golang.org/x/sys v0.49.0 // indirect
