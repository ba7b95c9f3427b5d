import { describe, expect, test } from "vitest";
import { parseSshSettings } from "../../../../../../agent/client/ssh-command/ask-ssh.ts";
import type { Setting } from "../../../../../../agent/client/ssh-config/host-block.ts";
import {
  compareSettings,
  countersNeeded,
} from "../../../../../../agent/client/ssh-config/person/verify-alias.ts";

const setting = (keyword: string, value: string): Setting => ({ keyword, value, form: "word" });
function compare(settings: readonly Setting[], output: string, home = "/home/ada") {
  return compareSettings({ alias: "web", settings }, parseSshSettings(output), home);
}

describe("compareSettings", () => {
  test("takes ssh's spelling for the same: case of host names, yes as true, ~, doubled percent signs, silence for none", () => {
    const settings = [
      setting("HostName", "WS_a"),
      setting("UpdateHostKeys", "no"),
      setting("StrictHostKeyChecking", "yes"),
      setting("IdentityFile", "~/.ssh/100%%"),
      setting("ControlPath", "none"),
    ];
    const output =
      "hostname ws_a\r\nupdatehostkeys false\nstricthostkeychecking true\nidentityfile /home/ada/.ssh/100%\n";
    expect(compare(settings, output)).toEqual([]);
  });

  test("finds a value of somebody else, and one that is missing", () => {
    expect(compare([setting("Port", "22"), setting("HostKeyAlias", "web")], "port 2022\n")).toEqual([
      { alias: "web", setting: "port", wanted: "22", got: "2022" },
      { alias: "web", setting: "hostkeyalias", wanted: "web", got: "" },
    ]);
    expect(compare([setting("ControlPath", "none")], "controlpath /tmp/x\n")).toHaveLength(1);
  });

  test("lets keys follow ours but not come before them", () => {
    const settings = [setting("IdentityFile", "/a"), setting("IdentityFile", "/b")];
    expect(compare(settings, "identityfile /a\nidentityfile /b\nidentityfile /theirs\n")).toEqual([]);
    expect(compare(settings, "identityfile /theirs\nidentityfile /a\nidentityfile /b\n")).toHaveLength(1);
  });

  test("finds a ProxyJump beside a ProxyCommand, and the other way round", () => {
    const command: Setting = { keyword: "ProxyCommand", value: "x %%h", form: "command" };
    expect(compare([command], "proxycommand x %%h\n")).toEqual([]);
    expect(compare([command], "proxycommand x %h\n")).toHaveLength(1);
    expect(compare([command], "proxyjump bastion\n")).toEqual([
      { alias: "web", setting: "proxycommand", wanted: "x %%h", got: "" },
      { alias: "web", setting: "proxyjump", wanted: "", got: "bastion" },
    ]);
    expect(compare([setting("ProxyJump", "gw")], "proxyjump gw\n")).toEqual([]);
  });

  test("compares paths of Windows whichever way their slashes lean at home", () => {
    const settings = [setting("IdentityFile", "C:/Users/Ada/.ssh/id")];
    expect(compare(settings, "identityfile ~/.ssh/id\n", "C:\\Users\\Ada")).toEqual([]);
  });
});

test.skipIf(process.platform === "win32")("an ssh that cannot be run is not called missing", async () => {
  const ask = (program: string) => countersNeeded(() => [], { program, env: {} });
  await expect(ask("/nonexistent/ssh")).rejects.toMatchObject({
    code: "ENOENT",
    message: expect.stringMatching(/^There is no/),
  });
  await expect(ask(import.meta.filename)).rejects.toMatchObject({
    code: "EACCES",
    message: `${import.meta.filename} cannot be run (EACCES).`,
  });
});
