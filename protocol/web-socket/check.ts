// How a page of the dashboard tests whether WebSockets reach the gateway: it opens one at the path of tunnels with this
// subprotocol, and the gateway closes it at once. It carries nothing.

export const CHECK_PATH = "/tunnel";
export const CHECK_SUBPROTOCOL = "sallyport.v1.check";
