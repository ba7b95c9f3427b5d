import { expect, test } from "vitest";
import { partFor } from "../../../../../gateway/http/downloads/conditional.ts";

const ETAG = '"abc"';
const WHOLE = { status: 200, start: 0, end: 99 };
const part = (headers: Parameters<typeof partFor>[0]) => partFor(headers, ETAG, 100);

test("without conditions, the whole file is sent", () => {
  expect(part({})).toEqual(WHOLE);
});

test.each([ETAG, `W/${ETAG}`, `"x", ${ETAG}`, "*", ` ${ETAG} `])(
  "If-None-Match %s says that the client has it",
  (tag) => {
    expect(part({ "if-none-match": tag })).toEqual({ status: 304 });
    // A condition that fails comes before the range (RFC 9110 §13.2.2).
    expect(part({ "if-none-match": tag, range: "bytes=0-1" })).toEqual({ status: 304 });
  },
);

test.each(['"x"', "abc", "", '"abc'])("If-None-Match %s does not", (tag) => {
  expect(part({ "if-none-match": tag })).toEqual(WHOLE);
});

test.each([
  ["bytes=0-0", 0, 0],
  ["bytes=10-19", 10, 19],
  ["bytes=90-", 90, 99],
  ["bytes=99-999999", 99, 99],
  ["bytes=-10", 90, 99],
  ["bytes=-1000", 0, 99],
  ["BYTES=5-6", 5, 6],
])("Range %s is bytes %i to %i", (range, start, end) => {
  expect(part({ range })).toEqual({ status: 206, start, end });
});

test.each(["bytes=100-", "bytes=100-200", "bytes=-0"])("Range %s has no byte of the file", (range) => {
  expect(part({ range })).toEqual({ status: 416 });
});

test.each([
  "bytes=5-4",
  "bytes=-",
  "bytes=0-1,5-6",
  "lines=0-1",
  "bytes=x-1",
  "bytes=1",
  "",
  `bytes=${"9".repeat(30)}-`,
])("Range %s is ignored", (range) => {
  expect(part({ range })).toEqual(WHOLE);
});

test("a range of a file that has changed since is the whole file", () => {
  expect(part({ range: "bytes=1-2", "if-range": ETAG })).toMatchObject({ status: 206 });
  expect(part({ range: "bytes=1-2", "if-range": '"old"' })).toEqual(WHOLE);
  expect(part({ range: "bytes=1-2", "if-range": `W/${ETAG}` })).toEqual(WHOLE);
  expect(part({ range: "bytes=1-2", "if-range": "Tue, 01 Dec 2026 10:00:00 GMT" })).toEqual(WHOLE);
});
