// The property list that launchd gets (launchd.plist(5)). Pure.

import { recordLines } from "../record.ts";
import { argumentsOf, SERVICE_NAME, type Service } from "../service.ts";

export function launchdPlist(service: Service): string {
  const { program, user, logFile } = service;
  // launchd sets it for agents only.
  const env = user === undefined ? service.env : { HOME: service.home, ...service.env };
  const entries: [string, string][] = [
    ["Label", string(SERVICE_NAME)],
    ["ProgramArguments", array([...program, ...argumentsOf(service)])],
    ...(user === undefined ? [] : ([["UserName", string(user)]] satisfies [string, string][])),
    ...(Object.keys(env).length === 0
      ? []
      : ([["EnvironmentVariables", dictionary(env)]] satisfies [string, string][])),
    ["RunAtLoad", "<true/>"],
    ["KeepAlive", "<true/>"],
    // Seconds between two starts.
    ["ThrottleInterval", "<integer>10</integer>"],
    // What people left running goes on when the host stops.
    ["AbandonProcessGroup", "<true/>"],
    // Sessions are a person's work: launchd must not slow them down as background tasks.
    ["ProcessType", string("Interactive")],
    ["ExitTimeOut", "<integer>20</integer>"],
    ...(logFile === undefined
      ? []
      : ([
          ["StandardOutPath", string(logFile)],
          ["StandardErrorPath", string(logFile)],
        ] satisfies [string, string][])),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!--
${recordLines(service).join("\n")}
-->
<plist version="1.0">
<dict>
${entries.map(([key, value]) => `  <key>${key}</key>\n  ${value}`).join("\n")}
</dict>
</plist>
`;
}

function string(text: string): string {
  return `<string>${escaped(text)}</string>`;
}

function array(words: readonly string[]): string {
  return ["<array>", ...words.map((word) => `    ${string(word)}`), "  </array>"].join("\n");
}

function dictionary(entries: Readonly<Record<string, string>>): string {
  const lines = Object.entries(entries).map(
    ([key, value]) => `    <key>${escaped(key)}</key>\n    ${string(value)}`,
  );
  return ["<dict>", ...lines, "  </dict>"].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
