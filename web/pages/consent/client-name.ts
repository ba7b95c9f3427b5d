// The programs that sign in at a gateway, by their names for people.

import { t } from "../../words.ts";

export function clientName(client: string): string {
  switch (client) {
    case "sallyport-cli":
      return t("The command line sallyport");
    case "sallyport-vscode":
      return t("The Sallyport extension of an editor");
    default:
      return client;
  }
}
