// Before the integration tests: builds dist/, so that what they start is the code as it is now.

import { buildAll } from "../../scripts/build.ts";

export const setup = () => buildAll();
