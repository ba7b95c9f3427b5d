// `sallyport tunnel`: carries SSH over a WebSocket to a workspace, as ssh's ProxyCommand on stdin and stdout, or on a
// local port. It starts once for each ssh connection, so it loads little and does nothing that can wait.

import { parseArgs } from "node:util";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import type { StreamState } from "../../../../protocol/resume/initiator.ts";
import { type GatewayUrl, parseGatewayUrl, SUBPROTOCOL } from "../../../../protocol/values/gateway-url.ts";
import {
  formatWorkspaceRef,
  parseWorkspaceRef,
  type WorkspaceRef,
} from "../../../../protocol/values/name.ts";
import { resumable } from "../../../client/tunnel/resumable.ts";
import { resumableStdio, tunnelStdio } from "../../../client/tunnel/stdio.ts";
import { dialFirst, type TunnelTarget } from "../../../client/tunnel/tunnel.ts";
import { createLog } from "../../../platform/log.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";

const help = `
Usage: sallyport tunnel [options] GATEWAY WORKSPACE

Connects stdin and stdout to a workspace's SSH server, through the gateway, over WebSocket (HTTPS). WORKSPACE is its
name, name.owner for one that is shared with you, or its id.

Signs in with SALLYPORT_TOKEN or the file that SALLYPORT_TOKEN_FILE names, where SALLYPORT_GATEWAY names this gateway, or with
what \`sallyport login\` left.

  --listen HOST:PORT     take connections on a local port instead (port 0: any; loopback only). Every user of this machine can
                         connect to it, as far as the workspace's SSH server lets them
  --listen PATH          the same on a Unix socket that is yours alone (0600); PATH has a slash in it: ./ws.sock
  --json                 with --listen: {"event":"ready","listen":"HOST:PORT"} (or a path) first on stdout, then for each connection
                         {"event":"state","connection":1,"state":"connected"|"reconnecting"|"lost"}
  -v, --verbose          say on stderr what happens when

Example (in an SSH config):
  Host devbox
    ProxyCommand sallyport tunnel https://gateway.example devbox
`;

export const command: Command = {
  help,
  async run(args, context) {
    const started = performance.now();
    const { values, positionals } = parse(args);
    const [gatewayText, workspaceText, more] = positionals;
    if (gatewayText === undefined || workspaceText === undefined || more !== undefined) {
      throw new UsageError("a tunnel needs two arguments: GATEWAY and WORKSPACE");
    }
    const log = createLog({
      level: values.verbose === true ? "debug" : "warn",
      write: (line) => context.stderr.write(line),
    });
    const gateway = parseGatewayUrl(gatewayText);
    const workspace = parseWorkspaceRef(workspaceText);
    const target: TunnelTarget = {
      gateway,
      workspace,
      token: await credential(gateway, workspace, context),
      network: networkFrom(context.env),
    };
    log.debug(`ready to dial after ${Math.round(performance.now() - started)} ms`);
    if (values.listen !== undefined) {
      const [{ listen }, { parseListenAddress }] = await Promise.all([
        import("../../../client/tunnel/listen.ts"),
        import("../../../client/tunnel/listen-address.ts"),
      ]);
      return await listen(parseListenAddress(values.listen, process.platform), target, {
        json: values.json === true,
        context,
        log,
      });
    }
    const socket = await dialFirst(target, [SUBPROTOCOL.resume, SUBPROTOCOL.raw], context.signal);
    await avoidStuckExit();
    log.debug(`connected after ${Math.round(performance.now() - started)} ms, by ${socket.protocol}`);
    const { openStatusFile } = await import("../../../client/tunnel/status-file.ts");
    const status = openStatusFile(formatWorkspaceRef(workspace), context.env);
    if (socket.protocol !== SUBPROTOCOL.resume) return await tunnelStdio(socket, context, log, status);
    const onState = (state: StreamState, why: string): void => {
      log.debug(`${state}${why === "" ? "" : `: ${why}`}`);
      status.is(state);
    };
    const tunnel = resumable(socket, target, onState, context.signal);
    status.measureWith(() => tunnel.roundTripMs);
    return await resumableStdio(tunnel, context, status);
  },
};

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        listen: { type: "string" },
        json: { type: "boolean" },
        verbose: { type: "boolean", short: "v" },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/**
 * The credential to show: an owner token from the environment opens its one workspace; otherwise the person's access
 * token. A workspace that was registered without an account is opened by its id alone.
 */
async function credential(
  gateway: GatewayUrl,
  workspace: WorkspaceRef,
  context: CommandContext,
): Promise<string | undefined> {
  const { ownerTokenFromEnvironment } = await import("../../../platform/credentials/environment.ts");
  const ownerToken = ownerTokenFromEnvironment(gateway, context.env);
  if (ownerToken !== undefined) return ownerToken;
  const { readAccessToken, requireAccessToken } = await import("../../../platform/credentials/store.ts");
  if (workspace.kind === "id") return (await readAccessToken(gateway, context))?.token;
  return (await requireAccessToken(gateway, context)).token;
}

/**
 * Node 24 can wait for ever at its end for a compiler thread that in turn waits for the main thread's garbage collector
 * (nodejs/node#54918). The companion does without that compiler, which a loop that moves buffers does not miss. Done
 * once connected, so that it costs no time before.
 */
async function avoidStuckExit(): Promise<void> {
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--no-maglev");
}
