// Starts sallyport-host.ts as `sallyport host` is started: the garbage collector is tuned before other code is loaded.

import { tuneCollector } from "../../../agent/cli/collector.ts";

tuneCollector("few");
void import("./sallyport-host.ts");
