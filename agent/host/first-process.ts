// The first process of a container (`CMD ["sallyport","host"]`) is the parent of all whose own have ended, and has to
// take note of their ends. Node does so for its own children alone, so that zombies would pile up until no process can be
// made. So this program puts a shell in its place and goes on as that one's child.

import { accessSync, constants } from "node:fs";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { Log } from "../platform/log.ts";

/**
 * Every POSIX shell reaps whatever ends while it waits. Signals are passed on, except for those that a terminal sends to
 * both; the exit status is the child's.
 */
const INIT = `
child= got=
for name in HUP INT QUIT TERM USR1 USR2; do
  case $name in
    HUP|INT|QUIT) [ -t 0 ] && { trap "got=$name" $name; continue; } ;;
  esac
  trap "got=$name; [ -z \\"\\$child\\" ] || kill -s $name \\"\\$child\\"" $name
done
exec 3<&0
"$@" <&3 3<&- &
child=$!
exec 3<&-
[ -z "$got" ] || kill -s "$got" "$child"
while :; do
  got=
  wait "$child"
  status=$?
  [ -n "$got" ] || exit "$status"
done
`;

/**
 * Does not return where this is the first process, unless it has to stay that (it says so then). `token`, if it came by
 * the command line, goes on in the environment, with the gateway that it is for: the shell would show it in the process
 * list for as long as it lives.
 */
export function leaveFirstPlace(token: string | undefined, gateway: GatewayUrl, log: Log): void {
  if (process.pid !== 1 || process.platform !== "linux") return;
  const args = token === undefined ? process.argv.slice(1) : withoutToken(process.argv.slice(1));
  const program = [process.execPath, ...process.execArgv, ...args];
  const environment =
    token === undefined
      ? process.env
      : { ...process.env, SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: gateway };
  try {
    // Images without a shell exist, and Node ends where execve(2) fails.
    accessSync("/bin/sh", constants.X_OK);
    // Node ignores these, and what is ignored stays so across exec; what is caught does not.
    for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) process.on(signal, () => {});
    // Node ≥ 22.15.
    if (process.execve !== undefined)
      process.execve("/bin/sh", ["sh", "-c", INIT, "sallyport", ...program], environment);
  } catch (error) {
    log.debug(`no shell takes the first place: ${error instanceof Error ? error.message : String(error)}`);
  }
  log.warn(
    "as the first process of a container this host leaves zombies behind: start the container with an init (docker run --init), or use an image with /bin/sh and Node 22.15 or newer",
  );
}

/** The option in both of its forms. */
function withoutToken(args: readonly string[]): string[] {
  return args.filter(
    (arg, index) => arg !== "--token" && !arg.startsWith("--token=") && args[index - 1] !== "--token",
  );
}
