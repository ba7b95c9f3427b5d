// Starts sallyport-host.ts as `sallyport host` is started: the garbage collector is tuned before other code is loaded.

import { keepYoungGenerationSmall } from "../../../agent/young-generation.ts";

keepYoungGenerationSmall();
void import("./sallyport-host.ts");
