import { describe, expect, test } from "vitest";
import {
  includeArgument,
  includeSpellings,
  sshConfigPaths,
} from "../../../../../agent/client/ssh-config/paths.ts";

const linux = { platform: "linux", home: "/home/ada", accountHome: "/home/ada" } as const;
const windows = { platform: "win32", home: "C:\\Users\\Ada L", accountHome: "c:\\users\\ada l" } as const;

describe("sshConfigPaths", () => {
  test("takes the file in the home directory where nothing else is set, and ssh finds it by itself", () => {
    for (const configured of [undefined, "", " ", "~/.ssh/config"]) {
      const paths = sshConfigPaths(linux, configured);
      expect(paths.person).toBe("/home/ada/.ssh/config");
      expect(paths.personIsDefault).toBe(true);
      expect(includeArgument(paths, "linux")).toBe("~/.ssh/sallyport/config");
      expect(includeSpellings(paths)).toContain("sallyport/config");
    }
  });

  test("includes by an absolute path from any other file, and where ssh would take ~ for another home", () => {
    const configured = sshConfigPaths(linux, "~/work/ssh_config");
    expect(configured.person).toBe("/home/ada/work/ssh_config");
    expect(includeArgument(configured, "linux")).toBe("/home/ada/.ssh/sallyport/config");
    expect(includeSpellings(configured)).not.toContain("sallyport/config");
    const elsewhere = sshConfigPaths({ ...linux, home: "/tmp/a home" });
    expect(includeArgument(elsewhere, "linux")).toBe('"/tmp/a home/.ssh/sallyport/config"');
  });

  test("quotes on Windows, with forward slashes", () => {
    const paths = sshConfigPaths(windows);
    expect(paths.personIsDefault).toBe(true);
    expect(paths.config).toBe("C:\\Users\\Ada L\\.ssh\\sallyport\\config");
    expect(includeArgument(paths, "win32")).toBe('"C:/Users/Ada L/.ssh/sallyport/config"');
    expect(includeSpellings(paths)).toContain("C:/Users/Ada L/.ssh/sallyport/config");
    expect(sshConfigPaths(windows, "~\\ssh.txt").person).toBe("C:\\Users\\Ada L\\ssh.txt");
  });
});
