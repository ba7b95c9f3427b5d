import { describe, expect, test } from "vitest";
import { explain } from "../../../../../agent/client/diagnose/advice.ts";
import type { StageId, StageReport, Verdict } from "../../../../../agent/client/diagnose/report.ts";
import { runStages, type Stage } from "../../../../../agent/client/diagnose/run-stages.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";

const gateway = parseGatewayUrl("https://gateway.example");
const ok = (): Promise<Verdict> => Promise.resolve({ status: "ok", detail: "fine" });
const stage = (id: StageId, needs: readonly StageId[], run: Stage["run"], deadlineMs = 1_000): Stage => ({
  id,
  deadlineMs,
  needs: () => needs,
  run,
});
const run = (stages: Stage[], signal = new AbortController().signal) =>
  runStages(stages, {
    signal,
    onStage: () => undefined,
    explain: (id, error) => explain(id, error, gateway),
    clean: (report) => report,
  });
const short = (reports: readonly StageReport[]) => reports.map(({ id, status }) => `${id} ${status}`);

describe("the stages", () => {
  test("run in the order of the report, and what throws has failed", async () => {
    const reports = await run([
      stage("tcp", ["dns"], () => Promise.reject(new Error("no"))),
      stage("dns", [], ok),
    ]);
    expect(short(reports)).toEqual(["dns ok", "tcp fail"]);
    expect(reports[1]).toMatchObject({ detail: "no", code: "failed" });
  });

  test("are left out behind the one that failed, which all of them name, and not behind one that does not apply", async () => {
    const skipped = (): Promise<Verdict> =>
      Promise.resolve({ status: "skipped", detail: "plain http", blockedBy: undefined });
    const reports = await run([
      stage("dns", [], () => Promise.reject(new Error("no such name"))),
      stage("tcp", ["dns"], ok),
      stage("discovery", ["tcp"], ok),
      stage("tls", [], skipped),
      stage("websocket", ["tls"], ok),
    ]);
    expect(short(reports)).toEqual([
      "dns fail",
      "tcp skipped",
      "tls skipped",
      "discovery skipped",
      "websocket ok",
    ]);
    expect(reports[3]).toMatchObject({ blockedBy: "dns", ms: 0 });
  });

  test("end at their deadline although they do not heed it", async () => {
    const never = () => new Promise<Verdict>(() => undefined);
    const reports = await run([stage("discovery", [], never, 20)]);
    expect(reports[0]).toMatchObject({
      status: "fail",
      code: "deadline",
      detail: "There was no answer within 0.02 s.",
    });
  });

  test("end all together when the diagnosis is cancelled", async () => {
    const aborter = new AbortController();
    const reason = new Error("enough");
    const waits = () => new Promise<Verdict>(() => aborter.abort(reason));
    await expect(run([stage("dns", [], waits), stage("tcp", [], ok)], aborter.signal)).rejects.toBe(reason);
  });
});
