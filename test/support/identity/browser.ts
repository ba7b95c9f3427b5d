// What a browser does with redirects, cookies and the headers that say where a request comes from, without one: for tests of
// sign-in that look at each step.

import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";

export interface Visit {
  /** Where it ended. */
  readonly url: URL;
  readonly status: number;
  /** Each step, with the answer's `Location` as it was sent. */
  readonly steps: readonly { readonly url: string; readonly location: string | null }[];
  readonly text: string;
}

const MAX_STEPS = 15;

export class StandInBrowser {
  /** By origin; unlike in a browser, ports count. */
  readonly cookies = new Map<string, Map<string, string>>();
  /** Stops before a URL is opened. */
  stopAt: (url: URL) => boolean = () => false;

  /** @param site what Sec-Fetch-Site says of the first step */
  async open(address: string, site = "none", headers: Readonly<Record<string, string>> = {}): Promise<Visit> {
    let url = new URL(address);
    let origin = url.origin;
    let from = site;
    const steps: { url: string; location: string | null }[] = [];
    for (let step = 0; step < MAX_STEPS; step++) {
      if (url.origin !== origin) from = "cross-site";
      origin = url.origin;
      if (this.stopAt(url)) return { url, status: 0, steps, text: "" };
      const response = await this.#send("GET", url, {
        accept: "text/html",
        "sec-fetch-site": from,
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        ...headers,
      });
      const location = response.headers.get("location");
      steps.push({ url: url.href, location });
      const text = await response.text();
      if (location === null || response.status < 300 || response.status > 399) {
        return { url, status: response.status, steps, text };
      }
      url = new URL(location, url);
    }
    throw new Error(`too many redirects, the last one to ${url.href}`);
  }

  /** Sends a form of the page, and follows nothing. */
  async submit(address: string, fields: Readonly<Record<string, string>>): Promise<number> {
    const headers = { "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" };
    const response = await this.#send("POST", new URL(address), headers, String(new URLSearchParams(fields)));
    await response.text();
    return response.status;
  }

  /** A page's own request to the API. */
  async api(method: string, url: string, body?: unknown) {
    const response = await this.#send(
      method,
      new URL(url),
      {
        "sec-fetch-site": "same-origin",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body === undefined ? undefined : JSON.stringify(body),
    );
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: a test's expectations are the schema
    const parsed: any = text === "" ? null : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: parsed };
  }

  cookie(origin: string, name: string): string | undefined {
    return this.cookies.get(origin)?.get(name);
  }

  async #send(
    method: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Response> {
    const jar = this.cookies.get(url.origin) ?? new Map<string, string>();
    this.cookies.set(url.origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await send(method, url, { ...headers, ...(cookie === "" ? {} : { cookie }) }, body);
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(";");
      const at = pair.indexOf("=");
      const name = pair.slice(0, at).trim();
      const gone = attributes.some((one) => /^\s*(max-age=0|expires=Thu, 01 Jan 1970)/i.test(one));
      if (gone) jar.delete(name);
      else jar.set(name, pair.slice(at + 1).trim());
    }
    return response;
  }
}

/** By Node's own client: `fetch` sets headers about where a request comes from itself. */
async function send(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<Response> {
  const sent = request(url, { method, headers: { ...headers, ...lengthOf(body) } });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const list = Object.entries(answer.headersDistinct).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  );
  const text = Buffer.concat(chunks).toString("utf8");
  return new Response(text === "" ? null : text, { status: answer.statusCode ?? 0, headers: list });
}

function lengthOf(body: string | undefined): Record<string, number> {
  return body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
}
