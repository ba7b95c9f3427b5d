import { describe, expect, test } from "vitest";
import { withOwnHome } from "../../../../../../agent/host/ssh/session/ansible-home.ts";

const nobody = () => false;

describe("the home of the name that a client signs in with", () => {
  test.each(["/bin/sh", "/bin/bash", "/usr/local/bin/zsh"])(
    "is the user's own, when Ansible asks %s for it",
    (shell) => {
      expect(withOwnHome(`${shell} -c 'echo ~devbox && sleep 0'`, "devbox", nobody)).toBe(
        `${shell} -c 'echo ~ && sleep 0'`,
      );
      expect(withOwnHome(`${shell} -c 'echo ~dev.ada && sleep 0'`, "dev.ada", nobody)).toBe(
        `${shell} -c 'echo ~ && sleep 0'`,
      );
    },
  );

  test("is that of the machine's user of this name, if there is one", () => {
    const asked = "/bin/sh -c 'echo ~root && sleep 0'";
    expect(withOwnHome(asked, "root", (name) => name === "root")).toBe(asked);
  });

  test.each([
    "/bin/sh -c 'echo ~other && sleep 0'",
    "/bin/sh -c 'echo ~devbox'",
    "echo ~devbox",
    "echo ~devbox && sleep 0",
    "/bin/sh -c 'echo ~devbox && sleep 0'; rm x",
    "/bin/sh -c 'echo ~devbox && sleep 0'\n",
    "x; /bin/sh -c 'echo ~devbox && sleep 0'",
    "/bin/sh -c 'echo ~ && sleep 0'",
  ])("leaves every other command as it is: %j", (command) => {
    expect(withOwnHome(command, "devbox", nobody)).toBe(command);
  });
});
