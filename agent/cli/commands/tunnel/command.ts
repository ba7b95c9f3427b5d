// `sallyport tunnel`: carries SSH over a WebSocket to a workspace, as ssh's ProxyCommand on stdin and stdout, or on a local
// port. It starts once for each ssh connection, so it loads little and does nothing that can wait. ssh is what starts it
// (extension/connect/hand-off.ts is the other side of this border).

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import type { StreamState } from "../../../../protocol/resume/initiator.ts";
import { type GatewayUrl, SUBPROTOCOL } from "../../../../protocol/values/gateway-url.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../../../protocol/values/name.ts";
import { dialFirst, type TunnelTarget } from "../../../client/tunnel/tunnel.ts";
import { createLog } from "../../../platform/log.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { definition } from "./definition.ts";

async function run(
  { options, operands: { gateway, workspace } }: Input<typeof definition>,
  context: CommandContext,
): Promise<number> {
  const log = createLog({
    level: options.verbose ? "debug" : "warn",
    write: (line) => context.stderr.write(line),
  });
  const target: TunnelTarget = {
    gateway,
    workspace,
    token: await credential(gateway, workspace, context),
    network: networkFrom(context.env),
  };
  log.debug(`ready to dial after ${millisecondsUp()} ms`);
  if (options.listen !== undefined) {
    const [{ listen }, { parseListenAddress }] = await Promise.all([
      import("../../../client/tunnel/listen.ts"),
      import("../../../client/tunnel/listen-address.ts"),
    ]);
    return await listen(parseListenAddress(options.listen, process.platform), target, {
      json: options.json,
      context,
      log,
    });
  }
  const dialling = dialFirst(target, [SUBPROTOCOL.resume, SUBPROTOCOL.raw], context.signal);
  const [socket, { openStatusFile, resumable, resumableStdio, tunnelStdio }] = await Promise.all([
    dialling,
    nextTurn().then(() => import("../../../client/tunnel/carry.ts")),
  ]);
  await avoidStuckExit();
  log.debug(`connected after ${millisecondsUp()} ms, by ${socket.protocol}`);
  const status = openStatusFile(formatWorkspaceRef(workspace), context.env);
  if (socket.protocol !== SUBPROTOCOL.resume) return await tunnelStdio(socket, context, log, status);
  const onState = (state: StreamState, why: string): void => {
    log.debug(`${state}${why === "" ? "" : `: ${why}`}`);
    status.is(state);
  };
  const tunnel = resumable(socket, target, onState, context.signal);
  status.measureWith(() => tunnel.roundTripMs);
  return await resumableStdio(tunnel, context, status);
}

/** Until this process waits for the network. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Since this process started. `performance` would load all that measures. */
function millisecondsUp(): number {
  return Math.round(process.uptime() * 1000);
}

/**
 * The credential to show: an owner token from the environment opens its one workspace; otherwise the person's access
 * token. A workspace that was registered without an account is opened by its id alone.
 */
async function credential(
  gateway: GatewayUrl,
  workspace: WorkspaceRef,
  context: CommandContext,
): Promise<TunnelTarget["token"]> {
  const { ownerTokenFromEnvironment } = await import("../../../platform/credentials/environment.ts");
  const ownerToken = ownerTokenFromEnvironment(gateway, context.env);
  if (ownerToken !== undefined) return ownerToken;
  const [{ readAccessToken, requireAccessToken }, { isFresh }] = await Promise.all([
    import("../../../platform/credentials/store.ts"),
    import("../../../platform/credentials/credential.ts"),
  ]);
  const read = workspace.kind === "id" ? readAccessToken : requireAccessToken;
  let found = await read(gateway, context);
  if (found?.renewable === undefined) return found?.token;
  return async (refused) => {
    // The keychain is not asked while the token that came from it lasts.
    if (refused !== undefined || !isFresh(found?.renewable)) found = await read(gateway, context, refused);
    return found?.token;
  };
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

export { definition };
export const command = executable(definition, run);
