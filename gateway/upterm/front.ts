// upterm as the SSH port sees it: which connections belong to hosts, and which user names are session ids.

import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { UptermClient, UptermFront, UptermSession } from "../ssh/upterm-front.ts";
import { serveUptermHost, type UptermHostContext } from "./host-connection.ts";
import { type SessionId, sessionIdIn, sessionLabel } from "./session-id.ts";
import type { SessionElsewhere } from "./sessions.ts";

/** This identification string (RFC 4253 §4.2) tells a host from a client. */
export const HOST_IDENTIFICATION = "SSH-2.0-upterm-host-client";

export function createUptermFront(context: UptermHostContext): UptermFront {
  return {
    isHost: (identification) => identification === HOST_IDENTIFICATION,
    acceptHost: (host) => serveUptermHost(host, context),
    session(userName) {
      const id = sessionIdIn(userName);
      const session = id === undefined ? undefined : context.sessions.find(id);
      return id === undefined || session === undefined ? undefined : sessionFor(userName, id, session);
    },
  };

  function sessionFor(userName: string, id: SessionId, { link, allowed }: SessionElsewhere): UptermSession {
    return {
      label: sessionLabel(id),
      link,
      // Complete: the host compares the certificate's principal with the user name that it receives.
      userName,
      mayJoin: (blob) => allowed === "anyone" || allowed.has(blob.toString("base64")),
      joined: ({ address, publicKey }: UptermClient) => {
        const client = { session: sessionLabel(id), address, key: parsePublicKey(publicKey).fingerprint };
        context.log.info(client, "a client joined");
        return () => context.log.info(client, "a client left");
      },
    };
  }
}
