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
          "Accounts, access tokens, SSH keys, workspaces and their sessions. Every error has a code and a message.",
        license: { name: "MIT", identifier: "MIT" },
      },
      tags: [
        { name: "accounts", description: "Who there is; for administrators." },
        { name: "tokens", description: "Access tokens of the own account." },
        { name: "keys", description: "SSH public keys of the own account." },
        { name: "workspaces", description: "Workspaces, whom they are shared with, and their sessions." },
        { name: "shares", description: "Workspaces of other accounts: accept, decline, leave." },
        { name: "owner-tokens", description: "Secrets that open one workspace." },
        { name: "gateway", description: "What the gateway is and whether it is well." },
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

/** What every route of the API says about itself. */
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

/** 204: done, and nothing to say. */
export const Nothing = Type.Null({ description: "Done." });
