// The OpenAPI 3.1 document: its frame. The routes' own schemas fill it.

import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { type TSchema, Type } from "typebox";
import { ErrorBody } from "../../protocol/api.ts";
import { VERSION } from "../../protocol/version.ts";

export function openApiOptions(): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Sallyport gateway",
        version: VERSION,
        description:
          "Accounts, access tokens, SSH keys and workspaces of a Sallyport gateway. Every error has a code and a message.",
        license: { name: "MIT", identifier: "MIT" },
      },
      tags: [
        { name: "accounts", description: "All accounts and the audit log, for administrators." },
        { name: "people", description: "Accounts with how people sign in to them, for administrators." },
        { name: "administration", description: "The gateway itself and all workspaces, for administrators." },
        {
          name: "sign-in",
          description: "How people sign in by a browser, and what they are signed in with.",
        },
        { name: "tokens", description: "Access tokens of your own account." },
        {
          name: "sign-in",
          description: "Browser sessions, signed-in devices, passkeys and one-use links.",
        },
        { name: "keys", description: "SSH public keys of your own account." },
        {
          name: "workspaces",
          description: "Workspaces, the accounts that they are shared with, and their changes.",
        },
        {
          name: "shares",
          description: "Workspaces that other accounts share with you: accept, decline, leave.",
        },
        { name: "owner-tokens", description: "Secrets that each open one workspace." },
        { name: "downloads", description: "Programs and installers, if the gateway offers them." },
        { name: "gateway", description: "The gateway itself and its health." },
      ],
      components: {
        securitySchemes: {
          accessToken: { type: "http", scheme: "bearer", description: "An access token (spt_…)." },
        },
      },
    },
  };
}

/** An answer that is not JSON. */
interface MediaTypes {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>;
}

/** The schema parts that every route of the API has. */
export function described<R extends Record<string, TSchema | MediaTypes>>(
  tag: string,
  operationId: string,
  summary: string,
  response: R,
) {
  return {
    tags: [tag],
    operationId,
    summary,
    security: [{ accessToken: [] }],
    response: { ...response, "4xx": ErrorBody, "5xx": ErrorBody },
  };
}

/** The empty answer to a request that succeeded. */
export const Nothing = Type.Null({ description: "Done." });
