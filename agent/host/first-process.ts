// The first process of a container (`CMD ["sallyport","host"]`) becomes the parent of every orphaned process and has to
// reap it when it ends. Node reaps only its own children, so zombies would pile up until no process can be started.
// Therefore this program replaces itself with a shell, which starts it again as its child.

import { accessSync, constants } from "node:fs";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { ownProgram } from "../platform/executable.ts";
import type { Log } from "../platform/log.ts";

/**
 * A POSIX shell reaps every process that ends while it waits. This one passes signals on to its child, except for those
 * that a terminal sends to both, and exits with the child's status.
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
 * Replaces this program with the shell, and does not return, if it is the first process. Where that is impossible, it logs
 * a warning and returns. `token`: one that came by the command line. It is passed on in the environment, together with
 * the gateway that it is for, since the shell would show its arguments in the process list for as long as it runs.
 */
export function replaceFirstProcess(token: string | undefined, gateway: GatewayUrl, log: Log): void {
  if (process.pid !== 1 || process.platform !== "linux") return;
  const args = token === undefined ? process.argv.slice(2) : withoutToken(process.argv.slice(2));
  const [start, ...script] = ownProgram();
  const program = [start, ...process.execArgv, ...script, ...args];
  const environment =
    token === undefined
      ? process.env
      : { ...process.env, SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: gateway };
  try {
    // Checked first: some images have no shell, and Node ends if execve(2) fails.
    accessSync("/bin/sh", constants.X_OK);
    // Node ignores these, and ignored signals stay ignored across exec; caught ones are reset.
    for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) process.on(signal, () => {});
    // Node ≥ 22.15.
    if (process.execve !== undefined)
      process.execve("/bin/sh", ["sh", "-c", INIT, "sallyport", ...program], environment);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.debug(`no shell can become the first process: ${why}`);
  }
  log.warn(
    "as the first process of a container this host leaves zombies behind: start the container with an init (docker run --init), or use an image with /bin/sh and Node 22.15 or newer",
  );
}

/** Leaves out the option in both of its forms. */
function withoutToken(args: readonly string[]): string[] {
  return args.filter(
    (arg, index) => arg !== "--token" && !arg.startsWith("--token=") && args[index - 1] !== "--token",
  );
}
