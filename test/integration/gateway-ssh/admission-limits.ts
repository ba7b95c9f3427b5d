// Admission limits that no test reaches by accident, although all connections come from this machine's one
// address.

import type { AdmissionLimits } from "../../../gateway/ssh/entrance/admission.ts";

export const PATIENT: AdmissionLimits = {
  perAddress: 100,
  startups: { start: 100, rate: 30, full: 200 },
  stalledMs: 1_000,
  penalties: {
    costMs: { refused: 0, late: 0, left: 0, malformed: 0, scanned: 0 },
    thresholdMs: 1,
    maxMs: 1,
    addresses: 10,
  },
};
