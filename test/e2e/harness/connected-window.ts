// A window whose address is that of a workspace (`ssh-remote+<alias>`), as Remote-SSH opens it. In a browser VS Code
// uses the server's own address for every window and has no Remote-SSH. So the address is inserted while the page
// loads, and leads to the server itself. The extension under test is unchanged, and sees what it would see on a
// desktop.

import type { Page } from "playwright-core";
import { PATIENCE_MS } from "./workbench.ts";

/**
 * Makes the page a window on `alias` from its next load on. @throws Error in the page when this VS Code is a different
 * version
 */
export async function connectPage(page: Page, origin: string, alias: string): Promise<void> {
  await page.route(`${origin}/**/workbench.js`, async (route) => {
    const response = await route.fetch({ timeout: PATIENCE_MS });
    let body = await response.text();
    for (const { where, instead } of changes(`ssh-remote+${alias}`)) {
      if (body.match(where)?.length !== 1) throw new Error(`this VS Code has not one place like ${where}`);
      body = body.replace(where, instead);
    }
    await route.fulfill({ status: response.status(), contentType: "text/javascript", body });
  });
}

function changes(authority: string): { where: RegExp; instead: string }[] {
  return [
    {
      where: /(?<=\bremoteAuthority:)location\.host(?=\})/g,
      instead: JSON.stringify(authority),
    },
    // No resolver has to be asked where that is …
    {
      where: /(?<=\bget expectsResolverExtension\(\)\{return)(?=!!this\.options\.remoteAuthority\b)/g,
      instead: " false &&",
    },
    // … because it is here.
    {
      where: /(?<=\{host:\w+,port:\w+\}=\w+\()\w+(?=,\w+\),\w+=\{authority:\{authority:)/g,
      instead: "location.host",
    },
    // On a desktop the extension runs beside the window, where this is the folder's address; here it runs beside the
    // server, for which VS Code would make a path of it.
    {
      where: /(?<=,folders:\w+\.folders)(?=,id:\w+\.id,name:this\._labelService\.)/g,
      instead: ".map(({uri:{scheme,authority,path},name,index})=>({uri:{scheme,authority,path},name,index}))",
    },
  ];
}
