// What one process of a gateway tells all others.

import { type Static, Type } from "typebox";
import { DirectoryChange } from "../directory-change.ts";
import { OFFENCES, type Offence } from "../ssh/entrance/admission.ts";

const closed = { additionalProperties: false } as const;
const Address = Type.String({ maxLength: 100 });

export const News = Type.Union([
  Type.Object(
    {
      kind: Type.Literal("directory"),
      change: DirectoryChange,
      durability: Type.Union([Type.Literal("written"), Type.Literal("pending")]),
    },
    closed,
  ),
  /** At the SSH port. */
  Type.Object(
    {
      kind: Type.Literal("offence"),
      address: Address,
      offence: Type.Unsafe<Offence>({ type: "string", enum: [...OFFENCES] }),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal("sign-in-failed"), address: Address }, closed),
]);
export type News = Static<typeof News>;
