// The description of one system package, as nfpm reads it: nfpm's YAML, written as JSON, which is YAML too.

import { join } from "node:path";
import { contents, type Entry, FILES } from "./contents.ts";
import { MAINTAINER, type PackageInput } from "./documents.ts";
import type { Format, SystemPackage } from "./formats.ts";

/** Node is built for glibc 2.28; the program for Alpine brings its own libstdc++ and libgcc. */
const DEPENDS: Readonly<Record<Format, readonly string[]>> = {
  deb: ["libc6 (>= 2.28)", "libgcc-s1 | libgcc1", "libstdc++6 (>= 8)"],
  rpm: ["glibc >= 2.28", "libgcc", "libstdc++"],
  apk: [],
};

/** `ssh` for the companion's commands; libsecret for tokens in the desktop's keychain. */
const RECOMMENDS: Partial<Record<Format, readonly string[]>> = {
  deb: ["openssh-client"],
  rpm: ["openssh-clients"],
};
const SUGGESTS: Partial<Record<Format, readonly string[]>> = { deb: ["libsecret-1-0"], rpm: ["libsecret"] };

const SCRIPTS: Readonly<Record<Format, Readonly<Record<string, string>>>> = {
  deb: { postinstall: "deb-postinst.sh", preremove: "deb-prerm.sh", postremove: "deb-postrm.sh" },
  rpm: {
    postinstall: "rpm-postinstall.sh",
    preremove: "rpm-preremove.sh",
    postremove: "rpm-postremove.sh",
  },
  apk: { preinstall: "apk-preinstall.sh", preremove: "apk-predeinstall.sh" },
};

/** Both Debian and Red Hat of the glibc above read gzip; newer compressions come later than that. */
const compression = (draft: boolean) => (draft ? "gzip:1" : "gzip");

export async function recipe(
  { format, architecture }: SystemPackage,
  { version, date, program, documents, draft }: PackageInput,
): Promise<string> {
  const scripts = Object.entries(SCRIPTS[format]).map(([event, name]) => [event, join(FILES, name)]);
  const entries: Entry[] = await contents(format, program, documents);
  return JSON.stringify({
    name: "sallyport",
    version,
    platform: "linux",
    // Alpine's versions always have one, and tools tell by it where the name ends.
    ...(format === "apk" ? { release: "r0" } : {}),
    section: "net",
    priority: "optional",
    maintainer: MAINTAINER,
    license: "MIT",
    description: DESCRIPTION,
    mtime: date.toISOString(),
    depends: DEPENDS[format],
    recommends: RECOMMENDS[format] ?? [],
    suggests: SUGGESTS[format] ?? [],
    // Set for each format: nfpm would translate a common name, and does not know all of them.
    arch: architecture,
    [format]: { arch: architecture, ...specific(format, draft) },
    scripts: Object.fromEntries(scripts),
    disable_globbing: true,
    umask: 0o22,
    contents: entries,
  });
}

const DESCRIPTION = `Into a remote workspace with your own SSH, on any network
Sallyport makes machines reachable that nobody can dial: they dial out
to a gateway of your own. This package has all of it: the companion for
your ssh, the host for a machine, and the gateway with a service that is
off until you start it.`;

function specific(format: Format, draft: boolean): Readonly<Record<string, string>> {
  switch (format) {
    case "deb":
      return { compression: compression(draft) };
    case "rpm":
      return {
        compression: compression(draft),
        summary: "Into a remote workspace with your own SSH, on any network",
        group: "Applications/Internet",
        buildhost: "localhost",
      };
    case "apk":
      return {};
  }
}
