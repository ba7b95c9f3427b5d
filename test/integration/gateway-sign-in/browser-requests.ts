// Requests as a page of the gateway makes them in one browser: with its cookies, which it keeps.

import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { freePort } from "../../support/loopback.ts";
import { type Answer, type TestGateway, testGateway } from "../../support/test-gateway.ts";

export interface Requests {
  readonly cookies: Map<string, string>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  remove(path: string): Promise<Answer>;
}

/** A gateway whose public URL is one that takes passkeys. */
export async function passkeyGateway(): Promise<TestGateway & { readonly origin: string }> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const publicUrl = parseGatewayUrl(origin);
  const gateway = await testGateway({ http: { host: "127.0.0.1", port }, publicUrl });
  return { ...gateway, origin };
}

/** A browser with no cookies yet. */
export function browserAt(gateway: TestGateway): Requests {
  const cookies = new Map<string, string>();
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await gateway.raw(method, `/api/v1${path}`, undefined, {
      headers: {
        "sec-fetch-site": "same-origin",
        ...(cookie === "" ? {} : { cookie }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (line.includes("Max-Age=0;")) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  return {
    cookies,
    post: (path, body, headers) => send("POST", path, body, headers),
    get: (path) => send("GET", path),
    remove: (path) => send("DELETE", path),
  };
}
