import { describe, expect, test } from "vitest";
import { shellUser } from "../../../../../../agent/host/ssh/session/shell-user.ts";

const missing = () => {
  throw new Error("ENOENT: no such file or directory, uv_os_get_passwd");
};

describe("the user that the host runs as", () => {
  test("is taken from the user database", () => {
    const entry = () => ({ username: "ada", homedir: "/home/ada", shell: "/bin/zsh" });
    const environment = { HOME: "/elsewhere", USER: "eve", SHELL: "/bin/x" };
    expect(shellUser(undefined, environment, entry)).toEqual({
      name: "ada",
      home: "/home/ada",
      shell: "/bin/zsh",
    });
    expect(shellUser("/bin/sh", environment, entry).shell).toBe("/bin/sh");
  });

  test("is taken from the environment without an entry there, or else has defaults", () => {
    expect(shellUser(undefined, { HOME: "/work", USER: "dev", SHELL: "/bin/bash" }, missing)).toEqual({
      name: "dev",
      home: "/work",
      shell: "/bin/bash",
    });
    const uid = String(process.getuid?.() ?? 0);
    expect(shellUser(undefined, {}, missing)).toEqual({ name: uid, home: "/", shell: "/bin/sh" });
    expect(shellUser(undefined, { HOME: "here" }, missing).home).toBe("/");
  });

  test("has a shell where the database names none", () => {
    expect(shellUser(undefined, {}, () => ({ username: "a", homedir: "/", shell: "" })).shell).toBe(
      "/bin/sh",
    );
  });
});
