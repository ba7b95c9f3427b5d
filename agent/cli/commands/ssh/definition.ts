// Defines `sallyport ssh`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { FILE, text } from "../../../../protocol/command/value-types.ts";
import {
  GATEWAY_OPTION,
  NETWORK_OPTIONS,
  ONE_PROXY,
  TOKEN_VARIABLES,
  WORKSPACE_OPERAND,
} from "../../shared-options.ts";

export const definition = {
  name: "ssh",
  summary: "open a workspace with your own ssh",
  description: `Runs your own ssh into a workspace, over WebSocket, with the host key that the gateway publishes for it pinned. Options of ssh (-L, -R, -D, -N, -A, -t, -i, -p …) go where they go with ssh, and your own ssh configuration still applies. The exit status is ssh's.

For scp, sftp, rsync and editors, use \`sallyport config-ssh\`, take the options that --print shows, or put the tunnel into an SSH configuration:

  Host my-workspace
    ProxyCommand sallyport tunnel https://gateway.example my-workspace`,
  usage: "[options] WORKSPACE [ssh options] [[--] COMMAND…]",
  operands: {
    workspace: WORKSPACE_OPERAND,
    command: { type: text("COMMAND"), repeated: true, description: "what to run there instead of a shell" },
  },
  options: {
    print: { description: "print the ssh command instead of running it" },
    "host-key": {
      type: text("KEY"),
      description:
        "accept only this host key (`ssh-ed25519 AAAA…`, or the `SHA256:…` fingerprint of a published one); needed for an accountless workspace",
    },
    "known-hosts": {
      type: FILE,
      description: "the same from a file: lines of known_hosts for the workspace's id, or plain public keys",
    },
    gateway: GATEWAY_OPTION,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY],
  variables: { ...TOKEN_VARIABLES, SALLYPORT_SSH: "a different ssh program" },
  examples: ["sallyport ssh my-workspace", "sallyport ssh my-workspace -L 8080:localhost:80 -- make test"],
} as const satisfies CommandDefinition;
