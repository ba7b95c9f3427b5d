import { describe, expect, it } from "vitest";
import { shellUser } from "../../../../../../agent/host/ssh/session/shell-user.ts";

const missing = () => {
  throw new Error("ENOENT: no such file or directory, uv_os_get_passwd");
};

describe("the person that the host runs as", () => {
  it("is that of the user database", () => {
    const entry = () => ({ username: "ada", homedir: "/home/ada", shell: "/bin/zsh" });
    const environment = { HOME: "/elsewhere", USER: "eve", SHELL: "/bin/x" };
    expect(shellUser(undefined, environment, entry)).toEqual({
      name: "ada",
      home: "/home/ada",
      shell: "/bin/zsh",
    });
    expect(shellUser("/bin/sh", environment, entry).shell).toBe("/bin/sh");
  });

  it("without an entry there is the environment's, or what every machine has", () => {
    expect(shellUser(undefined, { HOME: "/work", USER: "dev", SHELL: "/bin/bash" }, missing)).toEqual({
      name: "dev",
      home: "/work",
      shell: "/bin/bash",
    });
    const uid = String(process.getuid?.() ?? 0);
    expect(shellUser(undefined, {}, missing)).toEqual({ name: uid, home: "/", shell: "/bin/sh" });
    expect(shellUser(undefined, { HOME: "here" }, missing).home).toBe("/");
  });

  it("has a shell where the database names none", () => {
    expect(shellUser(undefined, {}, () => ({ username: "a", homedir: "/", shell: "" })).shell).toBe(
      "/bin/sh",
    );
  });
});
