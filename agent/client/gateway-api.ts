// The gateway's HTTP API, as the agent calls it: one function per route, typed, with its answer checked on arrival.

import { type Static, type TSchema, Type } from "typebox";
import {
  AccessTokenInfo,
  AddedKey,
  type CreateAccessToken,
  CreatedAccessToken,
  CreatedOwnerToken,
  type DecideHostKey,
  Discovery,
  Key,
  Me,
  OwnerTokenInfo,
  PendingKey,
  Share,
  SharedWithMe,
  Workspace,
} from "../../protocol/api.ts";
import { type GatewayUrl, PATHS } from "../../protocol/values/gateway-url.ts";
import type { KeyId, TokenId, WorkspaceId } from "../../protocol/values/id.ts";
import { formatWorkspaceRef, type Name, type WorkspaceRef } from "../../protocol/values/name.ts";
import { CommandError } from "../platform/command-error.ts";
import { NotUnderstood } from "./gateway-answer.ts";
import { type GatewayApiOptions, openStream, request } from "./gateway-request.ts";

export type GatewayApi = ReturnType<typeof gatewayApi>;

/**
 * Every function throws CommandError; its code is the gateway's or the system's. Functions that revoke or remove something
 * return a sentence for the person, or undefined: it is in effect, but the gateway could not write it to its disk yet.
 */
export function gatewayApi(gateway: GatewayUrl, options: GatewayApiOptions = {}) {
  const call = <T extends TSchema>(method: string, path: string, schema: T, body?: unknown) =>
    request(gateway, options, { method, path: `${PATHS.api}${path}`, body }, schema);
  const remove = (path: string) =>
    request(gateway, options, { method: "DELETE", path: `${PATHS.api}${path}` }, undefined);
  const post = (path: string) =>
    request(gateway, options, { method: "POST", path: `${PATHS.api}${path}` }, undefined);
  const at = (workspace: WorkspaceRef) => `/workspaces/${encodeURIComponent(formatWorkspaceRef(workspace))}`;
  return {
    discovery: () => discover(gateway, options),
    me: () => call("GET", "/me", Me),
    workspaces: () => call("GET", "/workspaces", Type.Array(Workspace)),
    workspace: (ref: WorkspaceRef) => call("GET", at(ref), Workspace),
    renameWorkspace: (ref: WorkspaceRef, name: Name) => call("PATCH", at(ref), Workspace, { name }),
    /** Accepts or declines a host key that this workspace's host has changed to. */
    decideHostKey: (ref: WorkspaceRef, decided: DecideHostKey) =>
      call("POST", `${at(ref)}/host-key`, Workspace, decided),
    /** This also disconnects its host. */
    deleteWorkspace: (ref: WorkspaceRef) => remove(at(ref)),
    shares: (ref: WorkspaceRef) => call("GET", `${at(ref)}/shares`, Type.Array(Share)),
    share: (ref: WorkspaceRef, account: Name) => call("POST", `${at(ref)}/shares`, Share, { account }),
    /** What other accounts share with this account, and their offers. */
    sharedWithMe: () => call("GET", "/shares", Type.Array(SharedWithMe)),
    acceptShare: (id: WorkspaceId) => post(`/shares/${id}/accept`),
    /** Declines an offer, or leaves a workspace that was accepted. */
    leaveShare: (id: WorkspaceId) => remove(`/shares/${id}`),
    unshare: (ref: WorkspaceRef, account: Name) => remove(`${at(ref)}/shares/${account}`),
    keys: () => call("GET", "/keys", Type.Array(Key)),
    /** Names a key. It opens nothing until `proveKey` has succeeded. */
    addKey: (publicKey: string, title: string | undefined) =>
      call("POST", "/keys", AddedKey, { publicKey, ...(title === undefined ? {} : { title }) }),
    /** For older gateways, which lack the capability `key-proofs`. */
    addKeyUnproved: (publicKey: string, title: string | undefined) =>
      call("POST", "/keys", Key, { publicKey, ...(title === undefined ? {} : { title }) }),
    proveKey: (id: string, signature: string) => call("POST", `/keys/${id}/proof`, Key, { signature }),
    pendingKeys: () => call("GET", "/keys/pending", Type.Array(PendingKey)),
    removeKey: (id: KeyId) => remove(`/keys/${id}`),
    tokens: () => call("GET", "/tokens", Type.Array(AccessTokenInfo)),
    /** `expiresIn` in seconds; null: never. The new token expires no later than the one that asks for it. */
    createToken: (wanted: CreateAccessToken) => call("POST", "/tokens", CreatedAccessToken, wanted),
    revokeToken: (id: TokenId) => remove(`/tokens/${id}`),
    ownerTokens: (ref: WorkspaceRef) => call("GET", `${at(ref)}/owner-tokens`, Type.Array(OwnerTokenInfo)),
    createOwnerToken: (ref: WorkspaceRef, expiresIn: number | undefined) =>
      call(
        "POST",
        `${at(ref)}/owner-tokens`,
        CreatedOwnerToken,
        expiresIn === undefined ? {} : { expiresIn },
      ),
    revokeOwnerToken: (ref: WorkspaceRef, id: TokenId) => remove(`${at(ref)}/owner-tokens/${id}`),
    /** The event stream's body, open until `options.signal` aborts. */
    events: () => openStream(gateway, options, `${PATHS.api}/events`),
  };
}

async function discover(gateway: GatewayUrl, options: GatewayApiOptions): Promise<Static<typeof Discovery>> {
  const { token: _, ...anonymous } = options;
  try {
    return await request(gateway, anonymous, { method: "GET", path: PATHS.wellKnown }, Discovery);
  } catch (error) {
    if (!(error instanceof CommandError) || error.stage !== "http" || error.code !== "not_a_gateway")
      throw error;
    const { cause } = error;
    const detail =
      cause instanceof NotUnderstood ? `, or says what this version does not understand${cause.where}` : "";
    const message = `${gateway} is not a Sallyport gateway${detail}: check the URL.`;
    throw new CommandError("http", "not_a_gateway", message, { cause: error });
  }
}
