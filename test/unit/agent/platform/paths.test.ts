import { describe, expect, test } from "vitest";
import { cacheDirectory, configDirectory, thisMachine } from "../../../../agent/platform/paths.ts";

const linux = { platform: "linux", home: "/home/ada" } as const;
const windows = { platform: "win32", home: "C:\\Users\\ada" } as const;
const mac = { platform: "darwin", home: "/Users/ada" } as const;

describe("the configuration directory", () => {
  test("is below ~/.config on Linux, or where XDG_CONFIG_HOME says", () => {
    expect(configDirectory({ ...linux, env: {} })).toBe("/home/ada/.config/sallyport");
    expect(configDirectory({ ...linux, env: { XDG_CONFIG_HOME: "/etc/ada" } })).toBe("/etc/ada/sallyport");
  });

  test("does not follow a relative XDG_CONFIG_HOME", () => {
    expect(configDirectory({ ...linux, env: { XDG_CONFIG_HOME: "here" } })).toBe(
      "/home/ada/.config/sallyport",
    );
    expect(cacheDirectory({ ...linux, env: { XDG_CACHE_HOME: "" } })).toBe("/home/ada/.cache/sallyport");
  });

  test("is in APPDATA on Windows, also where the variable is missing", () => {
    expect(configDirectory({ ...windows, env: { APPDATA: "D:\\Roaming" } })).toBe("D:\\Roaming\\sallyport");
    expect(configDirectory({ ...windows, env: {} })).toBe("C:\\Users\\ada\\AppData\\Roaming\\sallyport");
    expect(cacheDirectory({ ...windows, env: {} })).toBe("C:\\Users\\ada\\AppData\\Local\\sallyport\\cache");
  });

  test("is in Application Support on macOS, whatever XDG says", () => {
    const env = { XDG_CONFIG_HOME: "/elsewhere" };
    expect(configDirectory({ ...mac, env })).toBe("/Users/ada/Library/Application Support/sallyport");
    expect(cacheDirectory({ ...mac, env })).toBe("/Users/ada/Library/Caches/sallyport");
  });

  test("is SALLYPORT_CONFIG on every platform", () => {
    expect(configDirectory({ ...linux, env: { SALLYPORT_CONFIG: "/x" } })).toBe("/x");
    expect(configDirectory({ ...windows, env: { SALLYPORT_CONFIG: "E:\\x" } })).toBe("E:\\x");
  });
});

test("the home directory comes from the environment before the system is asked", () => {
  expect(thisMachine({ HOME: "/tmp/h" }, () => "/system").home).toBe("/tmp/h");
  expect(thisMachine({}, () => "/system").home).toBe("/system");
});
